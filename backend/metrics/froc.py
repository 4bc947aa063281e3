"""Free-response ROC: share of lesions found against false positives per image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.metrics.intervals import Counts, Statistic, Values, ratio
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

    def sensitivity_at(self, rate: float) -> Statistic:
        """Share of lesions found at the lowest threshold with at most `rate` false positives per image; undefined without
        lesions."""

        def statistic(counts: Counts) -> Values:
            false = np.cumsum(counts[:, self.false_cases], axis=1)
            allowed = rate * counts.sum(axis=1) + 1e-9
            too_many = (false <= allowed[:, None]).sum(axis=1)
            # Above the first false positive that is one too many; below all scores where there is none.
            strict = np.append(np.nextafter(self.false_scores, np.inf), -np.inf)
            return self._found(counts, strict[too_many])

        return statistic

    def sensitivity_above(self, threshold: float) -> Statistic:
        """Share of lesions found by predictions of at least `threshold`; undefined without lesions."""
        return lambda counts: self._found(counts, np.full(len(counts), threshold))

    def false_positives_above(self, threshold: float) -> Statistic:
        """False positives per image among predictions of at least `threshold`."""
        wrong = np.bincount(self.false_cases[self.false_scores >= threshold], minlength=self.n_cases)
        return lambda counts: ratio(counts @ wrong, counts.sum(axis=1))

    def average_precision(self) -> Statistic:
        """Mean precision over the lesions, at each distinct score; a missed lesion has none. Undefined without lesions.

        Precision counts found lesions among found lesions and false positives.
        """
        scores = np.concatenate([self.hit_scores, self.false_scores])
        order = np.argsort(-scores, kind="stable")
        starts = np.flatnonzero(np.diff(scores[order], prepend=np.nan) != 0)
        cases = np.concatenate([self.hit_cases, self.false_cases])[order]
        is_hit = order < self.hit_cases.size

        def statistic(counts: Counts) -> Values:
            if not cases.size:
                return self._per_lesion(counts, np.zeros(len(counts)))
            drawn = counts[:, cases]
            hits = np.add.reduceat(drawn * is_hit, starts, axis=1)
            found, shown = np.cumsum(hits, axis=1), np.cumsum(np.add.reduceat(drawn, starts, axis=1), axis=1)
            return self._per_lesion(counts, (hits * (found / np.maximum(shown, 1))).sum(axis=1))

        return statistic

    def _found(self, counts: Counts, thresholds: NDArray[np.float64]) -> Values:
        """Share of the lesions whose hit reaches the draw's threshold."""
        reached = self.hit_scores >= thresholds[:, None]
        return self._per_lesion(counts, (counts[:, self.hit_cases] * reached).sum(axis=1))

    def _per_lesion(self, counts: Counts, found: NDArray[np.float64] | NDArray[np.int64]) -> Values:
        return ratio(found, counts @ self.lesions)


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
