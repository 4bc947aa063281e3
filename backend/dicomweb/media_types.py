"""What a caller accepts: parsing of the Accept header and the choice among what can be served (RFC 9110, PS3.18 8.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

EXPLICIT_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
NATIVE_SYNTAXES: Final = frozenset({"1.2.840.10008.1.2", EXPLICIT_LITTLE_ENDIAN})
OCTET_STREAM: Final = "application/octet-stream"

# Media types of compressed frames (PS3.18 table 8.7.3-5).
IMAGE_TYPES: Final[Mapping[str, str]] = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
}

_PARAMETER = re.compile(r"""\s*;\s*([^\s=;,"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*)""")
_TYPE = re.compile(r"\s*([^\s;,]+/[^\s;,]+)")
_MAX_RANGES = 40


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One alternative of an Accept header: the media type, the type of its parts, and the transfer syntax asked for.

    `syntax` is a UID, "*", or empty where the caller names none.
    """

    media_type: str
    part_type: str
    syntax: str
    quality: float

    @property
    def is_multipart(self) -> bool:
        """Whether the caller wants parts rather than the bare bytes."""
        return self.media_type in ("multipart/related", "*/*", "multipart/*")


def parse_accept(header: str) -> list[MediaRange]:
    """The alternatives of an Accept header, best first; a missing header accepts anything."""
    ranges: list[MediaRange] = []
    position = 0
    text = header.strip() or "*/*"
    while position < len(text) and len(ranges) < _MAX_RANGES:
        start = _TYPE.match(text, position)
        if start is None:
            break
        position = start.end()
        parameters: dict[str, str] = {}
        while found := _PARAMETER.match(text, position):
            parameters[found[1].lower()] = found[2].strip('"')
            position = found.end()
        ranges.append(_range(start[1].lower(), parameters))
        comma = text.find(",", position)
        position = len(text) if comma < 0 else comma + 1
    return sorted((item for item in ranges if item.quality > 0), key=lambda item: -item.quality)


def _range(media_type: str, parameters: Mapping[str, str]) -> MediaRange:
    try:
        quality = float(parameters.get("q", "1"))
    except ValueError:
        quality = 0.0
    part_type = parameters.get("type", "*/*" if media_type.startswith(("multipart/", "*/")) else media_type).lower()
    return MediaRange(media_type, part_type, parameters.get("transfer-syntax", ""), quality)


def _matches(pattern: str, media_type: str) -> bool:
    if pattern in ("*/*", media_type):
        return True
    return pattern.endswith("/*") and media_type.startswith(pattern[:-1])


@dataclass(frozen=True, slots=True)
class Representation:
    """How bulk data will be sent: type and transfer syntax of a part, in parts or bare, decoded or as stored."""

    part_type: str
    syntax: str
    multipart: bool
    decode: bool

    @property
    def content_type(self) -> str:
        """The Content-Type of one part."""
        return f"{self.part_type}; transfer-syntax={self.syntax}"


def _of_frames(wanted: MediaRange, stored: str) -> Representation | None:
    """How frames stored in the syntax `stored` answer one alternative; None if they cannot."""
    multipart = wanted.is_multipart
    if stored in NATIVE_SYNTAXES:
        fits = _matches(wanted.part_type, OCTET_STREAM) and wanted.syntax in ("", "*", EXPLICIT_LITTLE_ENDIAN, stored)
        return Representation(OCTET_STREAM, EXPLICIT_LITTLE_ENDIAN, multipart, False) if fits else None
    image_type = IMAGE_TYPES.get(stored, "")
    if wanted.part_type == "*/*" and wanted.syntax in ("", "*", stored):
        return Representation(OCTET_STREAM, stored, multipart, False)
    if image_type and _matches(wanted.part_type.replace("/x-", "/"), image_type) and wanted.syntax in ("", "*", stored):
        return Representation(image_type, stored, multipart, False)
    if not _matches(wanted.part_type, OCTET_STREAM):
        return None
    if wanted.syntax in ("*", stored):
        return Representation(OCTET_STREAM, stored, multipart, False)
    # No syntax named: PS3.18's default for octet-stream is uncompressed, so it is decoded for this caller.
    if wanted.syntax in ("", EXPLICIT_LITTLE_ENDIAN):
        return Representation(OCTET_STREAM, EXPLICIT_LITTLE_ENDIAN, multipart, True)
    return None


def choose_frames(accept: str, stored: str) -> Representation | None:
    """How to send frames stored in the transfer syntax `stored`; None means 406."""
    for wanted in parse_accept(accept):
        if (chosen := _of_frames(wanted, stored)) is not None:
            return chosen
    return None


def choose_instances(accept: str, stored: str) -> Representation | None:
    """How to send a whole Part-10 file stored in the transfer syntax `stored`; None means 406."""
    for wanted in parse_accept(accept):
        if not _matches(wanted.part_type, "application/dicom"):
            continue
        if wanted.syntax in ("*", stored) or wanted.part_type == "*/*" and not wanted.syntax:
            return Representation("application/dicom", stored, wanted.is_multipart, False)
        if wanted.syntax in ("", EXPLICIT_LITTLE_ENDIAN):
            decode = stored not in NATIVE_SYNTAXES
            return Representation("application/dicom", EXPLICIT_LITTLE_ENDIAN, wanted.is_multipart, decode)
    return None


def choose_type(accept: str, offered: tuple[str, ...]) -> str | None:
    """The first of the plain media types `offered` that the caller accepts; None means 406."""
    for wanted in parse_accept(accept):
        for media_type in offered:
            if _matches(wanted.media_type, media_type):
                return media_type
    return None
