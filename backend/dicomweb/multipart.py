"""Bodies of multipart/related (RFC 2387)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator


def new_boundary() -> str:
    """A boundary that no caller can guess, hence cannot plant in an image."""
    return secrets.token_hex(16)


def content_type(part_type: str, boundary: str) -> str:
    """The Content-Type of the whole message."""
    return f'multipart/related; type="{part_type}"; boundary={boundary}'


def body(parts: Iterable[bytes], part_header: str, boundary: str) -> bytes:
    """The whole message; `part_header` is the Content-Type of every part."""
    return b"".join(stream_body(((part_header, part) for part in parts), boundary))


def stream_body(parts: Iterable[tuple[str, bytes]], boundary: str) -> Iterator[bytes]:
    """The message piece by piece from pairs of Content-Type and bytes."""
    yield from stream_parts(((part_header, len(part), [part]) for part_header, part in parts), boundary)


def stream_parts(parts: Iterable[tuple[str, int, Iterable[bytes]]], boundary: str) -> Iterator[bytes]:
    """The message piece by piece, no part of it whole: Content-Type, number of bytes and the bytes of each."""
    lead = b""
    for part_header, size, pieces in parts:
        yield b"%b--%b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (
            lead,
            boundary.encode(),
            part_header.encode(),
            size,
        )
        yield from pieces
        lead = b"\r\n"
    yield b"%b--%b--\r\n" % (lead, boundary.encode())
