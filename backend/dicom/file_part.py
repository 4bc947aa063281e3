"""A part of a file, read where it lies: so Pixel Data give one frame at a time, and are never whole in memory."""

from __future__ import annotations

import os
from io import BufferedIOBase
from typing import BinaryIO


class FilePart(BufferedIOBase):
    """`length` bytes of a file from `start` on, as a file of their own; what pydicom takes as a buffered value.

    A read asks for no more than there is: a file of Python's makes room for all that a lying length says. It moves the
    position of the file below, which has no other reader meanwhile.
    """

    def __init__(self, file: BinaryIO | FilePart, start: int, length: int) -> None:
        self._file = file
        self._start = start
        self._length = length
        self._at = 0

    def __len__(self) -> int:
        return self._length

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The position within the part."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a position within the part, as in any file."""
        from_where = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        self._at = max(from_where + offset, 0)
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes, never beyond the part's end."""
        left = max(self._length - self._at, 0)
        self._file.seek(self._start + self._at)
        data = self._file.read(left if size is None or size < 0 else min(size, left))
        self._at += len(data)
        return data
