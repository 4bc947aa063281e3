"""The header of a NRRD file (teem.sourceforge.net/nrrd/format.html): how its voxels lie; key/value pairs are not kept."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, BinaryIO, Final

import nrrd
import numpy as np
from numpy.typing import NDArray

from backend.dicom.refusal import Refused
from backend.dicom.volume_layout import VolumeLayout, checked_affine, checked_shape

_MAX_HEADER: Final = 1 << 20
_PACKINGS: Final = {"raw": "", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2"}
_LPS: Final = (1.0, 1.0, 1.0)
SPACES: Final[Mapping[str, tuple[float, float, float]]] = {
    "left-posterior-superior": _LPS,
    "lps": _LPS,
    "right-anterior-superior": (-1.0, -1.0, 1.0),
    "ras": (-1.0, -1.0, 1.0),
    "left-anterior-superior": (1.0, -1.0, 1.0),
    "las": (1.0, -1.0, 1.0),
}
"""The patient's axes that a file may use, by its name for them: the signs that turn them into DICOM's LPS."""
_NAMES: Final = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_TYPES: Final = {name: kind for kind, names in _NAMES.items() for name in names}
_ENDIAN: Final = {"little": "<", "big": ">"}
_COLOUR: Final = ("RGB-color", "RGBA-color", "HSV-color", "XYZ-color", "3-color", "4-color")


def nrrd_layout(file: BinaryIO) -> VolumeLayout:
    """How the voxels of an attached NRRD file lie; Refused where it is damaged, has them elsewhere, or is no grey volume."""
    file.seek(0)
    head = file.read(_MAX_HEADER)
    text, start = _header_text(head)
    try:
        header: dict[str, Any] = nrrd.read_header(BytesIO(text))
        return _layout(header, start)
    except (nrrd.NRRDError, ValueError, KeyError, TypeError, IndexError, OverflowError, AttributeError) as error:
        raise Refused("Damaged: its NRRD header contradicts itself.") from error


def _header_text(head: bytes) -> tuple[bytes, int]:
    """The header up to its empty line, and where what follows begins."""
    ends = [(at, len(gap)) for gap in (b"\n\n", b"\r\n\r\n") if (at := head.find(gap)) >= 0]
    if not ends:
        raise Refused("The file ends too early: its header is not whole.")
    at, length = min(ends)
    return head[: at + length], at + length


def _layout(header: Mapping[str, Any], start: int) -> VolumeLayout:
    if any(key in header for key in ("data file", "datafile")):
        raise Refused("Its voxels lie in another file; choose its header (.nhdr) and that file together.")
    packing = _PACKINGS.get(str(header["encoding"]).lower())
    if packing is None:
        raise Refused("Its voxels are written as text; save it as raw or gzip.")
    kinds = [str(kind) for kind in header.get("kinds", [])]
    if any(kind in _COLOUR for kind in kinds):
        raise Refused("Its voxels are colours; a volume of grey values is read.")
    shape = checked_shape([int(extent) for extent in header["sizes"]])
    if header["type"] == "block":
        raise Refused("Its voxels are of a type that no image has.")
    kind = _TYPES[header["type"]]
    dtype: np.dtype[Any] = np.dtype(kind if kind[1] == "1" else _ENDIAN[header["endian"]] + kind)
    skip = int(header.get("byte skip", header.get("byteskip", 0)))
    lines = int(header.get("line skip", header.get("lineskip", 0)))
    if skip < 0 or lines:
        raise Refused("Its header skips lines, or counts from the end of the file; save it anew.")
    affine = _affine(header)
    segments = any(str(key).startswith("Segment") and "_" in str(key) for key in header)
    return VolumeLayout(shape, dtype, affine, _spacing(header), packing, start, skip, has_segments=segments)


def _affine(header: Mapping[str, Any]) -> NDArray[np.float64] | None:
    space, directions, origin = header.get("space"), header.get("space directions"), header.get("space origin")
    if space is None or directions is None or origin is None:
        return None
    signs = SPACES.get(str(space).lower())
    if signs is None:
        raise Refused("It lies in a space that is none of the patient's (LPS, RAS or LAS); save it in one of these.")
    if any(str(unit).lower() not in ("mm", "") for unit in header.get("space units", [])):
        raise Refused("Its lengths are not in millimetres; save it in millimetres.")
    rows = [np.asarray(row, dtype=float) for row in directions if row is not None]
    kept = [row for row in rows if row.shape == (3,) and np.isfinite(row).all()]
    if len(kept) == 2:  # one slice
        kept.append(np.cross(*(row / np.linalg.norm(row) for row in kept)))
    if len(kept) != 3 or np.shape(origin) != (3,):
        raise Refused("Damaged: it has no three directions in space.")
    affine = np.eye(4)
    affine[:3, :3] = np.diag(signs) @ np.array(kept).T
    affine[:3, 3] = np.array(signs) * np.asarray(origin, dtype=float)
    return checked_affine(affine)


def _spacing(header: Mapping[str, Any]) -> tuple[float, float, float]:
    given = [abs(float(one)) for one in header.get("spacings", [])]
    i, j, k = (*(one if np.isfinite(one) else 0.0 for one in given), 0.0, 0.0, 0.0)[:3]
    return i, j, k
