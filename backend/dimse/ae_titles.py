"""Application entity titles (DICOM PS3.5 Table 6.2-1, VR AE)."""

from __future__ import annotations

from backend.dicom.refusal import Refused


def checked_ae_title(text: str) -> str:
    """The title without spaces around it; Refused unless it is 1 to 16 printable ASCII characters without backslash."""
    title = text.strip(" ")
    if not 1 <= len(title) <= 16 or not title.isascii() or not title.isprintable() or "\\" in title:
        raise Refused("An AE title is 1 to 16 printable ASCII characters, without backslash.")
    return title
