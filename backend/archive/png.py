"""8-bit PNG for one look: a single filter and run lengths, a quarter of the time of a PNG made small, and hardly larger."""

from __future__ import annotations

import struct
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
_SUB: Final = 1
_MEMORY: Final = 9


def png_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """The image, (rows, columns) of grey or (rows, columns, 3) of RGB, as a PNG (ISO/IEC 15948).

    Every row has the filter Sub: what neighbouring pixels of a medical image differ by is what compresses. Looking for
    matches in its noise (zlib's other strategies) takes three times as long and finds next to none.
    """
    rows, columns = pixels.shape[:2]
    samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    flat = np.ascontiguousarray(pixels).reshape(rows, columns * samples)
    filtered = np.empty((rows, 1 + columns * samples), dtype=np.uint8)
    filtered[:, 0] = _SUB
    filtered[:, 1 : 1 + samples] = flat[:, :samples]
    np.subtract(flat[:, samples:], flat[:, :-samples], out=filtered[:, 1 + samples :])
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, _MEMORY, zlib.Z_RLE)
    packed = packer.compress(filtered.data) + packer.flush()
    head = struct.pack(">IIBBBBB", columns, rows, 8, _GREY if samples == 1 else _RGB, 0, 0, 0)
    return b"".join((_SIGNATURE, _chunk(b"IHDR", head), _chunk(b"IDAT", packed), _chunk(b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))))
