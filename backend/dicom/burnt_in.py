"""Text burnt into pixels (PS3.15 E.3.1, Clean Pixel Data): which rectangles to blank, which images a person has to look at.

Rectangles are [column, row, width, height] in pixels of the image, its top-left pixel being 0, 0; they apply to every frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset

from backend.dicom.identity_words import identity_words, names_somebody
from backend.dicom.image_check import PixelModule
from backend.dicom.refusal import Refused
from backend.dicom.stored_frames import Pixels

Rectangle = Sequence[int]

MAX_RECTANGLES: Final = 100
_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
_CAPTURED: Final = frozenset({"DV", "DI", "DF", "WSD", "SD", "SI", "SYN", "DRW"})
_SCREEN_WORDS: Final = ("SCREEN", "SAVE", "CAPTURE", "REPORT", "DOSE")
GREY_BY_NATURE: Final = frozenset({"CT", "MR", "CR", "DX", "MG", "PT", "NM", "XA", "RF", "IO", "PX"})

REASONS: Final = {
    "said": "The file says that text is burnt into its pixels.",
    "capture": "A picture or screen capture, which often shows names.",
    "ultrasound": "An ultrasound image that does not say where its picture lies.",
    "colour": "A colour image of a device that makes grey ones: likely a screen or a report.",
}
"""Why an image is held, by a word that is stored."""


@dataclass(frozen=True)
class PixelRule:
    """What to blank in all images of one device and size: a lead's word after looking at one of them."""

    manufacturer: str
    model: str
    rows: int
    columns: int
    rectangles: Sequence[Rectangle]


@dataclass(frozen=True)
class PixelDecision:
    """`blank`: rectangles. `is_clean`: cleaned, or looked at. `held`: why a person has to look first, else empty."""

    blank: Sequence[Rectangle] = ()
    is_clean: bool = False
    held: str = ""


def pixel_decision(
    dataset: Dataset,
    module: PixelModule,
    *,
    rules: Sequence[PixelRule],
    is_picture: bool = False,
    given: Sequence[Rectangle] | None = None,
) -> PixelDecision:
    """What is to be done about burnt-in text. `given`: a lead looked at this very image (an empty list: it is clean)."""
    if given is not None:
        return PixelDecision(checked_rectangles(given, module.rows, module.columns), is_clean=True)
    device = device_of(dataset) if rules else ("", "")
    for rule in rules:
        if _is_of(device, module, rule):
            return PixelDecision(checked_rectangles(rule.rectangles, module.rows, module.columns), is_clean=True)
    outside = _outside_ultrasound_regions(dataset, module)
    said = str(dataset.get("BurnedInAnnotation") or "").strip().upper()
    if said == "YES":
        return PixelDecision(outside or (), held="said")
    if outside is not None:
        return PixelDecision(outside, is_clean=True)
    return PixelDecision(held=_suspicion(dataset, module, is_picture))


def device_of(dataset: Dataset) -> tuple[str, str]:
    """Manufacturer and model, as rules compare them; empty where the text names somebody: rules are kept in the clear."""
    words = identity_words(dataset)
    named = (_plain(dataset.get("Manufacturer")), _plain(dataset.get("ManufacturerModelName")))
    manufacturer, model = ("" if names_somebody(text, words) else text for text in named)
    return manufacturer, model


def checked_rectangles(given: Sequence[Rectangle], rows: int, columns: int) -> list[list[int]]:
    """The rectangles clipped to the image; Refused for what is none."""
    if len(given) > MAX_RECTANGLES:
        raise Refused(f"{len(given)} rectangles are too many; the limit is {MAX_RECTANGLES}.")
    checked = []
    for one in given:
        if len(one) != 4 or not all(isinstance(number, int) for number in one):
            raise Refused("A rectangle is column, row, width and height, in whole pixels.")
        left, top = max(one[0], 0), max(one[1], 0)
        right, bottom = min(one[0] + one[2], columns), min(one[1] + one[3], rows)
        if right <= left or bottom <= top:
            raise Refused("A rectangle lies outside the image.")
        checked.append([left, top, right - left, bottom - top])
    return checked


def blanked(pixels: Pixels, photometric: str, rectangles: Sequence[Rectangle]) -> Pixels:
    """The frame with its rectangles black: 0 in colour, else the lowest value of the rest (MONOCHROME1: the highest).

    Not the lowest value of the type: it would stretch every window that is made from the values that occur.
    """
    if not rectangles:
        return pixels
    inside = np.zeros(pixels.shape[:2], dtype=bool)
    for left, top, width, height in rectangles:
        inside[top : top + height, left : left + width] = True
    cleaned = pixels.copy()
    if pixels.ndim == 3:
        cleaned[inside] = 0
        return cleaned
    rest = pixels[~inside]
    if rest.size == 0:
        cleaned[inside] = 0
    else:
        cleaned[inside] = rest.max() if photometric == "MONOCHROME1" else rest.min()
    return cleaned


def _plain(value: Any) -> str:
    return " ".join(str(value or "").replace("\0", "").split())[:64]


def _is_of(device: tuple[str, str], module: PixelModule, rule: PixelRule) -> bool:
    size = (module.rows, module.columns)
    known = bool(rule.manufacturer or rule.model)
    return known and size == (rule.rows, rule.columns) and device == (rule.manufacturer, rule.model)


def _outside_ultrasound_regions(dataset: Dataset, module: PixelModule) -> list[list[int]] | None:
    """What lies outside all regions of an ultrasound image (PS3.3 C.8.5.5); None if it names no sound region."""
    found = dataset.get("SequenceOfUltrasoundRegions")
    if not found:
        return None
    inside = np.zeros((module.rows, module.columns), dtype=bool)
    for item in found:
        try:
            left, top = int(item.RegionLocationMinX0), int(item.RegionLocationMinY0)
            right, bottom = int(item.RegionLocationMaxX1), int(item.RegionLocationMaxY1)
        except (AttributeError, TypeError, ValueError):
            return None
        if not (0 <= left < right < module.columns and 0 <= top < bottom < module.rows):
            return None
        inside[top : bottom + 1, left : right + 1] = True
    return _rectangles_of(~inside)


def _rectangles_of(marked: np.ndarray[Any, np.dtype[np.bool_]]) -> list[list[int]]:
    """A mask as rectangles: runs of equal rows, cut where the row changes."""
    rectangles: list[list[int]] = []
    rows, columns = marked.shape
    starts = [0, *(1 + np.flatnonzero((marked[1:] != marked[:-1]).any(axis=1))).tolist(), rows]
    for top, bottom in zip(starts, starts[1:], strict=False):
        edges = np.flatnonzero(np.diff(np.concatenate(([False], marked[top], [False])).astype(np.int8)))
        rectangles += [[int(a), top, int(b - a), bottom - top] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return rectangles


def _suspicion(dataset: Dataset, module: PixelModule, is_picture: bool) -> str:
    modality = str(dataset.get("Modality") or "").strip().upper()
    sop_class = str(dataset.get("SOPClassUID") or "")
    kinds = [str(value).upper() for value in (dataset.get("ImageType") or [])]
    if (
        is_picture
        or sop_class == _SECONDARY_CAPTURE
        or sop_class.startswith(f"{_SECONDARY_CAPTURE}.")
        or str(dataset.get("ConversionType") or "").strip().upper() in _CAPTURED
        or any(word in kind for kind in kinds for word in _SCREEN_WORDS)
    ):
        return "capture"
    if modality in ("US", "IVUS", "BDUS"):
        return "ultrasound"
    if module.samples_per_pixel > 1 and modality in GREY_BY_NATURE:
        return "colour"
    return ""
