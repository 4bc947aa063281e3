"""Command sets of DIMSE messages (PS3.7 section 6.3.1: always implicit little endian, group 0000 only)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

C_STORE_RQ: Final = 0x0001
C_ECHO_RQ: Final = 0x0030
RESPONSE: Final = 0x8000
NO_DATASET: Final = 0x0101

_FIELD, _MESSAGE, _RESPONDED, _DATASET, _STATUS = 0x0100, 0x0110, 0x0120, 0x0800, 0x0900
_CLASS, _INSTANCE = 0x0002, 0x1000


class BadCommand(ValueError):
    """The bytes are no command set."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a request asks: its field (kind), number, class and instance, and whether a data set follows."""

    field: int
    message_id: int
    sop_class_uid: str
    sop_instance_uid: str
    has_dataset: bool


def decoded_command(data: bytes) -> Command:
    """The request that these bytes are; BadCommand if they are none."""
    values: dict[int, bytes] = {}
    offset = 0
    while offset < len(data):
        if offset + 8 > len(data):
            raise BadCommand("it ends within an element")
        group, element, length = struct.unpack_from("<HHL", data, offset)
        if group != 0 or offset + 8 + length > len(data):
            raise BadCommand("an element of it is too long, or of another group")
        values[element] = data[offset + 8 : offset + 8 + length]
        offset += 8 + length
    return Command(
        field=_number(values, _FIELD),
        message_id=_number(values, _MESSAGE),
        sop_class_uid=_uid(values.get(_CLASS, b"")),
        sop_instance_uid=_uid(values.get(_INSTANCE, b"")),
        has_dataset=_number(values, _DATASET) != NO_DATASET,
    )


def encoded_response(command: Command, status: int) -> bytes:
    """The answer to a request, without a data set."""
    body = b""
    if command.sop_class_uid:
        body += _element(_CLASS, _padded(command.sop_class_uid))
    body += _element(_FIELD, struct.pack("<H", command.field | RESPONSE))
    body += _element(_RESPONDED, struct.pack("<H", command.message_id))
    body += _element(_DATASET, struct.pack("<H", NO_DATASET))
    body += _element(_STATUS, struct.pack("<H", status))
    if command.sop_instance_uid:
        body += _element(_INSTANCE, _padded(command.sop_instance_uid))
    return _element(0x0000, struct.pack("<L", len(body))) + body


def _element(element: int, value: bytes) -> bytes:
    return struct.pack("<HHL", 0, element, len(value)) + value


def _number(values: dict[int, bytes], element: int) -> int:
    value = values.get(element, b"")
    if len(value) != 2:
        raise BadCommand(f"it has no element (0000,{element:04X})")
    return int.from_bytes(value, "little")


def _uid(value: bytes) -> str:
    text = value.rstrip(b"\0 ")
    if len(text) > 64 or not all(byte in b"0123456789." for byte in text):
        raise BadCommand("a UID of it is none")
    return text.decode()


def _padded(uid: str) -> bytes:
    return uid.encode() + b"\0" * (len(uid) % 2)
