"""Small files that claim to unpack into much: refused before anything is unpacked."""

from __future__ import annotations

from typing import Final

from backend.dicom.refusal import Refused

MAX_RATIO: Final = 200
MAX_FRAME_BYTES: Final = 160 * 1024**2
"""Of one decoded frame: decoding, encoding and comparing it keeps several copies at a time."""
_COUNTS_FROM: Final = 64 * 1024**2  # black images pack well, and below this nothing is harmed


def most_unpacked(received: int) -> int:
    """How many bytes a file of `received` bytes may unpack into."""
    return max(received * MAX_RATIO, _COUNTS_FROM)


def refuse_bomb(*, unpacked: int, received: int) -> None:
    """Refused where no image packs that well."""
    if unpacked > most_unpacked(received):
        raise Refused(f"It would unpack to {unpacked >> 20} MB, {unpacked // max(received, 1)} times its size: a bomb.")


def refuse_large_frame(frame_bytes: int) -> None:
    """Refused where one packed frame alone is too large."""
    if frame_bytes > MAX_FRAME_BYTES:
        raise Refused(f"Too big: one frame unpacks to {frame_bytes >> 20} MB, the limit is {MAX_FRAME_BYTES >> 20} MB.")
