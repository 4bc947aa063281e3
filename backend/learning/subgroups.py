"""A version's error broken down: by finding type, lesion size, sex, age, body part, view, site and scanner.

Each case keeps in `groups` the codes of the groups it stands in, by dimension, so that the cases behind a row can be
found again. A group that too few patients back is listed with "too few"; a dimension of which nothing is said is listed as
one row that says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from backend.learning.case_statistics import PerCase
from backend.learning.evaluation import (
    dice_estimate,
    false_positive_estimate,
    hausdorff_estimate,
    ranking_estimates,
    sensitivity_estimate,
    surface_distance_estimate,
)
from backend.learning.vocabulary import ANY_LESION, Vocabulary
from backend.metrics.intervals import Estimate

TRAITS: Final = ("sex", "age", "body_part", "view", "site", "scanner")
SIZES: Final = ("small", "middle", "large")
METRICS: Final = ("sensitivity", "false_positives_per_image", "dice", "nsd", "hd95_mm", "auc", "average_precision")
HIGHER_IS_WORSE: Final = frozenset({"false_positives_per_image", "hd95_mm"})
# A group with a smaller share of images that bear a lesion has a lower average precision, whatever the model does there.
NOT_COMPARED: Final = frozenset({"average_precision"})
NOT_STATED: Final = "stated by no header and no table"
NO_FALSE_SIZE: Final = "a false positive has no true size"
WHOLE_IMAGE: Final = "a finding of the whole image has no place"
NO_SPACING: Final = "no spacing is known here: distances are in pixels"

Subgroup = dict[str, Any]


def size_cuts(cases: Sequence[PerCase]) -> dict[str, Any] | None:
    """The diameters between which the middle third of the true lesions lies: {unit, low, high}; None without a lesion.

    In millimetres where the spacing of every lesion is known, else in pixels.
    """
    sizes = [size for case in cases for size in case["sizes"]]
    if not sizes:
        return None
    unit = "mm" if all(size["mm"] is not None for size in sizes) else "px"
    low, high = np.quantile([size[unit] for size in sizes], [1 / 3, 2 / 3])
    return {"unit": unit, "low": round(float(low), 2), "high": round(float(high), 2)}


def grouped(cases: Sequence[PerCase], *, cuts: dict[str, Any] | None) -> list[PerCase]:
    """The same cases with `groups`."""
    return [{**case, "groups": _groups(case, cuts)} for case in cases]


def subgroups_of(
    cases: Sequence[PerCase], *, vocabulary: Vocabulary, threshold: float, cuts: dict[str, Any] | None, seed: int = 0
) -> list[Subgroup]:
    """[{dimension, group, unit, start, end, n_cases, n_patients, metrics, note}, …] of cases with `groups`.

    `start` and `end` bound a size (`end` excluded), else null.
    """
    found = [*_types(cases, vocabulary, threshold, seed), *_sizes(cases, threshold, cuts, seed)]
    for dimension in TRAITS:
        found += _traits(cases, dimension, threshold, seed)
    return found


def _groups(case: PerCase, cuts: dict[str, Any] | None) -> dict[str, list[str]]:
    kinds = {str(kind) for kind in case["hit_types"]}
    kinds |= {name.split(":")[1] for name, value in case["truth"].items() if ":" in name and value}
    sizes = {size_group(size, cuts) for size in case["sizes"] if cuts}
    traits = {dimension: [case["traits"].get(dimension, "")] for dimension in TRAITS}
    return {"finding_type": sorted(kinds), "size": [name for name in SIZES if name in sizes], **traits}


def size_group(size: dict[str, Any], cuts: dict[str, Any] | None) -> str:
    """Which third a lesion of this size stands in; a lesion whose size is not known in the unit of the cuts in none."""
    diameter = size[cuts["unit"]] if cuts else None
    if cuts is None or diameter is None:
        return ""
    return SIZES[int(diameter >= cuts["low"]) + int(diameter >= cuts["high"])]


def _types(cases: Sequence[PerCase], vocabulary: Vocabulary, threshold: float, seed: int) -> Iterator[Subgroup]:
    complete = [case for case in cases if case["complete"]]
    for pk in vocabulary.types:
        own = [_narrowed(case, [kind == pk for kind in case["hit_types"]], _false_of(case, pk)) for case in complete]
        bearing = [case for case in cases if case["dice"] is not None and pk in case["hit_types"]]
        yield _subgroup(
            "finding_type",
            str(pk),
            [case for case in cases if str(pk) in case["groups"]["finding_type"]],
            [
                sensitivity_estimate([case for case in own if case["hits"]], threshold, finding_type=pk, seed=seed),
                false_positive_estimate(own, threshold, finding_type=pk, seed=seed),
                *_outline(bearing, seed, pk),
                *ranking_estimates(cases, f"type:{pk}", seed=seed),
            ],
        )
    for pk in vocabulary.findings:
        members = [case for case in cases if str(pk) in case["groups"]["finding_type"]]
        placeless = [_untold(name, members, WHOLE_IMAGE, pk) for name in METRICS[:-2]]
        ranked = ranking_estimates(cases, f"finding:{pk}", seed=seed)
        yield _subgroup("finding_type", str(pk), members, [*placeless, *ranked])


def _sizes(cases: Sequence[PerCase], threshold: float, cuts: dict[str, Any] | None, seed: int) -> Iterator[Subgroup]:
    """By the diameter of the true lesion; outlines and ranking of the images whose largest lesion stands in the third."""
    complete = [case for case in cases if case["complete"]]
    bounds = {"small": (None, "low"), "middle": ("low", "high"), "large": ("high", None)}
    for name in SIZES:
        own = [_narrowed(case, [size_group(size, cuts) == name for size in case["sizes"]], []) for case in complete]
        largest = [case for case in cases if _largest(case, cuts) == name]
        negative = [case for case in cases if case["truth"].get(ANY_LESION) == 0]
        start, end = bounds[name]
        members = [case for case in cases if name in case["groups"]["size"]]
        yield _subgroup(
            "size",
            name,
            members,
            [
                sensitivity_estimate([case for case in own if case["hits"]], threshold, seed=seed),
                _untold("false_positives_per_image", members, NO_FALSE_SIZE),
                *_outline(largest, seed),
                *ranking_estimates([*largest, *negative], ANY_LESION, seed=seed),
            ],
            unit=cuts["unit"] if cuts else "",
            start=cuts[start] if cuts and start else None,
            end=cuts[end] if cuts and end else None,
        )


def _traits(cases: Sequence[PerCase], dimension: str, threshold: float, seed: int) -> Iterator[Subgroup]:
    """By what header or table says; values that they do not say stand in a group of their own, "", at the end."""
    counted = Counter(code for case in cases for code in case["groups"][dimension])
    if set(counted) <= {""}:
        yield _subgroup(dimension, "", cases, [_untold(name, cases, NOT_STATED) for name in METRICS], note=NOT_STATED)
        return
    by_name = dimension == "age"
    for code in sorted(counted, key=lambda code: (code == "", code if by_name else "", -counted[code], code)):
        own = [case for case in cases if code in case["groups"][dimension]]
        complete = [case for case in own if case["complete"]]
        metrics = [
            sensitivity_estimate([case for case in complete if case["hits"]], threshold, seed=seed),
            false_positive_estimate(complete, threshold, seed=seed),
            *_outline(own, seed),
            *ranking_estimates(own, ANY_LESION, seed=seed),
        ]
        yield _subgroup(dimension, code, own, metrics)


def _largest(case: PerCase, cuts: dict[str, Any] | None) -> str:
    codes = [size_group(size, cuts) for size in case["sizes"]]
    return max(codes, key=lambda code: SIZES.index(code) if code else -1, default="")


def _narrowed(case: PerCase, lesions: Sequence[bool], false: Sequence[float]) -> PerCase:
    """The case as if it had only these lesions and false positives."""
    return {**case, "hits": [hit for hit, kept in zip(case["hits"], lesions, strict=True) if kept], "false": false}


def _false_of(case: PerCase, finding_type: int) -> list[float]:
    pairs = zip(case["false"], case["false_types"], strict=True)
    return [score for score, kind in pairs if kind == finding_type]


def _outline(cases: Sequence[PerCase], seed: int, finding_type: int | None = None) -> list[Estimate]:
    """Dice, normalised surface distance, and HD95 of the images in millimetres: pixels of two scanners differ."""
    bearing = [case for case in cases if case["dice"] is not None]
    distance = hausdorff_estimate(bearing, "mm", finding_type=finding_type, seed=seed)
    if bearing and all(case["unit"] != "mm" for case in bearing):
        distance = _untold("hd95_mm", bearing, NO_SPACING, finding_type)
    return [
        dice_estimate(bearing, finding_type=finding_type, seed=seed),
        surface_distance_estimate(bearing, finding_type=finding_type, seed=seed),
        distance,
    ]


def _untold(metric: str, cases: Sequence[PerCase], note: str, finding_type: int | None = None) -> Estimate:
    return Estimate(metric, finding_type, None, None, None, _patients(cases), 0, note)


def _patients(cases: Sequence[PerCase]) -> int:
    return len({case["group"] for case in cases})


def _subgroup(
    dimension: str,
    group: str,
    cases: Sequence[PerCase],
    metrics: Sequence[Estimate],
    *,
    unit: str = "",
    start: float | None = None,
    end: float | None = None,
    note: str = "",
) -> Subgroup:
    return {
        "dimension": dimension,
        "group": group,
        "unit": unit,
        "start": start,
        "end": end,
        "n_cases": len(cases),
        "n_patients": _patients(cases),
        "metrics": [one.as_dict() for one in metrics],
        "note": note,
    }
