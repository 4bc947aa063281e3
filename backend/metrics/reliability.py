"""How far probabilities are from what happens: Brier score, expected calibration error, reliability diagram."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.metrics.intervals import wilson_interval

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
    return float(((scores - outcomes) ** 2).mean()) if scores.size else None


def expected_calibration_error(
    outcomes: NDArray[np.bool_], scores: NDArray[np.float64], bins: int = ECE_BINS
) -> float | None:
    """Mean distance of mean score and share of positives over bins of equal mass, weighted by what they hold."""
    if not scores.size:
        return None
    place = equal_mass_bins(scores, bins)
    distance = np.bincount(place, weights=scores - outcomes, minlength=bins)
    return float(np.abs(distance).sum() / scores.size)


def error_of_perfection(scores: NDArray[np.float64], seed: int = 0, draws: int = 200) -> float:
    """The expected calibration error that these scores would show on average if each were exactly right.

    Bins hold few scores, so it is never zero: an error near it tells nothing against the scores.
    """
    generator = np.random.default_rng(seed)
    told = [expected_calibration_error(generator.random(scores.size) < scores, scores) for _ in range(draws)]
    return float(np.mean([one for one in told if one is not None]))


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
