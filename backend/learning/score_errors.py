"""How wrong scores are as probabilities: Brier score and expected calibration error, raw and calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.learning.calibrating import Probabilities, why_uncalibrated
from backend.learning.score_sets import ScoreSet
from backend.metrics.intervals import Counts, Estimate, Values, estimate
from backend.metrics.reliability import (
    brier_of_draws,
    calibration_error_of_draws,
    error_of_perfection,
    reliability_bins,
)
from backend.registry.calibration import LESION

UNCALIBRATED: Final = "uncalibrated"


def score_errors(sets: Sequence[ScoreSet], probabilities: Probabilities, *, seed: int = 0) -> list[dict[str, Any]]:
    """Brier score and expected calibration error of each kind of score, before and after calibration."""
    told = []
    for one in sets:
        told += _errors(one, one.scores, "", seed)
        told += _errors(one, probabilities[one.name], "_calibrated", seed)
    return [error.as_dict() for error in told]


def reliability_of(sets: Sequence[ScoreSet], probabilities: Probabilities, *, seed: int = 0) -> list[dict[str, Any]]:
    """The diagrams: {name, raw, calibrated, counts, perfection, note}; no bins where too little backs them.

    `counts`: how many scores lie in each tenth of 0…1, {raw, calibrated}; `perfection`: the expected calibration error
    that these scores would show if they were exactly right, {raw, calibrated}, each {mean, p95} or null.
    """
    told = []
    for one in sets:
        reason, mended = why_uncalibrated(one), probabilities[one.name]
        raw = [] if reason else _bins(one, one.scores)
        calibrated = [] if reason or mended is None else _bins(one, mended)
        counts = {"raw": _tenths(one.scores), "calibrated": [] if mended is None else _tenths(mended)}
        perfection = {"raw": _perfection(one.scores, seed), "calibrated": _perfection(mended, seed)}
        bins = {"raw": raw, "calibrated": calibrated, "counts": counts}
        told.append({"name": one.name, **bins, "perfection": perfection, "note": reason})
    return told


def _bins(one: ScoreSet, values: NDArray[np.float64]) -> list[dict[str, Any]]:
    return [part.as_dict() for part in reliability_bins(one.outcomes, values, one.groups)]


def _perfection(values: NDArray[np.float64] | None, seed: int) -> dict[str, Any] | None:
    right = None if values is None else error_of_perfection(values, seed)
    return right.as_dict() if right else None


def _tenths(values: NDArray[np.float64]) -> list[int]:
    return [int(n) for n in np.histogram(values, bins=10, range=(0, 1))[0]]


def _errors(one: ScoreSet, values: NDArray[np.float64] | None, suffix: str, seed: int) -> list[Estimate]:
    prefix = "lesion_" if one.name == LESION else ""
    known = one.scores if values is None else values

    def untold(counts: Counts) -> Values:
        return np.full(len(counts), np.nan)

    brier = untold if values is None else brier_of_draws(one.outcomes, known)
    error = untold if values is None else calibration_error_of_draws(one.outcomes, known)
    told = []
    for name, statistic in (("brier", brier), ("ece", error)):
        told.append(
            estimate(
                f"{prefix}{name}{suffix}",
                statistic,
                groups=one.groups,
                n_positive=one.n_positive,
                finding_type=one.finding_type,
                seed=seed,
                undefined=UNCALIBRATED,
                note=_floor(known, seed) if name == "ece" and values is not None and known.size else "",
            )
        )
    return told


def _floor(values: NDArray[np.float64], seed: int) -> str:
    right = error_of_perfection(values, seed)
    if right is None:
        return ""
    return f"scores that are exactly right would show {right.mean:.3f} here, 19 times of 20 at most {right.p95:.3f}"
