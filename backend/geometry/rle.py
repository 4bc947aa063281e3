"""Run-length coding of binary masks: how a mask is stored and sent.

The blob is a sequence of little-endian uint32 run lengths over the array in C order (frame, row, column). Runs
alternate, the first counts zeros (and may be 0, no other run may). The shape travels apart, in the lesion's row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MAX_ELEMENTS = 2**31


def encode_mask(mask: NDArray[np.bool_]) -> bytes:
    """The blob of a boolean array of any shape; equal arrays of one shape always give equal blobs."""
    flat = np.ascontiguousarray(mask, dtype=bool).ravel()
    if flat.size == 0:
        raise ValueError("a mask needs at least one element")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate(([0], changes, [flat.size])) if not flat[0] else np.concatenate(([0, 0], changes, [flat.size]))
    return np.diff(edges).astype("<u4").tobytes()


def decode_mask(blob: bytes, shape: Sequence[int]) -> NDArray[np.bool_]:
    """The boolean array of `shape` that `blob` codes; ValueError when the runs do not fill the shape exactly."""
    size = _size(shape)
    runs = decode_runs(blob)
    if int(runs.sum()) != size:
        raise ValueError(f"the runs cover {int(runs.sum())} elements, the shape {list(shape)} has {size}")
    values = np.arange(runs.size) % 2 == 1
    return np.repeat(values, runs).reshape(tuple(shape))


def decode_runs(blob: bytes) -> NDArray[np.int64]:
    """The run lengths in `blob`; ValueError when it is not a canonical blob."""
    if not blob or len(blob) % 4:
        raise ValueError("a run-length blob is a non-empty sequence of 4-byte numbers")
    runs = np.frombuffer(blob, dtype="<u4").astype(np.int64)
    if (runs[1:] == 0).any():
        raise ValueError("only the first run may be empty")
    return runs


def count_set(blob: bytes) -> int:
    """How many elements are set, without building the array."""
    return int(decode_runs(blob)[1::2].sum())


def mask_digest(blob: bytes) -> str:
    """SHA-256 (hex) of the blob: its name in the object store."""
    return hashlib.sha256(blob).hexdigest()


def blob_key(digest: str) -> str:
    """Key in the object store of the blob with this digest."""
    return f"blobs/{digest[:2]}/{digest}"


def _size(shape: Sequence[int]) -> int:
    size = 1
    for extent in shape:
        if extent < 1:
            raise ValueError(f"a mask's shape is positive, got {list(shape)}")
        size *= int(extent)
        if size > MAX_ELEMENTS:
            raise ValueError(f"a mask of shape {list(shape)} is too large")
    return size
