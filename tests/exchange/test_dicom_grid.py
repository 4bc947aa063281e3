"""A frame of a segmentation on its image: turned, mirrored or a part of it fits; what must be resampled is refused."""

from __future__ import annotations

import numpy as np
import pytest

from backend.dicom.found import FoundMask, FoundPlane, PackedMask, cropped
from backend.dicom.refusal import Refused
from backend.dicom.volumes import Plane
from backend.exchange.formats.dicom_grid import CaseSpace, mask_plane, on_grid

ROW, COLUMN = np.array([0.8, 0.6, 0.0]), np.array([-0.6, 0.8, 0.0])
ORIGIN, DOWN, ACROSS = np.array([10.5, -20.25, 30.0]), 0.7, 0.9
PICTURE = Plane(tuple(ORIGIN), tuple(ROW), tuple(COLUMN), DOWN, ACROSS, 30, 40)  # type: ignore[arg-type]


def place(row: float, column: float) -> np.ndarray:
    return ORIGIN + row * DOWN * COLUMN + column * ACROSS * ROW


def laid(pixels: np.ndarray, position, along_row, along_column, spacing=(DOWN, ACROSS)) -> np.ndarray:
    """The pixels of a frame with this plane as they fall on the picture."""
    plane = FoundPlane(*pixels.shape, tuple(position), (*along_row, *along_column), spacing)
    corner, box = cropped(pixels)
    mask = FoundMask(plane, corner, PackedMask.of(box))
    (top, left), packed = on_grid(mask, mask_plane(mask), PICTURE)
    image = np.zeros((PICTURE.rows, PICTURE.columns), bool)
    image[top : top + packed.shape[0], left : left + packed.shape[1]] = packed.pixels
    return image


NOISE = np.random.default_rng(0).random((30, 40)) > 0.7


def test_the_same_grid_is_the_same_pixels_and_a_part_of_it_is_shifted():
    assert np.array_equal(laid(NOISE, place(0, 0), ROW, COLUMN), NOISE)
    part = np.zeros_like(NOISE)
    part[5:15, 7:30] = NOISE[5:15, 7:30]
    assert np.array_equal(laid(NOISE[5:15, 7:30], place(5, 7), ROW, COLUMN), part)


def test_mirrored_and_turned_grids_fall_on_the_right_pixels():
    assert np.array_equal(laid(NOISE[:, ::-1], place(0, 39), -ROW, COLUMN), NOISE)
    assert np.array_equal(laid(NOISE[::-1], place(29, 0), ROW, -COLUMN), NOISE)
    assert np.array_equal(laid(NOISE.T, place(0, 0), COLUMN, ROW, (ACROSS, DOWN)), NOISE)


def test_what_would_have_to_be_resampled_or_lies_outside_is_refused():
    for position, spacing in (
        (place(0.5, 0), (DOWN, ACROSS)),
        (place(0, 0), (DOWN, ACROSS * 1.1)),
        (place(0, 0), (1.4, 1.8)),
    ):
        with pytest.raises(Refused, match="resampled"):
            laid(NOISE, position, ROW, COLUMN, spacing)
    with pytest.raises(Refused, match="outside of its image"):
        laid(NOISE, place(1, 0), ROW, COLUMN)


def test_a_frame_belongs_to_the_picture_in_whose_plane_it_lies():
    normal = np.cross(ROW, COLUMN)
    planes = [Plane(tuple(ORIGIN + 2.5 * k * normal), tuple(ROW), tuple(COLUMN), DOWN, ACROSS, 30, 40) for k in range(4)]  # type: ignore[arg-type]
    space = CaseSpace([*planes, None])
    assert space.gap == pytest.approx(2.5)
    assert [space.picture_of(plane) for plane in planes] == [0, 1, 2, 3]
    between = Plane(tuple(ORIGIN + 1.25 * normal), tuple(ROW), tuple(COLUMN), DOWN, ACROSS, 30, 40)  # type: ignore[arg-type]
    assert space.picture_of(between) is None and not space.holds(4, planes[0])
