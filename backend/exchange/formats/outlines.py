"""Marks as one closed outline each, for formats that know no holes and no second part: exact to the pixel all the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.geometry.contour import mask_outlines
from backend.readings.models import Lesion, MarkKind

Outline = list[list[float]]


def mark_outline(lesion: Lesion) -> Outline | None:
    """The outline [[column, row], …] of a mark that is one; None for one that is its pixels (ellipse, mask, point)."""
    if lesion.kind in (MarkKind.POLYGON, MarkKind.FREEHAND):
        return [[float(column), float(row)] for column, row in lesion.points]
    if lesion.kind == MarkKind.BOX:
        (left, top), (right, bottom) = np.min(lesion.points, axis=0), np.max(lesion.points, axis=0)
        return [[float(x), float(y)] for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]
    return None


def single_outline(mask: NDArray[np.bool_]) -> Outline:
    """One outline whose even-odd inside is the mask: borders of parts and holes, joined by bridges without width.

    A bridge is walked there and back, so what it crosses is crossed twice and nothing changes inside.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    borders = mask_outlines(mask[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1])
    first = borders[0]
    joined = [*first]
    for border in borders[1:]:
        # From where the outline began to the border, around it, and back.
        joined += [first[0], *border, border[0]]
    if len(borders) > 1:
        joined.append(first[0])
    return [[x + left, y + top] for x, y in joined]
