"""Free-response ROC: share of lesions found against false positives per image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.metrics.matching import Matched

RATES: Final = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class FrocTable:
    """The scores of all cases as flat arrays, so that a thousand resamples cost milliseconds."""

    n_cases: int
    lesions: NDArray[np.int64]
    hit_scores: NDArray[np.float64]
    hit_cases: NDArray[np.int64]
    false_scores: NDArray[np.float64]
    false_cases: NDArray[np.int64]

    @classmethod
    def of(cls, cases: Sequence[Matched]) -> FrocTable:
        """From matched cases; their positions become the row numbers of `sensitivity_at`."""
        hits = [(score, row) for row, case in enumerate(cases) for score in case.hit_scores if score is not None]
        false = sorted(((score, row) for row, case in enumerate(cases) for score in case.false_scores), reverse=True)
        return cls(
            n_cases=len(cases),
            lesions=np.array([len(case.hit_scores) for case in cases], dtype=np.int64),
            hit_scores=np.array([score for score, _ in hits], dtype=np.float64),
            hit_cases=np.array([row for _, row in hits], dtype=np.int64),
            false_scores=np.array([score for score, _ in false], dtype=np.float64),
            false_cases=np.array([row for _, row in false], dtype=np.int64),
        )

    def sensitivity_at(self, rate: float, rows: NDArray[np.int64] | None = None) -> float | None:
        """Share of lesions found at the lowest threshold with at most `rate` false positives per image.

        None without lesions. `rows` draws cases with repeats; all once by default.
        """
        weights = self._weights(rows)
        false = np.cumsum(weights[self.false_cases])
        too_many = int(np.searchsorted(false, rate * weights.sum() + 1e-9, side="right"))
        strict = too_many < false.size
        return self._share(weights, float(np.nextafter(self.false_scores[too_many], np.inf)) if strict else -np.inf)

    def sensitivity_above(self, threshold: float, rows: NDArray[np.int64] | None = None) -> float | None:
        """Share of lesions found by predictions of at least `threshold`; None without lesions."""
        return self._share(self._weights(rows), threshold)

    def false_positives_above(self, threshold: float, rows: NDArray[np.int64] | None = None) -> float:
        """False positives per image among predictions of at least `threshold`."""
        weights = self._weights(rows)
        return float(weights[self.false_cases][self.false_scores >= threshold].sum() / weights.sum())

    def average_precision(self, rows: NDArray[np.int64] | None = None) -> float | None:
        """Mean precision over the lesions, at each distinct score; a missed lesion has none. None without lesions.

        Precision counts found lesions among found lesions and false positives.
        """
        weights = self._weights(rows)
        total = int((weights * self.lesions).sum())
        if not total:
            return None
        scores = np.concatenate([self.hit_scores, self.false_scores])
        hits = np.concatenate([weights[self.hit_cases], np.zeros(self.false_cases.size, np.int64)])
        false = np.concatenate([np.zeros(self.hit_cases.size, np.int64), weights[self.false_cases]])
        order = np.argsort(-scores, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(scores[order])), scores.size - 1) if scores.size else np.array([], int)
        found, wrong = np.cumsum(hits[order])[ends], np.cumsum(false[order])[ends]
        gained = np.diff(found, prepend=0) / total
        return float((gained * (found / np.maximum(found + wrong, 1))).sum())

    def _weights(self, rows: NDArray[np.int64] | None) -> NDArray[np.int64]:
        return np.ones(self.n_cases, np.int64) if rows is None else np.bincount(rows, minlength=self.n_cases)

    def _share(self, weights: NDArray[np.int64], threshold: float) -> float | None:
        total = int((weights * self.lesions).sum())
        found = weights[self.hit_cases][self.hit_scores >= threshold].sum()
        return float(found / total) if total else None


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
