"""A volume file (NIfTI, NRRD, MetaImage) as its header describes it, and its voxels, plane by plane.

Memory holds one plane: packed voxels are unpacked as they are read, never whole.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRLittleEndian

from backend.dicom.bombs import refuse_bomb, refuse_large_frame
from backend.dicom.image_check import MAX_DECODED_BYTES
from backend.dicom.refusal import Refused

_MAX_DIMENSIONS: Final = 16
_MAX_EXTENT: Final = 65535
_MAX_SLICES: Final = 4096
_PIECE: Final = 1 << 20
_MAGIC: Final = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "zlib": b"\x78"}
_MAX_SKIPPED: Final = 64 * 1024**2


@dataclass(frozen=True)
class VolumeLayout:
    """Where the voxels of a volume lie in its file and in the patient.

    `shape` (i, j, k), i runs fastest; `dtype` with its byte order; `packing` is "", "gzip", "zlib" or "bzip2" of all from
    byte `start` on, and `skip` bytes of what that unpacks to come before the voxels. `affine` takes (i, j, k), whole numbers
    being centres of voxels, to LPS millimetres; None where the file does not say where it lies. `spacing` is along i, j, k
    in mm, 0 where unknown. A voxel means its value times `slope` plus `intercept`. `has_segments`: it names segments.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    affine: NDArray[np.float64] | None
    spacing: tuple[float, float, float] = (0.0, 0.0, 0.0)
    packing: str = ""
    start: int = 0
    skip: int = 0
    slope: float = 1.0
    intercept: float = 0.0
    has_segments: bool = False

    @property
    def plane_bytes(self) -> int:
        """Bytes of the voxels of one k in the file."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize


def checked_shape(sizes: list[int]) -> tuple[int, int, int]:
    """(i, j, k) of the extents that a header gives; Refused where they make no volume."""
    if len(sizes) > _MAX_DIMENSIONS or max(sizes, default=0) >= 1 << 31:
        raise Refused("Damaged: its header names no extents of a volume.")
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes = sizes[:-1]
    if len(sizes) > 3:
        raise Refused(
            f"It has {len(sizes)} dimensions ({'×'.join(map(str, sizes))}), a series in time or several channels; "
            "a volume has three."
        )
    if len(sizes) < 2 or min(sizes) < 1:
        raise Refused("Damaged: its header names no extents of a volume.")
    i, j, k = (*sizes, 1)[:3]
    if k > _MAX_SLICES:
        raise Refused(f"Too big: it has {k} slices, the limit is {_MAX_SLICES}.")
    if max(i, j) > _MAX_EXTENT or i * j * k * 2 > MAX_DECODED_BYTES:
        raise Refused(
            f"Too big: {i}×{j}×{k} voxels are {i * j * k * 2 >> 20} MB unpacked, the limit is {MAX_DECODED_BYTES >> 20} MB."
        )
    return i, j, k


def checked_affine(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine, which is a grid at right angles; Refused where it is none: DICOM's planes have right angles."""
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or steps.min() < 1e-6 or steps.max() > 1e5:
        raise Refused("Damaged: it does not lie in space, its directions are singular.")
    units = affine[:3, :3] / steps
    if np.abs(units.T @ units - np.eye(3)).max() > 1e-3:
        raise Refused("Its axes are not at right angles (it is sheared). Nothing is resampled here.")
    return affine


def refuse_absurd_voxels(layout: VolumeLayout, received: int) -> None:
    """Refused where the voxels are too many for their file, or one plane is too large to draw."""
    refuse_large_frame(layout.shape[0] * layout.shape[1] * 2, ExplicitVRLittleEndian)
    due = layout.plane_bytes * layout.shape[2]
    if not layout.packing and layout.start + layout.skip + due > received:
        there = max(received - layout.start - layout.skip, 0)
        raise Refused(f"The file ends too early: {due} bytes of voxels are due, {there} are there.")
    refuse_bomb(unpacked=due, received=received)
    if layout.skip > _MAX_SKIPPED:
        raise Refused("Damaged: its header says that its voxels begin far behind their place.")


def planes_of(file: BinaryIO, layout: VolumeLayout) -> Iterator[NDArray[Any]]:
    """The planes [j, i] of each k, in the file's order and the machine's byte order."""
    file.seek(layout.start)
    packed = _Unpacked(file, layout.packing) if layout.packing else None
    source: _Source = packed or file
    _exactly(source, layout.skip, layout)
    for _ in range(layout.shape[2]):
        data = _exactly(source, layout.plane_bytes, layout)
        plane = np.frombuffer(data, dtype=layout.dtype).reshape(layout.shape[1], layout.shape[0])
        yield plane.astype(layout.dtype.newbyteorder("="), copy=False)
    if packed is not None:
        packed.check_end()


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _exactly(source: _Source, count: int, layout: VolumeLayout) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = source.read(count - len(data))
        if not piece:
            due = layout.plane_bytes * layout.shape[2]
            raise Refused(f"The file ends too early: {due} bytes of voxels are due.")
        data += piece
    return bytes(data)


class _Unpacked:
    """What a packed file holds, unpacked as far as it is asked for."""

    def __init__(self, file: BinaryIO, packing: str) -> None:
        self._file = file
        self._packing = packing
        self._magic = _MAGIC[packing]
        self._inflater = self._fresh()
        self._left = b""

    def _fresh(self) -> Any:
        if self._packing == "bzip2":
            return bz2.BZ2Decompressor()
        return zlib.decompressobj(zlib.MAX_WBITS + (16 if self._packing == "gzip" else 0))

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; nothing at the end."""
        while True:
            if self._inflater.eof:
                # A gzip file may be several, one behind the other.
                self._left = self._inflater.unused_data or self._file.read(_PIECE)
                if not self._left.startswith(self._magic):
                    return b""
                self._inflater = self._fresh()
            # bz2 keeps what it has not unpacked yet, zlib gives it back.
            packed = (self._left or self._file.read(_PIECE)) if self._needs_input else b""
            if not packed and self._needs_input:
                return b""
            try:
                data: bytes = self._inflater.decompress(packed, size)
            except (zlib.error, OSError, EOFError) as error:
                raise Refused("Damaged: its packed voxels cannot be unpacked.") from error
            self._left = getattr(self._inflater, "unconsumed_tail", b"")
            if data:
                return data
            if not packed:
                return b""

    def check_end(self) -> None:
        """Read to the end, where the sum over all is compared; Refused where it is wrong, or much is left."""
        surplus = 0
        while piece := self.read(_PIECE):
            surplus += len(piece)
            if surplus > _MAX_SKIPPED:
                raise Refused("Damaged: it unpacks to more than its header says.")
        if not self._inflater.eof:
            raise Refused("The file ends too early: its packed voxels have no end.")

    @property
    def _needs_input(self) -> bool:
        return bool(getattr(self._inflater, "needs_input", True))
