"""Stored frames in another transfer syntax, for callers that cannot use the stored one; so many at a time and no more."""

from __future__ import annotations

import os
import threading
from typing import Final

from backend.dicom.stored_frames import FrameFormat, decoded_frame
from backend.dicom.transcode import encoded_frame

WAIT_SECONDS: Final = 30.0
_slots: Final = threading.BoundedSemaphore(max(1, min(4, os.cpu_count() or 1)))


class TooBusy(Exception):
    """Others are having frames transcoded, and it takes too long to wait for them."""


def transcoded_frame(stored: bytes, form: FrameFormat, syntax: str) -> bytes:
    """One stored frame in the transfer syntax; TooBusy if there is no core for it in time."""
    if not _slots.acquire(timeout=WAIT_SECONDS):
        raise TooBusy
    try:
        return encoded_frame(decoded_frame(stored, form), form, syntax)
    finally:
        _slots.release()
