"""Measures a model version against the truth of VALIDATION or HOLDOUT, case by case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from backend.learning.evaluation import curves_of, metrics_of
from backend.learning.selectors import truth
from backend.learning.vocabulary import Vocabulary
from backend.metrics.matching import match_lesions
from backend.metrics.overlap import Region, region_dice
from backend.projects.models import Project
from backend.readings.models import Reading
from workers.cnn.predict import PredictedLesion
from workers.datasets import CaseImages, CaseTruth, UnreadableCase, case_images, case_truth, output_scores
from workers.networks import LoadedVersion

PerCase = dict[str, Any]


def measure_versions(
    project: Project, split: str, versions: Sequence[LoadedVersion], *, threshold: float, on_case: Callable[[int, int], None]
) -> list[list[PerCase]]:
    """Every labelled case of the split as each version reads it (see `backend.learning.evaluation`).

    `on_case(done, total)` is called before each case; a case that cannot be decoded counts for none of the versions.
    """
    measured: list[list[PerCase]] = [[] for _ in versions]
    readings = truth(project, split)
    for done, reading in enumerate(readings):
        on_case(done, len(readings))
        try:
            told = [_measure(version, reading, threshold) for version in versions]
        except UnreadableCase:
            continue
        for cases, one in zip(measured, told, strict=True):
            cases.append(one)
    return measured


def _measure(version: LoadedVersion, reading: Reading, threshold: float) -> PerCase:
    loaded = case_images(reading.case, size=version.image_size)
    known = case_truth(reading, loaded=loaded, vocabulary=version.vocabulary)
    said, lesions = version.read(loaded)
    return {
        "case": str(reading.case_id),
        "name": reading.case.name,
        "group": reading.case.group_key,
        **measure_case(known, lesions, loaded=loaded, threshold=threshold),
        "scores": {name: round(score, 5) for name, score in output_scores(said, version.vocabulary).items()},
        "truth": known.outputs,
    }


def measure_case(known: CaseTruth, lesions: Sequence[PredictedLesion], *, loaded: CaseImages, threshold: float) -> PerCase:
    """Overlap and hits of one case; Dice is of everything at or above the display threshold against everything true."""
    regions = [Region(lesion.mask, lesion.origin) for lesion in lesions]
    true = [region for _, region in known.lesions]
    matched = match_lesions(true, regions, [lesion.score for lesion in lesions])
    shown = [region for region, lesion in zip(regions, lesions, strict=True) if lesion.score >= threshold]
    return {
        "complete": known.complete,
        "boxed": known.boxed,
        "dice": region_dice(true, shown) if true and known.complete else None,
        "hits": [None if score is None else round(score, 5) for score in matched.hit_scores],
        "hit_types": [kind for kind, _ in known.lesions],
        "false": [round(score, 5) for score in matched.false_scores],
    }


def evaluation_of(cases: list[PerCase], vocabulary: Vocabulary, threshold: float, seed: int) -> dict[str, Any]:
    """The numbers of an evaluation from its single cases."""
    return {
        "metrics": metrics_of(cases, vocabulary=vocabulary, threshold=threshold, seed=seed),
        "curves": curves_of(cases),
        "per_case": cases,
        "n_patients": len({case["group"] for case in cases}),
    }
