"""Pictures drawn lately, in this process's memory: a list of thumbnails or a second reader asks for the same ones again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MAX_BYTES: Final = 32 * 1024**2


class KeptPictures:
    """At most `max_bytes` of pictures by their ETag, those used last. Safe for many threads.

    Who asks has been allowed to see the picture before; nothing is written to a disk.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def picture(self, etag: str, draw: Callable[[], bytes]) -> bytes:
        """The picture of that ETag, drawn where it is not kept; one that would fill a quarter of the room is not kept."""
        with self._lock:
            known = self._kept.get(etag)
            if known is not None:
                self._kept.move_to_end(etag)
                return known
        drawn = draw()
        if len(drawn) > self._max_bytes // 4:
            return drawn
        with self._lock:
            if etag not in self._kept:
                self._kept[etag] = drawn
                self._bytes += len(drawn)
            while self._bytes > self._max_bytes:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return drawn


SHARED: Final = KeptPictures()
"""This process's own."""
