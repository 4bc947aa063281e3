"""Small files that claim to unpack into much: refused before anything is unpacked."""

from __future__ import annotations

from typing import Final

from pydicom.uid import UID, JPEG2000TransferSyntaxes

from backend.dicom.refusal import Refused

MAX_RATIO: Final = 200
MAX_FRAME_BYTES: Final = 128 * 1024**2
"""Of one raw frame, twice a mammogram of 6,000×5,000 pixels: encoding and comparing it, and drawing it later, keep several
copies at a time, and no process is to take more than 1 GB."""
_MAX_PACKED_FRAME_BYTES: Final = 80 * 1024**2
_MAX_JPEG2000_FRAME_BYTES: Final = 64 * 1024**2
"""OpenJPEG takes twelve times as much, and crashes where it does not get it."""
_COUNTS_FROM: Final = 64 * 1024**2  # black images pack well, and below this nothing is harmed


def most_unpacked(received: int) -> int:
    """How many bytes a file of `received` bytes may unpack into."""
    return max(received * MAX_RATIO, _COUNTS_FROM)


def refuse_bomb(*, unpacked: int, received: int) -> None:
    """Refused where no image packs that well."""
    if unpacked > most_unpacked(received):
        raise Refused(f"It would unpack to {unpacked >> 20} MB, {unpacked // max(received, 1)} times its size: a bomb.")


def refuse_large_frame(frame_bytes: int, syntax: UID) -> None:
    """Refused where one frame, unpacked, is too large for what its transfer syntax takes to decode."""
    limit = MAX_FRAME_BYTES
    if syntax in JPEG2000TransferSyntaxes:
        limit = _MAX_JPEG2000_FRAME_BYTES
    elif syntax.is_encapsulated:
        limit = _MAX_PACKED_FRAME_BYTES
    if frame_bytes > limit:
        raise Refused(f"Too big: one frame unpacks to {frame_bytes >> 20} MB, the limit is {limit >> 20} MB.")
