"""Tests of the PNG writer: another program reads back the very pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from backend.archive.png import png_bytes


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 7), (64, 33), (1, 1, 3), (5, 1, 3), (17, 23, 3)])
def test_the_pixels_are_read_back_as_they_were(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    image = Image.open(io.BytesIO(png_bytes(pixels)))
    assert image.mode == ("L" if len(shape) == 2 else "RGB")
    assert np.array_equal(np.asarray(image), pixels)


def test_pixels_that_do_not_lie_in_a_row_are_read_back_too():
    pixels = np.arange(200, dtype=np.uint8).reshape(10, 20)[::2, ::-3]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png_bytes(pixels)))), pixels)


def test_a_noisy_image_is_hardly_larger_than_one_made_small():
    noise = np.random.default_rng(0).normal(0, 6, (256, 256))
    slope = np.add.outer(np.arange(256), np.arange(256)) / 4
    pixels = np.clip(slope + noise, 0, 255).astype(np.uint8)
    small = io.BytesIO()
    Image.fromarray(pixels).save(small, "PNG", compress_level=9)
    assert len(png_bytes(pixels)) < 1.1 * len(small.getvalue())
