"""A mark is stored only if it is one, and lies on the image."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backend.geometry.marks import (
    Grid,
    InvalidMark,
    check_mask_place,
    check_points,
    mask_centroid,
    moved_distance,
    points_centroid,
)

GRID = Grid(rows=100, columns=200, frames=3)


@pytest.mark.parametrize(
    ("kind", "points"),
    [
        ("box", [[0, 0], [200, 100]]),
        ("box", [[-0.005, 0], [200.005, 100]]),
        ("ellipse", [[10, 50], [60, 50], [35, 30], [35, 70]]),
        ("polygon", [[0, 0], [10, 0], [5, 8]]),
        ("polygon", [[0, 0], [10, 10], [10, 0], [0, 10]]),
        ("freehand", [[0, 0], [10, 0], [10, 10], [0, 10]]),
        ("point", [[199.9, 99.9]]),
    ],
)
def test_a_mark_on_the_image_is_kept_as_it_was_drawn(kind: str, points: list[list[float]]) -> None:
    assert check_points(kind=kind, points=points, grid=GRID) == points


@pytest.mark.parametrize(
    ("kind", "points", "reason"),
    [
        ("box", [[-0.02, 0], [10, 10]], "partly outside the image"),
        ("box", [[0, 0], [10, 100.5]], "partly outside the image"),
        ("ellipse", [[0, 0], [20, 0], [10, 0.4], [10, -0.4]], "partly outside the image"),
        ("ellipse", [[1, 1], [21, 21], [9, 13], [13, 9]], None),
        ("box", [[0, 0], [10, 10], [20, 20]], "has 2 points, not 3"),
        ("point", [], "no points"),
        ("polygon", [[0, 0], [10, 10]], "at least 3 points"),
        ("polygon", [[0, 0], [10, 10], [20, 20]], "smaller than a pixel"),
        ("box", [[10.6, 10], [11.4, 20]], "smaller than a pixel"),
        ("ellipse", [[10, 50], [60, 50], [45, 30], [45, 70]], "do not share a centre"),
        ("point", [[math.nan, 1]], "not a finite number"),
        ("point", [[math.inf, 1]], "not a finite number"),
        ("point", [["1", 1]], "two numbers"),
        ("point", [[1, 2, 3]], "is \\[column, row\\]"),
        ("point", "ab", "no points"),
        ("freehand", [[0, 0]] * 20_001, "more than 20000"),
        ("mask", [[0, 0]], "no kind of mark"),
        ("circle", [[0, 0]], "no kind of mark"),
    ],
)
def test_a_mark_that_is_none_is_refused_with_its_reason(kind: str, points: object, reason: str | None) -> None:
    if reason is None:
        check_points(kind=kind, points=points, grid=GRID)
        return
    with pytest.raises(InvalidMark, match=reason):
        check_points(kind=kind, points=points, grid=GRID)


def test_a_tilted_ellipse_is_judged_by_its_whole_outline_not_by_its_four_points() -> None:
    centre, major, minor = np.array([50.0, 50.0]), np.array([48.0, 10.0]), np.array([-4.0, 19.2])
    points = [list(centre - major), list(centre + major), list(centre - minor), list(centre + minor)]
    assert check_points(kind="ellipse", points=points, grid=GRID)
    shifted = [[x - 1.9, y] for x, y in points]
    assert min(x for x, _ in shifted) > 0
    with pytest.raises(InvalidMark, match="partly outside"):
        check_points(kind="ellipse", points=shifted, grid=GRID)


def test_a_mask_lies_inside_the_frames_of_its_case() -> None:
    assert check_mask_place(origin=[2, 99, 199], shape=[1, 1, 1], grid=GRID) == ([2, 99, 199], [1, 1, 1])
    for origin, shape in (
        ([3, 0, 0], [1, 1, 1]),
        ([0, -1, 0], [1, 2, 2]),
        ([0, 0, 198], [1, 2, 3]),
        ([0, 0, 0], [1, 0, 2]),
        ([0, 0], [1, 1]),
        ([0.0, 0, 0], [1, 1, 1]),
    ):
        with pytest.raises(InvalidMark):
            check_mask_place(origin=origin, shape=shape, grid=GRID)


def test_how_far_a_mark_moved_is_the_distance_of_the_centres() -> None:
    before = points_centroid(kind="box", points=[[0, 0], [10, 20]])
    after = points_centroid(kind="polygon", points=[[3, 4], [13, 4], [13, 24], [3, 24]])
    assert moved_distance(before, after) == pytest.approx(5)


def test_the_centre_of_an_outline_is_that_of_its_area() -> None:
    assert points_centroid(kind="polygon", points=[[0, 0], [6, 0], [0, 6]]) == pytest.approx((2, 2))
    dense = [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0], [4, 2], [0, 2]]
    assert points_centroid(kind="freehand", points=dense) == pytest.approx((2, 1))
    eight = [[0, 0], [10, 10], [10, 0], [0, 10]]
    assert points_centroid(kind="polygon", points=eight) == pytest.approx((5, 5))


def test_the_centre_of_a_mask_is_the_mean_of_its_pixels_centres() -> None:
    mask = np.zeros((2, 2, 3), bool)
    mask[0, 0, 0] = mask[1, 1, 2] = True
    assert mask_centroid(mask=mask, origin=[5, 10, 20]) == pytest.approx((21.5, 11.0))
