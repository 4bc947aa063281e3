"""Stored values to what a person sees: 8-bit grey or RGB through rescale and window (PS3.3 C.11.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.dicom.header import Header, numbers, text
from backend.dicom.stored_frames import Pixels

_BAND_PIXELS: Final = 1 << 20
"""An index takes 8 bytes a pixel: of a whole radiograph that is hundreds of megabytes, of a band it stays in the cache."""


def shown_frame(pixels: Pixels, header: Header, frame: int = 1) -> NDArray[np.uint8]:
    """(rows, columns) grey or (rows, columns, 3) RGB of a decoded frame, in the header's first window or its own range."""
    if pixels.ndim == 3:
        return pixels.astype(np.uint8)
    lowest, highest = (int(pixels.min()), int(pixels.max())) if pixels.size else (0, 0)
    if pixels.dtype.kind in "iu" and highest - lowest < pixels.size // 4:
        # Each value that may occur once, instead of every pixel: the same numbers for a fraction of the work.
        table = _shown(np.arange(lowest, highest + 1, dtype=np.int64).astype(pixels.dtype), header, frame)
        return looked_up(table, pixels, lowest)
    return _shown(pixels, header, frame)


def looked_up(table: NDArray[np.uint8], pixels: Pixels, lowest: int) -> NDArray[np.uint8]:
    """What the table says of each stored value; its first entry is that of the value `lowest`."""
    shown = np.empty(pixels.shape, dtype=np.uint8)
    for rows, index in banded_indices(pixels, lowest):
        np.take(table, index, out=shown[rows], mode="clip")  # none lies outside; a check would copy what it gives
    return shown


def banded_indices(pixels: Pixels, lowest: int) -> Iterator[tuple[slice, NDArray[np.intp]]]:
    """By bands of rows, how far each stored value lies above `lowest`: what a table is looked up by."""
    height = max(_BAND_PIXELS // max(pixels.shape[1], 1), 1)
    for top in range(0, pixels.shape[0], height):
        rows = slice(top, top + height)
        index = pixels[rows].astype(np.intp)  # of any other integers numpy makes these, slowly
        index -= lowest
        yield rows, index


def _shown(pixels: Pixels, header: Header, frame: int) -> NDArray[np.uint8]:
    """Stored values as 8-bit grey; the lowest and the highest must be among them."""
    scaled = modality_values(pixels, header, frame)
    low, high = window_range(scaled, header, frame)
    shown = np.clip((scaled - low) * (255.0 / (high - low)), 0, 255)
    if text(header, "PhotometricInterpretation") == "MONOCHROME1":
        shown = 255 - shown
    result: NDArray[np.uint8] = shown.astype(np.uint8)
    return result


def modality_values(pixels: Pixels, header: Header, frame: int = 1) -> NDArray[np.float32]:
    """Grey stored values through Rescale Slope and Intercept, for instance to Hounsfield units."""
    slope = numbers(header, "RescaleSlope", frame, "PixelValueTransformationSequence")
    intercept = numbers(header, "RescaleIntercept", frame, "PixelValueTransformationSequence")
    return pixels.astype(np.float32) * np.float32(slope[0] if slope else 1) + np.float32(intercept[0] if intercept else 0)


def window_range(scaled: NDArray[Any], header: Header, frame: int = 1) -> tuple[float, float]:
    """Lowest and highest value shown: the header's first window, else minimum and maximum."""
    centre = numbers(header, "WindowCenter", frame, "FrameVOILUTSequence")
    width = numbers(header, "WindowWidth", frame, "FrameVOILUTSequence")
    if centre and width and width[0] > 1:
        return centre[0] - 0.5 - (width[0] - 1) / 2, centre[0] - 0.5 + (width[0] - 1) / 2
    low, high = float(scaled.min()), float(scaled.max())
    return (low, high) if high > low else (low, low + 1.0)
