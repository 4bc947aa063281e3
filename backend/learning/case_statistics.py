"""Statistics over measured cases, as functions of how often each is drawn: what the bootstrap resamples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.metrics.intervals import Counts, Statistic, Values, ratio
from backend.metrics.matching import Matched
from backend.metrics.ranking import auc_of_draws, average_precision_of_draws

PerCase = dict[str, Any]


def matched_of(case: PerCase) -> Matched:
    """Hits and false positives of a case."""
    return Matched(case["hits"], case["false"])


def mean_of(values: Sequence[float]) -> Statistic:
    """The mean of the drawn values."""
    array = np.array(values, dtype=np.float64)
    return lambda counts: ratio(counts @ array, counts.sum(axis=1))


def auc_of(cases: Sequence[PerCase], output: str) -> Statistic:
    """Area under the ROC curve of one output."""
    return auc_of_draws(*_arrays(cases, output))


def mean_auc_of(cases: Sequence[PerCase], outputs: Sequence[str]) -> Statistic:
    """Mean of the areas under the ROC curves of the outputs, each over the cases in which its truth is known.

    Undefined where one of them is.
    """
    known = [[row for row, case in enumerate(cases) if output in case["truth"]] for output in outputs]
    areas = [auc_of([cases[row] for row in rows], output) for rows, output in zip(known, outputs, strict=True)]

    def statistic(counts: Counts) -> Values:
        return np.asarray(np.mean([area(counts[:, rows]) for rows, area in zip(known, areas, strict=True)], axis=0))

    return statistic


def precision_of(cases: Sequence[PerCase], output: str) -> Statistic:
    """Average precision of one output."""
    return average_precision_of_draws(*_arrays(cases, output))


def _arrays(cases: Sequence[PerCase], output: str) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    truth = np.array([bool(case["truth"][output]) for case in cases], dtype=bool)
    return truth, np.array([case["scores"][output] for case in cases], dtype=np.float64)
