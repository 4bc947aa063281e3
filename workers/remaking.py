"""Makes a version again from its lineage, and says whether it comes out bit for bit the same. Nothing is stored.

`python -m workers remake_version --project SLUG --version N`, or `manage.py remake_version SLUG N`. The readings are
taken as they were when the snapshot was frozen (from their revisions where they have changed since), the recipe as it was
used. A warm version starts from the stored weights of its parent, or with --chain from the parent made again, back to the
first. On the same type of machine, with the same code, libraries and threads, the weights have the same SHA-256.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import torch

from backend.audit.services import record_event
from backend.learning.models import Round, Snapshot, SnapshotItem, Start, Track
from backend.learning.replay import fast_training_set
from backend.learning.selectors import round_of, snapshot_as_it_was, unread_cases
from backend.learning.services import snapshot_hash
from backend.learning.vocabulary import Vocabulary
from backend.readings.models import Reading
from backend.registry.models import ModelVersion
from workers.cnn.checkpoint import decode_weights, encode_snapshots
from workers.cnn.model import NetConfig, UNet, Weights, set_priors, shrink_and_perturb
from workers.cnn.self_training import SelfTraining, Unread
from workers.cnn.train import Recipe, Training
from workers.datasets import training_set, unread_images
from workers.networks import begin_training, code_version, training_environment, version_plan, version_weights
from workers.pointing import prompts_made_again
from workers.training import warm_network, weights_file

OnStep = Callable[[int, int, int], None]
"""Called with the version's number, the step, and how many steps there are."""


def _silent(number: int, step: int, steps: int) -> None:
    """Nobody watches."""


class CannotRemake(Exception):
    """Something that it takes is gone; the message says what."""


@dataclass(frozen=True, slots=True)
class Remade:
    """`differs`: what is not as it was when the version was made, in words; `parent`: how the start was had."""

    version: int
    identical: bool
    recorded_sha256: str
    sha256: str
    differs: tuple[str, ...]
    parent: str


def remake(
    version: ModelVersion, *, chain: bool = False, on_step: OnStep = lambda number, step, steps: None
) -> list[Remade]:
    """The version made again, after its ancestors where `chain` is true; CannotRemake where something is gone."""
    found, _ = _remade(version, chain, on_step)
    return found


def _remade(version: ModelVersion, chain: bool, on_step: OnStep) -> tuple[list[Remade], Weights]:
    round_ = round_of(version)
    if round_ is None or round_.snapshot is None:
        raise CannotRemake(f"the round that made version {version.number} is gone")
    vocabulary = Vocabulary.from_dict(version.finding_type_ids)
    start, parent, parents = _start(version, round_, vocabulary, chain, on_step)
    differs = _differences(version, round_.snapshot)
    readings, lost = snapshot_as_it_was(round_.snapshot)
    if lost:
        differs.append(f"readings of {len(lost)} cases were changed and are not kept as they were ({', '.join(lost[:5])})")
    with _threads_of(version):
        training, omitted = _training(version, round_, readings, vocabulary, start)
        differs += [f"left out: {reason}" for reason in omitted]
        for progress in training.run():
            on_step(version.number, progress.step, training.recipe.steps)
        differs += _beside(version, round_, training, readings, vocabulary)
    data, digest = weights_file(training, vocabulary, version.snapshot_hash)
    same = digest == version.weights_sha256
    told = Remade(version.number, same, version.weights_sha256, digest, tuple(differs), parent)
    return [*parents, told], decode_weights(data, sha256=digest)


def _start(
    version: ModelVersion, round_: Round, vocabulary: Vocabulary, chain: bool, on_step: OnStep
) -> tuple[UNet | None, str, list[Remade]]:
    """The network that the training began with, how it was had, and which versions were made again for it."""
    if round_.settings["start"] == Start.SCRATCH:
        return None, "scratch", []
    base = version.parent
    if base is None:
        raise CannotRemake(f"the version that version {version.number} started from is gone")
    parents, weights = _remade(base, True, on_step) if chain else ([], _stored(base))
    start = warm_network(base, weights, NetConfig.from_dict(version.config["net"]), vocabulary)
    if round_.settings["start"] == Start.SHRINK_PERTURB:
        shrink_and_perturb(start, seed=round_.settings["seed"])
    return start, f"version {base.number}, {'made again' if chain else 'as stored'}", parents


def _training(
    version: ModelVersion, round_: Round, readings: list[Reading], vocabulary: Vocabulary, start: UNet | None
) -> tuple[Training | SelfTraining, list[str]]:
    """The training as it was before its first step, and why labels or unread images had to be left out."""
    recipe, plan, newest = Recipe(**version.config["recipe"]), version_plan(version), frozenset[UUID]()
    if round_.settings["track"] == Track.FAST:
        chosen = fast_training_set(round_, images=recipe.steps * plan.batch)
        newest, readings = chosen.newest, [reading for reading in readings if reading.pk in chosen.readings]
    samples, omitted = training_set(readings, vocabulary=vocabulary, plan=plan, newest=newest)
    if not len(samples):
        raise CannotRemake("none of the labelled images can be read any more")
    if start is not None and round_.settings["start"] == Start.SHRINK_PERTURB:
        set_priors(start, type_shares=samples.type_shares(), finding_shares=samples.finding_shares())
    net, processes = NetConfig.from_dict(version.config["net"]), version.config.get("environment", {}).get("processes", 1)
    unread, lost = _unread(version, round_)
    made = begin_training(samples, net=net, recipe=recipe, start=start, unread=unread, processes=processes)
    return made, [*omitted, *lost]


def _unread(version: ModelVersion, round_: Round) -> tuple[Unread | None, list[str]]:
    """The unread images that the version learned from, where it did; CannotRemake where all are gone."""
    known = version.config.get("unread")
    if not known:
        return None, []
    unread, lost = unread_images(unread_cases(round_), plan=version_plan(version))
    if not len(unread):
        raise CannotRemake("none of the unread images that it learned from can be read any more")
    if len(unread) != known:
        lost = [*lost, f"{known} unread images could be read then, {len(unread)} now"]
    return unread, lost


def _beside(
    version: ModelVersion, round_: Round, training: Training | SelfTraining, readings: list[Reading], vocabulary: Vocabulary
) -> list[str]:
    """What of the weights that are kept beside the version's own comes out otherwise."""
    found = []
    kept, clicks = version.config.get("snapshots"), version.config.get("prompts")
    if kept and encode_snapshots(training.snapshots)[1] != kept["sha256"]:
        found.append("the weights kept from the training for `bald` are others")
    is_own = clicks and round_.settings["track"] != Track.FAST
    if is_own and prompts_made_again(round_, readings, vocabulary) != clicks["sha256"]:
        found.append("the weights that answer clicks are others")
    return found


def _stored(version: ModelVersion) -> Weights:
    try:
        return version_weights(version)
    except FileNotFoundError as error:
        raise CannotRemake(f"the weights of version {version.number} are gone; --chain makes them again") from error


def _differences(version: ModelVersion, snapshot: Snapshot) -> list[str]:
    """What is another today than when the version was made."""
    found = []
    if version.code_version != code_version():
        found.append(f"code: {version.code_version} then, {code_version()} now")
    recorded = version.config.get("environment")
    if recorded is None:
        found.append("environment: not recorded with this version")
    else:
        now = {**training_environment(recorded.get("processes", 1)), "threads": recorded["threads"]}
        recorded = {"processes": 1, **recorded}
        found += [f"{name}: {recorded[name]} then, {now[name]} now" for name in now if recorded.get(name) != now[name]]
    items = SnapshotItem.objects.filter(snapshot=snapshot).values_list("case_id", "reading_id", "revision")
    if snapshot_hash((str(case), str(reading), revision) for case, reading, revision in items) != version.snapshot_hash:
        found.append("snapshot: its rows do not have the hash that was recorded")
    return found


class _threads_of:
    """As many threads as the version was trained with: sums of floats depend on how they are parted."""

    def __init__(self, version: ModelVersion) -> None:
        self.wanted = version.config.get("environment", {}).get("threads")

    def __enter__(self) -> None:
        self.before = torch.get_num_threads()
        if self.wanted:
            torch.set_num_threads(self.wanted)

    def __exit__(self, *_: object) -> None:
        torch.set_num_threads(self.before)


def _sentence(told: Remade) -> str:
    if told.identical:
        return f"Version {told.version} (from {told.parent}): identical: sha256 {told.sha256}."
    reasons = "; ".join(told.differs) or "nothing that is recorded; the processor may be of another type"
    return (
        f"Version {told.version} (from {told.parent}): differs: sha256 {told.sha256}, recorded {told.recorded_sha256}. "
        f"What is another than then: {reasons}."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="remake_version", description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--version", type=int, required=True)
    for name in ("chain", "json"):
        parser.add_argument(f"--{name}", action="store_true")
    return parser


def main(arguments: list[str]) -> int:
    """The command line; 0 where the version came out identical, 1 where not, 2 where it cannot be made again."""
    options = _parser().parse_args(arguments)
    rows = ModelVersion.objects.filter(project__slug=options.project, number=options.version)
    version = rows.select_related("project", "parent").first()
    if version is None:
        sys.stderr.write(f"There is no version {options.version} of a project {options.project}.\n")
        return 2

    def on_step(number: int, step: int, steps: int) -> None:
        if sys.stderr.isatty() and (step == steps or step % 10 == 0):
            sys.stderr.write(f"\rversion {number}: step {step} of {steps} " + ("\n" if step == steps else ""))

    try:
        found = remake(version, chain=options.chain, on_step=on_step)
    except CannotRemake as error:
        sys.stderr.write(f"Cannot be made again: {error}.\n")
        return 2
    _record(version, found[-1])
    for told in found:
        sys.stdout.write((json.dumps(asdict(told)) if options.json else _sentence(told)) + "\n")
    return 0 if found[-1].identical else 1


def _record(version: ModelVersion, told: Remade) -> None:
    detail: dict[str, Any] = {"number": version.number, "identical": told.identical, "sha256": told.sha256}
    record_event(
        actor=None, verb="model.remade", project_id=version.project_id, object_type="model_version",
        object_id=version.pk, detail={**detail, "differs": list(told.differs)},
    )  # fmt: skip
