"""Marks to pixels: which pixels of rows × columns belong to a box, ellipse, outline, point or mask.

A pixel belongs to a mark when its centre (c + 0.5, r + 0.5) lies inside. A centre exactly on an edge belongs to the
mark to its right or below, so that marks which share an edge share no pixel and leave none out. Outlines follow the
even-odd rule: where an outline crosses itself, what is enclosed twice is outside. A point is the pixel it lies in.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Points = Sequence[Sequence[float]]
OUTLINES = frozenset({"polygon", "freehand"})


def rasterise_mark(*, kind: str, points: Points, rows: int, columns: int) -> NDArray[np.bool_]:
    """The mark (any kind but "mask") as a boolean array of rows × columns; what lies outside the image is cut off."""
    if kind == "box":
        return _box(points, rows, columns)
    if kind == "ellipse":
        return _ellipse(points, rows, columns)
    if kind in OUTLINES:
        return rasterise_outlines([points], rows=rows, columns=columns)
    if kind == "point":
        return _point(points, rows, columns)
    raise ValueError(f"a mark of kind {kind!r} has no points to rasterise")


def paste_mask(*, mask: NDArray[np.bool_], origin: Sequence[int], frame: int, rows: int, columns: int) -> NDArray[np.bool_]:
    """Frame `frame` (0-based in series order) of a cropped mask [frames, rows, columns], laid at its place in the image."""
    image = np.zeros((rows, columns), dtype=bool)
    within = frame - origin[0]
    if 0 <= within < mask.shape[0]:
        image[origin[1] : origin[1] + mask.shape[1], origin[2] : origin[2] + mask.shape[2]] = mask[within]
    return image


def crop_mask(mask: NDArray[np.bool_]) -> tuple[list[int], NDArray[np.bool_]]:
    """Origin [frame, row, column] and the array cut to the box around what is set; ValueError for an empty array."""
    if mask.ndim != 3:
        raise ValueError("a mask is [frames, rows, columns]")
    if not mask.any():
        raise ValueError("an empty mask has no place")
    spans = [np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis))) for axis in range(3)]
    cut = mask[tuple(slice(int(span[0]), int(span[-1]) + 1) for span in spans)]
    return [int(span[0]) for span in spans], np.ascontiguousarray(cut)


def rasterise_outlines(outlines: Sequence[Points], *, rows: int, columns: int) -> NDArray[np.bool_]:
    """What an odd number of the closed outlines encloses: outer borders and their holes in one call."""
    toggles = np.zeros((rows, columns + 1), dtype=np.int32)
    for outline in outlines:
        _toggle(np.asarray(outline, dtype=float), toggles)
    return (np.cumsum(toggles[:, :columns], axis=1) % 2).astype(bool)


def _toggle(outline: NDArray[np.float64], toggles: NDArray[np.int32]) -> None:
    """Count in `toggles` where each row of centres crosses the closed outline."""
    rows, width = toggles.shape
    start, end = outline, np.roll(outline, -1, axis=0)
    down = start[:, 1] <= end[:, 1]
    upper, lower = np.where(down[:, None], start, end), np.where(down[:, None], end, start)
    first = np.clip(np.ceil(upper[:, 1] - 0.5), 0, rows).astype(int)
    last = np.clip(np.ceil(lower[:, 1] - 0.5), 0, rows).astype(int)
    counts = last - first
    edge = np.repeat(np.arange(len(outline)), counts)
    row = np.arange(edge.size) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    slope = (lower[edge, 0] - upper[edge, 0]) / (lower[edge, 1] - upper[edge, 1])
    crossing = upper[edge, 0] + (row + 0.5 - upper[edge, 1]) * slope
    column = np.clip(np.ceil(crossing - 0.5), 0, width - 1).astype(int)
    np.add.at(toggles, (row, column), 1)


def _box(points: Points, rows: int, columns: int) -> NDArray[np.bool_]:
    corners = np.asarray(points, dtype=float)
    low = np.ceil(corners.min(axis=0) - 0.5).astype(int)
    high = np.ceil(corners.max(axis=0) - 0.5).astype(int)
    image = np.zeros((rows, columns), dtype=bool)
    image[max(low[1], 0) : max(high[1], 0), max(low[0], 0) : max(high[0], 0)] = True
    return image


def _ellipse(points: Points, rows: int, columns: int) -> NDArray[np.bool_]:
    """Any two conjugate diameters: axes that are square in millimetres need not be so in pixels."""
    ends = np.asarray(points, dtype=float)
    centre = ends.mean(axis=0)
    axes = np.column_stack(((ends[1] - ends[0]) / 2, (ends[3] - ends[2]) / 2))
    image = np.zeros((rows, columns), dtype=bool)
    if abs(float(np.linalg.det(axes))) < 1e-12:
        return image
    reach = np.sqrt((axes**2).sum(axis=1))
    low = np.maximum(np.floor(centre - reach).astype(int), 0)
    high = np.maximum(np.ceil(centre + reach).astype(int) + 1, 0)
    column, row = np.arange(low[0], min(high[0], columns)), np.arange(low[1], min(high[1], rows))
    x, y = np.meshgrid(column + 0.5 - centre[0], row + 0.5 - centre[1])
    inverse = np.linalg.inv(axes)
    u, v = inverse[0, 0] * x + inverse[0, 1] * y, inverse[1, 0] * x + inverse[1, 1] * y
    image[low[1] : low[1] + row.size, low[0] : low[0] + column.size] = u**2 + v**2 <= 1
    return image


def _point(points: Points, rows: int, columns: int) -> NDArray[np.bool_]:
    """A point on the far border of the image belongs to the last row or column: it has no pixel to its right."""
    image = np.zeros((rows, columns), dtype=bool)
    column, row = (int(np.floor(value)) for value in points[0])
    image[min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)] = True
    return image
