"""What a valid mark is: kind, number of points, finite, inside the image, not empty; and how far a mark moved.

Coordinates are those of DICOM's SCOORD (PS3.3 C.18.6.1.1): [column, row], the top-left corner of the image is (0, 0)
and the first pixel's centre (0.5, 0.5), so an image spans 0..columns × 0..rows. A mark may overstep that border by
`TOLERANCE` of a pixel (the error of a round trip through patient coordinates); a mark further out is refused whole,
never clipped. A self-crossing outline is accepted and read by the even-odd rule (`backend.geometry.rasterise`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.geometry.rasterise import OUTLINES, Points, rasterise_mark

TOLERANCE = 0.01
MAX_POINTS = 20_000
KINDS = ("box", "ellipse", "polygon", "freehand", "mask", "point")


class InvalidMark(ValueError):
    """A mark that cannot be stored; the message is for the person who drew it."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The image a mark lies on: one frame's rows and columns, and how many frames the case has in series order."""

    rows: int
    columns: int
    frames: int = 1


def check_points(*, kind: str, points: object, grid: Grid) -> list[list[float]]:
    """The points as plain floats when they are a valid mark on `grid`; InvalidMark with the reason when not."""
    if kind not in KINDS or kind == "mask":
        raise InvalidMark(f"{kind!r} is no kind of mark with points")
    array = finite_points(points)
    _check_count(kind, len(array))
    _check_inside(kind, array, grid)
    if kind == "ellipse" and np.abs(array[:2].mean(axis=0) - array[2:].mean(axis=0)).max() > 0.5:
        raise InvalidMark("the two axes of the ellipse do not share a centre")
    if not _covers_a_pixel(kind, array):
        raise InvalidMark("the mark is smaller than a pixel: no pixel's centre lies inside it")
    return [[float(column), float(row)] for column, row in array]


def check_mask_place(*, origin: object, shape: object, grid: Grid) -> tuple[list[int], list[int]]:
    """Origin and shape as plain integers when the cropped mask lies inside the case's frames; else InvalidMark."""
    start, extent = _three_integers(origin, "origin"), _three_integers(shape, "shape")
    whole = (grid.frames, grid.rows, grid.columns)
    for axis, name in enumerate(("frames", "rows", "columns")):
        if start[axis] < 0 or extent[axis] < 1 or start[axis] + extent[axis] > whole[axis]:
            last = start[axis] + extent[axis]
            raise InvalidMark(f"the mask spans {name} {start[axis]} to {last}, the case has {whole[axis]}")
    return start, extent


def finite_points(points: object) -> NDArray[np.float64]:
    """The points as an array [n, (column, row)]; InvalidMark when they are not finite pairs of numbers."""
    if not isinstance(points, Sequence) or isinstance(points, str | bytes) or not points:
        raise InvalidMark("the mark has no points")
    if len(points) > MAX_POINTS:
        raise InvalidMark(f"the mark has {len(points)} points, more than {MAX_POINTS}")
    for point in points:
        if not isinstance(point, Sequence) or isinstance(point, str | bytes) or len(point) != 2:
            raise InvalidMark("each point is [column, row]")
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in point):
            raise InvalidMark("each point is two numbers")
    array = np.array(points, dtype=float)
    if not np.isfinite(array).all():
        raise InvalidMark("a coordinate is not a finite number")
    return array


def points_centroid(*, kind: str, points: Points) -> tuple[float, float]:
    """Centre of area (column, row) of a mark with points."""
    array = np.asarray(points, dtype=float)
    if kind in OUTLINES:
        return _outline_centroid(array)
    column, row = array.mean(axis=0)
    return float(column), float(row)


def mask_centroid(*, mask: NDArray[np.bool_], origin: Sequence[int]) -> tuple[float, float]:
    """Mean (column, row) of the centres of a mask's pixels, over all its frames."""
    weights = mask.sum(axis=0)
    total = weights.sum()
    if not total:
        raise InvalidMark("an empty mask has no centre")
    row = float((weights.sum(axis=1) * (np.arange(weights.shape[0]) + 0.5)).sum() / total) + origin[1]
    column = float((weights.sum(axis=0) * (np.arange(weights.shape[1]) + 0.5)).sum() / total) + origin[2]
    return column, row


def moved_distance(before: tuple[float, float], after: tuple[float, float]) -> float:
    """Distance in pixels between the centres of two marks."""
    return math.hypot(after[0] - before[0], after[1] - before[1])


def _check_count(kind: str, count: int) -> None:
    wanted = {"box": 2, "ellipse": 4, "point": 1}.get(kind)
    if wanted is not None and count != wanted:
        raise InvalidMark(f"a mark of kind {kind} has {wanted} point{'s' if wanted > 1 else ''}, not {count}")
    if wanted is None and count < 3:
        raise InvalidMark(f"an outline has at least 3 points, not {count}")


def _check_inside(kind: str, array: NDArray[np.float64], grid: Grid) -> None:
    low, high = _span(kind, array)
    if low.min() < -TOLERANCE or high[0] > grid.columns + TOLERANCE or high[1] > grid.rows + TOLERANCE:
        raise InvalidMark(
            f"the mark lies partly outside the image: it spans columns {low[0]:.2f} to {high[0]:.2f} and rows "
            f"{low[1]:.2f} to {high[1]:.2f}, the image has {grid.columns} columns and {grid.rows} rows"
        )


def _span(kind: str, array: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest (column, row); a tilted ellipse reaches further than its four points."""
    if kind != "ellipse":
        return array.min(axis=0), array.max(axis=0)
    reach = np.sqrt(((array[1] - array[0]) / 2) ** 2 + ((array[3] - array[2]) / 2) ** 2)
    return array.mean(axis=0) - reach, array.mean(axis=0) + reach


def _covers_a_pixel(kind: str, array: NDArray[np.float64]) -> bool:
    """Rasterised in the box around the mark alone, so a large image costs no more than a small one."""
    if kind == "point":
        return True
    least, most = _span(kind, array)
    low, high = np.floor(least).astype(int) - 1, np.ceil(most).astype(int) + 1
    shifted = array - low
    return bool(rasterise_mark(kind=kind, points=shifted, rows=int(high[1] - low[1]), columns=int(high[0] - low[0])).any())


def _outline_centroid(array: NDArray[np.float64]) -> tuple[float, float]:
    base = array.mean(axis=0)
    x, y = (array - base).T
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    cross = x * next_y - next_x * y
    area = cross.sum() / 2
    extent = np.ptp(array, axis=0)
    if abs(area) < 1e-6 * max(float(extent[0] * extent[1]), 1e-12):
        return float(base[0]), float(base[1])  # a figure of eight encloses as much to the left as to the right
    column = ((x + next_x) * cross).sum() / (6 * area) + base[0]
    row = ((y + next_y) * cross).sum() / (6 * area) + base[1]
    return float(column), float(row)


def _three_integers(value: object, name: str) -> list[int]:
    if (
        not isinstance(value, Sequence)
        or len(value) != 3
        or not all(isinstance(item, int) and not isinstance(item, bool) for item in value)
    ):
        raise InvalidMark(f"a mask's {name} is [frames, rows, columns] in integers")
    return [int(item) for item in value]
