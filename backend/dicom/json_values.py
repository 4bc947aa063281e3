"""DICOM JSON (PS3.18 F) of elements as they lie in a file, without an object of pydicom's for each: a tenth of its time.

Only what is beyond doubt is translated here; `raw_json` says None to all else, and pydicom reads it. Both give the same.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from pydicom.charset import default_encoding
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

Element = dict[str, Any]

_DECIMALS: Final = re.compile(rb"[ 0-9.+\-eE\\]+")
_INTEGERS: Final = re.compile(rb" *[+-]?[0-9]{1,15} *(?:\\ *[+-]?[0-9]{1,15} *)*")
_ESCAPE: Final = 0x1B
_PADDING: Final = "\0 "
_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_LUT_DESCRIPTORS: Final = frozenset({0x00281101, 0x00281102, 0x00281103, 0x00283002})
"""pydicom corrects their first value, which some write with a sign."""


def text_encoding(dataset: Dataset) -> str:
    """The Python encoding in which ASCII bytes of the data set's texts are ASCII characters; empty if they may not be."""
    found = dataset.original_character_set or dataset._character_set
    first = found if isinstance(found, str) else next(iter(found), default_encoding)
    return first if _holds_ascii(first) else ""


@cache
def _holds_ascii(encoding: str) -> bool:
    plain = bytes(range(128))
    try:
        return plain.decode(encoding) == plain.decode("ascii")
    except (LookupError, UnicodeError):
        return False


def raw_json(raw: RawDataElement, tag: int, encoding: str, most_inline: int) -> Element | None:
    """The JSON of an element; None where pydicom has to read it. `most_inline`: bytes of a binary value that stay inline.

    `tag` is the element's as a plain number; `encoding` is what `text_encoding` says of the element's data set.
    """
    vr = raw.VR
    if vr is None:
        vr = _public_vr(tag)
    translate = _TRANSLATED.get(vr or "")
    if translate is None:
        return None
    data = raw.value
    if not data:
        return {"vr": vr} if raw.length == 0 else None
    if not isinstance(data, bytes) or (vr in _TEXTS and not (encoding and data.isascii() and _ESCAPE not in data)):
        return None
    if tag in _LUT_DESCRIPTORS:
        return None
    if vr in _BINARIES:
        return {"vr": vr, "InlineBinary": base64.b64encode(data).decode("ascii")} if len(data) <= most_inline else None
    try:
        found = translate(data, raw)
    except (ValueError, struct.error):
        return None
    if found is None:
        return None
    return {"vr": vr, "Value": found} if found else {"vr": vr}


@cache
def _public_vr(tag: int) -> str | None:
    """The VR of an element that an implicit data set does not name, where the standard's dictionary knows one."""
    try:
        return None if tag >> 16 & 1 else str(dictionary_VR(tag))
    except KeyError:
        return None


def _some(values: list[str]) -> list[str]:
    """A single empty text is no value; among several it is one."""
    return values if len(values) > 1 or values[0] else []


def _texts(data: bytes, _raw: RawDataElement) -> list[str]:
    return _some([value.rstrip(_PADDING) for value in data.decode("ascii").split("\\")])


def _text(data: bytes, _raw: RawDataElement) -> list[str]:
    return _some([data.decode("ascii").rstrip(_PADDING)])


def _names(data: bytes, _raw: RawDataElement) -> list[dict[str, str]] | None:
    names = [name.rstrip("=") for name in data.decode("ascii").rstrip(_PADDING).split("\\")]
    if not all(names):
        return None if len(names) > 1 else []
    return [dict(zip(_GROUPS, name.split("="), strict=False)) for name in names]


def _strings(data: bytes, _raw: RawDataElement) -> list[str]:
    return _some(data.decode(default_encoding).rstrip(_PADDING).split("\\"))


def _titles(data: bytes, _raw: RawDataElement) -> list[str]:
    return _some([value.strip() for value in data.decode(default_encoding).split("\\")])


def _uids(data: bytes, _raw: RawDataElement) -> list[str]:
    return _some([value.strip() for value in data.decode(default_encoding).rstrip(_PADDING).split("\\")])


def _address(data: bytes, _raw: RawDataElement) -> list[str]:
    return _some([data.decode(default_encoding).rstrip()])


def _decimals(data: bytes, _raw: RawDataElement) -> list[float] | None:
    return [float(value) for value in data.split(b"\\")] if _DECIMALS.fullmatch(data) else None


def _integers(data: bytes, _raw: RawDataElement) -> list[int] | None:
    return [int(value) for value in data.split(b"\\")] if _INTEGERS.fullmatch(data) else None


def _numbers(code: str) -> Callable[[bytes, RawDataElement], list[Any] | None]:
    size = struct.calcsize(f"={code}")

    def unpacked(data: bytes, raw: RawDataElement) -> list[Any] | None:
        if len(data) % size:
            return None
        return list(struct.unpack(f"{'<' if raw.is_little_endian else '>'}{len(data) // size}{code}", data))

    return unpacked


def _nothing(_data: bytes, _raw: RawDataElement) -> None:
    return None


_BINARIES: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW"})
_TEXTS: Final = frozenset({"LO", "SH", "UC", "LT", "ST", "UT", "PN"})
_TRANSLATED: Final[dict[str, Callable[[bytes, RawDataElement], list[Any] | None]]] = {
    **dict.fromkeys(_BINARIES, _nothing),
    **dict.fromkeys(("LO", "SH", "UC"), _texts),
    **dict.fromkeys(("LT", "ST", "UT"), _text),
    **dict.fromkeys(("AS", "CS", "DA", "DT", "TM"), _strings),
    "AE": _titles,
    "PN": _names,
    "UI": _uids,
    "UR": _address,
    "DS": _decimals,
    "IS": _integers,
    "FD": _numbers("d"),
    "FL": _numbers("f"),
    "SL": _numbers("l"),
    "SS": _numbers("h"),
    "SV": _numbers("q"),
    "UL": _numbers("L"),
    "US": _numbers("H"),
    "UV": _numbers("Q"),
}
"""By VR; what is missing (sequences, AT, UN and all that is ambiguous) is pydicom's."""
