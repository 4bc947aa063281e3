"""Fits what turns a version's scores into probabilities, on VALIDATION alone.

The curve that is kept is fitted to all scores; its error is told by cross-fitting over patients, so that no probability
is judged by a curve that has seen its patient. HOLDOUT fits nothing: there the kept curve is applied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.learning.score_sets import ScoreSet
from backend.metrics.calibration import FOLDS, cross_fitted, fitted_platt, slope_of_draws
from backend.metrics.intervals import MIN_PATIENTS, MIN_POSITIVE, estimate
from backend.registry.calibration import LESION, platt_of

Probabilities = dict[str, NDArray[np.float64] | None]

NOT_RISING: Final = "a higher score does not go with more positives"


def fitted_calibration(sets: Sequence[ScoreSet], *, seed: int = 0) -> tuple[dict[str, Any], Probabilities]:
    """The calibration as a version keeps it, and the cross-fitted probabilities by which its error is told.

    {method, note, split, lesion: {method, slope, intercept, n, n_positive, n_patients, slope_before, slope_after, note},
    outputs: {name: the same}}; a `method` of "none" has its reason in `note`.
    """
    entries, probabilities = {}, {}
    for one in sets:
        entries[one.name], probabilities[one.name] = _fitted(one, seed)
    lesion = entries.pop(LESION)
    told = {"method": lesion["method"], "note": lesion["note"], "split": "VALIDATION", "folds": FOLDS}
    return {**told, "lesion": lesion, "outputs": entries}, probabilities


def applied_calibration(sets: Sequence[ScoreSet], calibration: Mapping[str, Any]) -> Probabilities:
    """The probabilities of scores that the kept curves have not seen."""
    curves = {name: platt_of(calibration, name) for name in (one.name for one in sets)}
    return {one.name: curve(one.scores) if (curve := curves[one.name]) else None for one in sets}


def why_uncalibrated(one: ScoreSet) -> str:
    """Why there is too little to fit a curve to, or nothing."""
    if one.n_positive < MIN_POSITIVE:
        return f"too few: {one.n_positive} positive, at least {MIN_POSITIVE} needed"
    if one.n_negative < MIN_POSITIVE:
        return f"too few: {one.n_negative} negative, at least {MIN_POSITIVE} needed"
    if one.n_patients < MIN_PATIENTS:
        return f"too few: {one.n_patients} patient{'s' * (one.n_patients != 1)}, at least {MIN_PATIENTS} needed"
    return ""


def _fitted(one: ScoreSet, seed: int) -> tuple[dict[str, Any], NDArray[np.float64] | None]:
    told = {"n": int(one.scores.size), "n_positive": one.n_positive, "n_patients": one.n_patients}
    blank = {"method": "none", "slope": None, "intercept": None, **told, "slope_before": None, "slope_after": None}
    if reason := why_uncalibrated(one):
        return {**blank, "note": reason}, None
    before = _slope(one, one.scores, seed)
    curve, probabilities = fitted_platt(one.scores, one.outcomes), cross_fitted(one.scores, one.outcomes, one.groups)
    if curve is None or probabilities is None:
        return {**blank, "slope_before": before, "note": NOT_RISING}, None
    fitted = {"method": "platt", "slope": curve.slope, "intercept": curve.intercept, "slope_before": before, "note": ""}
    return {**blank, **fitted, "slope_after": _slope(one, probabilities, seed)}, probabilities


def _slope(one: ScoreSet, probabilities: NDArray[np.float64], seed: int) -> dict[str, Any]:
    return estimate(
        "calibration_slope",
        slope_of_draws(probabilities, one.outcomes),
        groups=one.groups,
        n_positive=one.n_positive,
        finding_type=one.finding_type,
        seed=seed,
    ).as_dict()
