"""The training step of a round: snapshot to samples, the loop with its checkpoints, and the new version."""

from __future__ import annotations

import time
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from backend.archive.store import delete_object, put_object
from backend.learning.models import Round, RoundState, Start, Track
from backend.learning.replay import NEWEST_SHARE, fast_training_set
from backend.learning.selectors import draw_unread, snapshot_readings, unread_cases
from backend.learning.services import (
    advance_round,
    freeze_unread,
    note_on_round,
    tell_unread,
    train_from_scratch,
    write_history,
)
from backend.learning.vocabulary import ANY_LESION, Vocabulary
from backend.projects.models import FindingType
from backend.registry.models import ModelVersion
from backend.registry.selectors import next_version_number
from backend.registry.services import create_model_version
from workers.checkpoints import keep_checkpoint, resume_training
from workers.cnn.acquisition import ACQUISITIONS
from workers.cnn.candidates import Column
from workers.cnn.checkpoint import encode_snapshots, encode_weights
from workers.cnn.data import Samples
from workers.cnn.model import NetConfig, UNet, Weights, build_network, set_priors, shrink_and_perturb, transfer_weights
from workers.cnn.patches import Volumes
from workers.cnn.plan import Plan
from workers.cnn.self_training import SelfTraining, Unread, teacher_steps
from workers.cnn.train import FAST_RATE, SCRATCH_RATE, WARM_RATE, Recipe, Training
from workers.datasets import training_set, unread_images
from workers.networks import begin_training, code_version, training_environment, version_weights
from workers.planning import round_plan, settings_plan
from workers.pointing import carried_prompts, forget_prompt_checkpoint, measure_prompts, store_prompts, train_prompts
from workers.reporting import LOG_SECONDS, Reporter, left_out

FEW_LABELS: Final = 20
SNAPSHOTS: Final = 3
"""Weights that are kept from the end of a training where the acquisition function asks for them."""


class NothingToLearn(Exception):
    """No image of the snapshot can be used."""


def train_round(round_: Round, report: Reporter) -> None:
    """Train from the snapshot, or go on from the last checkpoint, and write down the new version."""
    vocabulary = Vocabulary.from_dict(round_.settings["vocabulary"])
    start = _start_network(round_, vocabulary, report)
    plan = settings_plan(round_.settings)  # Only now: it is made anew where there was nothing to start from.
    samples, omitted = _load_samples(round_, vocabulary, plan)
    for reason in omitted:
        report.log(reason)
    if omitted:
        note_on_round(round_=round_, sentence=left_out(len(omitted), "labelled"))
    if not len(samples):
        raise NothingToLearn("None of the labelled images can be used")
    _note_thin_labels(round_, samples, vocabulary)
    unread = _load_unread(round_, samples, plan, report)
    training = _new_training(round_, samples, unread, vocabulary, plan, start, report)
    resume_training(training, _checkpoint_key(round_), report)
    _run_training(training, round_, report)
    prompts = None if round_.settings["track"] == Track.FAST else train_prompts(round_, vocabulary, report)
    measured = measure_prompts(prompts, round_, vocabulary, report)
    report.check()
    prefix = f"models/{round_.project_id}/{next_version_number(round_.project)}"
    beside = {
        **_store_snapshots(training, prefix),
        **carried_prompts(round_),
        **store_prompts(prompts, prefix, measured),
    }
    _make_version(training, beside, round_, vocabulary, report)


def _load_samples(round_: Round, vocabulary: Vocabulary, plan: Plan) -> tuple[Samples | Volumes, list[str]]:
    """All labels of the snapshot; on the fast track the newest, and a replay of the others."""
    if round_.settings["track"] != Track.FAST:
        return training_set(snapshot_readings(round_), vocabulary=vocabulary, plan=plan)
    chosen = fast_training_set(round_, images=round_.settings["steps"] * plan.batch)
    readings = snapshot_readings(round_, only=chosen.readings)
    return training_set(readings, vocabulary=vocabulary, plan=plan, newest=chosen.newest)


def _load_unread(round_: Round, samples: Samples | Volumes, plan: Plan, report: Reporter) -> Unread | None:
    """What nobody has read, where the round learns from that, too; whether it does, and from which cases, is frozen with it.

    Only from scratch, of images that are taken whole, and where the labels have lesions enough to teach a teacher.
    """
    if "takes_unread" not in round_.settings:
        why_not = _why_not_unread(round_, samples, plan)
        drawn = draw_unread(round_) if why_not is None else []
        freeze_unread(round_=round_, cases=drawn)
        if why_not is None and not round_.settings["takes_unread"]:
            why_not = "no image of the POOL is unread"
        if why_not:
            note_on_round(round_=round_, sentence=f"Learned from the labels alone: {why_not}.")
    if not round_.settings["takes_unread"]:
        return None
    unread, omitted = unread_images(unread_cases(round_), plan=plan, on_case=report.check)
    for reason in omitted:
        report.log(reason)
    if not len(unread):
        return None
    tell_unread(round_=round_, images=len(unread), second_from=teacher_steps(round_.settings["steps"]))
    return unread


def _why_not_unread(round_: Round, samples: Samples | Volumes, plan: Plan) -> str | None:
    """None where the round learns from unread images, too; else why it does not, empty where nobody expects it to."""
    settings = round_.settings
    if not settings.get("learns_unread", False) or settings["start"] != Start.SCRATCH or settings["steps"] < 2:
        return ""
    if plan.patch or plan.neighbours > 1:
        return "unread images teach only where they are single and taken whole"
    if len(samples) < FEW_LABELS:
        return f"unread images teach from {FEW_LABELS} labels on"
    return None if samples.presence.any() else ""


def _note_thin_labels(round_: Round, samples: Samples | Volumes, vocabulary: Vocabulary) -> None:
    """Say on the round what these labels cannot teach."""
    absent = [pk for index, pk in enumerate(vocabulary.types) if not samples.presence[:, index].any()]
    if len(absent) == len(vocabulary.types):
        note_on_round(round_=round_, sentence="No lesion among the labels: only findings of the whole image are learned.")
    elif len(samples) < FEW_LABELS:
        images = "1 labelled image" if len(samples) == 1 else f"{len(samples)} labelled images"
        note_on_round(round_=round_, sentence=f"Only {images}: expect little of this version.")
    if 0 < len(absent) < len(vocabulary.types):
        names = list(FindingType.objects.filter(pk__in=absent).order_by("position").values_list("name", flat=True))
        note_on_round(round_=round_, sentence=f"No labelled image shows {', '.join(names)}: not learned yet.")
    outcome = samples.findings[:, vocabulary.outputs.index(ANY_LESION)]
    if len(samples) >= FEW_LABELS and (outcome == 1).any() and not (outcome == 0).any():
        note_on_round(round_=round_, sentence="No labelled image is free of lesions: expect false alarms on normal images.")


def _net_of(vocabulary: Vocabulary, plan: Plan) -> NetConfig:
    return plan.net(n_types=len(vocabulary.types), n_findings=len(vocabulary.outputs))


def _start_network(round_: Round, vocabulary: Vocabulary, report: Reporter) -> UNet | None:
    """The weights of the version that served when the round started (as they are, or shrunk); None for from scratch."""
    if round_.settings["start"] == Start.SCRATCH:
        return None
    net = _net_of(vocabulary, settings_plan(round_.settings))
    start = _warm_start(round_, net, vocabulary, report)
    if start is None:
        train_from_scratch(round_=round_, plan=round_plan(round_, from_scratch=True).as_dict())
    elif round_.settings["start"] == Start.SHRINK_PERTURB:
        shrink_and_perturb(start, seed=round_.settings["seed"])
    return start


def _new_training(
    round_: Round,
    samples: Samples | Volumes,
    unread: Unread | None,
    vocabulary: Vocabulary,
    plan: Plan,
    start: UNet | None,
    report: Reporter,
) -> Training | SelfTraining:
    """The training as the round's settings ask for it."""
    if start is not None and round_.settings["start"] == Start.SHRINK_PERTURB:
        set_priors(start, type_shares=samples.type_shares(), finding_shares=samples.finding_shares())
    recipe = Recipe(
        steps=round_.settings["steps"],
        seed=round_.settings["seed"],
        batch=plan.batch,
        rate=_rate(round_),
        newest_share=NEWEST_SHARE if round_.settings["track"] == Track.FAST else 0.0,
        flip=not round_.project.laterality_matters,
        precision=round_.settings["precision"],
        snapshots=SNAPSHOTS if Column.SNAPSHOTS in ACQUISITIONS[round_.settings["acquisition"]].needs else 0,
    )
    return begin_training(
        samples,
        net=_net_of(vocabulary, plan),
        recipe=recipe,
        start=start,
        unread=unread,
        processes=round_.settings.get("processes", 1),
        on_wait=report.check,
    )


def _rate(round_: Round) -> float:
    if round_.settings["track"] == Track.FAST:
        return FAST_RATE
    return WARM_RATE if round_.settings["start"] == Start.WARM else SCRATCH_RATE


def _warm_start(round_: Round, net: NetConfig, vocabulary: Vocabulary, report: Reporter) -> UNet | None:
    """The base version's network with heads for today's vocabulary; None, and a line in the log, if it cannot be had."""
    base: ModelVersion | None = round_.base_version
    if base is None:
        return None
    try:
        return warm_network(base, version_weights(base), net, vocabulary)
    except (ValueError, FileNotFoundError) as error:
        report.log(f"no warm start from version {base.number}: {error}")
        return None


def warm_network(base: ModelVersion, weights: Weights, net: NetConfig, vocabulary: Vocabulary) -> UNet:
    """A network with the weights of an earlier version and heads for this vocabulary; ValueError if it has another shape."""
    old, network = Vocabulary.from_dict(base.finding_type_ids), build_network(net, seed=base.seed, learned=False)
    transfer_weights(
        weights,
        network=network,
        old_types=old.types,
        new_types=vocabulary.types,
        old_findings=old.outputs,
        new_findings=vocabulary.outputs,
    )
    return network


def _run_training(training: Training | SelfTraining, round_: Round, report: Reporter) -> None:
    """The loop: once a second tell, every few seconds log, every ten seconds keep a checkpoint."""
    steps, began, first = training.recipe.steps, time.monotonic(), training.step
    before = float(report.lease.job.progress.get("elapsed", 0.0)) if first else 0.0
    points, since = [point for point in round_.history if point[0] <= first], []
    saved = logged = began
    for progress in training.run():
        since.append(progress.loss)
        now = time.monotonic()
        if not report.is_due() and progress.step < steps:
            continue
        loss = sum(since) / len(since)
        points.append([progress.step, round(loss, 5)])
        since = []
        pace = (now - began) / (progress.step - first)
        report.tell(
            "train",
            f"step {progress.step} of {steps}",
            step=progress.step,
            steps=steps,
            loss=round(loss, 5),
            images_per_second=round(training.processes * training.recipe.batch / pace, 2),
            seconds_left=round((steps - progress.step) * pace, 1),
            elapsed=round(before + now - began, 1),
        )
        write_history(round_=round_, points=points)
        if now - logged >= LOG_SECONDS or progress.step == steps:
            report.log(f"step {progress.step} loss {loss:.4f}")
            logged = now
        if now - saved >= settings.CHECKPOINT_SECONDS or progress.step == steps:
            step, size = keep_checkpoint(training, _checkpoint_key(round_))
            report.log(f"checkpoint at step {step}, {size / 1e6:.1f} MB")
            saved = now


def forget_checkpoint(round_: Round) -> None:
    """Drop the round's checkpoint: it has ended, or its version is made."""
    delete_object(_checkpoint_key(round_))
    forget_prompt_checkpoint(round_)


def _checkpoint_key(round_: Round) -> str:
    return f"checkpoints/{round_.pk}/latest"


def _store_snapshots(training: Training | SelfTraining, prefix: str) -> dict[str, dict[str, str]]:
    """Keep the weights from the end of the training beside the version's own, where there are any."""
    if not training.snapshots:
        return {}
    data, digest = encode_snapshots(training.snapshots)
    key = f"{prefix}-{digest}.snapshots.safetensors"
    put_object(key=key, data=data)
    return {"snapshots": {"key": key, "sha256": digest}}


def weights_file(training: Training | SelfTraining, vocabulary: Vocabulary, snapshot_hash: str) -> tuple[bytes, str]:
    """The version's weights as they are stored, and their SHA-256."""
    net = training.network.config
    return encode_weights(training.weights(), config=net, vocabulary=vocabulary.as_dict(), snapshot=snapshot_hash)


def _make_version(
    training: Training | SelfTraining,
    beside: dict[str, dict[str, Any]],
    round_: Round,
    vocabulary: Vocabulary,
    report: Reporter,
) -> None:
    """Write the version down; `beside`: what its `config` says of the networks that are kept beside its own."""
    snapshot, project = round_.snapshot, round_.project
    assert snapshot is not None
    net = training.network.config
    learned = len(training.unread) if isinstance(training, SelfTraining) else 0
    number = next_version_number(project)
    data, digest = weights_file(training, vocabulary, snapshot.hash)
    key = f"models/{project.pk}/{number}-{digest}.safetensors"
    report.check()
    put_object(key=key, data=data)
    with transaction.atomic():
        version = create_model_version(
            project=project,
            number=number,
            parent=round_.base_version if round_.settings["start"] != Start.SCRATCH else None,
            weights_key=key,
            weights_sha256=digest,
            config={
                "net": net.as_dict(),
                "recipe": training.recipe.as_dict(),
                "image_size": round_.settings["image_size"],
                "plan": settings_plan(round_.settings).as_dict(),
                "environment": training_environment(training.processes),
                **({"unread": learned} if learned else {}),
                **beside,
            },
            finding_type_ids=vocabulary.as_dict(),
            snapshot_hash=snapshot.hash,
            n_labels=snapshot.items.values("case").distinct().count(),
            seed=training.recipe.seed,
            code_version=code_version(),
            steps=training.step,
            core_seconds=round(training.core_seconds, 2),
        )
        advance_round(round_=round_, to=RoundState.EVALUATING, model_version=version)
        if learned:
            images = "1 unread image" if learned == 1 else f"{learned} unread images"
            sentence = f"Also learned from {images}, by what a first training was sure of in them."
            note_on_round(round_=round_, sentence=sentence)
    report.log(f"version {number}, weights {digest[:12]}")
