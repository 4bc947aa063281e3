"""Decoding children that a process keeps warm and lends to its threads: a start costs as much as fifty files."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from backend.archive.decode_child import DecodeChild

IDLE_SECONDS: Final = 120.0
"""An unused child ends after this: it holds some 100 MB."""


class DecodePool:
    """At most `size` children; who asks for one more waits until one is given back."""

    def __init__(self, size: int) -> None:
        self._free = threading.Semaphore(size)
        self._lock = threading.Lock()
        self._idle: list[tuple[float, DecodeChild]] = []
        self._watched = False

    @contextmanager
    def child(self) -> Iterator[DecodeChild]:
        """A child of the caller's own for the time of the block."""
        with self._free:
            with self._lock:
                # The one used last: the others may grow old and end.
                lent = self._idle.pop()[1] if self._idle else DecodeChild()
            try:
                yield lent
            finally:
                with self._lock:
                    self._idle.append((time.monotonic(), lent))
                    self._watch()

    def end_idle(self, seconds: float) -> None:
        """End the children that nobody has used for so long."""
        with self._lock:
            self._watched = False
            now = time.monotonic()
            old = [child for since, child in self._idle if now - since >= seconds]
            self._idle = [(since, child) for since, child in self._idle if now - since < seconds]
            if self._idle:
                self._watch()
        for child in old:
            child.close()

    def _watch(self) -> None:
        """Look after the idle ones once more later; called with the lock held."""
        if self._watched:
            return
        self._watched = True
        timer = threading.Timer(IDLE_SECONDS, self.end_idle, (IDLE_SECONDS,))
        timer.daemon = True
        timer.start()


SHARED: Final = DecodePool(max(1, min(4, os.cpu_count() or 1)))
"""This process's own."""
