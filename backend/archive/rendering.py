"""From stored frames to what an eye sees: decoding, rescale, VOI window, MONOCHROME1, palettes, colour, PNG and JPEG.

The pixel pipeline is that of DICOM PS3.4 N.2: modality transformation, VOI transformation, presentation. Integer
pixels of up to 16 bit go through one look-up table made for the values that occur, so a 9-megapixel radiograph costs
one table and one `take`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.uid import UID

from backend.archive.models import Instance
from backend.archive.store import get_range

Header = Mapping[str, Any]
Function = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]

# The attributes that say how pixels look; everything else of the header stays unparsed.
_MODALITY: Final = ("00281052", "00281053", "00281054", "00283000")
_VOI: Final = ("00281050", "00281051", "00281056", "00283010")
_PALETTE: Final = (
    "00281101",
    "00281102",
    "00281103",
    "00281104",
    "00281201",
    "00281202",
    "00281203",
    "00281204",
    "00281221",
    "00281222",
    "00281223",
)
_FUNCTIONAL_GROUPS: Final = (("52009229", None), ("52009230", "frame"))
_PIXEL_VALUE_TRANSFORMATION: Final = "00289145"
_FRAME_VOI_LUT: Final = "00289132"


@dataclass(frozen=True, slots=True)
class Window:
    """A VOI window in output units of the modality transformation (HU for CT)."""

    center: float
    width: float
    function: Function = "LINEAR"


def read_header(instance: Instance) -> Header:
    """The instance's DICOM JSON as a mapping of tags."""
    header: Header = json.loads(instance.dicom_json)
    return header


def value_of(header: Header, tag: str, default: Any = None) -> Any:
    """First value of an attribute in DICOM JSON."""
    values = header.get(tag, {}).get("Value")
    return values[0] if values else default


def read_frame(instance: Instance, number: int) -> bytes:
    """The encoded bytes of a frame (1-based); IndexError if there is none of that number."""
    if not 1 <= number <= len(instance.frame_ranges):
        raise IndexError(f"The instance has frames 1 to {len(instance.frame_ranges)}, not {number}.")
    offset, length = instance.frame_ranges[number - 1]
    return get_range(instance.frames_key, offset, length)


def decode_frame(instance: Instance, header: Header, encoded: bytes) -> tuple[npt.NDArray[Any], str]:
    """The pixels of an encoded frame as (rows, columns) or (rows, columns, 3), and their photometric interpretation.

    YBR comes back as RGB. The values are stored values: no rescale is applied.
    """
    syntax = UID(instance.transfer_syntax_uid)
    buffer = encapsulate([encoded]) if syntax.is_encapsulated else encoded
    options: dict[str, Any] = {
        "rows": instance.rows,
        "columns": instance.columns,
        "samples_per_pixel": instance.samples_per_pixel,
        "bits_allocated": instance.bits_allocated,
        "bits_stored": value_of(header, "00280101", instance.bits_allocated),
        "pixel_representation": value_of(header, "00280103", 0),
        "photometric_interpretation": instance.photometric_interpretation,
        "number_of_frames": 1,
        "pixel_keyword": "PixelData",
    }
    if instance.samples_per_pixel > 1:
        options["planar_configuration"] = value_of(header, "00280006", 0)
    array, meta = get_decoder(syntax).as_array(buffer, index=0, **options)
    return array, str(meta["photometric_interpretation"])


def native_bytes(instance: Instance, encoded: bytes) -> bytes:
    """A frame as uncompressed little-endian bytes, for callers that cannot decode."""
    pixels, _ = decode_frame(instance, read_header(instance), encoded)
    return pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()


def render_frame(instance: Instance, number: int, window: Window | None = None) -> npt.NDArray[np.uint8]:
    """A frame as 8-bit grey (rows, columns) or RGB (rows, columns, 3), windowed as its header or the caller says."""
    header = read_header(instance)
    pixels, photometric = decode_frame(instance, header, read_frame(instance, number))
    if photometric == "PALETTE COLOR":
        coloured = apply_color_lut(pixels, _dataset(header, _PALETTE))
        return _to_8_bit(coloured)
    if pixels.ndim == 3:
        return _to_8_bit(pixels)
    return _grey(pixels, _look(header, number), window, inverted=photometric == "MONOCHROME1")


def _to_8_bit(colour: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if colour.dtype == np.uint8:
        return colour
    return (colour >> 8).astype(np.uint8)


def _dataset(header: Header, tags: tuple[str, ...]) -> Dataset:
    return Dataset.from_json({tag: header[tag] for tag in tags if tag in header})


def _look(header: Header, number: int) -> Dataset:
    """Rescale and VOI attributes of a frame, also where an enhanced image keeps them per frame or shared."""
    found = {tag: header[tag] for tag in _MODALITY + _VOI if tag in header}
    for groups_tag, kind in _FUNCTIONAL_GROUPS:
        groups = header.get(groups_tag, {}).get("Value") or []
        index = number - 1 if kind == "frame" else 0
        group = groups[index] if index < len(groups) else {}
        for macro in (_PIXEL_VALUE_TRANSFORMATION, _FRAME_VOI_LUT):
            found |= value_of(group, macro, {})
    return Dataset.from_json(found)


def _grey(pixels: npt.NDArray[Any], look: Dataset, window: Window | None, *, inverted: bool) -> npt.NDArray[np.uint8]:
    if pixels.dtype.kind in "iu" and pixels.dtype.itemsize <= 2:
        low, high = int(pixels.min()), int(pixels.max())
        values = np.arange(low, high + 1, dtype=pixels.dtype)
        counts = np.bincount((pixels.astype(np.int32) - low).ravel(), minlength=values.size)
        table = _presented(values, look, window, counts)
        if inverted:
            table = 255 - table
        return table[pixels.astype(np.int32) - low]
    shown = _presented(pixels, look, window, None)
    return 255 - shown if inverted else shown


def _presented(
    values: npt.NDArray[Any], look: Dataset, window: Window | None, counts: npt.NDArray[np.int64] | None
) -> npt.NDArray[np.uint8]:
    """Stored values to 0..255 by the caller's window, the header's LUT or window, or else the values that occur."""
    modality = np.asarray(apply_modality_lut(values, look), dtype=np.float64)
    if window is None and look.get("VOILUTSequence") and values.dtype.kind in "iu":
        shown = np.asarray(apply_voi(modality.astype(np.int32), look), dtype=np.float64)
        bits = int(look.VOILUTSequence[0].LUTDescriptor[2])
        return np.clip(shown * (255.0 / (2**bits - 1)), 0, 255).astype(np.uint8)
    chosen = window or _header_window(look) or _fitting_window(modality, values, counts)
    return _windowed(modality, chosen)


def _header_window(look: Dataset) -> Window | None:
    """The first window of the header, if it has a usable one."""
    center, width = look.get("WindowCenter"), look.get("WindowWidth")
    if center is None or width is None:
        return None
    first_center = float(center if np.isscalar(center) else center[0])
    first_width = float(width if np.isscalar(width) else width[0])
    function = str(look.get("VOILUTFunction") or "LINEAR")
    if not np.isfinite([first_center, first_width]).all() or first_width < (1 if function == "LINEAR" else 1e-6):
        return None
    return Window(first_center, first_width, function if function in ("LINEAR_EXACT", "SIGMOID") else "LINEAR")  # type: ignore[arg-type]


def _fitting_window(
    modality: npt.NDArray[np.float64], values: npt.NDArray[Any], counts: npt.NDArray[np.int64] | None
) -> Window:
    """A window where the header has none: 8-bit pixels as they are, others from their 0.5th to their 99.5th percentile."""
    if values.dtype == np.uint8:
        return Window(127.5, 255, "LINEAR_EXACT")
    if counts is None:
        low, high = np.percentile(modality[np.isfinite(modality)], (0.5, 99.5))
    else:
        cumulated = np.cumsum(counts)
        low, high = (float(modality[np.searchsorted(cumulated, share * cumulated[-1])]) for share in (0.005, 0.995))
    low, high = min(low, high), max(low, high)
    return Window((low + high) / 2, max(high - low, 1e-6), "LINEAR_EXACT")


def _windowed(values: npt.NDArray[np.float64], window: Window) -> npt.NDArray[np.uint8]:
    """The VOI functions of PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    center, width = window.center, window.width
    if window.function == "SIGMOID":
        share = 1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -500, 500)))
    elif window.function == "LINEAR_EXACT":
        share = (values - center) / width + 0.5
    elif width <= 1:
        share = (values > center - 0.5).astype(np.float64)
    else:
        share = (values - (center - 0.5)) / (width - 1) + 0.5
    return (np.clip(share, 0, 1) * 255 + 0.5).astype(np.uint8)


def encode_image(pixels: npt.NDArray[np.uint8], media_type: str, quality: int = 90) -> bytes:
    """The image as PNG or JPEG (`image/png`, `image/jpeg`)."""
    out = io.BytesIO()
    image = Image.fromarray(pixels)
    if media_type == "image/jpeg":
        image.save(out, "JPEG", quality=quality)
    else:
        image.save(out, "PNG", compress_level=3)
    return out.getvalue()
