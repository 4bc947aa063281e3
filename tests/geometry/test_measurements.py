"""A measurement is checked like a mark, and measures millimetres where the header gives a spacing."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.geometry.marks import Grid, InvalidMark
from backend.geometry.measurements import POINTS, check_measurement, measured_values

GRID = Grid(rows=80, columns=100)
LINE = [[10, 10], [40, 50]]
numbers = st.floats(0.5, 79.5)
places = st.tuples(numbers, numbers).map(list)
spacings = st.tuples(st.floats(0.1, 3), st.floats(0.1, 3))


def test_a_length_is_measured_in_millimetres_and_without_spacing_in_pixels() -> None:
    assert measured_values(kind="length", points=LINE, spacing=None) == {"length": 50.0, "unit": "px"}
    # 30 columns of 2 mm, 40 rows of 0.5 mm.
    found = measured_values(kind="length", points=LINE, spacing=(0.5, 2.0))
    assert found == {"length": pytest.approx(math.hypot(60, 20)), "unit": "mm"}


def test_the_longer_diameter_comes_first_whichever_was_drawn_first() -> None:
    points = [[10, 10], [20, 10], [15, 0], [15, 30]]
    assert measured_values(kind="bidirectional", points=points, spacing=(1, 1)) == {"long": 30, "short": 10, "unit": "mm"}


def test_an_angle_is_measured_in_the_patient_and_not_in_pixels() -> None:
    points = [[10, 0], [0, 0], [10, 10]]
    assert measured_values(kind="angle", points=points, spacing=None)["degrees"] == pytest.approx(45)
    stretched = measured_values(kind="angle", points=points, spacing=(math.sqrt(3), 1.0))
    assert stretched["degrees"] == pytest.approx(60)


def test_a_region_has_the_area_of_its_ellipse_and_an_arrow_measures_nothing() -> None:
    roi = [[0, 10], [20, 10], [10, 5], [10, 15]]
    assert measured_values(kind="roi", points=roi, spacing=(2.0, 0.5))["area"] == pytest.approx(math.pi * 5 * 10)
    assert measured_values(kind="arrow", points=LINE, spacing=None) == {}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(places, places, places, spacings)
def test_an_angle_does_not_depend_on_the_order_of_its_arms(one: list, middle: list, other: list, spacing: tuple) -> None:
    there = measured_values(kind="angle", points=[one, middle, other], spacing=spacing)
    back = measured_values(kind="angle", points=[other, middle, one], spacing=spacing)
    assert there["degrees"] == pytest.approx(back["degrees"], abs=1e-6)
    assert 0 <= float(there["degrees"]) <= 180


@pytest.mark.parametrize(
    ("kind", "points", "reason"),
    [
        ("caliper", LINE, "no kind"),
        ("length", [[1, 1]], "has 2 points"),
        ("angle", LINE, "has 3 points"),
        ("length", [[1, 1], [101, 1]], "outside"),
        ("length", [[1, 1], [-0.5, 1]], "outside"),
        ("length", [[1, 1], [1, 1]], "at one place"),
        ("length", [[1, 1], [math.nan, 1]], "finite"),
        ("arrow", "ab", "no points"),
    ],
)
def test_what_is_no_measurement_is_refused_with_the_reason(kind: str, points: object, reason: str) -> None:
    with pytest.raises(InvalidMark, match=reason):
        check_measurement(kind=kind, points=points, grid=GRID)


def test_every_kind_is_accepted_up_to_the_border() -> None:
    corners = [[0, 0], [100, 80], [100, 0], [0, 80]]
    for kind, count in POINTS.items():
        assert check_measurement(kind=kind, points=corners[:count], grid=GRID) == corners[:count]
