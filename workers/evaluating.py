"""Measures a model version against the truth of VALIDATION or HOLDOUT, case by case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

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

CHUNK: Final = 8


def measure_versions(
    project: Project, split: str, versions: Sequence[LoadedVersion], *, threshold: float, on_case: Callable[[int, int], None]
) -> list[list[PerCase]]:
    """Every labelled case of the split as each version reads it (see `backend.learning.evaluation`).

    `on_case(done, total)` is called every few cases; a case that cannot be decoded counts for none of the versions.
    """
    measured: list[list[PerCase]] = [[] for _ in versions]
    readings = truth(project, split)
    for start in range(0, len(readings), CHUNK):
        on_case(start, len(readings))
        chunk = readings[start : start + CHUNK]
        told = [_measure(version, chunk, threshold) for version in versions]
        readable = set.intersection(*(set(one) for one in told))
        for cases, one in zip(measured, told, strict=True):
            cases += [case for key, case in one.items() if key in readable]
    return measured


def _measure(version: LoadedVersion, readings: Sequence[Reading], threshold: float) -> dict[str, PerCase]:
    """Those of the cases that can be decoded, by id."""
    images: list[tuple[Reading, CaseImages]] = []
    for reading in readings:
        with suppress(UnreadableCase):
            images.append((reading, case_images(reading.case, size=version.image_size)))
    said = version.read([loaded for _, loaded in images])
    measured: dict[str, PerCase] = {}
    for (reading, loaded), (predictions, lesions) in zip(images, said, strict=True):
        known = case_truth(reading, loaded=loaded, vocabulary=version.vocabulary)
        scores = output_scores(predictions, version.vocabulary)
        measured[str(reading.case_id)] = {
            "case": str(reading.case_id),
            "name": reading.case.name,
            "group": reading.case.group_key,
            **measure_case(known, lesions, threshold=threshold),
            "scores": {name: round(score, 5) for name, score in scores.items()},
            "truth": known.outputs,
        }
    return measured


def measure_case(known: CaseTruth, lesions: Sequence[PredictedLesion], *, threshold: float) -> PerCase:
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
