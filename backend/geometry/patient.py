"""Image coordinates ↔ patient coordinates (millimetres, LPS) of one frame, by DICOM PS3.3 C.7.6.2.1.1.

The standard's equation counts pixels from the centre of the first one; ours (SCOORD) from the corner of the image,
half a pixel earlier. `spacing` is PixelSpacing: between rows first, between columns second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class FramePlane:
    """ImagePositionPatient, ImageOrientationPatient and PixelSpacing of a frame; ValueError when they span no plane."""

    position: Sequence[float]
    orientation: Sequence[float]
    spacing: Sequence[float]

    def __post_init__(self) -> None:
        """Refuse what is not a plane: wrong lengths, directions not of length one or not square to each other."""
        if (len(self.position), len(self.orientation), len(self.spacing)) != (3, 6, 2):
            raise ValueError("a plane needs 3 numbers of position, 6 of orientation and 2 of spacing")
        if not np.isfinite([*self.position, *self.orientation, *self.spacing]).all() or min(self.spacing) <= 0:
            raise ValueError("position, orientation and spacing are finite and spacing is positive")
        along_row, along_column = np.array(self.orientation[:3]), np.array(self.orientation[3:])
        products = (along_row @ along_row - 1, along_column @ along_column - 1, along_row @ along_column)
        if max(abs(float(product)) for product in products) > 2e-3:
            raise ValueError(f"orientation {list(self.orientation)} is not two square unit vectors")


def image_to_patient(points: ArrayLike, plane: FramePlane) -> NDArray[np.float64]:
    """Points [n, (column, row)] of the image as [n, (x, y, z)] in patient millimetres."""
    array = np.atleast_2d(np.asarray(points, dtype=float))
    along_row, along_column, _ = _axes(plane)
    shift = (array[:, :1] - 0.5) * along_row * plane.spacing[1] + (array[:, 1:] - 0.5) * along_column * plane.spacing[0]
    return np.asarray(plane.position, dtype=float) + shift


def patient_to_image(points: ArrayLike, plane: FramePlane) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points [n, (x, y, z)] as [n, (column, row)] of the image, and how far each lies off its plane in millimetres."""
    along_row, along_column, normal = _axes(plane)
    shift = np.atleast_2d(np.asarray(points, dtype=float)) - np.asarray(plane.position, dtype=float)
    column = shift @ along_row / plane.spacing[1] + 0.5
    row = shift @ along_column / plane.spacing[0] + 0.5
    return np.column_stack((column, row)), shift @ normal


def _axes(plane: FramePlane) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    along_row = np.array(plane.orientation[:3], dtype=float)
    along_column = np.array(plane.orientation[3:], dtype=float)
    return along_row, along_column, np.cross(along_row, along_column)
