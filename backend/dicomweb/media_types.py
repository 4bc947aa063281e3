"""What a caller accepts: parsing of the Accept header and the choice among what can be served (RFC 9110, PS3.18 8.7)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from backend.dicom.transcode import TARGET_SYNTAXES

EXPLICIT_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
NATIVE_SYNTAXES: Final = frozenset({"1.2.840.10008.1.2", EXPLICIT_LITTLE_ENDIAN})
OCTET_STREAM: Final = "application/octet-stream"
DICOM: Final = "application/dicom"
ZIP: Final = "application/zip"

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

    `syntax` is a UID, "*", or empty where the caller names none. A Content-Type is read the same way and has a boundary.
    """

    media_type: str
    part_type: str
    syntax: str
    quality: float
    boundary: str = ""

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
    syntax, boundary = parameters.get("transfer-syntax", ""), parameters.get("boundary", "")
    return MediaRange(media_type, part_type, syntax, quality, boundary)


def _matches(pattern: str, media_type: str) -> bool:
    if pattern in ("*/*", media_type):
        return True
    return pattern.endswith("/*") and media_type.startswith(pattern[:-1])


@dataclass(frozen=True, slots=True)
class Representation:
    """How bulk data will be sent: type and transfer syntax of a part, in parts, bare or zipped, as stored or transcoded."""

    part_type: str
    syntax: str
    multipart: bool
    is_stored: bool
    zipped: bool = False

    @property
    def content_type(self) -> str:
        """The Content-Type of one part."""
        return f"{self.part_type}; transfer-syntax={self.syntax}"


def _of_frames(wanted: MediaRange, stored: str) -> Representation | None:
    """How frames stored in the syntax `stored` answer one alternative; None if they cannot."""
    part_type, syntax = wanted.part_type.replace("/x-", "/"), wanted.syntax
    is_native = stored in NATIVE_SYNTAXES
    # Frames of all native little-endian syntaxes are the same bytes.
    native = EXPLICIT_LITTLE_ENDIAN if is_native or syntax in NATIVE_SYNTAXES else stored
    if part_type == "*/*":
        if syntax in ("", "*", stored) or (is_native and syntax in NATIVE_SYNTAXES):
            return Representation(OCTET_STREAM, native, wanted.is_multipart, True)
        return _transcoded(OCTET_STREAM, syntax, wanted)
    if _matches(part_type, OCTET_STREAM):
        if syntax in ("*", stored) or (is_native and syntax in ("", *NATIVE_SYNTAXES)):
            return Representation(OCTET_STREAM, native, wanted.is_multipart, True)
        # No syntax named: PS3.18's default for octet-stream is uncompressed, so it is decoded for this caller.
        return _transcoded(OCTET_STREAM, syntax or EXPLICIT_LITTLE_ENDIAN, wanted)
    image_type = IMAGE_TYPES.get(stored, "")
    if image_type and _matches(part_type, image_type) and syntax in ("", "*", stored):
        return Representation(image_type, stored, wanted.is_multipart, True)
    for target in TARGET_SYNTAXES:
        image_type = IMAGE_TYPES.get(target, "")
        if image_type and _matches(part_type, image_type) and syntax in ("", "*", target):
            return Representation(image_type, target, wanted.is_multipart, False)
    return None


def _transcoded(part_type: str, syntax: str, wanted: MediaRange) -> Representation | None:
    target = EXPLICIT_LITTLE_ENDIAN if syntax in NATIVE_SYNTAXES else syntax
    return Representation(part_type, target, wanted.is_multipart, False) if target in TARGET_SYNTAXES else None


def choose_frames(accept: str, stored: str) -> Representation | None:
    """How to send frames stored in the transfer syntax `stored`; None means 406."""
    return _preferred((wanted.quality, _of_frames(wanted, stored)) for wanted in parse_accept(accept))


def _preferred(offers: Iterable[tuple[float, Representation | None]]) -> Representation | None:
    """The offer that the caller likes best; of several that he likes as much, what costs nothing: as it is stored."""
    best: tuple[float, Representation] | None = None
    for quality, offer in offers:
        if offer is None:
            continue
        if best is None or (quality == best[0] and offer.is_stored and not best[1].is_stored):
            best = quality, offer
    return best[1] if best is not None else None


def frame_types(stored: str) -> list[str]:
    """What frames stored in the transfer syntax `stored` can be had as, for a caller that accepts nothing of it."""
    syntaxes = dict.fromkeys((EXPLICIT_LITTLE_ENDIAN, *TARGET_SYNTAXES, *(() if stored in NATIVE_SYNTAXES else (stored,))))
    return [f'multipart/related; type="{IMAGE_TYPES.get(one, OCTET_STREAM)}"; transfer-syntax={one}' for one in syntaxes]


def choose_instances(accept: str, stored: str) -> Representation | None:
    """How to send a whole Part-10 file stored in the transfer syntax `stored`; None means 406."""
    return _preferred((wanted.quality, _of_instance(wanted, stored)) for wanted in parse_accept(accept))


def _of_instance(wanted: MediaRange, stored: str) -> Representation | None:
    zipped = wanted.media_type == ZIP
    if not zipped and not _matches(wanted.part_type, DICOM):
        return None
    if wanted.syntax in ("*", stored) or (wanted.part_type == "*/*" and not wanted.syntax):
        return Representation(DICOM, stored, wanted.is_multipart, True, zipped)
    target = wanted.syntax or EXPLICIT_LITTLE_ENDIAN
    if target not in TARGET_SYNTAXES:
        return None
    is_stored = target == EXPLICIT_LITTLE_ENDIAN and stored in NATIVE_SYNTAXES
    return Representation(DICOM, target, wanted.is_multipart, is_stored, zipped)


def instance_types() -> list[str]:
    """What instances can be had as, for a caller that accepts nothing of it."""
    parts = [f'multipart/related; type="{DICOM}"; transfer-syntax={syntax}' for syntax in ("*", *TARGET_SYNTAXES)]
    return [*parts, f"{ZIP}; transfer-syntax=*"]


def choose_type(accept: str, offered: tuple[str, ...]) -> str | None:
    """The first of the plain media types `offered` that the caller accepts; None means 406."""
    for wanted in parse_accept(accept):
        for media_type in offered:
            if _matches(wanted.media_type, media_type):
                return media_type
    return None


def choose_part_type(accept: str, offered: tuple[str, ...]) -> str | None:
    """The first of the media types `offered` that the caller accepts bare or as parts; None means 406."""
    for wanted in parse_accept(accept):
        for media_type in offered:
            if _matches(wanted.part_type, media_type):
                return media_type
    return None


def choose_image(accept: str, offered: tuple[str, ...]) -> tuple[str, bool] | None:
    """The first of the image types `offered` that the caller accepts, and whether in parts; None means 406."""
    for wanted in parse_accept(accept):
        for media_type in offered:
            if _matches(wanted.part_type, media_type):
                return media_type, wanted.media_type.startswith("multipart/")
    return None
