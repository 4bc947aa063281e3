"""8-bit PNG for one look: a single filter and a fast deflate, a tenth of the time of a PNG made small, and hardly larger."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
_SUB: Final = 1
_LEVEL: Final = 1
_BAND_BYTES: Final = 16 << 20


def png_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """The image, (rows, columns) of grey or (rows, columns, 3) of RGB, as a PNG (ISO/IEC 15948).

    Every row has the filter Sub: what neighbouring pixels of a medical image differ by is what compresses. ISA-L takes 40 %
    of the time of zlib's run lengths for 4 % more bytes. A large picture is filtered and packed band by band.
    """
    rows, columns = pixels.shape[:2]
    samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    flat = np.ascontiguousarray(pixels).reshape(rows, columns * samples)
    packer = isal_zlib.compressobj(_LEVEL)
    height = max(_BAND_BYTES // flat.shape[1], 1)
    packed = [packer.compress(_filtered(flat[top : top + height], samples).data) for top in range(0, rows, height)]
    packed.append(packer.flush())
    head = struct.pack(">IIBBBBB", columns, rows, 8, _GREY if samples == 1 else _RGB, 0, 0, 0)
    pieces = (_chunk(b"IDAT", piece) for piece in packed if piece)
    return b"".join((_SIGNATURE, _chunk(b"IHDR", head), *pieces, _chunk(b"IEND", b"")))


def _filtered(flat: NDArray[np.uint8], samples: int) -> NDArray[np.uint8]:
    """Rows of samples, each behind its filter's number."""
    filtered = np.empty((flat.shape[0], 1 + flat.shape[1]), dtype=np.uint8)
    filtered[:, 0] = _SUB
    filtered[:, 1 : 1 + samples] = flat[:, :samples]
    np.subtract(flat[:, samples:], flat[:, :-samples], out=filtered[:, 1 + samples :])
    return filtered


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", check)))
