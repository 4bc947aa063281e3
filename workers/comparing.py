"""Does choosing cases help here: models of chosen cases against models of as many random ones. Nothing is written.

`python -m workers.comparing --project SLUG`, or `manage.py compare_arms`. Each seed draws equally many readings of both
arms, trains both from scratch with the same recipe, and measures both on the same VALIDATION cases. HOLDOUT is not touched.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.config.settings")
django.setup()

import numpy as np  # noqa: E402

from backend.learning.selectors import labels_by_arm, policy_of  # noqa: E402
from backend.learning.vocabulary import vocabulary_of  # noqa: E402
from backend.metrics.arms import ArmsVerdict, arms_verdict  # noqa: E402
from backend.projects.models import Project, Split  # noqa: E402
from workers.evaluating import measure_versions  # noqa: E402
from workers.networks import LoadedVersion  # noqa: E402
from workers.scratch import ScratchTraining  # noqa: E402

MIN_LABELS: Final = 20
PerCase = dict[str, Any]


def _measured(project: Project, versions: Sequence[LoadedVersion]) -> list[list[PerCase]]:
    """Every labelled VALIDATION case as each version reads it."""
    threshold = project.display_threshold
    return measure_versions(project, Split.VALIDATION, versions, threshold=threshold, on_case=lambda done, total: None)


def compare(
    scratch: ScratchTraining, *, seeds: int, labels: int | None, on_seed: Callable[[int, float, float], None]
) -> tuple[ArmsVerdict, int]:
    """The verdict, and how many readings each arm had; `on_seed(seed, chosen, random)` tells each pair's mean Dice."""
    arms = labels_by_arm(scratch.project)
    size = min(len(arms[0]), len(arms[1]), labels or len(arms[0]))
    if size < MIN_LABELS:
        return ArmsVerdict("cannot_tell", "few_labels"), size
    dice: tuple[list[list[float]], list[list[float]]] = ([], [])
    groups: list[str] = []
    for seed in range(seeds):
        generator = np.random.default_rng(seed)
        drawn = [[arm[row] for row in sorted(generator.permutation(len(arm))[:size])] for arm in arms]
        measured = _measured(scratch.project, [scratch.train(readings, seed) for readings in drawn])
        for kept, cases in zip(dice, measured, strict=True):
            kept.append([case["dice"] for case in cases if case["dice"] is not None])
        groups = [case["group"] for case in measured[0] if case["dice"] is not None]
        on_seed(seed, *(float(np.mean(kept[-1])) if kept[-1] else 0.0 for kept in dice))
    return arms_verdict(np.array(dice[0]), np.array(dice[1]), groups), size


def _sentence(verdict: ArmsVerdict, size: int) -> str:
    if verdict.difference is None:
        reasons = {
            "few_labels": f"the smaller arm has {size} readings, {MIN_LABELS} are needed",
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="compare_arms", description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--seeds", type=int, default=5)
    for name in ("labels", "image-size", "steps-scratch"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--json", action="store_true")
    return parser


def main(arguments: list[str]) -> int:
    """The command line; 1 with a sentence where there is no such project."""
    options = _parser().parse_args(arguments)
    project = Project.objects.filter(slug=options.project).first()
    if project is None:
        sys.stderr.write(f"There is no project {options.project}.\n")
        return 1
    policy = policy_of(project)
    for name in ("image_size", "steps_scratch"):
        if getattr(options, name) is not None:
            setattr(policy, name, getattr(options, name))

    def on_seed(seed: int, chosen: float, random: float) -> None:
        told = {"seed": seed, "chosen": round(chosen, 4), "random": round(random, 4)}
        sys.stdout.write(
            (json.dumps(told) if options.json else f"seed {seed}  chosen {chosen:.3f}  random {random:.3f}") + "\n"
        )  # fmt: skip
        sys.stdout.flush()

    scratch = ScratchTraining(project, policy, vocabulary_of(project))
    verdict, size = compare(scratch, seeds=options.seeds, labels=options.labels, on_seed=on_seed)
    told = {**verdict.as_dict(), "n_labels": size}
    sys.stdout.write((json.dumps(told) if options.json else _sentence(verdict, size)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
