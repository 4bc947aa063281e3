"""Replay the learning loop on a labelled project: the readings that are there play the reader. Nothing is written.

`manage.py simulate --project SLUG`. POOL cases are "read" by looking up their
reading; each round is measured on VALIDATION. HOLDOUT is not touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from backend.learning.evaluation import metrics_of
from backend.learning.leading_metric import FINDINGS_AUC
from backend.learning.models import TrainingPolicy
from backend.learning.replay import NEWEST_SHARE
from backend.learning.selectors import truth
from backend.learning.vocabulary import Vocabulary, vocabulary_of
from backend.projects.models import Project, Split
from backend.projects.selectors import joined_groups_of
from backend.readings.models import Reading
from workers.choosing import choose_batch, labelled_embedding
from workers.cnn.acquisition import ACQUISITIONS, CHOOSING
from workers.cnn.batches import draw_batch
from workers.cnn.candidates import Column, Measures
from workers.cnn.checkpoint import network_of
from workers.cnn.measures import Panel, measure_case
from workers.cnn.model import NetConfig, UNet, Weights
from workers.cnn.plan import Plan
from workers.cnn.train import SCRATCH_RATE, WARM_RATE, Recipe, Training
from workers.command_line import Command, NothingToDo, Question
from workers.datasets import UnreadableCase, case_images, training_set
from workers.evaluating import measure_versions
from workers.networks import COMMITTEE, INSTEAD, LoadedVersion, machine_precision
from workers.planning import policy_plan
from workers.training import SNAPSHOTS


@dataclass(slots=True)
class Simulation:
    """What stays the same over the rounds, and what has been read so far."""

    project: Project
    policy: TrainingPolicy
    acquisition: str
    batch: int
    seed: int
    vocabulary: Vocabulary = field(init=False)
    readings: list[Reading] = field(init=False)
    plan: Plan = field(init=False)
    read: list[int] = field(default_factory=list)
    learned: int = 0
    weights: Weights | None = None
    earlier: list[Weights] = field(default_factory=list)
    snapshots: list[Weights] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The oracle: one reading per labelled POOL case."""
        self.vocabulary = vocabulary_of(self.project)
        self.readings = truth(self.project, Split.POOL)
        self.plan = policy_plan(self.project, self.policy)

    @property
    def net(self) -> NetConfig:
        """The network for the project's vocabulary."""
        return self.plan.net(n_types=len(self.vocabulary.types), n_findings=len(self.vocabulary.outputs))

    def start(self, n: int) -> None:
        """Read `n` cases drawn at random."""
        generator = np.random.default_rng([self.seed, 0])
        groups = joined_groups_of([reading.case for reading in self.readings])
        drawn = draw_batch(np.zeros(len(groups)), groups, size=n, random_share=1.0, generator=generator)
        self.read += [one.row for one in drawn]

    def train(self, number: int) -> Training:
        """Train on what has been read: from scratch the first time, then on from there.

        It draws as the fast track does, but no slow round will follow: its rate is one that learns what is new by itself.
        """
        warm = self.weights is not None
        newest = {self.readings[row].pk for row in self.read[self.learned :]} if warm else set()
        samples, _ = training_set(
            [self.readings[row] for row in self.read], vocabulary=self.vocabulary, plan=self.plan, newest=newest
        )
        self.learned = len(self.read)
        recipe = Recipe(
            steps=self.policy.steps_warm if warm else self.policy.steps_scratch,
            seed=self.seed * 1000 + number,
            batch=self.plan.batch,
            rate=WARM_RATE if warm else SCRATCH_RATE,
            newest_share=NEWEST_SHARE if warm else 0.0,
            flip=not self.project.laterality_matters,
            precision=machine_precision(self.net.dims),
            snapshots=SNAPSHOTS if Column.SNAPSHOTS in ACQUISITIONS[self.acquisition].needs else 0,
        )
        start = network_of(self.weights, config=self.net) if self.weights is not None else None
        training = Training(samples, net=self.net, recipe=recipe, start=start)
        for _ in training.run():
            pass
        if self.weights is not None:
            self.earlier = [self.weights, *self.earlier][:COMMITTEE]
        self.weights, self.snapshots = training.weights(), training.snapshots
        return training

    def version(self) -> LoadedVersion:
        """The newest network, ready to read."""
        assert self.weights is not None
        network = network_of(self.weights, config=self.net)
        return LoadedVersion(network, self.vocabulary, self.plan, machine_precision(self.net.dims))

    def acquire(self, number: int) -> str:
        """Measure what is unread and read the drawn batch; by which function, where the first round has no committee yet."""
        needs = ACQUISITIONS[self.acquisition].needs
        name = INSTEAD if Column.VERSIONS in needs and not self.earlier else self.acquisition
        version = self.version()
        panel = Panel(
            version.network,
            snapshots=self._networks(self.snapshots) if Column.SNAPSHOTS in needs else (),
            versions=self._networks(self.earlier) if Column.VERSIONS in needs else (),
            mirrored=not self.project.laterality_matters,
            precision=version.precision,
        )
        measured = {
            row: found
            for row in sorted(set(range(len(self.readings))) - set(self.read))
            if (found := self._measured(row, version, panel, ACQUISITIONS[name].columns)) is not None
        }
        unread, already = list(measured), [self.readings[row].case for row in self.read]
        _, drawn = choose_batch(
            list(measured.values()),
            [self.readings[row].case for row in unread],
            project=self.project,
            settings_={
                "acquisition": name,
                "batch_size": self.batch,
                "random_share": self.policy.random_share if name != "random" else 1.0,
                "seed": self.seed * 1000 + number,
            },
            round_number=number + 1,
            labelled=lambda: labelled_embedding(version, already, lambda: None),
        )
        self.read += [unread[one.row] for one in drawn]
        return name

    def _networks(self, several: list[Weights]) -> list[UNet]:
        return [network_of(weights, config=self.net) for weights in several]

    def _measured(self, row: int, version: LoadedVersion, panel: Panel, needs: frozenset[Column]) -> Measures | None:
        """What the version says of an unread case; None where its images cannot be decoded."""
        try:
            loaded = case_images(self.readings[row].case, self.plan)
        except UnreadableCase:
            return None
        ((said, lesions),) = version.read([loaded])
        shown = sum(lesion.score >= self.project.display_threshold for lesion in lesions)
        measured = measure_case(
            said, version.inputs(loaded), loaded.content, needs=needs, panel=panel, findings=shown,
            depth=loaded.depth(self.plan),
        )  # fmt: skip
        return measured.columns


def simulate(simulation: Simulation, *, start: int, rounds: int) -> Iterator[dict[str, Any]]:
    """One document per round: labels, lesion types among them, metrics with intervals, core-seconds."""
    simulation.start(start)
    chosen_by = "random"
    for number in range(rounds + 1):
        training = simulation.train(number)
        (cases,) = measure_versions(
            simulation.project,
            Split.VALIDATION,
            [simulation.version()],
            threshold=simulation.project.display_threshold,
            on_case=lambda done, total: None,
        )
        yield {
            "round": number,
            "acquisition": simulation.acquisition,
            "chosen_by": chosen_by,
            "seed": simulation.seed,
            "n_labels": len(simulation.read),
            "images_per_type": training.samples.presence.sum(axis=0).tolist(),
            "steps": training.step,
            "core_seconds": round(training.core_seconds, 2),
            "metrics": metrics_of(
                cases, vocabulary=simulation.vocabulary, threshold=simulation.project.display_threshold, seed=simulation.seed
            ),
        }
        if number < rounds and len(simulation.read) < len(simulation.readings):
            chosen_by = simulation.acquire(number)


COMMAND: Final = Command(
    "simulate",
    __doc__,
    numbers={"start": 16, "batch": 16, "rounds": 4, "seed": 0},
    overrides=("random_share", "image_size", "steps_scratch", "steps_warm"),
    more=lambda parser: parser.add_argument("--acquisition", default="entropy", choices=sorted(CHOOSING)),
)


def _as_line(told: dict[str, Any]) -> str:
    shown = [f"round {told['round']}", f"{told['n_labels']:>4} labels", f"{told['core_seconds']:>7.1f} core-s"]
    for one in told["metrics"]:
        if one["metric"] in ("dice", FINDINGS_AUC, "auc") and one["finding_type"] is None:
            value = f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]" if one["value"] is not None else one["note"]
            shown.append(f"{one['metric']} {value}")
    return "  ".join(shown)


def main(arguments: list[str]) -> int:
    """The command line; 1 with a sentence where the project has nothing to replay."""
    return COMMAND.run(arguments, _replay)


def _replay(question: Question) -> None:
    options = question.options
    simulation = Simulation(question.project, question.policy, options.acquisition, options.batch, options.seed)
    if len(simulation.readings) < options.start:
        raise NothingToDo(f"{len(simulation.readings)} labelled POOL cases, {options.start} are needed")
    for told in simulate(simulation, start=options.start, rounds=options.rounds):
        question.tell(told, _as_line(told))
