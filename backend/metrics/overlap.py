"""Overlap of masks: Dice, intersection over union, and masks cut to where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Region:
    """A binary mask cropped to a box: `mask` [frames, rows, columns] laid at `origin` in the grid of the case."""

    mask: NDArray[np.bool_]
    origin: tuple[int, int, int]

    @property
    def spans(self) -> tuple[slice, slice, slice]:
        """Where the crop lies in the grid."""
        first, second, third = (
            slice(start, start + extent) for start, extent in zip(self.origin, self.mask.shape, strict=True)
        )
        return first, second, third

    @property
    def size(self) -> int:
        """Number of pixels set."""
        return int(self.mask.sum())

    @property
    def centre(self) -> tuple[int, int, int]:
        """The grid pixel in which the centre of mass lies."""
        means = [float(hits.mean()) for hits in np.nonzero(self.mask)]
        frame, row, column = (round(mean) + start for mean, start in zip(means, self.origin, strict=True))
        return frame, row, column

    def holds(self, place: Sequence[int]) -> bool:
        """Whether the grid pixel `place` is set."""
        within = [at - start for at, start in zip(place, self.origin, strict=True)]
        if any(at < 0 or at >= extent for at, extent in zip(within, self.mask.shape, strict=True)):
            return False
        return bool(self.mask[tuple(within)])


def dice(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> float | None:
    """2·|A∩B| / (|A|+|B|); None where both are empty: there is nothing to agree on."""
    total = int(truth.sum()) + int(predicted.sum())
    return None if total == 0 else 2 * int((truth & predicted).sum()) / total


def union(regions: Sequence[Region]) -> Region | None:
    """All regions in one; None without any."""
    if not regions:
        return None
    low = [min(region.origin[axis] for region in regions) for axis in range(3)]
    high = [max(region.origin[axis] + region.mask.shape[axis] for region in regions) for axis in range(3)]
    whole = np.zeros([end - start for start, end in zip(low, high, strict=True)], dtype=bool)
    for region in regions:
        spans = tuple(
            slice(start - base, start - base + extent)
            for start, base, extent in zip(region.origin, low, region.mask.shape, strict=True)
        )
        whole[spans] |= region.mask
    return Region(whole, (low[0], low[1], low[2]))


def overlap_size(one: Region, other: Region) -> int:
    """Pixels set in both."""
    low = [max(a, b) for a, b in zip(one.origin, other.origin, strict=True)]
    ends = zip(one.origin, one.mask.shape, other.origin, other.mask.shape, strict=True)
    high = [min(a + extent, b + stretch) for a, extent, b, stretch in ends]
    if any(start >= end for start, end in zip(low, high, strict=True)):
        return 0
    parts = [
        region.mask[tuple(slice(s - o, e - o) for s, e, o in zip(low, high, region.origin, strict=True))]
        for region in (one, other)
    ]
    return int((parts[0] & parts[1]).sum())


def region_dice(truth: Sequence[Region], predicted: Sequence[Region]) -> float | None:
    """Dice of the unions of two sets of regions; None where both are empty."""
    here, there = union(truth), union(predicted)
    if here is None and there is None:
        return None
    if here is None or there is None:
        return 0.0
    return 2 * overlap_size(here, there) / (here.size + there.size)


def intersection_over_union(one: Region, other: Region) -> float:
    """|A∩B| / |A∪B|."""
    shared = overlap_size(one, other)
    return shared / (one.size + other.size - shared)
