"""NIfTI-1 bytes of volumes in a case's grid, and back: axes (column, row, frame), RAS millimetres.

DICOM's patient axes are LPS; NIfTI's are RAS (nifti1.h), so x and y change their sign.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any, Final

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from backend.dicom.nifti_header import RAS_LPS
from backend.dicom.refusal import Refused
from backend.exchange.export_selection import ExportCase, ImageFrame
from backend.exchange.formats.documents import file_head
from backend.exchange.formats.family import Export
from backend.exchange.formats.label_volumes import MAX_VOXELS, LabelVolume

_NIBABEL: Any = nibabel  # typed in part only
_DAMAGED: Final = (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, KeyError, zlib.error)
_TURNED: Final = [2, 1, 0, 3]
_PACKING: Final = 4
_MAX_BYTES: Final = 4 * 1024**3
_PIECE: Final = 1 << 22
SCANNER, ALIGNED = 1, 2
"""Codes of nifti1.h: scanner coordinates, or none that mean anything outside the file."""


def nifti_affine(export: Export, item: ExportCase) -> tuple[NDArray[np.float64], int]:
    """Affine of (column, row, frame) to RAS mm and its code; without a place in the patient one of the pixel spacing."""
    affine = export.affine(item)
    if affine is not None:
        return RAS_LPS @ affine[:, _TURNED], SCANNER
    down, across = item.frames[0].spacing or (1.0, 1.0)
    return RAS_LPS @ np.diag([across, down, 1.0, 1.0]), ALIGNED


def nifti_bytes(volume: NDArray[Any], affine: NDArray[np.float64], code: int, description: str = "") -> bytes:
    """A volume [frame, row, column] as a `.nii.gz` file; equal volumes give equal bytes."""
    image: Any = _NIBABEL.Nifti1Image(np.ascontiguousarray(volume.transpose(2, 1, 0)), affine)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = description.encode("ascii", "replace")[:79]
    image.set_sform(affine, code)
    image.set_qform(affine, code, strip_shears=True)
    return gzip.compress(image.to_bytes(), _PACKING, mtime=0)


def image_volume(export: Export, item: ExportCase) -> NDArray[Any]:
    """The pixels of a case [frame, row, column] as its modality's values (HU for CT); colour as grey of its brightness."""
    slices = [_values(export.pixels(frame), export.header(frame), frame) for frame in item.frames]
    volume = np.stack(slices)
    low, high = float(volume.min()), float(volume.max())
    if np.array_equal(volume, np.rint(volume)) and low >= -32768 and high <= 32767:
        return volume.astype(np.int16)
    return volume.astype(np.float32)


def _values(pixels: NDArray[Any], header: Dataset, frame: ImageFrame) -> NDArray[np.float64]:
    if pixels.ndim == 3:
        grey: NDArray[np.float64] = np.rint(pixels @ np.array([0.299, 0.587, 0.114]))
        return grey
    slope, intercept = _rescale(header, frame)
    values: NDArray[np.float64] = pixels.astype(np.float64) * slope + intercept
    return values


def _rescale(header: Dataset, frame: ImageFrame) -> tuple[float, float]:
    """Rescale Slope and Intercept: the frame's own, the shared ones, the instance's, or 1 and 0."""
    groups: list[Dataset] = []
    for name, index in (("PerFrameFunctionalGroupsSequence", frame.number - 1), ("SharedFunctionalGroupsSequence", 0)):
        found = header.get(name) or []
        if index < len(found):
            groups += list(found[index].get("PixelValueTransformationSequence") or [])
    for group in (*groups, header):
        if group.get("RescaleSlope") is not None:
            return float(group.RescaleSlope), float(group.get("RescaleIntercept") or 0)
    return 1.0, 0.0


def is_nifti(path: Path, name: str) -> bool:
    """Whether a file is NIfTI by its name."""
    return name.lower().endswith((".nii", ".nii.gz")) and len(file_head(path, 4)) == 4


def read_nifti(path: Path, name: str) -> LabelVolume:
    """A NIfTI file's voxels and affine to LPS; Refused where it is damaged, too big, or has more than three dimensions."""
    if name.lower().endswith(".gz"):
        _check_unpacked(path, name)
    try:
        # By its bytes, not its path: an upload lies under a name without an extension.
        with gzip.open(path) if name.lower().endswith(".gz") else path.open("rb") as file:
            image: Any = (_NIBABEL.Nifti1Image if _is_first(path, name) else _NIBABEL.Nifti2Image).from_stream(file)
            shape = tuple(image.shape)
            if int(np.prod(shape, dtype=np.int64)) > MAX_VOXELS:
                raise Refused(f"{name} has more than {MAX_VOXELS} voxels.")
            if len([extent for extent in shape[3:] if extent > 1]) or len(shape) < 2:
                raise Refused(f"{name} has {len(shape)} dimensions; a volume of labels has three.")
            voxels = np.asanyarray(image.dataobj).reshape((*shape[:3], *(1,) * (3 - len(shape[:3]))))
        affine = np.asarray(image.affine, dtype=np.float64)
        is_placed = int(image.header["sform_code"]) or int(image.header["qform_code"])
    except _DAMAGED as error:
        raise Refused(f"{name} is no NIfTI file, or it is damaged.") from error
    if not np.isfinite(affine).all() or abs(float(np.linalg.det(affine[:3, :3]))) < 1e-9:
        raise Refused(f"{name} does not lie in space: its affine is singular.")
    return LabelVolume(voxels, RAS_LPS @ affine if is_placed else None)


def _is_first(path: Path, name: str) -> bool:
    """NIfTI-1, by the length of its header (348)."""
    try:
        with gzip.open(path) if name.lower().endswith(".gz") else path.open("rb") as file:
            head = file.read(4)
    except (OSError, EOFError, zlib.error) as error:
        raise Refused(f"{name} is damaged.") from error
    return head in (b"\x5c\x01\0\0", b"\0\0\x01\x5c")


def _check_unpacked(path: Path, name: str) -> None:
    """Unpack once without keeping anything: a bomb is found before memory is asked for."""
    size = 0
    try:
        with gzip.open(path) as file:
            while piece := file.read(_PIECE):
                size += len(piece)
                if size > _MAX_BYTES:
                    raise Refused(f"{name} unpacks to more than {_MAX_BYTES >> 30} GB.")
    except (OSError, EOFError, zlib.error) as error:
        raise Refused(f"{name} is damaged: it cannot be unpacked.") from error
