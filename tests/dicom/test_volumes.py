"""Order of slices and the affine of their grid."""

from __future__ import annotations

import numpy as np

from backend.dicom.volumes import Plane, frame_plane, grid_affine, pixel_spacing, spatial_order


def plane(*origin: float, rows: int = 8) -> Plane:
    return Plane(origin, (1, 0, 0), (0, 1, 0), 0.5, 0.25, rows, 8)  # type: ignore[arg-type]


def test_slices_are_ordered_along_their_normal():
    planes = [plane(0, 0, 4), plane(0, 0, -2), plane(0, 0, 1)]
    assert spatial_order(planes) == [1, 2, 0]


def test_the_affine_takes_frame_row_and_column_to_the_centre_of_a_pixel():
    affine = np.array(grid_affine([plane(10, 20, 30), plane(10, 20, 33)]))
    assert (affine @ [0, 0, 0, 1])[:3].tolist() == [10, 20, 30]
    assert (affine @ [1, 2, 4, 1])[:3].tolist() == [11, 21, 33]


def test_slices_in_one_place_or_of_two_directions_have_no_order():
    assert spatial_order([plane(0, 0, 1), plane(0, 0, 1)]) is None
    coronal = Plane((0, 0, 0), (1, 0, 0), (0, 0, -1), 1, 1, 8, 8)
    assert spatial_order([plane(0, 0, 1), coronal]) is None
    assert spatial_order([plane(0, 0, 1), None]) is None
    assert spatial_order([]) is None


def test_a_gap_or_another_size_makes_no_grid():
    assert grid_affine([plane(0, 0, 0), plane(0, 0, 1), plane(0, 0, 3)]) is None
    assert grid_affine([plane(0, 0, 0), plane(0, 0, 1, rows=9)]) is None


def test_an_enhanced_frame_lies_where_its_functional_groups_say():
    def item(**sequences: list[dict]) -> dict:
        tags = {"position": "00209113", "orientation": "00209116", "measures": "00289110"}
        return {tags[name]: {"vr": "SQ", "Value": value} for name, value in sequences.items()}

    shared = item(
        orientation=[{"00200037": {"vr": "DS", "Value": [1, 0, 0, 0, 1, 0]}}],
        measures=[{"00280030": {"vr": "DS", "Value": [0.5, 0.6]}}],
    )
    frames = [item(position=[{"00200032": {"vr": "DS", "Value": [0, 0, z]}}]) for z in (5, 7)]
    header = {
        "00280010": {"vr": "US", "Value": [4]},
        "00280011": {"vr": "US", "Value": [4]},
        "52009229": {"vr": "SQ", "Value": [shared]},
        "52009230": {"vr": "SQ", "Value": frames},
    }
    found = frame_plane(header, 2)
    assert found is not None and found.position == 7
    assert pixel_spacing(header) == (0.5, 0.6)


def test_nonsense_in_the_header_is_no_place():
    header = {
        "00200032": {"vr": "DS", "Value": [0, 0, "x"]},
        "00200037": {"vr": "DS", "Value": [1, 0, 0, 1, 0, 0]},
        "00280030": {"vr": "DS", "Value": [0, 1]},
    }
    assert frame_plane(header) is None
    assert pixel_spacing(header) is None
