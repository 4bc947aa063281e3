"""The box of a lesion on each picture that it touches, for formats that know boxes only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backend.exchange.export_selection import ExportCase, ImageFrame, lesion_masks
from backend.readings.models import Lesion, MarkKind

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in SCOORD pixels: the image's top-left corner is 0, 0."""


def lesion_boxes(lesion: Lesion, item: ExportCase) -> Iterator[tuple[ImageFrame, Box]]:
    """A box as it was drawn; of every other mark the box around its pixels."""
    for frame, mask in lesion_masks(lesion, item.frames):
        if not mask.any():
            continue
        if lesion.kind == MarkKind.BOX:
            (left, top), (right, bottom) = np.min(lesion.points, axis=0), np.max(lesion.points, axis=0)
            yield frame, (float(left), float(top), float(right), float(bottom))
            continue
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        yield frame, (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
