"""How well scores order cases: area under the ROC curve, average precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def auc(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    """Chance that a positive scores above a negative, ties half (Mann-Whitney); None where one of the two is missing."""
    positive = int(truth.sum())
    negative = truth.size - positive
    if positive == 0 or negative == 0:
        return None
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[place]
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * negative))


def average_precision(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    """Mean precision over the positives, at each distinct score; None without positives."""
    positive = int(truth.sum())
    if positive == 0:
        return None
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    ends = np.append(np.flatnonzero(np.diff(scores[order])), truth.size - 1)
    recall = hits[ends] / positive
    precision = hits[ends] / (ends + 1)
    return float((np.diff(recall, prepend=0.0) * precision).sum())
