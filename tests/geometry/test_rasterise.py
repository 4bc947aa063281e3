"""A pixel belongs to a mark when its centre lies inside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from backend.geometry.contour import mask_outlines, signed_area
from backend.geometry.rasterise import crop_mask, paste_mask, rasterise_mark, rasterise_outlines

ROWS, COLUMNS = 9, 12
quarter = st.integers(0, 4 * 9).map(lambda n: n / 4)
outline = st.lists(st.tuples(quarter, quarter), min_size=3, max_size=9)


def centres_inside(points: list[tuple[float, float]], rows: int, columns: int) -> np.ndarray:
    """The even-odd rule, one centre and one edge at a time: the definition, spelled out."""
    image = np.zeros((rows, columns), bool)
    for r in range(rows):
        for c in range(columns):
            x, y, inside = c + 0.5, r + 0.5, False
            for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True):
                if (y0 <= y) != (y1 <= y) and x0 + (y - y0) * (x1 - x0) / (y1 - y0) <= x:
                    inside = not inside
            image[r, c] = inside
    return image


@settings(max_examples=150, deadline=None)
@given(outline)
def test_an_outline_covers_the_centres_inside_it_by_the_even_odd_rule(points: list[tuple[float, float]]) -> None:
    made = rasterise_mark(kind="polygon", points=points, rows=ROWS, columns=COLUMNS)
    assert np.array_equal(made, centres_inside(points, ROWS, COLUMNS))


@settings(max_examples=100, deadline=None)
@given(quarter, quarter, quarter, quarter)
def test_a_box_is_the_polygon_of_its_corners(x0: float, y0: float, x1: float, y1: float) -> None:
    box = rasterise_mark(kind="box", points=[[x0, y0], [x1, y1]], rows=ROWS, columns=COLUMNS)
    polygon = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
    assert np.array_equal(box, rasterise_mark(kind="polygon", points=polygon, rows=ROWS, columns=COLUMNS))


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, COLUMNS - 1), (ROWS - 1, 0), (ROWS - 1, COLUMNS - 1)])
@pytest.mark.parametrize("kind", ["box", "polygon", "ellipse", "point"])
def test_a_mark_on_a_corner_pixel_is_that_very_pixel(kind: str, row: int, column: int) -> None:
    points = {
        "box": [[column, row], [column + 1, row + 1]],
        "polygon": [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]],
        "ellipse": [[column, row + 0.5], [column + 1, row + 0.5], [column + 0.5, row], [column + 0.5, row + 1]],
        "point": [[column + 0.5, row + 0.5]],
    }[kind]
    made = rasterise_mark(kind=kind, points=points, rows=ROWS, columns=COLUMNS)
    assert np.argwhere(made).tolist() == [[row, column]]


def test_boxes_that_share_an_edge_share_no_pixel_and_leave_none_out() -> None:
    left = rasterise_mark(kind="box", points=[[0, 0], [4.5, 9]], rows=ROWS, columns=COLUMNS)
    right = rasterise_mark(kind="box", points=[[4.5, 0], [12, 9]], rows=ROWS, columns=COLUMNS)
    assert not (left & right).any()
    assert (left | right).all()


def test_an_ellipse_has_the_area_of_an_ellipse_whatever_its_tilt() -> None:
    for degrees in (0, 30, 45, 77):
        turn = np.deg2rad(degrees)
        major, minor = np.array([np.cos(turn), np.sin(turn)]) * 60, np.array([-np.sin(turn), np.cos(turn)]) * 25
        centre = np.array([100.3, 80.7])
        points = [centre - major, centre + major, centre - minor, centre + minor]
        made = rasterise_mark(kind="ellipse", points=points, rows=160, columns=200)
        assert made.sum() == pytest.approx(np.pi * 60 * 25, rel=0.01)


def test_an_ellipse_square_in_millimetres_is_one_in_pixels_that_are_not_square() -> None:
    squash = np.array([1.0, 0.5])
    major, minor = np.array([40.0, 40.0]) * squash, np.array([-20.0, 20.0]) * squash
    centre = np.array([60.0, 40.0])
    made = rasterise_mark(
        kind="ellipse", points=[centre - major, centre + major, centre - minor, centre + minor], rows=80, columns=120
    )
    assert made.sum() == pytest.approx(np.pi * np.hypot(40, 40) * np.hypot(20, 20) * 0.5, rel=0.01)


@settings(max_examples=150, deadline=None)
@given(hnp.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_the_outlines_of_a_mask_rasterise_to_that_mask(mask: np.ndarray) -> None:
    outlines = mask_outlines(mask)
    assert np.array_equal(rasterise_outlines(outlines, rows=mask.shape[0], columns=mask.shape[1]), mask)
    assert sum(signed_area(outline) for outline in outlines) == mask.sum()


def test_a_ring_has_an_outer_border_and_a_hole() -> None:
    ring = np.ones((5, 5), bool)
    ring[2, 2] = False
    areas = sorted(signed_area(outline) for outline in mask_outlines(ring))
    assert areas == [-1, 25]


@settings(max_examples=100, deadline=None)
@given(hnp.arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6))).filter(np.any))
def test_a_cropped_mask_pastes_back_where_it_was(mask: np.ndarray) -> None:
    origin, cut = crop_mask(mask)
    for frame in range(mask.shape[0]):
        pasted = paste_mask(mask=cut, origin=origin, frame=frame, rows=mask.shape[1], columns=mask.shape[2])
        assert np.array_equal(pasted, mask[frame])
