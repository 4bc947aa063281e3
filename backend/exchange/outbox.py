"""Where a zip archive is written that is sent while it is made."""

from __future__ import annotations

import io
from typing import Any


class Outbox(io.RawIOBase):
    """A file that can only be written, and gives up what was written since it was last asked."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """It can be written."""
        return True

    def write(self, data: Any) -> int:
        """Keep the bytes until they are taken."""
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What was written since."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
