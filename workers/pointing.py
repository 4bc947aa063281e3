"""The part of a round in which a network learns to answer clicks, beside the automatic one; and that network, loaded."""

from __future__ import annotations

import hashlib
import random
import time
from collections import OrderedDict
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
from django.conf import settings

from backend.archive.store import delete_object, get_object, put_object
from backend.learning.case_statistics import mean_of
from backend.learning.models import Round, Track
from backend.learning.selectors import snapshot_readings, truth
from backend.learning.services import note_on_round
from backend.learning.vocabulary import Vocabulary
from backend.metrics.intervals import Estimate, estimate
from backend.projects.models import Split
from backend.readings.models import Reading
from backend.registry.models import ModelVersion
from workers.checkpoints import keep_checkpoint, resume_training
from workers.cnn.checkpoint import decode_weights, encode_weights, network_of
from workers.cnn.model import NetConfig, UNet
from workers.cnn.prompt_error import pointed_at
from workers.cnn.prompt_training import PromptSamples, PromptTraining, cut_lesion, gathered, prompt_steps
from workers.cnn.train import SCRATCH_RATE, Recipe, TrainingDiverged
from workers.datasets import outlined_lesions
from workers.planning import settings_plan
from workers.reporting import LOG_SECONDS, Reporter

LEAST_LESIONS: Final = 10
"""With fewer outlined lesions the tools that need no model are better."""
MOST_LESIONS: Final = 2000
"""Some 130 MB in memory; a network of this size learns no more from more of them."""
MEASURED: Final = 60
"""Lesions of VALIDATION that are pointed at: half a second each."""
OF_ONE_CASE: Final = 3
KEPT: Final = 2

Prompts = dict[str, Any]
"""What a version's `config` says of the network beside it: key and digest of the weights, shape, what it cost, and how well
it outlines (`measured`)."""


def train_prompts(round_: Round, vocabulary: Vocabulary, report: Reporter) -> PromptTraining | None:
    """Learn to answer clicks from the round's outlined lesions, or go on from the last checkpoint.

    None, and a sentence on the round, where there are too few lesions, or where the training diverged: the automatic
    network is none the worse for it.
    """
    samples = _samples(round_, snapshot_readings(round_), vocabulary)
    if len(samples) < LEAST_LESIONS:
        lesions = "1 outlined lesion" if len(samples) == 1 else f"{len(samples)} outlined lesions"
        note_on_round(round_=round_, sentence=f"Only {lesions}: this version does not answer clicks.")
        return None
    training = _new_training(round_, samples)
    resume_training(training, _checkpoint_key(round_), report, of="clicks ")
    try:
        _run(training, round_, report)
    except TrainingDiverged:
        note_on_round(round_=round_, sentence="To answer clicks could not be learned: the training diverged.")
        return None
    return training


def carried_prompts(round_: Round) -> dict[str, Prompts]:
    """On the fast track what answers clicks is the base version's: all lesions anew would cost the time that it saves."""
    base = round_.base_version
    if round_.settings["track"] != Track.FAST or base is None or "prompts" not in base.config:
        return {}
    return {"prompts": base.config["prompts"]}


def measure_prompts(
    training: PromptTraining | None, round_: Round, vocabulary: Vocabulary, report: Reporter
) -> list[dict[str, Any]]:
    """How well the trained network outlines lesions of VALIDATION, each number with its interval by patient bootstrap.

    `click_dice_1` and `click_dice_3`: mean Dice after one and three clicks; `stroke_dice`: after one stroke,
    `stroke_click_dice`: corrected by one click; `box_dice`: in a box whose edges are off by up to a tenth; `box_gain`: that,
    less the Dice of the ellipse inscribed in the same box, which takes no model.
    """
    if training is None:
        return []
    network = network_of(training.weights(), config=training.network.config)
    generator, plan = np.random.default_rng(round_.settings["seed"]), settings_plan(round_.settings)
    told: list[dict[str, float]] = []
    groups: list[str] = []
    for reading in _in_the_same_order(truth(round_.project, Split.VALIDATION), key=str(round_.project_id)):
        lesions = outlined_lesions([reading], vocabulary=vocabulary, plan=plan)
        for image, mask in islice(lesions, min(OF_ONE_CASE, MEASURED - len(told))):
            told.append(pointed_at(network, image, mask, generator))
            groups.append(reading.case.group_key)
        report.tell("train", f"clicks: measured on {len(told)} lesions")
        if len(told) >= MEASURED:
            break
    values = {
        "click_dice_1": [one["click_1"] for one in told],
        "click_dice_3": [one["click_3"] for one in told],
        "stroke_dice": [one["stroke"] for one in told],
        "stroke_click_dice": [one["stroke_click"] for one in told],
        "box_dice": [one["box"] for one in told],
        "box_gain": [one["box"] - one["ellipse"] for one in told],
    }
    return [_mean(name, found, groups, round_.settings["seed"]).as_dict() for name, found in values.items()]


def _mean(metric: str, values: Sequence[float], groups: Sequence[str], seed: int) -> Estimate:
    return estimate(metric, mean_of(values), groups=groups, n_positive=len(values), seed=seed)


def _in_the_same_order(readings: Sequence[Reading], *, key: str) -> list[Reading]:
    """At random, and the same at every round, so that versions are compared on the same lesions."""
    return sorted(readings, key=lambda reading: hashlib.sha256(f"{key} {reading.case_id}".encode()).digest())


def store_prompts(
    training: PromptTraining | None, prefix: str, measured: Sequence[dict[str, Any]] = ()
) -> dict[str, Prompts]:
    """Keep the network's weights beside the version's own; what the version's `config` says of them."""
    if training is None:
        return {}
    net = training.network.config
    data, digest = encode_weights(training.weights(), config=net)
    key = f"{prefix}-{digest}.prompts.safetensors"
    put_object(key=key, data=data)
    about: Prompts = {
        "steps": training.step,
        "lesions": len(training.samples),
        "core_seconds": round(training.core_seconds, 2),
    }
    about |= {"strokes": training.stroke_share > 0, "measured": list(measured)}
    return {"prompts": {"key": key, "sha256": digest, "net": net.as_dict(), **about}}


_warm: OrderedDict[str, UNet] = OrderedDict()


def load_prompts(version: ModelVersion) -> UNet | None:
    """The network that answers clicks for a version, from this process's memory where it is warm; None where it has none."""
    kept: Prompts | None = version.config.get("prompts")
    if not kept:
        return None
    if kept["sha256"] not in _warm:
        weights = decode_weights(get_object(kept["key"]), sha256=kept["sha256"])
        _warm[kept["sha256"]] = network_of(weights, config=NetConfig.from_dict(kept["net"]))
        while len(_warm) > KEPT:
            _warm.popitem(last=False)
    _warm.move_to_end(kept["sha256"])
    return _warm[kept["sha256"]]


def knows_strokes(version: ModelVersion) -> bool:
    """Whether its network has met strokes; one from before takes each for three clicks (`Prompt.as_clicks`)."""
    return bool(version.config["prompts"].get("strokes"))


def forget_prompt_checkpoint(round_: Round) -> None:
    """Drop the checkpoint of this part of the round."""
    delete_object(_checkpoint_key(round_))


def _samples(round_: Round, readings: Sequence[Reading], vocabulary: Vocabulary) -> PromptSamples:
    """Their outlined lesions; of very many a random part, the same at every attempt."""
    shuffled = list(readings)
    random.Random(round_.settings["seed"]).shuffle(shuffled)
    cut = []
    for image, mask in outlined_lesions(shuffled, vocabulary=vocabulary, plan=settings_plan(round_.settings)):
        lesion = cut_lesion(image, mask)
        if lesion is not None:
            cut.append(lesion)
        if len(cut) == MOST_LESIONS:
            break
    return gathered(cut)


def _new_training(round_: Round, samples: PromptSamples) -> PromptTraining:
    recipe = Recipe(
        steps=prompt_steps(round_.settings["steps"], image_size=round_.settings["image_size"]),
        seed=round_.settings["seed"],
        rate=SCRATCH_RATE,
        flip=not round_.project.laterality_matters,
        precision=round_.settings["precision"],
    )
    return PromptTraining(samples, recipe=recipe)


def prompts_made_again(round_: Round, readings: Sequence[Reading], vocabulary: Vocabulary) -> str:
    """SHA-256 of the weights that the round's training for clicks gives on these readings; nothing is stored."""
    training = _new_training(round_, _samples(round_, readings, vocabulary))
    for _ in training.run():
        pass
    return encode_weights(training.weights(), config=training.network.config)[1]


def _run(training: PromptTraining, round_: Round, report: Reporter) -> None:
    """The loop: once a second tell, every few seconds log, every ten seconds keep a checkpoint."""
    steps = training.recipe.steps
    saved = logged = time.monotonic()
    for progress in training.run():
        if not report.is_due() and progress.step < steps:
            continue
        now = time.monotonic()
        report.tell("train", f"clicks: step {progress.step} of {steps}")
        if now - logged >= LOG_SECONDS or progress.step == steps:
            report.log(f"clicks step {progress.step} loss {progress.loss:.4f}")
            logged = now
        if now - saved >= settings.CHECKPOINT_SECONDS or progress.step == steps:
            keep_checkpoint(training, _checkpoint_key(round_))
            saved = now


def _checkpoint_key(round_: Round) -> str:
    return f"checkpoints/{round_.pk}/prompts"
