"""Slices in space: order of a series along its normal and the affine of a regular grid (PS3.3 C.7.6.2.1.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.dicom.header import Header, numbers

_ANGLE_TOLERANCE: Final = 1e-3  # direction cosines, as scanners round them
_GAP_TOLERANCE: Final = 0.02  # share of the slice distance
_SHIFT_TOLERANCE: Final = 0.1  # mm that a slice may lie beside the line through first and last


@dataclass(frozen=True)
class Plane:
    """One frame in patient space (LPS, mm): centre of the first pixel, directions of a row and of a column, spacing."""

    origin: tuple[float, float, float]
    along_row: tuple[float, float, float]
    along_column: tuple[float, float, float]
    row_spacing: float
    column_spacing: float
    rows: int
    columns: int

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector across the plane."""
        return np.cross(self.along_row, self.along_column)

    @property
    def position(self) -> float:
        """Distance of the plane from the patient origin along its normal, in mm."""
        return float(np.dot(self.normal, self.origin))


def frame_plane(header: Header, frame: int = 1) -> Plane | None:
    """Where a frame lies, None if the header does not say or says nonsense."""
    origin = numbers(header, "ImagePositionPatient", frame, "PlanePositionSequence")
    directions = numbers(header, "ImageOrientationPatient", frame, "PlaneOrientationSequence")
    spacing = pixel_spacing(header, frame)
    if spacing is None:
        return None
    rows, columns = numbers(header, "Rows"), numbers(header, "Columns")
    return plane_of(origin, directions, spacing, (int(rows[0]), int(columns[0])) if rows and columns else (0, 0))


def plane_of(
    origin: Sequence[float], directions: Sequence[float], spacing: Sequence[float], size: tuple[int, int]
) -> Plane | None:
    """The plane of these Image Position, Image Orientation, Pixel Spacing and (rows, columns); None if they make none."""
    if len(origin) != 3 or len(directions) != 6 or len(spacing) != 2 or min(spacing) <= 0:
        return None
    row, column = np.array(directions[:3]), np.array(directions[3:])
    if abs(np.linalg.norm(row) - 1) > 0.01 or abs(np.linalg.norm(column) - 1) > 0.01 or abs(float(row @ column)) > 0.01:
        return None
    return Plane(_triple(origin), _triple(directions[:3]), _triple(directions[3:]), spacing[0], spacing[1], *size)


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    return (values[0], values[1], values[2])


def pixel_spacing(header: Header, frame: int = 1) -> tuple[float, float] | None:
    """(distance between rows, distance between columns) in mm in the patient, None if unknown.

    Imager Pixel Spacing is at the detector, not in the patient, and is not used.
    """
    spacing = numbers(header, "PixelSpacing", frame, "PixelMeasuresSequence")
    if len(spacing) != 2 or min(spacing) <= 0:
        return None
    return (spacing[0], spacing[1])


def spatial_order(planes: Sequence[Plane | None]) -> list[int] | None:
    """Indices of the planes along their common normal; None if they share none, or two lie in one place."""
    known = [plane for plane in planes if plane is not None]
    if not known or len(known) < len(planes) or not _parallel(known):
        return None
    normal = known[0].normal
    positions = [float(np.dot(normal, plane.origin)) for plane in known]
    order = sorted(range(len(known)), key=positions.__getitem__)
    if any(positions[after] - positions[before] < 1e-3 for before, after in zip(order, order[1:], strict=False)):
        return None
    return order


def _parallel(planes: Sequence[Plane]) -> bool:
    directions = np.array([(*plane.along_row, *plane.along_column) for plane in planes])
    return bool(np.abs(directions - directions[0]).max() < _ANGLE_TOLERANCE)


def grid_affine(planes: Sequence[Plane]) -> list[list[float]] | None:
    """4×4 that takes (frame, row, column) indices of planes in spatial order to patient mm (LPS); None if irregular.

    An index is the centre of its pixel. One plane alone is a grid with a step of 1 mm.
    """
    first, last = planes[0], planes[-1]
    same = {(plane.rows, plane.columns, round(plane.row_spacing, 4), round(plane.column_spacing, 4)) for plane in planes}
    if len(same) > 1 or not _parallel(planes):
        return None
    step: NDArray[Any] = first.normal
    if len(planes) > 1:
        step = (np.array(last.origin) - np.array(first.origin)) / (len(planes) - 1)
        due = np.array(first.origin) + np.arange(len(planes))[:, None] * step
        off = np.array([plane.origin for plane in planes]) - due
        if np.abs(off).max() > max(_SHIFT_TOLERANCE, _GAP_TOLERANCE * float(np.linalg.norm(step))):
            return None
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = np.array(first.along_column) * first.row_spacing
    affine[:3, 2] = np.array(first.along_row) * first.column_spacing
    affine[:3, 3] = first.origin
    return [[float(value) for value in row] for row in affine]
