"""Where the frames of a DICOM object lie among the pictures of a case, and on which pixels of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.dicom.found import FoundMask, PackedMask
from backend.dicom.refusal import Refused
from backend.dicom.volumes import Plane, plane_of

_OFF_GRID: Final = 0.2
"""Pixels that a corner of a segmentation's frame may lie beside the corner of a pixel of its image."""
_OFF_PLANE: Final = 0.1
"""Share of the distance between pictures that a frame of a segmentation may lie off its picture."""
_LONE_GAP: Final = 1.0
"""Millimetres taken as the distance between pictures where there is only one."""


class CaseSpace:
    """The planes of a case's pictures as arrays; `gap` is the usual distance between neighbours in mm."""

    def __init__(self, planes: Sequence[Plane | None]) -> None:
        self.planes = planes
        known = [plane for plane in planes if plane is not None]
        self.is_known = bool(known)
        nowhere = (np.nan, np.nan, np.nan)
        self._origins = np.array([plane.origin if plane is not None else nowhere for plane in planes])
        self._normals = np.array([plane.normal if plane is not None else nowhere for plane in planes])
        self.gap = _LONE_GAP
        if known:
            steps = np.diff(np.sort(np.array([plane.origin for plane in known]) @ known[0].normal))
            if (steps > 1e-3).any():
                self.gap = float(np.median(steps[steps > 1e-3]))

    def distances(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far a point of the patient lies off the plane of each picture, in mm; infinite where that is unknown."""
        off = np.abs(((point - self._origins) * self._normals).sum(axis=1))
        return np.where(np.isnan(off), np.inf, off)

    def holds(self, index: int, plane: Plane) -> bool:
        """Whether a frame with this plane lies in that of a picture."""
        return float(self.distances(_middle(plane))[index]) <= self.gap * _OFF_PLANE

    def picture_of(self, plane: Plane) -> int | None:
        """The index of the picture in whose plane a frame lies."""
        off = self.distances(_middle(plane))
        index = int(np.argmin(off))
        return index if off[index] <= self.gap * _OFF_PLANE else None


def mask_plane(mask: FoundMask) -> Plane | None:
    """The plane of a segmentation's frame, None where it does not say."""
    told = mask.plane
    return plane_of(told.position, told.orientation, told.spacing, (told.rows, told.columns))


def on_grid(mask: FoundMask, plane: Plane, picture: Plane) -> tuple[tuple[int, int], PackedMask]:
    """Corner and box of a mask on its picture; Refused where its grid is not the picture's, or it lies outside.

    Both grids count pixels from the centre of the first. The step from one to the other must be whole: turned, mirrored
    or shifted, never stretched.
    """
    step_row = np.array(plane.along_column) * plane.row_spacing
    step_column = np.array(plane.along_row) * plane.column_spacing
    to_row = np.array(picture.along_column) / picture.row_spacing
    to_column = np.array(picture.along_row) / picture.column_spacing
    start = np.array(plane.origin) - np.array(picture.origin)
    turn = np.array([[step_row @ to_row, step_column @ to_row], [step_row @ to_column, step_column @ to_column]])
    shift = np.array([start @ to_row, start @ to_column])
    whole, moved = np.rint(turn), np.rint(shift)
    corners = np.array([[0, 0], [plane.rows - 1, 0], [0, plane.columns - 1], [plane.rows - 1, plane.columns - 1]])
    off = np.abs((corners @ turn.T + shift) - (corners @ whole.T + moved)).max()
    if abs(abs(np.linalg.det(whole)) - 1) > 1e-9 or off > _OFF_GRID:
        raise Refused("Its grid is not that of its images: it would have to be resampled, which is not done.")
    if np.array_equal(whole, np.eye(2)):
        corner, packed = np.array(mask.corner) + moved, mask.packed
    else:
        places = (np.argwhere(mask.pixels) + np.array(mask.corner)) @ whole.T + moved
        corner = places.min(axis=0)
        pixels = np.zeros(tuple((np.ptp(places, axis=0) + 1).astype(int)), dtype=bool)
        pixels[tuple((places - corner).astype(int).T)] = True
        packed = PackedMask.of(pixels)
    top, left = int(corner[0]), int(corner[1])
    if top < 0 or left < 0 or top + packed.shape[0] > picture.rows or left + packed.shape[1] > picture.columns:
        raise Refused("It marks pixels outside of its image.")
    return (top, left), packed


def _middle(plane: Plane) -> NDArray[np.float64]:
    across = np.array(plane.along_row) * plane.column_spacing * (plane.columns - 1) / 2
    down = np.array(plane.along_column) * plane.row_spacing * (plane.rows - 1) / 2
    return np.array(plane.origin) + across + down
