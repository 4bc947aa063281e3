"""Ranges of slices that were read."""

from __future__ import annotations

import numpy as np
import pytest

from backend.geometry.slices import frames_within, joined_slices


@pytest.mark.parametrize(
    ("ranges", "joined"),
    [
        ([], []),
        ([[3, 5], [0, 1]], [[0, 1], [3, 5]]),
        ([[0, 2], [3, 5]], [[0, 5]]),
        ([[0, 9], [2, 4], [8, 12]], [[0, 12]]),
        ([[4, 4], [4, 4]], [[4, 4]]),
    ],
)
def test_ranges_are_joined_where_they_touch_and_stand_in_order(ranges, joined) -> None:
    assert joined_slices(ranges) == joined


def test_both_ends_of_a_range_are_within_it() -> None:
    assert frames_within([[0, 1], [4, 4]], 6).tolist() == [True, True, False, False, True, False]
    assert not np.any(frames_within([], 3))
