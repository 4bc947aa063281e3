"""Stored values to what a person sees: 8-bit grey or RGB through rescale and window (PS3.3 C.11.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.dicom.header import Header, numbers, text
from backend.dicom.stored_frames import Pixels


def shown_frame(pixels: Pixels, header: Header, frame: int = 1) -> NDArray[np.uint8]:
    """(rows, columns) grey or (rows, columns, 3) RGB of a decoded frame, in the header's first window or its own range."""
    if pixels.ndim == 3:
        return pixels.astype(np.uint8)
    lowest, highest = (int(pixels.min()), int(pixels.max())) if pixels.size else (0, 0)
    if pixels.dtype.kind in "iu" and highest - lowest < pixels.size // 4:
        # Each value that may occur once, instead of every pixel: the same numbers for a fraction of the work.
        table = _shown(np.arange(lowest, highest + 1, dtype=np.int64).astype(pixels.dtype), header, frame)
        index = pixels.astype(np.intp)
        index -= lowest
        return np.take(table, index)
    return _shown(pixels, header, frame)


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
