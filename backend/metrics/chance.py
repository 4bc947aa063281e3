"""Whether marks meet the lesions of their own images better than those of other patients: a reader who does not look
at the image, and marks where lesions usually are, does equally well on both.

The permutation argument of Golland and Fischl (IPMI 2003) and of Ojala and Garriga (JMLR 11, 2010): a network that was
trained on shuffled labels knows where lesions are common, but not which image has them where.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.metrics.overlap import Region, union

CELLS: Final = 16
"""Rows and columns of the coarse grid in which images of different sizes are laid on each other."""
SLABS: Final = 4
FULL: Final = 100

Shape = tuple[int, int, int]


def coarse_places(regions: Sequence[Region], shape: Shape) -> list[int]:
    """Where the regions lie in a grid [frames, rows, columns] of `shape`, relative to it, as [cell, share, cell, …].

    A cell is one of `SLABS` × `CELLS` × `CELLS` parts of the whole; its share is how much of it is covered, 1…`FULL`.
    """
    whole = union(regions)
    if whole is None:
        return []
    places = [index + start for index, start in zip(np.nonzero(whole.mask), whole.origin, strict=True)]
    slabs = min(SLABS, shape[0])
    parts = [at * n // extent for at, n, extent in zip(places, (slabs, CELLS, CELLS), shape, strict=True)]
    covered = np.bincount((parts[0] * CELLS + parts[1]) * CELLS + parts[2], minlength=1)
    cell = shape[0] / slabs * shape[1] / CELLS * shape[2] / CELLS
    told: list[int] = []
    for index in np.flatnonzero(covered):
        told += [int(index), int(np.clip(round(FULL * covered[index] / cell), 1, FULL))]
    return told


def overlap_beyond_chance(
    shown: Sequence[Sequence[int]], true: Sequence[Sequence[int]], groups: Sequence[Hashable]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Per image the overlap of what was shown with its own lesions, and on average with those of other patients' images.

    `shown` and `true` as `coarse_places` gives them. Overlap is 2·a·b / (a·a + b·b) of the covered shares, which is
    Dice where cells are full or empty. ValueError where there is but one patient.
    """
    marks, lesions = _dense(shown), _dense(true)
    total = (marks**2).sum(axis=1)[:, None] + (lesions**2).sum(axis=1)[None, :]
    overlap = np.divide(2 * marks @ lesions.T, total, out=np.zeros_like(total), where=total > 0)
    order = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    patient = np.array([order[group] for group in groups])
    others = (patient[:, None] != patient[None, :]).astype(np.float64)
    if not others.any(axis=1).all():
        raise ValueError("chance needs another patient's image")
    return np.diag(overlap).copy(), (overlap * others).sum(axis=1) / others.sum(axis=1)


def _dense(places: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    dense = np.zeros((len(places), SLABS * CELLS * CELLS))
    for row, one in enumerate(places):
        dense[row, list(one[0::2])] = np.array(one[1::2]) / FULL
    return dense
