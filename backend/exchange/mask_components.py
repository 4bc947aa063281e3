"""Mask pictures to lesions: the connected components of what is marked, each cropped and run-length coded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from backend.dicom.refusal import Refused
from backend.geometry.rle import encode_mask, mask_digest

_MAX_COMPONENTS: Final = 500


@dataclass(frozen=True)
class MaskComponent:
    """One connected lesion: where its box starts [frame, row, column], the box's shape, its blob and digest."""

    origin: list[int]
    shape: list[int]
    blob: bytes
    digest: str


def read_mask(path: Path, rows: int, columns: int) -> NDArray[np.bool_]:
    """What a mask picture marks (anything but black and transparent); Refused unless it is as large as its image."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            if image.size != (columns, rows):
                raise Refused(f"The mask has {image.height}×{image.width} pixels, its image {rows}×{columns}.")
            if image.mode == "P" or "A" in image.mode:
                pixels = np.asarray(image.convert("RGBA"))
                pixels = pixels[..., :3].max(axis=2) * (pixels[..., 3] > 0)
            else:
                pixels = np.asarray(image)
    except Refused:
        raise
    except Exception as error:
        raise Refused("The mask is no PNG picture, or it is damaged.") from error
    marked: NDArray[np.bool_] = (pixels if pixels.ndim == 2 else pixels.max(axis=2)) > 0
    return marked


def mask_components(masks: Mapping[int, NDArray[np.bool_]]) -> list[MaskComponent]:
    """The connected components of masks by 0-based frame in series order; corners touch, across frames too."""
    marked = sorted(frame for frame, mask in masks.items() if mask.any())
    if not marked:
        return []
    first = marked[0]
    shape = masks[first].shape
    volume = np.zeros((marked[-1] - first + 1, *shape), dtype=bool)
    for frame in marked:
        if masks[frame].shape != shape:
            raise Refused("The masks of one series have different sizes.")
        volume[frame - first] = masks[frame]
    numbered, count = ndimage.label(volume, structure=np.ones((3, 3, 3)))
    if count > _MAX_COMPONENTS:
        raise Refused(f"The mask falls into {count} pieces; is it a mask?")
    components = []
    for number, box in enumerate(ndimage.find_objects(numbered), start=1):
        piece = numbered[box] == number
        blob = encode_mask(piece)
        origin = [box[0].start + first, box[1].start, box[2].start]
        components.append(MaskComponent([int(value) for value in origin], list(piece.shape), blob, mask_digest(blob)))
    return components
