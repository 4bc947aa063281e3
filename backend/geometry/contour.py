"""A mask's outlines, exact to the pixel: rasterised by the even-odd rule they give the mask back.

The outlines follow the cracks between pixels, so their points are whole numbers in SCOORD convention. Outer borders
run clockwise on the screen (the y axis points down), holes counter-clockwise. Pixels that touch at a corner only are
two borders, not one that crosses itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vertex = tuple[int, int]


def mask_outlines(mask: NDArray[np.bool_]) -> list[list[list[float]]]:
    """The closed outlines [[column, row], …] of a mask of rows × columns, outer borders and holes, corners only."""
    steps = _cracks(mask)
    outlines = []
    while steps:
        start = min(steps)
        outlines.append(_corners(_follow(steps, start)))
    return outlines


def signed_area(outline: list[list[float]]) -> float:
    """Enclosed area in pixels: positive for an outer border, negative for a hole."""
    x, y = np.asarray(outline, dtype=float).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _cracks(mask: NDArray[np.bool_]) -> dict[Vertex, list[Vertex]]:
    """Every directed step of length 1 with the mask at its right hand, by the vertex where it starts."""
    padded = np.pad(np.asarray(mask, dtype=bool), 1)
    here = padded[1:-1, 1:-1]
    steps: dict[Vertex, list[Vertex]] = {}
    sides = (
        (padded[:-2, 1:-1], (0, 0), (1, 0)),
        (padded[1:-1, 2:], (1, 0), (1, 1)),
        (padded[2:, 1:-1], (1, 1), (0, 1)),
        (padded[1:-1, :-2], (0, 1), (0, 0)),
    )
    for neighbour, (from_x, from_y), (to_x, to_y) in sides:
        for row, column in np.argwhere(here & ~neighbour).tolist():
            steps.setdefault((column + from_x, row + from_y), []).append((column + to_x, row + to_y))
    return steps


def _follow(steps: dict[Vertex, list[Vertex]], start: Vertex) -> list[Vertex]:
    """One closed walk; where two borders meet at a corner it turns right, which keeps them apart."""
    walk, here, heading = [start], start, (0, 0)
    while True:
        choices = steps[here]
        right = (here[0] - heading[1], here[1] + heading[0])
        there = right if right in choices else choices[0]
        choices.remove(there)
        if not choices:
            del steps[here]
        heading, here = (there[0] - here[0], there[1] - here[1]), there
        if here == start:
            return walk
        walk.append(here)


def _corners(walk: list[Vertex]) -> list[list[float]]:
    """The walk without the vertices on a straight line."""
    points = np.array(walk, dtype=float)
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    return [[float(column), float(row)] for column, row in points[(before != after).any(axis=1)]]
