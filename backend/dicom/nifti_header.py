"""The header of a NIfTI file (nifti1.h, nifti2.h): shape, type, place and scale of its voxels; none of its texts."""

from __future__ import annotations

import zlib
from typing import Any, BinaryIO, Final

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from backend.dicom.refusal import Refused
from backend.dicom.volume_layout import VolumeLayout, checked_affine, checked_shape

_GZIP: Final = b"\x1f\x8b"
_SIZES: Final = {348: Nifti1Header, 540: Nifti2Header}
_MILLIMETRES: Final = ("mm", "unknown")
RAS_LPS: Final = np.diag([-1.0, -1.0, 1.0, 1.0])
"""NIfTI's patient axes are RAS, DICOM's LPS: this turns either into the other."""
_COLOUR: Final = ("RGB", "RGBA")


def unpacked_head(head: bytes, count: int = 544) -> bytes:
    """The first bytes of what a file holds, unpacked where gzip packed it; nothing where that fails."""
    if not head.startswith(_GZIP):
        return head[:count]
    try:
        return zlib.decompressobj(zlib.MAX_WBITS + 16).decompress(head, count)
    except zlib.error:
        return b""


def is_nifti_head(head: bytes) -> bool:
    """Whether a file, unpacked where gzip packed it, begins like NIfTI-1 or 2: with the size of its header."""
    size = unpacked_head(head, 4)
    return len(size) == 4 and bool({int.from_bytes(size, "little"), int.from_bytes(size, "big")} & set(_SIZES))


def nifti_layout(file: BinaryIO) -> VolumeLayout:
    """How the voxels of a NIfTI file lie; Refused where it is damaged, has its voxels elsewhere, or is no grey volume."""
    file.seek(0)
    packed = file.read(1 << 16)
    head = unpacked_head(packed)
    kind = _SIZES.get(int.from_bytes(head[:4], "little")) or _SIZES.get(int.from_bytes(head[:4], "big"))
    if kind is None or len(head) < kind.sizeof_hdr:
        raise Refused("The file ends too early: its header is not whole.")
    try:
        make: Any = kind
        header = make(head[: kind.sizeof_hdr], check=False)
        return _layout(header, is_packed=packed.startswith(_GZIP))
    except (HeaderDataError, WrapStructError, ValueError, KeyError, OverflowError) as error:
        raise Refused("Damaged: its NIfTI header contradicts itself.") from error


def _layout(header: Any, *, is_packed: bool) -> VolumeLayout:
    magic = bytes(header["magic"].tobytes())[:3]
    if magic not in (b"n+1", b"n+2"):
        raise Refused("It is a NIfTI or Analyze header alone, with its voxels in another file; save it as one .nii file.")
    dimensions = int(header["dim"][0])
    if not 1 <= dimensions <= 7:
        raise Refused("Damaged: its NIfTI header contradicts itself.")
    shape = checked_shape([int(extent) for extent in header["dim"][1 : dimensions + 1]])
    dtype = _voxel_type(header)
    unit = header.get_xyzt_units()[0]
    if unit not in _MILLIMETRES:
        raise Refused(f"Its lengths are in {unit}s; save it in millimetres.")
    is_placed = int(header["sform_code"]) or int(header["qform_code"])
    affine = checked_affine(RAS_LPS @ np.asarray(header.get_best_affine(), dtype=np.float64)) if is_placed else None
    slope, intercept = header.get_slope_inter()
    sizes = [abs(float(size)) for size in header["pixdim"][1:4]]
    i, j, k = (size if np.isfinite(size) else 0.0 for size in sizes)
    offset = float(header["vox_offset"])
    if not np.isfinite(offset) or offset < header.sizeof_hdr:
        raise Refused("Damaged: its NIfTI header contradicts itself.")
    return VolumeLayout(
        shape, dtype, affine, (i, j, k), "gzip" if is_packed else "", 0 if is_packed else int(offset),
        int(offset) if is_packed else 0, 1.0 if slope is None else float(slope), float(intercept or 0.0),
    )  # fmt: skip


def _voxel_type(header: Any) -> np.dtype[Any]:
    code = int(header["datatype"])
    try:
        dtype: np.dtype[Any] = np.dtype(header.get_data_dtype())
        label = str(header._data_type_codes.label[code])
    except (HeaderDataError, KeyError) as error:
        raise Refused("Damaged: its voxels are of no type that NIfTI knows.") from error
    if label in _COLOUR:
        raise Refused("Its voxels are colours; a volume of grey values is read.")
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise Refused("Its voxels are of a type that no image has.")
    return dtype
