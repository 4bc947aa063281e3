"""Hostile pieces of uploads by the thousand: offsets, lengths, framing, names. Equal seeds make equal requests."""

from __future__ import annotations

import gzip
import random

from tests.soak.request_mutants import Request, written

NAMES = [
    "../../etc/passwd", "/etc/shadow", "..\\..\\windows\\win.ini", "a/../../b.dcm", "\0", "a\0.dcm", ".", "..", "/",
    "a/./b.dcm",
    "C:\\x.dcm", "~/.ssh/authorized_keys", "x" * 900, "é/ü.dcm", "\u202ecod.dcm", "a\nb.dcm", "con", "-rf", "$(id).dcm",
    "a.dcm", "a.dcm", "%2e%2e%2f.dcm", "\\\\server\\share\\a.dcm", "<b>.dcm", "'; DROP TABLE x--.dcm",
]  # fmt: skip
_NO_OFFSETS = ["-1", "1e3", "", "x", "9" * 40, "0x10", " 1", "%00", "+1", "1_0", "٣", "1.0"]


def piece_request(number: int, path: str, token: str, content: bytes, held: int, rng: random.Random) -> Request:
    """A piece of `content`, of which the server holds `held` bytes; its bytes are those that belong at its offset."""
    offset = rng.choice([held] * 5 + [0, held - 1, held + 1, len(content), len(content) + 1, rng.randrange(len(content))])
    length = rng.choice([1, 1, 7, 400, 1_500, len(content)])
    told = str(offset)
    if rng.random() < 0.15:
        told = rng.choice(
            ["-1", "1e3", "", "x", "9" * 40, "0x10", " 1", "%00", "+1", "1_0", "٣", f"{offset}&offset=0", "1.0"]
        )
    if not told.isdecimal() or not told.isascii():
        offset = held
    piece = content[max(offset, 0) :][:length]
    if rng.random() < 0.08:
        piece = content[max(offset, 0) :] + b"more"
    target = path + rng.choice([f"?offset={told}"] * 12 + ["", "?", f"?OFFSET={told}", f"?offset={told}#x"])
    way = rng.randrange(14)
    headers, body = _framed(way, piece, rng)
    method = rng.choice([b"PUT"] * 20 + [b"POST"])
    return Request(f"{number:05}-{way}-{target[-60:]}", written(method, target, token, headers, body))


def _framed(way: int, piece: bytes, rng: random.Random) -> tuple[dict[bytes, bytes], bytes]:
    """Headers and body: as they should be, or of another type, packed, of another length, in chunks, none, too long."""
    headers = {b"Content-Type": b"application/octet-stream", b"Content-Length": b"%d" % len(piece)}
    if way == 0:
        headers[b"Content-Type"] = rng.choice([b"", b"application/json", b"multipart/form-data; boundary=x", b"\xff"])
    elif way == 1:
        headers[b"Content-Encoding"] = rng.choice([b"gzip", b"deflate", b"identity, gzip", b"\xff"])
        piece = gzip.compress(bytes(3_000_000))
        headers[b"Content-Length"] = b"%d" % len(piece)
    elif way == 2:
        wrong = [len(piece) + 1, len(piece) + 10**9, max(len(piece) - 1, 0), -1, 10**30]
        headers[b"Content-Length"] = rng.choice([b"x", b"", *(b"%d" % one for one in wrong)])
    elif way == 3:
        headers |= {b"Transfer-Encoding": b"chunked", b"Content-Length": b""}
        piece = b"%x\r\n%b\r\n0\r\n\r\n" % (len(piece), piece)
        piece = rng.choice([piece, piece, piece[:-5], b"zz\r\n" + piece, b"%x\r\n" % 2**50 + piece])
    elif way == 4:
        headers[b"Content-Range"] = rng.choice([b"bytes 0-9/10", b"bytes */*", b"bytes 5-1/2", b"\0", b"9" * 5_000])
    elif way == 5:
        piece = b""
        headers[b"Content-Length"] = b"0"
    elif way == 6 and rng.random() < 0.2:
        piece = bytes(8 * 1024**2 + 1)
        headers[b"Content-Length"] = b"%d" % len(piece)
    return headers, piece
