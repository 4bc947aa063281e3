"""From a score to a probability: Platt's logistic curve over the logit, fitted and cross-fitted, and its slope."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

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
    found = _logistic(logit(scores), targets)
    return Platt(*found) if found is not None and found[0] > 0 else None


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
    if outcomes.all() or not outcomes.any():
        return None
    found = _logistic(logit(probabilities), outcomes.astype(np.float64))
    return None if found is None else found[0]


def _logistic(x: Scores, targets: Scores) -> tuple[float, float] | None:
    """Slope and intercept of the likeliest logistic curve by Newton's steps; None where there is none."""
    centre, spread = float(x.mean()), float(x.std())
    if spread == 0:
        return None
    design = np.column_stack(((x - centre) / spread, np.ones_like(x)))
    weights = np.array([0.0, float(np.log(targets.mean() / (1 - targets.mean())))])
    for _ in range(STEPS):
        said = expit(np.clip(design @ weights, -30, 30))
        heavy = said * (1 - said)
        gradient = design.T @ (targets - said)
        (a, b), (_, d) = design.T @ (design * heavy[:, None])
        determinant = a * d - b * b
        if determinant <= 1e-10 * a * d:
            return None
        step = np.array([d * gradient[0] - b * gradient[1], a * gradient[1] - b * gradient[0]]) / determinant
        weights = weights + step * min(1.0, 4 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            slope = float(weights[0]) / spread
            return slope, float(weights[1]) - slope * centre
    return None
