"""The header of a MetaImage file (ITK's MetaIO, .mha): how its voxels lie; comments and names of people are not kept.

Only the fields below are looked at; ITK's axes of the patient are LPS. A field that is not listed says nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from backend.dicom.refusal import Refused
from backend.dicom.volume_layout import VolumeLayout, checked_affine, checked_shape

MAX_HEADER: Final = 1 << 16
DATA_FILE: Final = "ElementDataFile"
"""The last field of a header (MetaIO): voxels follow it where its value is LOCAL."""
_FIRST_FIELDS: Final = (b"ObjectType", b"NDims", b"Comment", b"ObjectSubType", b"TransformType", b"Name", b"ID")
_TYPES: Final = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
_DAMAGED: Final = "Damaged: its MetaImage header contradicts itself."


def is_metaimage_head(head: bytes) -> bool:
    """Whether a file begins with a field of MetaIO."""
    name, equals, _ = head[:80].partition(b"=")
    return bool(equals) and name.strip() in _FIRST_FIELDS


def metaimage_fields(head: bytes) -> tuple[dict[str, str], int]:
    """The fields of a header up to the one that names the voxels' file, and where what follows it begins."""
    fields: dict[str, str] = {}
    at = 0
    while (end := head.find(b"\n", at)) >= 0 or at < len(head):
        end = len(head) - 1 if end < 0 else end
        name, equals, value = head[at : end + 1].decode("latin-1").partition("=")
        at = end + 1
        if not equals:
            raise Refused(_DAMAGED)
        fields[name.strip()] = value.strip()
        if name.strip() == DATA_FILE:
            return fields, at
    raise Refused("The file ends too early: its header is not whole.")


def metaimage_layout(file: BinaryIO) -> VolumeLayout:
    """How the voxels of a MetaImage file lie; Refused where it is damaged, has them elsewhere, or is no grey volume."""
    file.seek(0)
    fields, start = metaimage_fields(file.read(MAX_HEADER))
    if fields[DATA_FILE].upper() != "LOCAL":
        raise Refused("Its voxels lie in another file; choose its header (.mhd) and that file together.")
    try:
        return _layout(fields, start)
    except (ValueError, KeyError, OverflowError) as error:
        raise Refused(_DAMAGED) from error


def _layout(fields: Mapping[str, str], start: int) -> VolumeLayout:
    sizes = [int(extent) for extent in fields["DimSize"].split()]
    count = int(fields["NDims"])
    if count != len(sizes):
        raise Refused(_DAMAGED)
    if int(fields.get("ElementNumberOfChannels", "1")) != 1 or fields["ElementType"].endswith("_ARRAY"):
        raise Refused("Its voxels are colours or vectors; a volume of grey values is read.")
    if fields["ElementType"] not in _TYPES:
        raise Refused("Its voxels are of a type that no image has.")
    if not _is_true(fields.get("BinaryData", "True")):
        raise Refused("Its voxels are written as text; save it as binary data.")
    if int(fields.get("HeaderSize", "0")) != 0:
        raise Refused("Its header skips a part of the voxels' file; save it anew.")
    big = _is_true(fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "False")))
    dtype = np.dtype(_TYPES[fields["ElementType"]]).newbyteorder(">" if big else "<")
    shape = checked_shape(sizes)
    given = _numbers(fields.get("ElementSpacing", fields.get("ElementSize", "")))
    across, down, between = (*given, 0.0, 0.0, 0.0)[:3]
    slope = float(fields.get("ElementToIntensityFunctionSlope", "1"))
    intercept = float(fields.get("ElementToIntensityFunctionOffset", "0"))
    packing = "zlib" if _is_true(fields.get("CompressedData", "False")) else ""
    affine = _affine(fields, count) if given else None
    return VolumeLayout(shape, dtype, affine, (across, down, between), packing, start, 0, slope, intercept)


def _affine(fields: Mapping[str, str], count: int) -> NDArray[np.float64] | None:
    """Directions are written axis by axis. A place without directions is ITK's own: the axes of the patient."""
    names = ("Offset", "Position", "Origin")
    origin = next((_numbers(fields[name]) for name in names if name in fields), None)
    turned = next(
        (_numbers(fields[name]) for name in ("TransformMatrix", "Rotation", "Orientation") if name in fields), None
    )
    if origin is None:
        return None
    if count != 3:
        return None  # a plane of its own, in no patient
    directions = np.eye(3) if turned is None else np.array(turned).reshape(3, 3).T
    spacing = np.array(_numbers(fields.get("ElementSpacing", fields.get("ElementSize", ""))))
    if spacing.shape != (3,) or len(origin) != 3:
        raise Refused(_DAMAGED)
    affine = np.eye(4)
    affine[:3, :3] = directions * spacing
    affine[:3, 3] = origin
    return checked_affine(affine)


def _numbers(text: str) -> list[float]:
    found = [float(part) for part in text.split()]
    if not np.isfinite(found).all():
        raise Refused(_DAMAGED)
    return found


def _is_true(text: str) -> bool:
    return text[:1].upper() in ("T", "1")
