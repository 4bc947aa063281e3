"""Measured cases as `workers.evaluating` makes them, drawn without a network: their scores are overconfident."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np

from backend.metrics.calibration import expit

SCANNERS = ("", "Alpha One", "Alpha One", "Beta Two")


def measured_cases(n: int, *, types: tuple[int, ...] = (1, 2), findings: tuple[int, ...] = (), seed: int = 0) -> list[Any]:
    """`n` cases of about two thirds as many patients; two of three bear a lesion, of which small ones are often missed."""
    generator = np.random.default_rng(seed)
    return [_case(row, types, findings, generator) for row in range(n)]


def _case(row: int, types: tuple[int, ...], findings: tuple[int, ...], generator: np.random.Generator) -> dict[str, Any]:
    kinds = [types[int(generator.integers(len(types)))]] if row % 3 else []
    diameters = [float(generator.uniform(4, 40)) for _ in kinds]
    seen = [generator.normal(diameter / 12 - 1, 1.2) for diameter in diameters]
    hits = [round(float(expit(np.array(2 * one + 1))), 5) if one > -0.6 else None for one in seen]
    n_false = int(generator.poisson(0.8))
    false = np.round(expit(2 * generator.normal(-1.2, 1, n_false) + 1), 5).tolist()
    shown = bool(hits) and hits[0] is not None and hits[0] >= 0.5
    outputs = ["any", *(f"type:{pk}" for pk in types), *(f"finding:{pk}" for pk in findings)]
    truth = {"any": int(bool(kinds)), **{f"type:{pk}": int(pk in kinds) for pk in types}}
    truth |= {f"finding:{pk}": int(generator.random() < 0.3) for pk in findings}
    return {
        "case": str(uuid.UUID(int=row + 1)),
        "name": f"US-{row + 1:04}",
        "group": f"patient {row * 2 // 3}",
        "complete": True,
        "boxed": False,
        "dice": round(float(generator.uniform(0.5, 0.95)), 5) if shown else 0.0 if kinds else None,
        "nsd": round(float(generator.uniform(0.4, 1)), 5) if shown else 0.0 if kinds else None,
        "hd95": round(float(generator.uniform(1, 9)), 5) if shown else None,
        "unit": "mm",
        "hits": hits,
        "hit_types": kinds,
        "sizes": [{"px": diameter * 4, "mm": diameter} for diameter in diameters],
        "found": [hit for hit in hits if hit is not None],
        "false": false,
        "false_types": [types[int(generator.integers(len(types)))] for _ in false],
        "scores": {
            name: round(float(expit(np.array(2 * generator.normal(2 * truth[name] - 1, 1.2) + 1))), 5) for name in outputs
        },
        "truth": truth,
        "traits": {
            "sex": "FFM"[row * 2 // 3 % 3],
            "age": ("18-39", "40-59", "60-74", "")[row * 2 // 3 % 4],
            "body_part": "BREAST",
            "view": "",
            "site": "",
            "scanner": SCANNERS[row * 2 // 3 % 4] if row > 12 else "Gamma Three",
        },
    }
