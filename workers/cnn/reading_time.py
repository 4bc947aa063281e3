"""How long a reading takes: from recorded times to the seconds that a case is expected to cost."""

from __future__ import annotations

from typing import Final

import numpy as np

from workers.cnn.candidates import Values

MIN_READINGS: Final = 20
RIDGE: Final = 1.0
UNKNOWN_SECONDS: Final = 60.0


def expected_seconds(known: Values, findings: Values, frames: Values) -> Values:
    """Expected seconds [N] of cases with so many findings and frames, from `known` [M, 3]: findings, frames, seconds.

    A ridge regression of the log seconds on log(1 + findings) and log(frames): times are skewed and positive. The answer
    stays within what was recorded. With fewer than twenty recorded readings every case costs their median (a minute
    where there is none): then cost decides nothing. Annotation times vary by reader too; that averages out here.
    """
    if not np.isfinite(known).all() or (known[:, 2] <= 0).any():
        raise ValueError("a recorded reading time is no positive number")
    if len(known) < MIN_READINGS:
        return np.full(len(findings), np.median(known[:, 2]) if len(known) else UNKNOWN_SECONDS)
    seen, asked = _features(known[:, 0], known[:, 1]), _features(findings, frames)
    target = np.log(known[:, 2])
    middle = seen.mean(axis=0)
    centred = seen - middle
    weights = np.linalg.solve(centred.T @ centred + RIDGE * np.eye(2), centred.T @ (target - target.mean()))
    told = target.mean() + (asked - middle) @ weights
    return np.asarray(np.exp(np.clip(told, target.min(), target.max())))


def _features(findings: Values, frames: Values) -> Values:
    return np.stack([np.log1p(findings), np.log(np.maximum(frames, 1))], axis=1)
