"""The SOP Class and Instance UID at the head of an encoded data set, found without parsing the rest (PS3.5 section 7)."""

from __future__ import annotations

import struct
from typing import Final

from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

_CLASS: Final = (0x0008, 0x0016)
_INSTANCE: Final = (0x0008, 0x0018)
_LONG_VRS: Final = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_UNDEFINED: Final = 0xFFFFFFFF
_MAX_UID: Final = 64


class NotADataset(ValueError):
    """The bytes do not begin like a data set of this transfer syntax."""


def leading_uids(head: bytes, transfer_syntax: str, *, is_whole: bool) -> tuple[str, str] | None:
    """SOP Class UID and SOP Instance UID of a data set that begins with `head`, or is it, if `is_whole`.

    None where they cannot be told from its head (deflated, or they lie behind a sequence of undefined length or further on);
    NotADataset where the bytes contradict the transfer syntax or the UIDs are not there.
    """
    if transfer_syntax == DeflatedExplicitVRLittleEndian:
        return None
    implicit = UID(transfer_syntax) == ImplicitVRLittleEndian
    order = ">" if UID(transfer_syntax) == ExplicitVRBigEndian else "<"
    found: dict[tuple[int, int], str] = {}
    offset, last = 0, (0, 0)
    while _INSTANCE not in found:
        if offset + 12 > len(head):
            _require_more(is_whole)
            return None
        tag = struct.unpack_from(f"{order}HH", head, offset)
        if tag <= last or tag[0] < 8:
            raise NotADataset("its elements are not in order")
        if tag > _INSTANCE:
            raise NotADataset("it has no SOP Instance UID")
        start, length = _value(head, offset, implicit, order)
        if length == _UNDEFINED:
            return None
        if start + length > len(head):
            _require_more(is_whole)
            return None
        if tag in (_CLASS, _INSTANCE):
            found[tag] = _uid(head[start : start + length])
        offset, last = start + length, tag
    if _CLASS not in found:
        raise NotADataset("it has no SOP Class UID")
    return found[_CLASS], found[_INSTANCE]


def _require_more(is_whole: bool) -> None:
    if is_whole:
        raise NotADataset("it ends within an element")


def _value(head: bytes, offset: int, implicit: bool, order: str) -> tuple[int, int]:
    """Where the value of the element at `offset` begins, and how long it is."""
    if implicit:
        return offset + 8, struct.unpack_from(f"{order}L", head, offset + 4)[0]
    vr = head[offset + 4 : offset + 6]
    if not vr.isalpha() or not vr.isupper():
        raise NotADataset("its elements have no value representation")
    if vr in _LONG_VRS:
        return offset + 12, struct.unpack_from(f"{order}L", head, offset + 8)[0]
    return offset + 8, struct.unpack_from(f"{order}H", head, offset + 6)[0]


def _uid(value: bytes) -> str:
    text = value.rstrip(b"\0 ")
    if not 1 <= len(text) <= _MAX_UID or not all(byte in b"0123456789." for byte in text):
        raise NotADataset("its UIDs are none")
    return text.decode()
