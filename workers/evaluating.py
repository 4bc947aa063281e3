"""Measures a model version against the truth of VALIDATION or HOLDOUT, case by case."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from backend.archive.traits import image_traits
from backend.learning.calibrating import applied_calibration, fitted_calibration
from backend.learning.evaluation import TOLERANCE, curves_of, metrics_of
from backend.learning.leading_metric import FINDINGS_AUC, leading_metric, measured_findings, truth_of
from backend.learning.score_errors import reliability_of, score_errors
from backend.learning.score_sets import score_sets, with_probabilities
from backend.learning.selectors import truth
from backend.learning.subgroups import grouped, size_cuts, subgroups_of
from backend.learning.vocabulary import Vocabulary, vocabulary_of
from backend.metrics.chance import coarse_places
from backend.metrics.intervals import MIN_PATIENTS, MIN_POSITIVE
from backend.metrics.matching import match_lesions
from backend.metrics.overlap import Region, region_dice
from backend.metrics.surfaces import (
    Spacing,
    SurfaceDistances,
    hausdorff_95,
    normalised_surface_distance,
    surface_distances,
)
from backend.projects.models import Case, Project, Split
from backend.projects.selectors import case_instances
from backend.readings.models import Reading, Verdict
from backend.registry.models import ModelVersion
from backend.registry.selectors import latest_evaluation
from workers.cnn.predict import PredictedLesion
from workers.datasets import CaseImages, CaseTruth, UnreadableCase, case_images, case_truth, output_scores
from workers.networks import LoadedVersion, code_version

PerCase = dict[str, Any]

CHUNK: Final = 8
MEASURE_VERSION: Final = 3
"""Raise it where a change of this module, or of `backend.metrics`, changes what is measured of a case."""
FAST_CASES: Final = 200
"""VALIDATION up to this size is measured whole in a fast round, too; of a larger one a fixed sample of patients."""
# Where the spacing is not known, distances are in pixels, one frame being as far as one pixel.
UNKNOWN: Final[Spacing] = (1.0, 1.0, 1.0)


def measure_versions(
    project: Project, split: str, versions: Sequence[LoadedVersion], *, threshold: float, on_case: Callable[[int, int], None]
) -> list[list[PerCase]]:
    """Every labelled case of the split as each version reads it (see `backend.learning.evaluation`).

    `on_case(done, total)` is called every few cases; a case that cannot be decoded counts for none of the versions.
    """
    return measure_readings(truth(project, split), versions, threshold=threshold, on_case=on_case)


def measure_readings(
    readings: Sequence[Reading],
    versions: Sequence[LoadedVersion],
    *,
    threshold: float,
    on_case: Callable[[int, int], None],
) -> list[list[PerCase]]:
    """The cases of these readings, which are taken for true, as each version reads them."""
    measured: list[list[PerCase]] = [[] for _ in versions]
    asked = _asked(readings)
    for start in range(0, len(readings), CHUNK):
        on_case(start, len(readings))
        chunk = readings[start : start + CHUNK]
        told = [_measure(version, chunk, threshold, asked) for version in versions]
        readable = set.intersection(*(set(one) for one in told))
        for cases, one in zip(measured, told, strict=True):
            cases += [case for key, case in one.items() if key in readable]
    return measured


def _asked(readings: Sequence[Reading]) -> Vocabulary:
    """The finding types in use in the project of these readings: of the others nothing is asked of any version."""
    return vocabulary_of(readings[0].case.project) if readings else Vocabulary((), (), {})


def _measure(version: LoadedVersion, readings: Sequence[Reading], threshold: float, asked: Vocabulary) -> dict[str, PerCase]:
    """Those of the cases that can be decoded, by id."""
    images: list[tuple[Reading, CaseImages]] = []
    for reading in readings:
        with suppress(UnreadableCase):
            images.append((reading, case_images(reading.case, version.plan)))
    said = version.read([loaded for _, loaded in images])
    measured: dict[str, PerCase] = {}
    for (reading, loaded), (predictions, lesions) in zip(images, said, strict=True):
        known = case_truth(reading, loaded=loaded, vocabulary=version.vocabulary, asked=asked)
        lesions = known.spoken_of(lesions)
        scores = output_scores(predictions, version.vocabulary)
        measured[str(reading.case_id)] = {
            "case": str(reading.case_id),
            "truth_as": _truth_as(reading, asked),
            "measured_as": _measured_as(reading, threshold, asked),
            "name": reading.case.name,
            "group": reading.case.group_key,
            **measure_case(known, lesions, threshold=threshold, spacing=loaded.spacing, vocabulary=version.vocabulary),
            "scores": {name: round(score, 5) for name, score in scores.items()},
            "truth": known.outputs,
            "traits": image_traits(reading.case.series, loaded.frames[0][0], reading.case.traits),
            "places": case_places(known, lesions, threshold=threshold, loaded=loaded),
        }
    return measured


def _truth_as(reading: Reading, asked: Vocabulary) -> str:
    """What a case is measured against and by which code: where that is alike, two versions can be compared."""
    retired = sorted({lesion.finding_type_id for lesion in reading.lesions.all()} - set(asked.types))
    without = f" without {' '.join(map(str, retired))}" if retired else ""
    return f"{MEASURE_VERSION} {code_version()} {reading.pk} {reading.revision}{without}"


def _measured_as(reading: Reading, threshold: float, asked: Vocabulary) -> str:
    """All beside the version itself on which the numbers of a case depend: while it is the same, they are."""
    return f"{_truth_as(reading, asked)} {threshold:g}"


def known_cases(version: ModelVersion, readings: Sequence[Reading]) -> list[PerCase]:
    """Those of the cases that were measured of this version, as it is shown, against the same readings, in their order."""
    evaluation = latest_evaluation(version)
    known = {case.get("measured_as"): case for case in evaluation.per_case} if evaluation else {}
    asked, threshold = _asked(readings), version.display_threshold
    found = ((reading.case, known.get(_measured_as(reading, threshold, asked))) for reading in readings)
    # What a table has said of a case since then is no reason to have it read again.
    return [{**measured, "traits": _traits(case)} for case, measured in found if measured is not None]


def _traits(case: Case) -> dict[str, str]:
    instance = case_instances(case).first()
    assert instance is not None
    return image_traits(case.series, instance, case.traits)


def fast_sample(readings: Sequence[Reading], *, key: str, vocabulary: Vocabulary) -> list[Reading]:
    """Of the readings of VALIDATION those that a fast round measures: all of patients drawn at random, the same each time.

    So many that the gate can speak: at least `FAST_CASES` readings, 20 with lesions and 10 patients, as far as there are;
    where no lesion is marked, 20 with and 20 without each finding that all of VALIDATION can measure.
    `key` is the project's: with it the draw is the same in every round, and two versions meet the same patients.
    """
    cases = [truth_of(reading, vocabulary, is_marked=bool(reading.lesions.all())) for reading in readings]
    told: list[dict[str, Any]] = [{"verdict": reading.verdict} for reading in readings]
    wanted: list[tuple[str, Any]] = [("verdict", Verdict.LESIONS)]
    if leading_metric(cases, vocabulary) == FINDINGS_AUC:
        told = [case["truth"] for case in cases]
        wanted = [(name, value) for name in measured_findings(cases) for value in (0, 1)]
    said = {reading.pk: one for reading, one in zip(readings, told, strict=True)}
    seen: Counter[tuple[str, Any]] = Counter()
    groups: dict[str, list[Reading]] = {}
    for reading in readings:
        groups.setdefault(reading.case.group_key, []).append(reading)
    chosen: list[Reading] = []
    for n, group in enumerate(sorted(groups, key=lambda group: hashlib.sha256(f"{key} {group}".encode()).digest())):
        if len(chosen) >= FAST_CASES and n >= MIN_PATIENTS and all(seen[one] >= MIN_POSITIVE for one in wanted):
            break
        chosen += groups[group]
        for reading in groups[group]:
            seen.update(said[reading.pk].items())
    return sorted(chosen, key=lambda reading: reading.case.number)


def case_places(
    known: CaseTruth, lesions: Sequence[PredictedLesion], *, threshold: float, loaded: CaseImages
) -> dict[str, list[int]]:
    """Coarsely, where the true lesions and those shown lie in the case."""
    shape = (len(loaded.frames), loaded.letterbox.rows, loaded.letterbox.columns)
    shown = [Region(lesion.mask, lesion.origin) for lesion in lesions if lesion.score >= threshold]
    return {"true": coarse_places([region for _, region in known.lesions], shape), "shown": coarse_places(shown, shape)}


def measure_case(
    known: CaseTruth,
    lesions: Sequence[PredictedLesion],
    *,
    threshold: float,
    spacing: Spacing | None,
    vocabulary: Vocabulary,
) -> PerCase:
    """Overlap, distances and hits of one case.

    Dice and distances are of everything at or above the display threshold against everything true.
    """
    regions = [Region(lesion.mask, lesion.origin) for lesion in lesions]
    true = [region for _, region in known.lesions]
    matched = match_lesions(true, regions, [lesion.score for lesion in lesions])
    shown = [region for region, lesion in zip(regions, lesions, strict=True) if lesion.score >= threshold]
    is_measured = bool(true) and known.complete
    return {
        "complete": known.complete,
        "boxed": known.boxed,
        "dice": region_dice(true, shown) if is_measured else None,
        **_distances(surface_distances(true, shown, spacing or UNKNOWN) if is_measured else None, is_measured),
        "unit": "mm" if spacing else "px",
        "hits": [None if score is None else round(score, 5) for score in matched.hit_scores],
        "hit_types": [kind for kind, _ in known.lesions],
        "sizes": [_size(region, spacing) for region in true],
        "found": [round(score, 5) for score in matched.found_scores],
        "false": [round(score, 5) for score in matched.false_scores],
        "false_types": [vocabulary.types[lesions[row].type_index - 1] for row in matched.false_rows],
    }


def _distances(found: SurfaceDistances | None, is_measured: bool) -> dict[str, float | None]:
    """Where a lesion is true and nothing was shown, no part of its surface was met, and there is no distance."""
    if found is None:
        return {"nsd": 0.0 if is_measured else None, "hd95": None}
    return {"nsd": normalised_surface_distance(found, TOLERANCE), "hd95": hausdorff_95(found)}


def _size(region: Region, spacing: Spacing | None) -> dict[str, float | None]:
    """Diameter of the disc (over several frames: ball) of the lesion's size, in pixels and in millimetres."""
    flat = region.mask.shape[0] == 1
    within = (1.0, *spacing[1:]) if spacing and flat else spacing
    return {
        "px": round(_diameter(region.size, flat), 3),
        "mm": round(_diameter(region.size * math.prod(within), flat), 3) if within else None,
    }


def _diameter(size: float, flat: bool) -> float:
    return math.sqrt(4 * size / math.pi) if flat else (6 * size / math.pi) ** (1 / 3)


def version_numbers(cases: list[PerCase], version: ModelVersion, split: str) -> dict[str, Any]:
    """All that is recorded of a version on a split: see `evaluation_of`.

    VALIDATION fits the calibration and cuts lesions into thirds by size; HOLDOUT takes both from there.
    """
    vocabulary = Vocabulary.from_dict(version.finding_type_ids)
    calibration, cuts = None, None
    if split == Split.HOLDOUT:
        validated = latest_evaluation(version)
        calibration, cuts = version.calibration, validated.curves.get("size_cuts") if validated else None
    return evaluation_of(cases, vocabulary, version.display_threshold, version.seed, calibration=calibration, cuts=cuts)


def evaluation_of(
    cases: list[PerCase],
    vocabulary: Vocabulary,
    threshold: float,
    seed: int,
    *,
    calibration: dict[str, Any] | None = None,
    cuts: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The numbers of an evaluation from its single cases; with `calibration` that is applied, else one is fitted."""
    cuts = cuts or size_cuts(cases)
    cases = grouped(cases, cuts=cuts)
    sets = score_sets(cases, vocabulary)
    fitted = None
    if calibration is None:
        fitted, probabilities = fitted_calibration(sets, seed=seed)
    else:
        probabilities = applied_calibration(sets, calibration)
    return {
        "metrics": metrics_of(cases, vocabulary=vocabulary, threshold=threshold, seed=seed)
        + score_errors(sets, probabilities, seed=seed),
        "curves": {
            **curves_of(cases, seed),
            "reliability": reliability_of(sets, probabilities, seed=seed),
            "size_cuts": cuts,
        },
        "subgroups": subgroups_of(cases, vocabulary=vocabulary, threshold=threshold, cuts=cuts, seed=seed),
        "per_case": with_probabilities(cases, sets, probabilities),
        "n_patients": len({case["group"] for case in cases}),
        "calibration": fitted,
    }
