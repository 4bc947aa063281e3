"""What a version's kept calibration makes of its scores, which stay stored raw: a probability is derived where told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from backend.metrics.calibration import Platt

LESION: Final = "lesion"
"""The name of a predicted lesion's score beside those of the outputs per image."""


def entry_of(calibration: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What is kept of lesion scores or of an output; empty while nothing has been fitted."""
    found = calibration.get("lesion") if name == LESION else calibration.get("outputs", {}).get(name)
    return found or {}


def platt_of(calibration: Mapping[str, Any], name: str) -> Platt | None:
    """The kept curve of lesion scores or of an output; None while it is uncalibrated."""
    entry = entry_of(calibration, name)
    return Platt(entry["slope"], entry["intercept"]) if entry.get("method") == "platt" else None


def probability_of(calibration: Mapping[str, Any], name: str, score: float | None) -> float | None:
    """The calibrated probability of a score; None while it is uncalibrated."""
    curve = platt_of(calibration, name)
    return None if curve is None or score is None else round(float(curve(np.array([score]))[0]), 4)


def calibration_summary(calibration: Mapping[str, Any]) -> dict[str, Any]:
    """Of lesion scores, as the reading room tells it: method ("none" with its reason in `note`), and what backs it."""
    entry = entry_of(calibration, LESION)
    return {
        "method": entry.get("method", "none"),
        "note": entry.get("note", calibration.get("note", "")),
        "n": entry.get("n", 0),
        "n_patients": entry.get("n_patients", 0),
    }
