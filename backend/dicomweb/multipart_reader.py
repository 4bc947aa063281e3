"""Reads multipart/related bodies (RFC 2046, 2387) part by part onto the disk: what is held in memory is one piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Final

Read = Callable[[int], bytes]

PIECE_BYTES: Final = 256 * 1024
_MAX_HEADER_BYTES: Final = 16 * 1024
_MAX_BOUNDARY: Final = 200  # RFC 2046 5.1.1 has 70; Orthanc makes them 73 long


class MalformedBody(ValueError):
    """The body is no multipart message, or ends before its end."""


class BodyTooLarge(ValueError):
    """The body, or one of its parts, has more bytes than are taken."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part: its header fields by lower-case name, and the file that holds its bytes."""

    headers: Mapping[str, str]
    path: Path
    size: int


class PartReader:
    """Parts of a body that `read(n)` gives piece by piece. `max_bytes` counts everything, `max_part_bytes` one part."""

    def __init__(self, read: Read, boundary: str, *, max_bytes: int, max_part_bytes: int, max_parts: int) -> None:
        if not boundary or len(boundary) > _MAX_BOUNDARY or not boundary.isascii() or not boundary.isprintable():
            raise MalformedBody("The Content-Type names no boundary that a multipart message may have.")
        self._read = read
        self._delimiter = b"\r\n--" + boundary.encode()
        self._left = max_bytes
        self._max_part_bytes = max_part_bytes
        self._max_parts = max_parts
        # The first delimiter may stand at the very beginning: then no line break goes before it.
        self._held = bytearray(b"\r\n")

    def parts(self, new_file: Callable[[], Path]) -> Iterator[Part]:
        """Each part, written to a file of `new_file`; the caller deletes it. The next part is read when it is asked for."""
        for _ in self._until_delimiter():
            pass  # a preamble means nothing
        count = 0
        while self._goes_on():
            count += 1
            if count > self._max_parts:
                raise BodyTooLarge(f"At most {self._max_parts} instances are taken at once.")
            headers = self._headers()
            path, size = new_file(), 0
            with path.open("wb") as file:
                for piece in self._until_delimiter():
                    size += len(piece)
                    if size > self._max_part_bytes:
                        raise BodyTooLarge(f"One instance has at most {self._max_part_bytes >> 20} MB.")
                    file.write(piece)
            yield Part(headers, path, size)

    def _until_delimiter(self) -> Iterator[bytes]:
        """What stands before the next delimiter, which is consumed with it."""
        while (at := self._held.find(self._delimiter)) < 0:
            # The last bytes may be the beginning of a delimiter.
            free = len(self._held) - len(self._delimiter) + 1
            if free > 0:
                piece = bytes(memoryview(self._held)[:free])
                del self._held[:free]
                yield piece
            self._fill()
        piece = bytes(memoryview(self._held)[:at])
        del self._held[: at + len(self._delimiter)]
        if piece:
            yield piece

    def _goes_on(self) -> bool:
        """After a delimiter: true where a part follows, false at the end of the message."""
        while len(self._held) < 2:
            self._fill()
        if self._held.startswith(b"--"):
            return False
        line = self._up_to(b"\r\n", _MAX_HEADER_BYTES)
        if line.strip(b" \t"):
            raise MalformedBody("A boundary is followed by something else than the end of its line.")
        self._held[:0] = b"\r\n"  # of a part without header fields the empty line follows at once
        return True

    def _headers(self) -> Mapping[str, str]:
        if self._starts_with(b"\r\n\r\n"):
            del self._held[:4]
            return {}
        del self._held[:2]
        block = self._up_to(b"\r\n\r\n", _MAX_HEADER_BYTES)
        found = BytesHeaderParser().parsebytes(block + b"\r\n\r\n")
        return {name.lower(): str(value).strip() for name, value in found.items()}

    def _starts_with(self, start: bytes) -> bool:
        while len(self._held) < len(start):
            self._fill()
        return self._held.startswith(start)

    def _up_to(self, end: bytes, limit: int) -> bytes:
        while (at := self._held.find(end)) < 0:
            if len(self._held) > limit:
                raise MalformedBody("The header of a part is too long.")
            self._fill()
        found = bytes(memoryview(self._held)[:at])
        del self._held[: at + len(end)]
        return found

    def _fill(self) -> None:
        piece = self._read(PIECE_BYTES)
        if not piece:
            raise MalformedBody("The body ends before its last boundary.")
        self._left -= len(piece)
        if self._left < 0:
            raise BodyTooLarge("The body has more bytes than are taken at once.")
        self._held += piece
