"""What the browser shows of an image, beside what the server renders and what pydicom reads."""

from __future__ import annotations

import io
import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page
from pydicom.pixels import apply_color_lut, apply_modality_lut
from scipy.ndimage import gaussian_filter

from backend.archive.models import Instance
from backend.archive.rendering import render_frame
from backend.dicom.header import numbers
from backend.dicom.stored_frames import Pixels

Grey = NDArray[np.float64]

# All that lies above the image: what is left on the screen is the image alone.
_ALONE = ".rr-stage > :not(:first-child), .rr-stage::after { visibility: hidden !important }"


_HOVER = """async (layer, places) => {
  const told = [];
  for (const [clientX, clientY] of places) {
    layer.dispatchEvent(new PointerEvent('pointermove', { clientX, clientY, bubbles: true }));
    await new Promise((done) => setTimeout(done, 30));
    told.push(document.querySelector('[data-testid=value]').textContent);
  }
  return told;
}"""


@dataclass(frozen=True)
class Comparison:
    """The part of an image that a window shows at one pixel to one, in the browser and as the server renders it."""

    shown: NDArray[np.uint8]
    rendered: NDArray[np.uint8]

    @property
    def similarity(self) -> float:
        return structural_similarity(self.shown, self.rendered)


def structural_similarity(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Mean SSIM of two 8-bit images (Wang et al. 2004: Gaussian of 1.5 pixels, K1 0.01, K2 0.03); colours are averaged."""
    if one.ndim == 3:
        return float(np.mean([structural_similarity(one[..., part], other[..., part]) for part in range(3)]))
    x, y = one.astype(np.float64), other.astype(np.float64)

    def smooth(values: Grey) -> Grey:
        return np.asarray(gaussian_filter(values, 1.5, truncate=3.5))

    mean_x, mean_y = smooth(x), smooth(y)
    spread_x, spread_y = smooth(x * x) - mean_x**2, smooth(y * y) - mean_y**2
    both = smooth(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    share = ((2 * mean_x * mean_y + c1) * (2 * both + c2)) / ((mean_x**2 + mean_y**2 + c1) * (spread_x + spread_y + c2))
    return float(share.mean())


def screen_of(page: Page) -> NDArray[np.uint8]:
    """What the screen shows of the image, (rows, columns, 3), once it stands still; nothing that lies above it."""
    style = page.add_style_tag(content=_ALONE)
    try:
        before = None
        for _ in range(60):
            taken = page.locator(".rr-stage").first.screenshot()
            if taken == before:
                return np.asarray(Image.open(io.BytesIO(taken)).convert("RGB"))
            before = taken
            time.sleep(0.12)
    finally:
        style.evaluate("(one) => one.remove()")
    raise AssertionError("the image never stood still")


def compared(page: Page, instance: Instance, frame: int) -> Comparison:
    """Show the image at one pixel to one and cut the same part out of the server's rendered frame."""
    page.keyboard.press("Shift+Space")
    screen = screen_of(page)
    rendered = render_frame(instance, frame)
    if rendered.ndim == 2:
        rendered = np.repeat(rendered[..., None], 3, axis=2)
    rows, columns = rendered.shape[:2]
    tall = tallness(instance)
    if tall != 1:
        rendered = _rows_between(rendered, tall)
    top, left = math.floor((screen.shape[0] - rows * tall) / 2 + 0.05), (screen.shape[1] - columns) // 2
    rendered = rendered[max(0, -top) :, max(0, -left) :]
    shown = screen[max(0, top) :, max(0, left) :][: rendered.shape[0], : rendered.shape[1]]
    return Comparison(shown, rendered[: shown.shape[0], : shown.shape[1]])


def _rows_between(image: NDArray[np.uint8], tall: float) -> NDArray[np.uint8]:
    """The rows that are whole on the screen where a pixel is `tall` screen pixels high: linear between their middles."""
    whole = math.floor(image.shape[0] * tall + 0.05)
    at = np.clip((np.arange(whole) + 0.5) / tall - 0.5, 0, image.shape[0] - 1)
    above = np.floor(at).astype(int)
    below = np.minimum(above + 1, image.shape[0] - 1)
    share = (at - above)[:, None, None]
    return np.asarray(np.rint(image[above] * (1 - share) + image[below] * share), dtype=np.uint8)


def tallness(instance: Instance) -> float:
    """Height of a pixel to its width, as its header says."""
    header = pydicom.Dataset.from_json(instance.dicom_json)
    known: list[list[float]] = [
        [float(one) for one in header.get(keyword) or []]
        for keyword in ("PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio")
    ]
    measured: Any = numbers(header.to_json_dict(), "PixelSpacing", 1, "PixelMeasuresSequence")
    for pair in [measured, *known] if measured else known:
        if len(pair) == 2 and min(pair) > 0:
            return float(pair[0] / pair[1])
    return 1.0


def modality_values_of(path: Path, frame: int) -> Pixels | Grey:
    """A frame as pydicom reads it from the file that came in: modality values of grey, RGB of colour."""
    dataset = pydicom.dcmread(path, force=True)
    pixels = dataset.pixel_array
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        pixels = pixels[frame - 1]
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, dataset)
    if pixels.ndim == 3:
        # Colour of more than 8 bits is stored, and shown, with 8.
        return np.asarray(pixels >> (8 * (pixels.dtype.itemsize - 1)))
    group = dataset.PerFrameFunctionalGroupsSequence[frame - 1] if "PerFrameFunctionalGroupsSequence" in dataset else {}
    own = group.get("PixelValueTransformationSequence")
    return np.asarray(apply_modality_lut(pixels, own[0] if own else dataset))


def places(rows: int, columns: int, count: int, seed: int = 7) -> Iterator[tuple[int, int]]:
    """(column, row) of pixels, the corners among them."""
    yield from ((0, 0), (columns - 1, rows - 1))
    generator = np.random.default_rng(seed)
    for _ in range(count - 2):
        yield int(generator.integers(columns)), int(generator.integers(rows))


def values_under_pointer(page: Page, places_on_page: list[tuple[float, float]]) -> list[list[float]]:
    """The numbers that the room tells of the pixels at places of the page; an empty list where it tells none."""
    texts = page.get_by_test_id("viewport").evaluate(_HOVER, places_on_page)
    return [
        [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text.partition("·")[0].replace("\N{MINUS SIGN}", "-"))]
        for text in texts
    ]
