"""Masks survive run-length coding, and a wrong blob is refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from backend.geometry.rle import blob_key, count_set, decode_mask, encode_mask, mask_digest

masks = hnp.arrays(bool, hnp.array_shapes(min_dims=1, max_dims=3, max_side=12))


@settings(max_examples=200, deadline=None)
@given(masks)
def test_every_mask_comes_back_as_it_was(mask: np.ndarray) -> None:
    blob = encode_mask(mask)
    assert np.array_equal(decode_mask(blob, mask.shape), mask)
    assert count_set(blob) == mask.sum()


def test_the_first_run_counts_zeros_and_may_be_empty() -> None:
    assert encode_mask(np.array([[True, False], [False, True]])) == struct.pack("<4I", 0, 1, 2, 1)
    assert encode_mask(np.array([False, True])) == struct.pack("<2I", 1, 1)
    assert encode_mask(np.zeros((2, 3), bool)) == struct.pack("<I", 6)


def test_a_transposed_array_is_coded_in_c_order() -> None:
    mask = np.array([[True, True], [False, False]])
    assert encode_mask(mask.T) == struct.pack("<5I", 0, 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("blob", "shape"),
    [
        (b"", (2, 2)),
        (b"\x01\x00\x00", (2, 2)),
        (struct.pack("<2I", 1, 1), (2, 2)),
        (struct.pack("<3I", 1, 0, 3), (2, 2)),
        (struct.pack("<2I", 2**32 - 1, 2**32 - 1), (2, 2)),
        (struct.pack("<I", 4), (2, 0)),
        (struct.pack("<I", 4), (2**20, 2**20)),
    ],
)
def test_a_blob_that_does_not_fill_its_shape_is_refused(blob: bytes, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError):
        decode_mask(blob, shape)


def test_the_digest_names_the_object() -> None:
    digest = mask_digest(encode_mask(np.ones((1, 2, 2), bool)))
    assert blob_key(digest) == f"blobs/{digest[:2]}/{digest}"
