"""What a compressed frame says of itself in its markers: JPEG (ISO 10918-1), JPEG-LS (14495-1), JPEG 2000 (15444-1)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from backend.dicom.refusal import Refused

_JP2_SIGNATURE: Final = b"\0\0\0\x0cjP  "
_SOF: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7})
_BASELINE: Final = 0xC0
_JPEG_LS: Final = 0xF7
_SOS: Final = 0xDA
_END_OF_IMAGE: Final = b"\xff\xd9"
_NEEDED_SEGMENTS: Final = frozenset({*range(0xC0, 0xC8), *range(0xC9, 0xD0), *range(0xDA, 0xE0), _JPEG_LS, 0xF8})
_JFIF: Final = b"\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
# In a scan, FF 00 is data and FF D0 to D7 restart it (JPEG); in JPEG-LS data follows FF with a clear high bit.
_MARKER_IN_SCAN: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_MARKER_IN_LS_SCAN: Final = re.compile(rb"\xff[\x80-\xfe]", re.DOTALL)
_J2K_TILE_PART: Final = 0xFF90
_J2K_DATA: Final = 0xFF93
# Left out: comments, and TLM, PLM and PLT, which tell lengths that no longer hold and which no decoder needs.
_NEEDED_J2K_SEGMENTS: Final = frozenset(
    {0xFF50, 0xFF51, 0xFF52, 0xFF53, 0xFF56, 0xFF59, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF5F, 0xFF60, 0xFF61, 0xFF63}
)


@dataclass(frozen=True)
class Codestream:
    """Size and kind of one compressed frame.

    `kind` is "jpeg" (baseline), "jpeg-other", "jpeg-ls" or "jpeg2000". `is_ycbcr`: a JPEG decoder that follows the
    usual rule (JFIF and Adobe markers, component ids; libjpeg's jdapimin.c) converts it from YCbCr. `interleave`: JPEG-LS.
    """

    kind: str
    rows: int
    columns: int
    components: int
    precision: int
    is_signed: bool = False
    is_ycbcr: bool = False
    interleave: int = 0


def parsed_codestream(frame: bytes) -> Codestream:
    """The codestream's own account; Refused if the markers make no sense."""
    try:
        if frame[:2] == b"\xff\xd8":
            return _jpeg(frame)
        if frame[:4] == b"\xff\x4f\xff\x51" or frame.startswith(_JP2_SIGNATURE):
            return _jpeg2000(frame)
    except (IndexError, struct.error) as error:
        raise Refused("Damaged: the compressed pixels end too early.") from error
    raise Refused("Damaged: the compressed pixels do not start as their compression demands.")


def jpeg_segments(frame: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start of the marker, end of the segment) up to and including the start of scan."""
    offset = 2
    while True:
        if frame[offset] != 0xFF:
            raise Refused("Damaged: the compressed pixels have broken markers.")
        marker = frame[offset + 1]
        if marker == 0xFF:
            offset += 1
            continue
        end = offset + 2 + struct.unpack(">H", frame[offset + 2 : offset + 4])[0]
        yield marker, offset, end
        if marker == _SOS:
            return
        offset = end


def _jpeg(frame: bytes) -> Codestream:
    jfif = False
    adobe: int | None = None
    for marker, start, end in jpeg_segments(frame):
        content = frame[start + 4 : end]
        if marker == 0xE0 and content.startswith(b"JFIF"):
            jfif = True
        elif marker == 0xEE and content.startswith(b"Adobe") and len(content) >= 12:
            adobe = content[11]
        elif marker in _SOF:
            precision, rows, columns, components = struct.unpack(">BHHB", content[:6])
            ids = [content[6 + 3 * index] for index in range(components)]
            kind = {_BASELINE: "jpeg", _JPEG_LS: "jpeg-ls"}.get(marker, "jpeg-other")
            interleave = _interleave(frame) if kind == "jpeg-ls" else 0
            ycbcr = components == 3 and (
                jfif or (adobe != 0 if adobe is not None else ids not in ([82, 71, 66], [114, 103, 98]))
            )
            return Codestream(kind, rows, columns, components, precision, is_ycbcr=ycbcr, interleave=interleave)
    raise Refused("Damaged: the compressed pixels have no frame header.")


def _interleave(frame: bytes) -> int:
    for marker, start, _end in jpeg_segments(frame):
        if marker == _SOS:
            return frame[start + 4 + 1 + 2 * frame[start + 4] + 1]
    return 0


def _jpeg2000(frame: bytes) -> Codestream:
    offset = 0
    if frame.startswith(_JP2_SIGNATURE):
        offset = _start_in_jp2(frame)
    # SIZ: Lsiz, Rsiz, Xsiz, Ysiz, XOsiz, YOsiz, XTsiz, YTsiz, XTOsiz, YTOsiz, Csiz, Ssiz
    x1, y1, x0, y0 = struct.unpack(">4I", frame[offset + 8 : offset + 24])
    components = struct.unpack(">H", frame[offset + 40 : offset + 42])[0]
    depth = frame[offset + 42]
    return Codestream("jpeg2000", y1 - y0, x1 - x0, components, (depth & 0x7F) + 1, is_signed=bool(depth & 0x80))


def _start_in_jp2(frame: bytes) -> int:
    """Where the codestream starts inside JP2 boxes (not allowed in DICOM, yet met)."""
    offset = 12
    while True:
        length = struct.unpack(">I", frame[offset : offset + 4])[0]
        if frame[offset + 4 : offset + 8] == b"jp2c":
            return offset + 8
        if length < 8:
            raise Refused("Damaged: the compressed pixels have broken boxes.")
        offset += length


def without_comments(frame: bytes) -> bytes:
    """The same codestream with nothing in it but what a decoder needs: no comment, no application segment (EXIF, XMP may
    name people), no reserved marker, no thumbnail, no byte after the end."""
    try:
        return _bare_jpeg(frame) if frame[:2] == b"\xff\xd8" else _bare_jpeg2000(frame)
    except (IndexError, struct.error) as error:
        raise Refused("Damaged: the compressed pixels end too early.") from error


def _bare_jpeg(frame: bytes) -> bytes:
    kept, scan, in_scan = [frame[:2]], 2, _MARKER_IN_SCAN
    for marker, start, end in jpeg_segments(frame):
        if marker == _JPEG_LS:
            in_scan = _MARKER_IN_LS_SCAN
        kept.append(_bare_segment(marker, frame[start:end]))
        scan = end
    while found := in_scan.search(frame, scan):
        kept.append(frame[scan : found.start()])
        if found.group() == _END_OF_IMAGE:
            kept.append(_END_OF_IMAGE)
            return b"".join(kept)
        scan = found.start() + 2 + struct.unpack(">H", frame[found.end() : found.end() + 2])[0]
        kept.append(_bare_segment(found.group()[1], frame[found.start() : scan]))
    raise Refused("The file ends too early: its compressed pixels have no end.")


def _bare_segment(marker: int, segment: bytes) -> bytes:
    """A segment that decoders need, as it is; JFIF and Adobe's written anew with nothing but how colour is coded."""
    if marker == 0xE0 and segment[4:9] == b"JFIF\0":
        return _JFIF
    if marker == 0xEE and segment[4:9] == b"Adobe" and len(segment) >= 16:
        return b"\xff\xee\x00\x0eAdobe\x00\x64\0\0\0\0" + segment[15:16]
    return segment if marker in _NEEDED_SEGMENTS else b""


def _bare_jpeg2000(frame: bytes) -> bytes:
    """Main header and tile-parts without comments; lengths of tile-parts follow, the optional index of them goes."""
    offset = _start_in_jp2(frame) if frame.startswith(_JP2_SIGNATURE) else 0
    kept = [frame[offset : offset + 2]]
    offset += 2
    segments, offset = _needed_j2k_segments(frame, offset, _J2K_TILE_PART)
    kept += segments
    while frame[offset : offset + 2] == b"\xff\x90":
        # SOT: Lsot = 10, Isot, Psot, TPsot, TNsot; Psot counts from the marker on and is 0 for "up to the end"
        tile, length, part, parts = struct.unpack(">HIBB", frame[offset + 4 : offset + 12])
        header, data = _needed_j2k_segments(frame, offset + 12, _J2K_DATA)
        end = offset + length if length else _last_end(frame, data)
        if end < data or end > len(frame):
            raise Refused("Damaged: the compressed pixels end too early.")
        body = b"".join(header) + frame[data:end]
        kept.append(struct.pack(">HHHIBB", _J2K_TILE_PART, 10, tile, 12 + len(body), part, parts) + body)
        offset = end
    return b"".join([*kept, _END_OF_IMAGE])


def _needed_j2k_segments(frame: bytes, offset: int, until: int) -> tuple[list[bytes], int]:
    """The segments from `offset` up to the marker `until` that a decoder needs, and where that marker stands."""
    kept: list[bytes] = []
    while True:
        marker, length = struct.unpack(">HH", frame[offset : offset + 4])
        if marker == until:
            return kept, offset
        if length < 2:
            raise Refused("Damaged: the compressed pixels have broken markers.")
        if marker in _NEEDED_J2K_SEGMENTS:
            kept.append(frame[offset : offset + 2 + length])
        offset += 2 + length


def _last_end(frame: bytes, start: int) -> int:
    end = frame.find(_END_OF_IMAGE, start)
    return end if end > start else len(frame)
