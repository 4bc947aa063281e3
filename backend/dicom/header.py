"""The stored header as DICOM JSON (PS3.18 F) and how to ask it: values, also those of one frame of an enhanced object."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from backend.dicom.json_values import raw_json, text_encoding
from backend.dicom.stored_frames import FrameFormat

Header = dict[str, Any]

MAX_INLINE_BYTES: Final = 128 * 1024  # A look-up table of 16 bits to 16 bits.
_MAX_INLINE_VALUE: Final = MAX_INLINE_BYTES // 4 * 3  # as base64
BULK_SCHEME: Final = "bulk:"
_LEFT_OUT: Final = "left-out"
_GROUPS_LEFT_OUT: Final = frozenset({0x0000, 0x0002, 0xFFFC})
_PIXEL_KEYWORDS: Final = (
    "PixelData",
    "FloatPixelData",
    "DoubleFloatPixelData",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
)
_PALETTE_KEYWORDS: Final = tuple(
    f"{name}PaletteColorLookupTable{part}" for name in ("Red", "Green", "Blue") for part in ("Data", "Descriptor")
) + tuple(f"Segmented{name}PaletteColorLookupTableData" for name in ("Red", "Green", "Blue"))


class BulkData:
    """Binary values too long for the header; they lie behind the frames in the same object, `start` bytes from its begin."""

    def __init__(self, start: int) -> None:
        self._start = start
        self.values: list[bytes] = []

    def add(self, element: DataElement) -> str:
        """Take a value; the BulkDataURI under which the stored header names it."""
        value = element.value if isinstance(element.value, bytes) else bytes(element.value)
        offset = self._start + sum(map(len, self.values))
        self.values.append(value)
        return f"{BULK_SCHEME}{offset}-{len(value)}"


def bulk_range(uri: str) -> tuple[int, int]:
    """Where in the frames' object the value of such a BulkDataURI lies: offset and length; ValueError if it is another."""
    offset, _, length = uri.removeprefix(BULK_SCHEME).partition("-")
    return int(offset), int(length)


def stored_header(
    dataset: Dataset, form: FrameFormat, number_of_frames: int, note: str = "", bulk: BulkData | None = None
) -> tuple[Header, str]:
    """DICOM JSON of the header, and its text, with the pixel module of what is stored and no pixels; changes `dataset`.

    Available Transfer Syntax UID (0008,3002) tells the encoding of the stored frames. Binary values above
    `MAX_INLINE_BYTES` go to `bulk`; without it they are left out.
    """
    _fill_pixel_module(dataset, form, number_of_frames)
    if note:
        dataset.DerivationDescription = note
    return _encoded(dataset, form.transfer_syntax_uid, bulk)


def object_header(dataset: Dataset, bulk: BulkData | None = None) -> tuple[Header, str]:
    """DICOM JSON of an object whose file is served as it is, with or without a pixel module of its own; no pixels.

    Otherwise as `stored_header`; changes `dataset`.
    """
    for keyword in _PIXEL_KEYWORDS:
        if keyword in dataset:
            delattr(dataset, keyword)
    return _encoded(dataset, str(dataset.file_meta.TransferSyntaxUID), bulk)


def _encoded(dataset: Dataset, transfer_syntax_uid: str, bulk: BulkData | None) -> tuple[Header, str]:
    dataset.AvailableTransferSyntaxUID = transfer_syntax_uid
    encoded = _header_of(dataset, bulk.add if bulk is not None else _left_out, left_out=_GROUPS_LEFT_OUT)
    encoded["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    if bulk is None:
        _drop_marked(encoded)
    try:
        return encoded, json.dumps(encoded, allow_nan=False, separators=(",", ":"))
    except ValueError:
        encoded = _finite(encoded)
        return encoded, json.dumps(encoded, allow_nan=False, separators=(",", ":"))


def _fill_pixel_module(dataset: Dataset, form: FrameFormat, number_of_frames: int) -> None:
    """Say of the pixels what is stored of them, and take out the pixels, and the palette once it is applied."""
    gone = _PIXEL_KEYWORDS + (_PALETTE_KEYWORDS if form.photometric_interpretation == "RGB" else ())
    for keyword in gone:
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.Rows, dataset.Columns = form.rows, form.columns
    dataset.SamplesPerPixel = form.samples_per_pixel
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = form.bits_allocated, form.bits_stored, form.bits_stored - 1
    dataset.PixelRepresentation = form.pixel_representation
    dataset.PhotometricInterpretation = form.photometric_interpretation
    if form.samples_per_pixel > 1:
        dataset.PlanarConfiguration = 0
    elif "PlanarConfiguration" in dataset:
        del dataset.PlanarConfiguration
    if number_of_frames > 1 or "NumberOfFrames" in dataset:
        dataset.NumberOfFrames = number_of_frames


def _header_of(dataset: Dataset, taken: Callable[[DataElement], str], *, left_out: frozenset[int] = frozenset()) -> Header:
    """DICOM JSON of a data set or item, without group lengths and without elements whose bytes make no value of their VR."""
    encoding = text_encoding(dataset)
    encoded: Header = {}
    creators: dict[int, bool] = {}
    for tag, element in list(dataset.items()):
        number = int(tag)  # a tag compares itself slowly
        if number & 0xFFFF == 0 or number >> 16 in left_out:
            continue
        found = None
        if isinstance(element, RawDataElement) and (not number >> 16 & 1 or _has_creator(dataset, number, creators)):
            found = raw_json(element, number, encoding, _MAX_INLINE_VALUE)
        if found is None:
            found = _element_of(dataset, tag, taken)
        if found is not None:
            encoded[f"{number:08X}"] = found
    return encoded


def _has_creator(dataset: Dataset, tag: int, known: dict[int, bool]) -> bool:
    """Whether nothing is wrong with the creator of a private element (PS3.5 7.8.1): else it means nothing to pydicom."""
    creator = tag & 0xFFFF0000 | tag >> 8 & 0xFF
    if creator not in known:
        try:
            known[creator] = creator not in dataset or bool(dataset[creator])
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 as above
            known[creator] = False
    return known[creator]


def _element_of(dataset: Dataset, tag: BaseTag, taken: Callable[[DataElement], str]) -> dict[str, Any] | None:
    """DICOM JSON of an element as pydicom reads it, None where it cannot."""
    try:
        element = dataset[tag]
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 values out of every standard raise all kinds
        return None
    if element.VR == "SQ":
        return {"vr": "SQ", "Value": [_header_of(item, taken) for item in element.value]}
    try:
        found: dict[str, Any] = element.to_json_dict(taken, MAX_INLINE_BYTES)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 as above
        return None
    return found


def _left_out(_element: DataElement) -> str:
    return _LEFT_OUT


def _drop_marked(encoded: Header) -> None:
    for tag in [tag for tag, element in encoded.items() if element.get("BulkDataURI") == _LEFT_OUT]:
        del encoded[tag]
    for element in encoded.values():
        if element.get("vr") == "SQ":
            for item in element.get("Value", []):
                _drop_marked(item)


def _finite(value: Any) -> Any:
    """The same structure with null where a number is NaN or infinite, which JSON cannot say."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value


@cache
def _tag(keyword: str) -> str:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return f"{tag:08X}"


def values(header: Header, keyword: str) -> list[Any]:
    """All values of an attribute; empty if there are none."""
    found = header.get(_tag(keyword), {}).get("Value")
    return found if isinstance(found, list) else []


def text(header: Header, keyword: str, limit: int = 64) -> str:
    """The first value as text fit for a database column: no NUL, no broken character, at most `limit` long."""
    found = values(header, keyword)
    value = found[0] if found else ""
    if isinstance(value, dict):
        value = value.get("Alphabetic", "")
    if value is None:
        return ""
    return str(value).replace("\0", "").encode("utf-8", "replace").decode().strip()[:limit]


def other_name(header: Header, keyword: str, limit: int = 64) -> str:
    """The component groups of a person's name besides the alphabetic one, `ideographic=phonetic`; empty without them."""
    found = values(header, keyword)
    groups = found[0] if found and isinstance(found[0], dict) else {}
    name = f"{groups.get('Ideographic', '')}={groups.get('Phonetic', '')}".rstrip("=")
    return name.replace("\0", "").encode("utf-8", "replace").decode()[:limit]


def frame_text(header: Header, keyword: str, frame: int, macro: str) -> str:
    """The first value as text: of a 1-based frame from its functional group `macro` if there, else the header's."""
    found = (text(source, keyword) for source in (*_macros(header, frame, macro), header))
    return next(filter(None, found), "")


def whole_number(header: Header, keyword: str) -> int | None:
    """The first value as a 32-bit integer, None if it is none."""
    found = values(header, keyword)
    try:
        number = int(found[0]) if found else None
    except (TypeError, ValueError):
        return None
    return number if number is not None and abs(number) < 2**31 else None


def numbers(header: Header, keyword: str, frame: int = 1, macro: str = "") -> list[float]:
    """Numeric values of an attribute: of a 1-based frame from its functional group `macro` if there, else the header's."""
    for source in (*_macros(header, frame, macro), header):
        found = values(source, keyword)
        try:
            result = [float(value) for value in found]
        except (TypeError, ValueError):
            continue
        if result and all(map(math.isfinite, result)):
            return result
    return []


def _macros(header: Header, frame: int, macro: str) -> list[Header]:
    """The items of a functional group macro that apply to a frame: its own first, then the shared one (PS3.3 C.7.6.16)."""
    if not macro:
        return []
    own = values(header, "PerFrameFunctionalGroupsSequence")
    groups = ([own[frame - 1]] if 0 < frame <= len(own) else []) + values(header, "SharedFunctionalGroupsSequence")[:1]
    return [item for group in groups for item in values(group, macro)[:1]]


def frame_format(header: Header) -> FrameFormat:
    """How the frames of this header's instance are stored."""

    def number(keyword: str) -> int:
        return int(values(header, keyword)[0])

    return FrameFormat(
        transfer_syntax_uid=values(header, "AvailableTransferSyntaxUID")[0],
        rows=number("Rows"),
        columns=number("Columns"),
        samples_per_pixel=number("SamplesPerPixel"),
        bits_allocated=number("BitsAllocated"),
        bits_stored=number("BitsStored"),
        pixel_representation=number("PixelRepresentation"),
        photometric_interpretation=values(header, "PhotometricInterpretation")[0],
    )
