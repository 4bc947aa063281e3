"""Does choosing cases help here: models of chosen cases against models of as many random ones.

Each seed draws equally many readings of both arms, trains both from scratch with the same recipe, and measures both on
the same VALIDATION cases. HOLDOUT is not touched. The job goes on after the last training that ended;
`manage.py compare_arms --project SLUG` writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from backend.learning.inquiries import MIN_ARM_LABELS
from backend.learning.selectors import labels_by_arm
from backend.learning.vocabulary import vocabulary_of
from backend.metrics.arms import ArmsVerdict, arms_verdict
from backend.projects.models import Case, Project, Split
from backend.readings.models import Reading
from workers.command_line import Command, Question
from workers.evaluating import measure_versions
from workers.scratch import ScratchTraining

ARMS: Final = ("chosen", "random")
Part = dict[str, Any]
"""One training: `seed`, `arm`, and `dice` by case."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The readings of both arms (chosen, random), of which every training draws `size`."""

    scratch: ScratchTraining
    arms: tuple[Sequence[Reading], Sequence[Reading]]
    size: int
    seeds: int

    @classmethod
    def of(cls, scratch: ScratchTraining, *, seeds: int, labels: int | None = None) -> Comparison:
        """Of what the project has now; `labels`: fewer than the smaller arm has."""
        arms = labels_by_arm(scratch.project)
        return cls(scratch, arms, min(len(arms[0]), len(arms[1]), labels or len(arms[0])), seeds)

    def parts(self, done: Iterable[Part] = ()) -> Iterator[Part]:
        """The trainings that are not `done`, each when it has been measured."""
        known = {(part["seed"], part["arm"]) for part in done}
        for seed in range(self.seeds):
            generator = np.random.default_rng(seed)
            drawn = [[arm[row] for row in sorted(generator.permutation(len(arm))[: self.size])] for arm in self.arms]
            for arm, readings in zip(ARMS, drawn, strict=True):
                if (seed, arm) not in known:
                    yield {"seed": seed, "arm": arm, "dice": self._dice(readings, seed)}

    def _dice(self, readings: Sequence[Reading], seed: int) -> dict[str, float]:
        """By case, of the lesion-bearing cases of VALIDATION."""
        scratch = self.scratch
        version = scratch.train(scratch.samples(readings), seed)
        (cases,) = measure_versions(
            scratch.project,
            Split.VALIDATION,
            [version],
            threshold=scratch.project.display_threshold,
            on_case=lambda done, total: scratch.on_step(scratch.policy.steps_scratch, scratch.policy.steps_scratch),
        )
        return {case["case"]: case["dice"] for case in cases if case["dice"] is not None}


def verdict_of(project: Project, parts: Sequence[Part], *, size: int) -> ArmsVerdict:
    """The verdict on the cases that every training was measured on: readings may have come or gone between two of them."""
    if size < MIN_ARM_LABELS:
        return ArmsVerdict("cannot_tell", "few_labels")
    shared = set.intersection(*(set(part["dice"]) for part in parts))
    groups = dict(Case.objects.filter(project=project, pk__in=shared).order_by("number").values_list("pk", "group_key"))
    cases = [str(pk) for pk in groups]
    by_arm = [
        np.array([
            [part["dice"][case] for case in cases]
            for part in sorted(parts, key=lambda part: int(part["seed"]))
            if part["arm"] == arm
        ])
        for arm in ARMS
    ]  # fmt: skip
    return arms_verdict(by_arm[0], by_arm[1], list(groups.values()))


def _sentence(verdict: ArmsVerdict, size: int) -> str:
    if verdict.difference is None:
        reasons = {
            "few_labels": f"the smaller arm has {size} readings, {MIN_ARM_LABELS} are needed",
            "few_seeds": f"{verdict.n_seeds} seeds are too few",
            "few_positives": f"VALIDATION has {verdict.n_cases} cases with lesions, too few",
            "few_patients": f"VALIDATION has {verdict.n_patients} patients, too few",
        }
        return f"Cannot tell: {reasons[verdict.reason]}."
    answers = {"helps": "Choosing helps", "does_not": "Choosing does not help", "cannot_tell": "Cannot tell"}
    return (
        f"{answers[verdict.answer]}: Dice {verdict.chosen:.3f} of chosen against {verdict.random:.3f} of random readings, "
        f"difference {verdict.difference:+.3f} [{verdict.low:+.3f}, {verdict.high:+.3f}] with {size} readings each, "
        f"{verdict.n_seeds} seeds, {verdict.n_patients} patients."
    )


COMMAND: Final = Command("compare_arms", __doc__, numbers={"seeds": 5, "labels": None})


def main(arguments: list[str]) -> int:
    """The command line; 1 with a sentence where there is no such project."""
    return COMMAND.run(arguments, _compare)


def _compare(question: Question) -> None:
    scratch = ScratchTraining(question.project, question.policy, vocabulary_of(question.project))
    comparison = Comparison.of(scratch, seeds=question.options.seeds, labels=question.options.labels)
    parts = list(_told(comparison, question.tell)) if comparison.size >= MIN_ARM_LABELS else []
    verdict = verdict_of(question.project, parts, size=comparison.size)
    question.tell({**verdict.as_dict(), "n_labels": comparison.size}, _sentence(verdict, comparison.size))


def _told(comparison: Comparison, tell: Callable[[dict[str, Any], str], None]) -> Iterator[Part]:
    """The parts, each pair of them told with its mean Dice."""
    mean: dict[str, float] = {}
    for part in comparison.parts():
        mean[part["arm"]] = float(np.mean(list(part["dice"].values()))) if part["dice"] else 0.0
        if part["arm"] == ARMS[-1]:
            told = {"seed": part["seed"], **{arm: round(mean[arm], 4) for arm in ARMS}}
            tell(told, f"seed {part['seed']}  chosen {mean['chosen']:.3f}  random {mean['random']:.3f}")
        yield part
