"""Does choosing cases help here: models of chosen cases against models of as many random ones.

Each seed draws equally many readings of both arms, trains both from scratch with the same recipe, and measures both on
the same VALIDATION cases: their Dice, or, where VALIDATION shows no lesion, the AUC of image findings. HOLDOUT is not
touched. The job goes on after the last training that ended; `manage.py compare_arms --project SLUG` writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from backend.learning.case_statistics import PerCase, mean_auc_of
from backend.learning.inquiries import MIN_ARM_LABELS
from backend.learning.leading_metric import FINDING, FINDINGS_AUC, IN_WORDS, measured_findings, project_metric
from backend.learning.selectors import labels_by_arm
from backend.learning.vocabulary import vocabulary_of
from backend.metrics.arms import ArmsVerdict, arms_verdict, arms_verdict_of_draws
from backend.metrics.intervals import value_of
from backend.projects.models import Case, Project, Split
from backend.readings.models import Reading
from workers.command_line import Command, Question
from workers.evaluating import measure_versions
from workers.scratch import ScratchTraining

ARMS: Final = ("chosen", "random")
Part = dict[str, Any]
"""One training: `seed`, `arm`, and by case `dice`, or `findings`: its `group`, `truth` and `scores` by finding."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The readings of both arms (chosen, random), of which every training draws `size`; `metric`: what judges them."""

    scratch: ScratchTraining
    arms: tuple[Sequence[Reading], Sequence[Reading]]
    size: int
    seeds: int
    metric: str

    @classmethod
    def of(cls, scratch: ScratchTraining, *, metric: str, seeds: int, labels: int | None = None) -> Comparison:
        """Of what the project has now; `labels`: fewer than the smaller arm has."""
        arms = labels_by_arm(scratch.project)
        return cls(scratch, arms, min(len(arms[0]), len(arms[1]), labels or len(arms[0])), seeds, metric)

    def parts(self, done: Iterable[Part] = ()) -> Iterator[Part]:
        """The trainings that are not `done`, each when it has been measured."""
        known = {(part["seed"], part["arm"]) for part in done}
        for seed in range(self.seeds):
            generator = np.random.default_rng(seed)
            drawn = [[arm[row] for row in sorted(generator.permutation(len(arm))[: self.size])] for arm in self.arms]
            for arm, readings in zip(ARMS, drawn, strict=True):
                if (seed, arm) not in known:
                    yield {"seed": seed, "arm": arm, **self._measured(readings, seed)}

    def _measured(self, readings: Sequence[Reading], seed: int) -> Part:
        """By case of VALIDATION: the Dice of those that bear a lesion, or what is true and said of the findings of each."""
        scratch = self.scratch
        version = scratch.train(scratch.samples(readings), seed)
        (cases,) = measure_versions(
            scratch.project,
            Split.VALIDATION,
            [version],
            threshold=scratch.project.display_threshold,
            on_case=lambda done, total: scratch.on_step(scratch.policy.steps_scratch, scratch.policy.steps_scratch),
        )
        if self.metric == FINDINGS_AUC:
            told = {case["case"]: _of_findings(case) for case in cases}
            return {"findings": {case: one for case, one in told.items() if one["truth"]}}
        return {"dice": {case["case"]: case["dice"] for case in cases if case["dice"] is not None}}


def _of_findings(case: PerCase) -> PerCase:
    names = [name for name in case["truth"] if name.startswith(FINDING)]
    return {"group": case["group"], **{of: {name: case[of][name] for name in names} for of in ("truth", "scores")}}


def verdict_of(project: Project, parts: Sequence[Part], *, size: int, metric: str) -> ArmsVerdict:
    """The verdict on the cases that every training was measured on: readings may have come or gone between two of them."""
    if size < MIN_ARM_LABELS:
        return ArmsVerdict("cannot_tell", "few_labels")
    if metric == FINDINGS_AUC:
        return _verdict_of_findings(parts)
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


def _verdict_of_findings(parts: Sequence[Part]) -> ArmsVerdict:
    """By the mean AUC of the findings that can be measured, on the cases of which the same was true at every training."""
    by_case = [{key: (case["group"], case["truth"]) for key, case in part["findings"].items()} for part in parts]
    cases = sorted(key for key, known in by_case[0].items() if all(one.get(key) == known for one in by_case))
    arms: list[list[list[PerCase]]] = [
        [
            [part["findings"][case] for case in cases]
            for part in sorted(parts, key=lambda part: int(part["seed"]))
            if part["arm"] == arm
        ]
        for arm in ARMS
    ]
    chosen, random = arms
    groups = [case["group"] for case in chosen[0]]
    names = measured_findings(chosen[0])
    if not names:
        counted = {"n_seeds": len(chosen), "n_patients": len(set(groups)), "n_cases": len(cases)}
        return ArmsVerdict("cannot_tell", "few_findings", **counted)
    own, others = ([mean_auc_of(measured, names) for measured in arm] for arm in (chosen, random))
    return arms_verdict_of_draws(own, others, groups)


def _mean_of(part: Part) -> float:
    """What a training reached on its own cases; 0 where nothing could be measured."""
    if "dice" in part:
        return float(np.mean(list(part["dice"].values()))) if part["dice"] else 0.0
    cases = list(part["findings"].values())
    names = measured_findings(cases)
    return value_of(mean_auc_of(cases, names), len(cases)) or 0.0 if names else 0.0


def _sentence(verdict: ArmsVerdict, size: int, metric: str) -> str:
    if verdict.difference is None:
        reasons = {
            "few_labels": f"the smaller arm has {size} readings, {MIN_ARM_LABELS} are needed",
            "few_seeds": f"{verdict.n_seeds} seeds are too few",
            "few_positives": f"VALIDATION has {verdict.n_cases} cases with lesions, too few",
            "few_findings": f"of no finding have the {verdict.n_cases} cases of VALIDATION enough with it and without",
            "few_patients": f"VALIDATION has {verdict.n_patients} patients, too few",
        }
        return f"Cannot tell: {reasons[verdict.reason]}."
    name = IN_WORDS.get(metric, "Dice")
    answers = {"helps": "Choosing helps", "does_not": "Choosing does not help", "cannot_tell": "Cannot tell"}
    return (
        f"{answers[verdict.answer]}: {name} {verdict.chosen:.3f} of chosen against {verdict.random:.3f} of random readings, "
        f"difference {verdict.difference:+.3f} [{verdict.low:+.3f}, {verdict.high:+.3f}] with {size} readings each, "
        f"{verdict.n_seeds} seeds, {verdict.n_patients} patients."
    )


COMMAND: Final = Command("compare_arms", __doc__, numbers={"seeds": 5, "labels": None})


def main(arguments: list[str]) -> int:
    """The command line; 1 with a sentence where there is no such project."""
    return COMMAND.run(arguments, _compare)


def _compare(question: Question) -> None:
    scratch = ScratchTraining(question.project, question.policy, vocabulary_of(question.project))
    metric = project_metric(question.project)
    comparison = Comparison.of(scratch, metric=metric, seeds=question.options.seeds, labels=question.options.labels)
    parts = list(_told(comparison, question.tell)) if comparison.size >= MIN_ARM_LABELS else []
    verdict = verdict_of(question.project, parts, size=comparison.size, metric=metric)
    told = {**verdict.as_dict(), "metric": metric, "n_labels": comparison.size}
    question.tell(told, _sentence(verdict, comparison.size, metric))


def _told(comparison: Comparison, tell: Callable[[dict[str, Any], str], None]) -> Iterator[Part]:
    """The parts, each pair of them told with what it reached."""
    mean: dict[str, float] = {}
    for part in comparison.parts():
        mean[part["arm"]] = _mean_of(part)
        if part["arm"] == ARMS[-1]:
            told = {"seed": part["seed"], **{arm: round(mean[arm], 4) for arm in ARMS}}
            tell(told, f"seed {part['seed']}  chosen {mean['chosen']:.3f}  random {mean['random']:.3f}")
        yield part
