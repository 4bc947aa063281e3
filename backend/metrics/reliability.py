"""How far probabilities are from what happens: Brier score, expected calibration error, reliability diagram."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.metrics.intervals import Counts, Statistic, Values, ratio, value_of, wilson_interval

ECE_BINS: Final = 15
MIN_IN_BIN: Final = 20


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Scores `start`…`end` that stand together: their mean, the share that came true with its interval, how many."""

    start: float
    end: float
    mean: float
    share: float
    low: float
    high: float
    n: int
    n_patients: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def brier_score(outcomes: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    """Mean squared distance of score and outcome (Brier 1950); None without a score."""
    return value_of(brier_of_draws(outcomes, scores), scores.size)


def brier_of_draws(outcomes: NDArray[np.bool_], scores: NDArray[np.float64]) -> Statistic:
    """The Brier score of each draw."""
    squares = (scores - outcomes) ** 2
    return lambda counts: ratio(counts @ squares, counts.sum(axis=1))


def expected_calibration_error(
    outcomes: NDArray[np.bool_], scores: NDArray[np.float64], bins: int = ECE_BINS
) -> float | None:
    """Mean distance of mean score and share of positives over bins of equal mass, weighted by what they hold."""
    return value_of(calibration_error_of_draws(outcomes, scores, bins), scores.size)


def calibration_error_of_draws(outcomes: NDArray[np.bool_], scores: NDArray[np.float64], bins: int = ECE_BINS) -> Statistic:
    """The expected calibration error of each draw; its bins are of equal mass in that draw."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=np.nan) != 0)
    distance = (scores - outcomes)[order]

    def statistic(counts: Counts) -> Values:
        if not order.size:
            return np.full(len(counts), np.nan)
        drawn = counts[:, order]
        at_level = np.add.reduceat(drawn, starts, axis=1)
        total = at_level.sum(axis=1)
        middle = np.cumsum(at_level, axis=1) - at_level / 2
        place = np.minimum(np.floor(middle * bins / np.maximum(total, 1)[:, None]).astype(np.int64), bins - 1)
        place += bins * np.arange(len(counts))[:, None]
        gaps = np.bincount(
            place.ravel(), np.add.reduceat(drawn * distance, starts, axis=1).ravel(), minlength=bins * len(counts)
        )
        return ratio(np.abs(gaps).reshape(len(counts), bins).sum(axis=1), total)

    return statistic


@dataclass(frozen=True, slots=True)
class Perfection:
    """The expected calibration error that scores would show if each were exactly right: on average, and its 95th percentile.

    Bins hold few scores, so it is never zero: an error up to the percentile tells nothing against the scores.
    """

    mean: float
    p95: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"mean": round(self.mean, 5), "p95": round(self.p95, 5)}


def error_of_perfection(
    scores: NDArray[np.float64], seed: int = 0, draws: int = 400, bins: int = ECE_BINS
) -> Perfection | None:
    """Simulated at the very scores (Bröcker and Smith 2007): outcomes are drawn from them as from exact probabilities.

    Outcomes are drawn one by one; where several come of a patient and go together, the true percentile is larger.
    None without a score.
    """
    if not scores.size:
        return None
    generator, place = np.random.default_rng(seed), equal_mass_bins(scores, bins)
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    told = np.empty(draws)
    for draw in range(draws):
        distance = scores - (generator.random(scores.size) < scores)
        told[draw] = np.abs(np.add.reduceat(distance[order], starts)).sum() / scores.size
    return Perfection(float(told.mean()), float(np.quantile(told, 0.95)))


def equal_mass_bins(scores: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """The bin of each score: by its rank, so that bins hold equally many; equal scores stand in one bin."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    return np.asarray(np.floor(middle * bins / scores.size), dtype=np.int64)[place]


def reliability_bins(
    outcomes: NDArray[np.bool_], scores: NDArray[np.float64], groups: Sequence[Hashable], bins: int = ECE_BINS
) -> list[ReliabilityBin]:
    """The diagram: at most `bins` bins of equal mass, fewer where they would hold less than `MIN_IN_BIN` each.

    The interval of a share takes the patients of the bin as its trials.
    """
    if not scores.size:
        return []
    place = equal_mass_bins(scores, max(1, min(bins, scores.size // MIN_IN_BIN)))
    names = np.array([str(group) for group in groups])
    drawn = []
    for index in np.unique(place):
        own = place == index
        n, hits, patients = int(own.sum()), int(outcomes[own].sum()), len(set(names[own]))
        low, high = wilson_interval(hits, n, patients)
        inside = scores[own]
        drawn.append(
            ReliabilityBin(float(inside.min()), float(inside.max()), float(inside.mean()), hits / n, low, high, n, patients)
        )
    return drawn
