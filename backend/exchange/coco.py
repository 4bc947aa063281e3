"""COCO's ways to write a mask: run lengths in column order, their compressed string, polygons, boxes. Pure functions.

The format is that of cocodataset.org (`counts` as in its `maskApi.c`): runs alternate, the first counts zeros, and go
down the columns. The compressed string holds each run's difference to the one two before it, in base 32 with a
continuation bit, as printable characters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.geometry.contour import mask_outlines, signed_area


def coco_runs(mask: NDArray[np.bool_]) -> list[int]:
    """Run lengths of a mask (rows, columns) down its columns, zeros first."""
    flat = np.asarray(mask, dtype=bool).ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate(([0], [0] if flat[0] else [], changes, [flat.size])).astype(np.int64)
    return [int(run) for run in np.diff(edges)]


def mask_of_runs(runs: list[int], rows: int, columns: int) -> NDArray[np.bool_]:
    """The mask that run lengths code."""
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape((rows, columns), order="F")


def compressed_runs(runs: list[int]) -> str:
    """COCO's compressed string of run lengths."""
    characters: list[str] = []
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            digit = value & 0x1F
            value >>= 5
            more = value != -1 if digit & 0x10 else value != 0
            characters.append(chr((digit | (0x20 if more else 0)) + 48))
    return "".join(characters)


def runs_of_string(text: str) -> list[int]:
    """The run lengths of COCO's compressed string."""
    runs: list[int] = []
    position = 0
    while position < len(text):
        value, shift, more = 0, 0, True
        while more:
            digit = ord(text[position]) - 48
            value |= (digit & 0x1F) << shift
            more = bool(digit & 0x20)
            position += 1
            shift += 5
            if not more and digit & 0x10:
                value |= -1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return runs


def rle_segmentation(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """The mask as COCO's compressed run lengths: exact, holes and all."""
    return {"size": [int(extent) for extent in mask.shape], "counts": compressed_runs(coco_runs(mask))}


def polygon_segmentation(mask: NDArray[np.bool_]) -> list[list[float]] | None:
    """The mask's outlines along pixel borders as COCO polygons; None if it has a hole, which COCO polygons cannot say."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    outlines = mask_outlines(mask[top : rows[-1] + 1, left : columns[-1] + 1])
    if any(signed_area(outline) < 0 for outline in outlines):
        return None
    return [[value for x, y in outline for value in (x + left, y + top)] for outline in outlines]


def bounding_box(mask: NDArray[np.bool_]) -> list[float]:
    """[left, top, width, height] of what is set."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [float(columns[0]), float(rows[0]), float(columns[-1] - columns[0] + 1), float(rows[-1] - rows[0] + 1)]
