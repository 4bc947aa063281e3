"""Free-response ROC: share of lesions found against false positives per image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from backend.metrics.matching import Matched

RATES: Final = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def sensitivity_at(cases: Sequence[Matched], rate: float) -> float | None:
    """Share of lesions found at the lowest threshold with at most `rate` false positives per image; None without lesions."""
    lesions = sum(len(case.hit_scores) for case in cases)
    if lesions == 0:
        return None
    return _found(cases, _threshold(cases, rate)) / lesions


def false_positives_at(cases: Sequence[Matched], threshold: float) -> float:
    """False positives per image among predictions of at least `threshold`."""
    return sum(score >= threshold for case in cases for score in case.false_scores) / len(cases)


def sensitivity_above(cases: Sequence[Matched], threshold: float) -> float | None:
    """Share of lesions found by predictions of at least `threshold`; None without lesions."""
    lesions = sum(len(case.hit_scores) for case in cases)
    return None if lesions == 0 else _found(cases, threshold) / lesions


def froc_curve(cases: Sequence[Matched]) -> list[tuple[float, float, float]]:
    """(false positives per image, sensitivity, threshold) at each score that occurs, from strict to lax."""
    lesions = sum(len(case.hit_scores) for case in cases)
    hits = np.sort([score for case in cases for score in case.hit_scores if score is not None])
    false = np.sort([score for case in cases for score in case.false_scores])
    levels = np.unique(np.concatenate([hits, false]))[::-1]
    if lesions == 0:
        return []
    found = hits.size - np.searchsorted(hits, levels, side="left")
    wrong = false.size - np.searchsorted(false, levels, side="left")
    return [
        (float(w / len(cases)), float(f / lesions), float(level)) for w, f, level in zip(wrong, found, levels, strict=True)
    ]


def _found(cases: Sequence[Matched], threshold: float) -> int:
    return sum(score is not None and score >= threshold for case in cases for score in case.hit_scores)


def _threshold(cases: Sequence[Matched], rate: float) -> float:
    """The lowest threshold that keeps to the rate: just above the first false positive too many."""
    false = sorted((score for case in cases for score in case.false_scores), reverse=True)
    allowed = int(np.floor(rate * len(cases) + 1e-9))
    return -np.inf if len(false) <= allowed else float(np.nextafter(false[allowed], np.inf))
