"""Masks as the server writes them: its own run lengths, and COCO's compressed ones.

The server's blob is a sequence of little-endian uint32 run lengths in C order (frame, row, column), zeros first; its
name is its SHA-256. COCO's (cocodataset.org, `maskApi.c`) go down the columns, as a string of base-32 differences.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def encode_mask(mask: Mask) -> tuple[bytes, str]:
    """The blob of a boolean array, and its digest."""
    flat = np.ascontiguousarray(mask, dtype=bool).ravel()
    if flat.size == 0:
        raise ValueError("A mask needs at least one element.")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate(([0], [0] if flat[0] else [], changes, [flat.size])).astype(np.int64)
    blob = np.diff(edges).astype("<u4").tobytes()
    return blob, hashlib.sha256(blob).hexdigest()


def decode_mask(blob: bytes, shape: tuple[int, ...]) -> Mask:
    """The boolean array that a blob codes."""
    runs = np.frombuffer(blob, dtype="<u4").astype(np.int64)
    return np.repeat(np.arange(runs.size) % 2 == 1, runs).reshape(shape)


def cropped(mask: Mask) -> tuple[list[int], Mask]:
    """A mask [frames, rows, columns] cropped to what is set, and where that begins; ValueError where nothing is."""
    if mask.ndim == 2:
        mask = mask[None]
    if mask.ndim != 3 or not mask.any():
        raise ValueError("A mask is [rows, columns] or [frames, rows, columns], and something in it is set.")
    places = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    window = tuple(slice(int(place[0]), int(place[-1]) + 1) for place in places)
    return [int(place[0]) for place in places], mask[window]


def decode_coco(counts: str, size: tuple[int, int]) -> Mask:
    """The mask [rows, columns] that COCO's compressed run lengths code."""
    runs: list[int] = []
    value = shift = 0
    for character in counts:
        digit = ord(character) - 48
        value |= (digit & 0x1F) << shift
        shift += 5
        if digit & 0x20:
            continue
        if digit & 0x10:
            value |= -1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(size, order="F")
