"""Reads a multipart body (RFC 2046 section 5.1) as it comes, part by part into files: nothing of it is held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import Final

_HEADER_BYTES: Final = 1 << 14


class BadMultipart(ValueError):
    """The body is not what its Content-Type says."""


def boundary_of(content_type: str) -> bytes:
    """The boundary that a Content-Type names; BadMultipart if it names none."""
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary")
    if message.get_content_maintype() != "multipart" or not isinstance(boundary, str) or not boundary:
        raise BadMultipart("it is not multipart")
    return boundary.encode()


def parts_into_files(chunks: Iterator[bytes], boundary: bytes, place: Callable[[], Path]) -> Iterator[Path]:
    """Write each part's content to a fresh file and name it once it is whole; BadMultipart where the body ends too early."""
    reader = _Reader(chunks)
    # What precedes the first boundary means nothing; a line break in front makes the first like all others.
    reader.buffer = b"\r\n"
    delimiter = b"\r\n--" + boundary
    for _ in reader.until(delimiter):
        pass
    while not reader.is_closing():
        reader.skip_header()
        path = place()
        try:
            with path.open("xb") as file:
                for piece in reader.until(delimiter):
                    file.write(piece)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        yield path


class _Reader:
    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.buffer = b""

    def _more(self) -> None:
        chunk = next(self._chunks, b"")
        if not chunk:
            raise BadMultipart("the body ends within a part")
        self.buffer += chunk

    def until(self, delimiter: bytes) -> Iterator[bytes]:
        """Pieces of what comes before the delimiter, which is taken away."""
        while (at := self.buffer.find(delimiter)) < 0:
            sure = len(self.buffer) - len(delimiter) + 1
            if sure > 0:
                yield self.buffer[:sure]
                self.buffer = self.buffer[sure:]
            self._more()
        yield self.buffer[:at]
        self.buffer = self.buffer[at + len(delimiter) :]

    def is_closing(self) -> bool:
        """Whether the delimiter that was just taken is the last one."""
        while len(self.buffer) < 2:
            self._more()
        return self.buffer.startswith(b"--")

    def skip_header(self) -> None:
        """Go on to the part's content."""
        while (at := self.buffer.find(b"\r\n\r\n")) < 0:
            if len(self.buffer) > _HEADER_BYTES:
                raise BadMultipart("the header of a part is too long")
            self._more()
        self.buffer = self.buffer[at + 4 :]
        # An empty part's delimiter shares its line break with the end of the header.
        self.buffer = b"\r\n" + self.buffer if self.buffer.startswith(b"--") else self.buffer
