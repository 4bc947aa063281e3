"""Hostile associations by the thousand: what a peer may say to the receiver's port. Equal seeds make equal bytes."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.soak.mutants import cut, flipped

VERIFICATION, CT = b"1.2.840.10008.1.1", b"1.2.840.10008.5.1.4.1.1.2"
EXPLICIT, IMPLICIT = b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2"
ECHO_CONTEXT, CT_CONTEXT = 1, 3
RELEASE = struct.pack(">BBLL", 5, 0, 4, 0)
ABORT = struct.pack(">BBLBBBB", 7, 0, 4, 0, 0, 0, 0)
_STORE, _ECHO, _COMMAND, _LAST = 0x0001, 0x0030, 1, 2
_HUGE = 0xFFFFFFF0


@dataclass(frozen=True)
class Said:
    """All that a peer sends before it closes its side; what was done to it is its name."""

    name: str
    data: bytes


def pdu(kind: int, body: bytes) -> bytes:
    """A PDU (PS3.8 section 9.3)."""
    return struct.pack(">BBL", kind, 0, len(body)) + body


def value(context: int, control: int, content: bytes) -> bytes:
    """A presentation data value; `control`: 1 of a command, 2 the last of its message."""
    return struct.pack(">LBB", len(content) + 2, context, control) + content


def item(kind: int, content: bytes) -> bytes:
    """An item of an association request; its length as far as 16 bits hold it."""
    return struct.pack(">BBH", kind, 0, len(content) & 0xFFFF) + content


def context(number: int, abstract: bytes, *transfers: bytes) -> bytes:
    """A proposed presentation context."""
    syntaxes = b"".join(item(0x40, transfer) for transfer in transfers)
    return item(0x20, struct.pack(">BBBB", number, 0, 0, 0) + item(0x30, abstract) + syntaxes)


def request(*contexts: bytes, user: bytes = b"", calling: bytes = b"SCANNER", called: bytes = b"LUNGS") -> bytes:
    """An association request (PS3.8 Table 9-11) of a sender that is known."""
    head = struct.pack(">HH16s16s32s", 1, 0, called.ljust(16), calling.ljust(16), b"")
    proposed = b"".join(contexts) or context(ECHO_CONTEXT, VERIFICATION, IMPLICIT) + context(CT_CONTEXT, CT, EXPLICIT)
    told = item(0x51, struct.pack(">L", 16_384)) + item(0x52, b"1.2.3.4") + item(0x55, b"PEER") + user
    return pdu(1, head + item(0x10, b"1.2.840.10008.3.1.1.1") + proposed + item(0x50, told))


def element(number: int, content: bytes, length: int | None = None) -> bytes:
    """An element of a command set (PS3.7 section 6.3.1)."""
    return struct.pack("<HHL", 0, number, len(content) if length is None else length) + content


def command(field: int, *more: bytes, uid: bytes = b"1.2.9.1", message: int = 1) -> bytes:
    """A command set: C-STORE or C-ECHO, or any other field."""
    elements = element(0x0002, CT + b"\0" if field == _STORE else VERIFICATION + b"\0")
    elements += element(0x0100, struct.pack("<H", field)) + element(0x0110, struct.pack("<H", message))
    elements += element(0x0800, struct.pack("<H", 0x0000 if field == _STORE else 0x0101))
    if field == _STORE:
        elements += element(0x0700, b"\2\0") + element(0x1000, uid + b"\0" * (len(uid) % 2))
    elements += b"".join(more)
    return element(0, struct.pack("<L", len(elements))) + elements


def dataset(uid: bytes, size: int = 600) -> bytes:
    """A data set that begins as one of CT images, with pixels of nothing."""
    uid += b"\0" * (len(uid) % 2)
    head = b"\x08\0\x16\0UI" + struct.pack("<H", 26) + CT + b"\0" + b"\x08\0\x18\0UI" + struct.pack("<H", len(uid)) + uid
    return head + b"\xe0\x7f\x10\0OW\0\0" + struct.pack("<L", size) + bytes(size)


def stored(number: int, size: int = 600) -> list[bytes]:
    """The presentation data values of one honest C-STORE: its command, then its data in pieces."""
    uid = b"1.2.9.%d" % number
    data = dataset(uid, size)
    pieces = [data[at : at + 400] for at in range(0, len(data), 400)]
    values = [value(CT_CONTEXT, _COMMAND | _LAST, command(_STORE, uid=uid, message=number & 0x7FFF))]
    return values + [value(CT_CONTEXT, _LAST if piece is pieces[-1] else 0, piece) for piece in pieces]


def honest(number: int) -> bytes:
    """A whole association: an echo, an object, its end."""
    echo = value(ECHO_CONTEXT, _COMMAND | _LAST, command(_ECHO))
    return request() + pdu(4, echo) + b"".join(pdu(4, one) for one in stored(number)) + RELEASE


def said_by_peers(rng: random.Random, count: int) -> Iterator[Said]:
    """Associations in which something is wrong; some are honest."""
    ways: list[Callable[[int, random.Random], bytes]] = [
        _honest, _flipped, _flipped, _cut, _pdu_lengths, _value_lengths, _order, _contexts, _items, _user_items, _commands,
        _endless, _crumbs, _elsewhere, _noise, _titles,
    ]  # fmt: skip
    for number in range(count):
        way = ways[number % len(ways)]
        yield Said(f"{number:05}{way.__name__}", way(number + 1, rng))


def _honest(number: int, rng: random.Random) -> bytes:
    return honest(number)


def _flipped(number: int, rng: random.Random) -> bytes:
    start = len(request()) if rng.random() < 0.5 else 0
    whole = honest(number)
    return whole[:start] + flipped(whole[start:], rng)


def _cut(number: int, rng: random.Random) -> bytes:
    return cut(honest(number), rng) + rng.choice([b"", RELEASE, ABORT, request()])


def _pdu_lengths(number: int, rng: random.Random) -> bytes:
    said = request() if rng.random() < 0.8 else b""
    for one in stored(number):
        body = one if rng.random() < 0.7 else one * rng.choice([2, 3])
        wrong = rng.choice([len(body)] * 6 + [0, 1, 5, len(body) - 1, len(body) + 1, 131_072, 200_000, 0x7FFFFFFF, _HUGE])
        said += struct.pack(">BBL", rng.choice([4, 4, 4, 4, 1, 2, 3, 5, 6, 7, 0, 8, 255]), 0, wrong) + body
    return said + RELEASE


def _value_lengths(number: int, rng: random.Random) -> bytes:
    said = request()
    for one in stored(number):
        right = len(one) - 4
        wrong = rng.choice([right] * 3 + [0, 1, 2, right - 1, right + 1, 0x7FFFFFFF, _HUGE])
        said += pdu(4, struct.pack(">L", wrong) + one[4:])
    return said + RELEASE


def _order(number: int, rng: random.Random) -> bytes:
    """Pieces exchanged, doubled, lost, of other contexts, of two messages at once, with other flags."""
    values = stored(number) + (stored(number + 50_000) if rng.random() < 0.5 else [])
    for _ in range(rng.choice([1, 2, 6])):
        at = rng.randrange(len(values))
        change = rng.randrange(5)
        if change == 0:
            values.insert(rng.randrange(len(values)), values.pop(at))
        elif change == 1:
            values.insert(at, values[at])
        elif change == 2 and len(values) > 1:
            del values[at]
        elif change == 3:
            values[at] = values[at][:5] + bytes([rng.choice([0, 1, 2, 3, 4, 0x80, 255])]) + values[at][6:]
        else:
            values[at] = values[at][:4] + bytes([rng.choice([0, 1, 2, 3, 5, 255])]) + values[at][5:]
    together = b"".join(values)
    return request() + (pdu(4, together) if rng.random() < 0.3 else b"".join(pdu(4, one) for one in values)) + RELEASE


def _contexts(number: int, rng: random.Random) -> bytes:
    """Presentation contexts by the thousand, of one number, of none, with transfer syntaxes without end or none."""
    many = [b"1.2.%d" % one for one in range(1_000)]
    syntaxes = rng.choice([[], [EXPLICIT], [EXPLICIT, IMPLICIT] * 300, many, [b""], [b"\xff"]])
    numbers = rng.choice([range(1, 256, 2), [1] * 128, [0], [2, 4], range(256), range(1, 10_000)])
    abstract = rng.choice([CT, VERIFICATION, b"", b"1" * 300, b"x.y", b"1.2.840.10008.5.1.4.1.1.2\0\0"])
    proposed, length = [], 0
    for one in numbers:
        proposed.append(context(one & 255, abstract, *syntaxes))
        length += len(proposed[-1])
        if length > 3_000_000:
            break
    return request(*proposed) + b"".join(pdu(4, one) for one in stored(number)) + RELEASE


def _items(number: int, rng: random.Random) -> bytes:
    """Lengths of the request's items that are not theirs."""
    data = bytearray(request())
    for _ in range(rng.choice([1, 1, 3])):
        at = rng.choice([74, 99, rng.randrange(74, len(data) - 4)])
        data[at + 2 : at + 4] = struct.pack(">H", rng.choice([0, 1, 3, 0x7FFF, 0xFFFF, len(data)]))
    return bytes(data) + b"".join(pdu(4, one) for one in stored(number)) + RELEASE


def _user_items(number: int, rng: random.Random) -> bytes:
    """Role selection, asynchronous operations, extended negotiation and identity: odd ones, and many."""
    kinds = [0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x00, 0xFF]
    contents = [
        b"", b"\0", b"\0\0", b"\xff" * 8, struct.pack(">H", 25) + CT + b"\1\1", struct.pack(">H", 9_999) + CT,
        b"\2\1" + struct.pack(">H", 4) + b"user" + struct.pack(">H", 0xFFFF), b"x" * 3_000, struct.pack(">HH", 65_535, 0),
    ]  # fmt: skip
    told = b"".join(item(rng.choice(kinds), rng.choice(contents)) for _ in range(rng.choice([1, 3, 40, 5_000])))
    return request(user=told) + b"".join(pdu(4, one) for one in stored(number)) + RELEASE


def _commands(number: int, rng: random.Random) -> bytes:
    """Command sets with other fields, lengths, groups and UIDs; doubled; without what they need."""
    more = [
        element(0x0800, b"\0"), element(0x0110, b""), element(0x1000, b"x" * 70), element(0x1000, b"1.2\xff"),
        element(0x0002, b""), element(0x0100, b"\1\0", _HUGE), element(0x0100, b"\1\0", 1), b"\x08\0\x16\0\2\0\0\0ab",
        element(0x0002, b"9" * 60_000),
        b"\0" * 7, element(0x1000, b"../../../etc/x"), element(0x0800, b"\1\1"), element(0x1000, b""),
    ]  # fmt: skip
    field = rng.choice([_STORE, _STORE, _ECHO, 0, 0x20, 0x21, 0x10, 0x8001, 0xFFF, 0xFFFF, 0x0FFF])
    built = command(field, *rng.sample(more, rng.choice([0, 1, 2])), uid=b"1.2.9.%d" % number)
    if rng.random() < 0.3:
        built = cut(built, rng) or b"\0"
    values = [value(CT_CONTEXT, _COMMAND | _LAST, built), *stored(number)[1:]]
    return request() + b"".join(pdu(4, one) for one in values) + RELEASE


def _endless(number: int, rng: random.Random) -> bytes:
    """A command, or an object, that does not end; and pieces of nothing."""
    kind = rng.randrange(4)
    if kind == 0:
        return request() + pdu(4, value(CT_CONTEXT, _COMMAND, bytes(60_000))) * 20
    if kind == 1:
        return request() + pdu(4, stored(number)[0]) + pdu(4, value(CT_CONTEXT, 0, bytes(100_000))) * rng.choice([3, 200])
    if kind == 2:
        return request() + pdu(4, b"") * 20_000 + RELEASE
    return request() + pdu(4, value(CT_CONTEXT, _COMMAND, b"") * 10_000) + pdu(4, value(CT_CONTEXT, 0, b"") * 10) + RELEASE


def _crumbs(number: int, rng: random.Random) -> bytes:
    """All of an honest object, a byte at a time."""
    said = [request()]
    for one in stored(number):
        content, last = one[6:], one[5] & _LAST
        for at in range(len(content)):
            control = one[5] & _COMMAND | (last if at == len(content) - 1 else 0)
            said.append(pdu(4, value(CT_CONTEXT, control, content[at : at + 1])))
    return b"".join(said) + RELEASE


def _elsewhere(number: int, rng: random.Random) -> bytes:
    """PDUs where none of them belong."""
    others = [request(), RELEASE, ABORT, pdu(2, bytes(68)), pdu(3, bytes(4)), pdu(7, b""), pdu(5, bytes(100))]
    others.append(pdu(6, bytes(4)))
    values = [pdu(4, one) for one in stored(number)]
    values.insert(rng.randrange(len(values) + 1), rng.choice(others) * rng.choice([1, 1, 50]))
    return (request() if rng.random() < 0.8 else b"") + b"".join(values) + RELEASE


def _noise(number: int, rng: random.Random) -> bytes:
    texts = [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\0\1\0\1\xfc\3\3", b"SSH-2.0-x\r\n", b"", b"\0" * 5, b"\1"]
    noise = rng.randbytes(rng.choice([1, 6, 500, 300_000]))
    return rng.choice([*texts, noise, pdu(1, rng.randbytes(rng.choice([4, 68, 9_000])))])


def _titles(number: int, rng: random.Random) -> bytes:
    odd = [b"", b"\0" * 16, b"\xff" * 16, b"A\\B", b"SCANNER\n", b"'; DROP TABLE", b"LUNGS", b"SCANNER", b"../../.."]
    odd.append(b"\x1b[31m")
    return request(calling=rng.choice(odd), called=rng.choice(odd)) + b"".join(pdu(4, one) for one in stored(number))
