"""What a valid measurement is, and what it measures: length, two diameters (RECIST), angle, arrow, region of interest.

A measurement is no lesion: it trains nothing and is no finding. Points are SCOORD like those of a mark; a measurement
may lie on the border of the image, not outside of it. `spacing` is PixelSpacing, between rows first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.geometry.marks import TOLERANCE, Grid, InvalidMark, finite_points

POINTS = {"length": 2, "bidirectional": 4, "angle": 3, "arrow": 2, "roi": 4}


def check_measurement(*, kind: str, points: object, grid: Grid) -> list[list[float]]:
    """The points as plain floats when they are a valid measurement on `grid`; InvalidMark with the reason when not."""
    if kind not in POINTS:
        raise InvalidMark(f"{kind!r} is no kind of measurement")
    array = finite_points(points)
    if len(array) != POINTS[kind]:
        raise InvalidMark(f"a measurement of kind {kind} has {POINTS[kind]} points, not {len(array)}")
    outside = (array < -TOLERANCE).any() or (array > np.array([grid.columns, grid.rows]) + TOLERANCE).any()
    if outside:
        raise InvalidMark("the measurement lies partly outside the image")
    if any(math.hypot(*(array[b] - array[a])) < TOLERANCE for a, b in _segments(kind)):
        raise InvalidMark("a measurement has two points at one place")
    return [[float(column), float(row)] for column, row in array]


def measured_values(
    *, kind: str, points: Sequence[Sequence[float]], spacing: Sequence[float] | None
) -> dict[str, float | str]:
    """What it measures: lengths in `unit` ("mm" where the spacing is known, else "px"), an angle in degrees.

    Length: `length`. Bidirectional: `long` and `short`. Angle: `degrees`, at the middle point. A region: `area`.
    """
    per_row, per_column = spacing or (1.0, 1.0)
    array = np.asarray(points, dtype=float) * (per_column, per_row)
    unit = "mm" if spacing else "px"
    if kind == "length":
        return {"length": _length(array, 0, 1), "unit": unit}
    if kind == "bidirectional":
        long, short = sorted((_length(array, 0, 1), _length(array, 2, 3)), reverse=True)
        return {"long": long, "short": short, "unit": unit}
    if kind == "angle":
        one, other = array[0] - array[1], array[2] - array[1]
        across = one[0] * other[1] - one[1] * other[0]
        return {"degrees": math.degrees(math.atan2(abs(float(across)), float(one @ other)))}
    if kind == "roi":
        first, second = (array[1] - array[0]) / 2, (array[3] - array[2]) / 2
        return {"area": math.pi * abs(float(first[0] * second[1] - first[1] * second[0])), "unit": f"{unit}²"}
    return {}


def _segments(kind: str) -> tuple[tuple[int, int], ...]:
    return {"angle": ((0, 1), (1, 2)), "bidirectional": ((0, 1), (2, 3)), "roi": ((0, 1), (2, 3))}.get(kind, ((0, 1),))


def _length(array: NDArray[np.float64], start: int, end: int) -> float:
    return math.hypot(*(array[end] - array[start]))
