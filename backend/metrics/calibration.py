"""From a score to a probability: Platt's logistic curve over the logit, fitted and cross-fitted, and its slope."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.metrics.intervals import Counts, Statistic, Values, ratio, value_of

FOLDS: Final = 5
STEPS: Final = 50
# Scores are kept with five decimals: nearer to 0 or 1 there is no difference to tell.
EDGE: Final = 1e-5

Scores = NDArray[np.float64]
Outcomes = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Platt:
    """probability = 1 / (1 + exp(-(intercept + slope · logit(score))))."""

    slope: float
    intercept: float

    def __call__(self, scores: Scores) -> Scores:
        """The probabilities of these scores."""
        return expit(self.intercept + self.slope * logit(scores))


def logit(scores: Scores) -> Scores:
    """log(score / (1 - score)); ValueError outside of 0…1."""
    if not (np.isfinite(scores).all() and (scores >= 0).all() and (scores <= 1).all()):
        raise ValueError("a score lies between 0 and 1")
    inside = np.clip(scores, EDGE, 1 - EDGE)
    return np.asarray(np.log(inside) - np.log1p(-inside), dtype=np.float64)


def expit(values: Scores) -> Scores:
    """The inverse of `logit`."""
    return np.asarray(1 / (1 + np.exp(-values)), dtype=np.float64)


def fitted_platt(scores: Scores, outcomes: Outcomes) -> Platt | None:
    """The likeliest curve, with Platt's smoothed targets (Platt 1999), which keep it finite where scores separate.

    None where only one outcome occurs, or where a higher score does not go with more positives: no curve mends that.
    """
    positive = int(outcomes.sum())
    negative = outcomes.size - positive
    if not positive or not negative:
        return None
    targets = np.where(outcomes, (positive + 1) / (positive + 2), 1 / (negative + 2))
    slope, intercept = (
        float(one[0]) for one in _logistic(logit(scores), targets, np.ones((1, scores.size), dtype=np.int64))
    )
    return Platt(slope, intercept) if slope > 0 else None


def cross_fitted(scores: Scores, outcomes: Outcomes, groups: Sequence[Hashable]) -> Scores | None:
    """The probability of each score by a curve that has seen nothing of its patient; None where a fold has no curve."""
    folds = folds_of(groups)
    calibrated = np.full(scores.size, np.nan)
    for fold in np.unique(folds):
        held = folds == fold
        curve = fitted_platt(scores[~held], outcomes[~held])
        if curve is None:
            return None
        calibrated[held] = curve(scores[held])
    return calibrated


def folds_of(groups: Sequence[Hashable]) -> NDArray[np.int64]:
    """A fold for each row, the same for all rows of a group, equal in groups, and the same whenever it is asked."""
    ordered = sorted(set(groups), key=lambda group: hashlib.sha256(str(group).encode()).hexdigest())
    fold = {group: place % FOLDS for place, group in enumerate(ordered)}
    return np.array([fold[group] for group in groups], dtype=np.int64)


def calibration_slope(probabilities: Scores, outcomes: Outcomes) -> float | None:
    """Slope of the outcome's logit over that of the probability: 1 is right, below 1 overconfident (Cox 1958).

    None where only one outcome occurs, or where the two outcomes do not overlap and the slope has no end.
    """
    return value_of(slope_of_draws(probabilities, outcomes), outcomes.size)


def slope_of_draws(probabilities: Scores, outcomes: Outcomes) -> Statistic:
    """The calibration slope of each draw; see `calibration_slope`."""
    x, targets = logit(probabilities), outcomes.astype(np.float64)
    return lambda counts: _logistic(x, targets, counts)[0]


def _logistic(x: Scores, targets: Scores, counts: Counts) -> tuple[Values, Values]:
    """Slope and intercept of the likeliest logistic curve of each draw by Newton's steps; NaN where there is none."""
    n = counts.sum(axis=1)
    centre = ratio(counts @ x, n)[:, None]
    # About each draw's own mean: differences of large squares would lose what is small.
    spread = np.sqrt(ratio((counts * (x - centre) ** 2).sum(axis=1), n))[:, None]
    share = ratio(counts @ targets, n)
    slope, intercept = np.full(len(counts), np.nan), np.full(len(counts), np.nan)
    open_ = np.flatnonzero((spread[:, 0] > 0) & (share > 0) & (share < 1))
    a, b = np.zeros(len(counts)), np.zeros(len(counts))
    b[open_] = np.log(share[open_] / (1 - share[open_]))
    for _ in range(STEPS):
        if not open_.size:
            break
        z, weight = (x - centre[open_]) / spread[open_], counts[open_]
        said = expit(np.clip(a[open_, None] * z + b[open_, None], -30, 30))
        missed, heavy = weight * (targets - said), weight * said * (1 - said)
        g, h = (missed * z).sum(axis=1), missed.sum(axis=1)
        zz, z1, one = (heavy * z * z).sum(axis=1), (heavy * z).sum(axis=1), heavy.sum(axis=1)
        determinant = zz * one - z1 * z1
        endless = determinant <= 1e-10 * zz * one
        safe = np.where(endless, 1.0, determinant)
        steps = np.stack([(one * g - z1 * h) / safe, (zz * h - z1 * g) / safe])
        longest = np.abs(steps).max(axis=0)
        steps = steps * np.minimum(1.0, 4 / np.maximum(longest, 1e-12))
        a[open_] += np.where(endless, 0.0, steps[0])
        b[open_] += np.where(endless, 0.0, steps[1])
        settled = ~endless & (longest < 1e-9)
        done = open_[settled]
        slope[done] = a[done] / spread[done, 0]
        intercept[done] = b[done] - slope[done] * centre[done, 0]
        open_ = open_[~endless & ~settled]
    return slope, intercept
