"""Slices of a series as ranges [first, last] in reading order, counted from 0, both ends included."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Ranges = Sequence[Sequence[int]]


def joined_slices(ranges: Iterable[Sequence[int]]) -> list[list[int]]:
    """The same slices as few ranges as there can be, in order; `first` is not above `last` in any."""
    joined: list[list[int]] = []
    for first, last in sorted(ranges, key=lambda one: one[0]):
        if joined and first <= joined[-1][1] + 1:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    return joined


def frames_within(ranges: Ranges, n_frames: int) -> NDArray[np.bool_]:
    """Of each of so many frames whether a range holds it."""
    within = np.zeros(n_frames, dtype=bool)
    for first, last in ranges:
        within[first : last + 1] = True
    return within
