"""Volume files of given voxels: NIfTI, NRRD and MetaImage, as the programs write them that others use."""

from __future__ import annotations

import gzip
import tempfile
import zlib
from pathlib import Path

import nibabel
import nrrd
import numpy as np

RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
META_TYPES = {"int16": "MET_SHORT", "uint8": "MET_UCHAR", "uint16": "MET_USHORT", "float32": "MET_FLOAT", "int32": "MET_INT"}


def nifti(
    voxels: np.ndarray, affine: np.ndarray | None, *, packed: bool = True, slope: tuple | None = None, **texts
) -> bytes:
    """NIfTI-1 of voxels [i, j, k] with an affine to LPS mm; `slope`: scl_slope and scl_inter of the stored values."""
    image = nibabel.Nifti1Image(voxels, np.diag([1.0, 2.0, 3.0, 1.0]) if affine is None else RAS @ affine)
    image.header.set_xyzt_units("mm")
    if affine is None:
        image.set_sform(None, 0)
        image.set_qform(None, 0)
    for name, value in texts.items():
        image.header[name] = value
    data = bytearray(image.to_bytes())
    if slope is not None:
        data[112:120] = np.array(slope, dtype="<f4").tobytes()
    return gzip.compress(bytes(data), 4, mtime=0) if packed else bytes(data)


def nrrd_file(voxels: np.ndarray, affine: np.ndarray | None, *, encoding: str = "gzip", **fields) -> bytes:
    """An attached NRRD of voxels [i, j, k] with an affine to LPS mm."""
    header = {"encoding": encoding, **fields}
    if affine is not None:
        header |= {"space": "left-posterior-superior", "space directions": affine[:3, :3].T, "space origin": affine[:3, 3]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "volume.nrrd"
        nrrd.write(str(path), voxels, header, index_order="F")
        return path.read_bytes()


def metaimage(
    voxels: np.ndarray, affine: np.ndarray | None, *, packed: bool = False, voxel_file: str = "", **fields: str
) -> bytes:
    """MetaImage of voxels [i, j, k] with an affine to LPS mm; with `voxel_file` its header alone."""
    told = {
        "ObjectType": "Image",
        "NDims": str(voxels.ndim),
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": str(packed),
    }
    if affine is not None:
        steps = np.linalg.norm(affine[:3, :3], axis=0)
        told |= {
            "TransformMatrix": " ".join(repr(float(part)) for part in (affine[:3, :3] / steps).T.ravel()),
            "Offset": " ".join(repr(float(part)) for part in affine[:3, 3]),
            "ElementSpacing": " ".join(repr(float(step)) for step in steps),
        }
    told |= {"DimSize": " ".join(map(str, voxels.shape)), "ElementType": META_TYPES[str(voxels.dtype)], **fields}
    told["ElementDataFile"] = voxel_file or "LOCAL"
    text = "".join(f"{name} = {value}\n" for name, value in told.items()).encode()
    return text if voxel_file else text + raw(voxels, packed=packed)


def raw(voxels: np.ndarray, *, packed: bool = False) -> bytes:
    """The voxels [i, j, k] alone, i fastest."""
    data = voxels.tobytes(order="F")
    return zlib.compress(data) if packed else data
