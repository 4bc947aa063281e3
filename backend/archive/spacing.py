"""How far apart the pixels of a series' grid lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def voxel_spacing(
    *, affine: Sequence[Sequence[float]] | None, pixel_spacing: Sequence[float] | None, n_frames: int
) -> tuple[float, float, float] | None:
    """Millimetres between frames, rows and columns; None where they are not known.

    A single frame has no neighbour, so its first number is 1 and means nothing. Several frames need the regular grid
    that `affine`, of (frame, row, column) to patient mm, describes.
    """
    if n_frames == 1:
        return (1.0, float(pixel_spacing[0]), float(pixel_spacing[1])) if pixel_spacing else None
    if affine is None:
        return None
    frame, row, column = np.linalg.norm(np.array(affine, dtype=float)[:3, :3], axis=0).tolist()
    return (frame, row, column)
