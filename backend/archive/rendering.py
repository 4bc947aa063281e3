"""From stored frames to what an eye sees: rescale, VOI window or table, MONOCHROME1, colour, PNG and JPEG.

The pipeline is that of DICOM PS3.4 N.2: modality transformation, VOI transformation, presentation. Grey pixels of up
to 16 bit go through one look-up table made for the values that occur, so a 9-megapixel radiograph costs one table and
one indexing, band by band: the largest frame that is taken in is drawn in a few times its own memory.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut
from pydicom.pixels.processing import apply_voi

from backend.archive.models import Instance
from backend.archive.png import png_bytes
from backend.archive.store import get_range
from backend.dicom.display import banded_indices, looked_up, modality_values
from backend.dicom.header import Header, frame_format, frame_text, numbers, values, whole_number
from backend.dicom.stored_frames import Pixels, decoded_frame

Function = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]

_MODALITY_LUT: Final = "00283000"
_VOI_LUT: Final = "00283010"


@dataclass(frozen=True, slots=True)
class Window:
    """A VOI window in output units of the modality transformation (HU for CT), function as in PS3.3 C.11.2.1.2."""

    center: float
    width: float
    function: Function = "LINEAR"


def read_header(instance: Instance) -> Header:
    """The instance's DICOM JSON, parsed."""
    return cast(Header, json.loads(instance.dicom_json))


def read_frame(instance: Instance, number: int) -> bytes:
    """The encoded bytes of a frame (1-based); IndexError if there is none of that number."""
    if not 1 <= number <= len(instance.frame_ranges):
        raise IndexError(f"The instance has frames 1 to {len(instance.frame_ranges)}, not {number}.")
    offset, length = instance.frame_ranges[number - 1]
    return get_range(instance.frames_key, offset, length)


def render_frame(instance: Instance, number: int, window: Window | None = None) -> NDArray[np.uint8]:
    """A frame as 8-bit grey (rows, columns) or RGB (rows, columns, 3), windowed as its header or the caller says."""
    header = read_header(instance)
    form = frame_format(header)
    pixels = decoded_frame(read_frame(instance, number), form)
    if pixels.ndim == 3:
        return pixels.astype(np.uint8, copy=False)
    low, high = int(pixels.min()), int(pixels.max())
    occurring = np.arange(low, high + 1, dtype=np.int32).astype(pixels.dtype)
    padded = _is_padding(occurring, header, signed=bool(form.pixel_representation))

    def counted() -> NDArray[np.int64]:
        found = np.zeros(occurring.size, dtype=np.int64)
        for _rows, index in banded_indices(pixels, low):
            found += np.bincount(index.ravel(), minlength=occurring.size)
        return np.where(padded, 0, found)

    table = _presented(occurring, counted, header, number, window)
    if form.photometric_interpretation == "MONOCHROME1":
        table = 255 - table
    table[padded] = 0
    return looked_up(table, pixels, low)


def frame_values(instance: Instance, number: int) -> NDArray[np.float64]:
    """A grey frame after the modality transformation (of CT in HU), NaN where it is padding; ValueError if it is colour."""
    header = read_header(instance)
    form = frame_format(header)
    pixels = decoded_frame(read_frame(instance, number), form)
    if pixels.ndim == 3:
        raise ValueError("a colour frame has no modality values")
    padded = _is_padding(pixels, header, signed=bool(form.pixel_representation))
    return np.where(padded, np.nan, _scaled(pixels, header, number))


def _is_padding(stored: Pixels, header: Header, *, signed: bool) -> NDArray[np.bool_]:
    """Which stored values are no image (Pixel Padding Value, Pixel Padding Range Limit): they are shown black."""
    value = whole_number(header, "PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, dtype=bool)
    limit = whole_number(header, "PixelPaddingRangeLimit")
    ends = sorted(_as_stored(end, signed=signed) for end in (value, value if limit is None else limit))
    wide = stored.astype(np.int64)
    return (wide >= ends[0]) & (wide <= ends[1])


def _as_stored(value: int, *, signed: bool) -> int:
    """A 16-bit value with the sign of the pixels: files say US where SS is meant, and the other way round."""
    if signed:
        return value - 0x10000 if value > 0x7FFF else value
    return value + 0x10000 if value < 0 else value


def _presented(
    stored: Pixels, counted: Callable[[], NDArray[np.int64]], header: Header, frame: int, window: Window | None
) -> NDArray[np.uint8]:
    """Stored values to 0..255 by the caller's window, the header's table or window, or else the values that occur.

    `counted` tells how often each value occurs, and is asked only where no window is given.
    """
    scaled = _scaled(stored, header, frame)
    if window is None and values(header, "VOILUTSequence"):
        return _tabled(scaled, header)
    chosen = window or header_window(header, frame) or _fitting_window(stored, scaled, counted())
    return _windowed(scaled, chosen)


def _scaled(stored: Pixels, header: Header, frame: int) -> NDArray[np.float64]:
    """Output of the modality transformation: by table where the header has one, else by rescale."""
    if values(header, "ModalityLUTSequence"):
        return np.asarray(apply_modality_lut(stored, _only(header, _MODALITY_LUT)), dtype=np.float64)
    return np.asarray(modality_values(stored, header, frame), dtype=np.float64)


def _tabled(scaled: NDArray[np.float64], header: Header) -> NDArray[np.uint8]:
    """The first VOI table of the header, its output bits spread over 0..255."""
    look = _only(header, _VOI_LUT)
    bits = int(look.VOILUTSequence[0].LUTDescriptor[2])
    shown = np.asarray(apply_voi(scaled.astype(np.int32), look), dtype=np.float64)
    return _to_8_bit(shown / (2**bits - 1))


def _only(header: Header, tag: str) -> Dataset:
    return Dataset.from_json({tag: header[tag]})


def header_window(header: Header, frame: int = 1) -> Window | None:
    """The header's first window for a frame, None if it has no usable one."""
    center = numbers(header, "WindowCenter", frame, "FrameVOILUTSequence")
    width = numbers(header, "WindowWidth", frame, "FrameVOILUTSequence")
    name = frame_text(header, "VOILUTFunction", frame, "FrameVOILUTSequence")
    function = cast(Function, name if name in ("LINEAR_EXACT", "SIGMOID") else "LINEAR")
    if not center or not width or width[0] <= 0 or (function == "LINEAR" and width[0] < 1):
        return None
    return Window(center[0], width[0], function)


def _fitting_window(stored: Pixels, scaled: NDArray[np.float64], counts: NDArray[np.int64]) -> Window:
    """A window where the header has none: 8-bit pixels as they are, others from their 0.5th to their 99.5th percentile."""
    if stored.dtype == np.uint8 and np.array_equal(scaled, stored):
        return Window(127.5, 255, "LINEAR_EXACT")
    cumulated = np.cumsum(counts)
    if cumulated[-1] == 0:
        return Window(0, 1, "LINEAR_EXACT")
    ends = [float(scaled[np.searchsorted(cumulated, share * cumulated[-1])]) for share in (0.005, 0.995)]
    return Window(sum(ends) / 2, max(abs(ends[1] - ends[0]), 1e-6), "LINEAR_EXACT")


def _windowed(scaled: NDArray[np.float64], window: Window) -> NDArray[np.uint8]:
    """The VOI functions of PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    center, width = window.center, window.width
    share: NDArray[np.float64]
    if window.function == "SIGMOID":
        share = 1 / (1 + np.exp(np.clip(-4 * (scaled - center) / width, -500, 500)))
    elif window.function == "LINEAR_EXACT":
        share = (scaled - center) / width + 0.5
    elif width <= 1:
        share = (scaled > center - 0.5).astype(np.float64)
    else:
        share = (scaled - (center - 0.5)) / (width - 1) + 0.5
    return _to_8_bit(share)


def _to_8_bit(share: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)


def encode_image(pixels: NDArray[np.uint8], media_type: str, quality: int = 90) -> bytes:
    """The image as PNG or JPEG (`image/png`, `image/jpeg`)."""
    if media_type == "image/png":
        return png_bytes(pixels)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()
