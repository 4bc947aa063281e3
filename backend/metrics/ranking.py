"""How well scores order cases: area under the ROC curve, average precision; of a sample, and of many draws of it at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.metrics.intervals import Counts, Statistic, Values, ratio, value_of


def auc(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    """Chance that a positive scores above a negative, ties half (Mann-Whitney); None where one of the two is missing."""
    return value_of(auc_of_draws(truth, scores), truth.size)


def average_precision(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    """Mean precision over the positives, at each distinct score; None where positives or negatives are missing.

    Without negatives it would be 1 whatever the scores are.
    """
    return value_of(average_precision_of_draws(truth, scores), truth.size)


def auc_of_draws(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> Statistic:
    """The area under the ROC curve of each draw; see `auc`."""
    order, starts = _levels(scores)

    def statistic(counts: Counts) -> Values:
        positive, negative = _by_level(counts, truth, order, starts)
        below = np.cumsum(negative, axis=1) - negative / 2
        pairs = positive.sum(axis=1) * negative.sum(axis=1)
        return ratio((positive * below).sum(axis=1), pairs)

    return statistic


def average_precision_of_draws(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> Statistic:
    """The average precision of each draw; see `average_precision`."""
    order, starts = _levels(-scores)

    def statistic(counts: Counts) -> Values:
        positive, negative = _by_level(counts, truth, order, starts)
        found, wrong = np.cumsum(positive, axis=1), np.cumsum(negative, axis=1)
        precision = found / np.maximum(found + wrong, 1)
        weights = np.where(negative.sum(axis=1) > 0, positive.sum(axis=1), 0)
        return ratio((positive * precision).sum(axis=1), weights)

    return statistic


def _levels(scores: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows in rising order, and where in it each distinct score begins."""
    order = np.argsort(scores, kind="stable")
    return order, np.flatnonzero(np.diff(scores[order], prepend=np.nan) != 0)


def _by_level(
    counts: Counts, truth: NDArray[np.bool_], order: NDArray[np.int64], starts: NDArray[np.int64]
) -> tuple[Counts, Counts]:
    """How many positives and negatives each draw has at each distinct score: two of [draws, scores]."""
    drawn = counts[:, order]
    if not order.size:
        return drawn, drawn
    positive = np.add.reduceat(drawn * truth[order], starts, axis=1)
    return positive, np.add.reduceat(drawn, starts, axis=1) - positive
