"""Image and patient coordinates agree with the standard's equation and with each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from backend.geometry.patient import FramePlane, image_to_patient, patient_to_image

number = st.floats(-500, 500, allow_nan=False)


def test_the_first_pixels_centre_is_the_image_position() -> None:
    plane = FramePlane(position=(-100, -50, 30), orientation=(1, 0, 0, 0, 1, 0), spacing=(0.7, 0.5))
    assert image_to_patient([[0.5, 0.5]], plane).tolist() == [[-100, -50, 30]]
    assert image_to_patient([[1.5, 0.5]], plane)[0] == pytest.approx([-99.5, -50, 30])
    assert image_to_patient([[0.5, 1.5]], plane)[0] == pytest.approx([-100, -49.3, 30])


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(number, number, number),
    st.tuples(*[st.floats(-3, 3)] * 3),
    st.tuples(st.floats(0.1, 5), st.floats(0.1, 5)),
    st.lists(st.tuples(number, number), min_size=1, max_size=5),
)
def test_points_survive_the_way_to_the_patient_and_back(
    position: tuple[float, ...], turn: tuple[float, ...], spacing: tuple[float, ...], points: list[tuple[float, float]]
) -> None:
    turned = Rotation.from_rotvec(turn).as_matrix()
    plane = FramePlane(position=position, orientation=(*turned[:, 0], *turned[:, 1]), spacing=spacing)
    back, off = patient_to_image(image_to_patient(points, plane), plane)
    assert np.allclose(back, points, atol=1e-6)
    assert np.allclose(off, 0, atol=1e-6)


def test_a_point_beside_the_plane_tells_how_far() -> None:
    plane = FramePlane(position=(0, 0, 10), orientation=(1, 0, 0, 0, 1, 0), spacing=(1, 1))
    _, off = patient_to_image([[0, 0, 12.5]], plane)
    assert off.tolist() == [2.5]


@pytest.mark.parametrize(
    ("orientation", "spacing"),
    [((1, 0, 0, 1, 0, 0), (1, 1)), ((2, 0, 0, 0, 1, 0), (1, 1)), ((1, 0, 0, 0, 1, 0), (1, 0)), ((1, 0, 0), (1, 1))],
)
def test_numbers_that_span_no_plane_are_refused(orientation: tuple[float, ...], spacing: tuple[float, ...]) -> None:
    with pytest.raises(ValueError):
        FramePlane(position=(0, 0, 0), orientation=orientation, spacing=spacing)
