"""The values of a volume, looked at once before they are stored: how 16 bits hold them, which window shows them.

Whole values stay exactly what they are where their range has at most 65,536 steps. Others are rounded to 65,536 even steps,
and that is said; where such steps would be too coarse for most of the voxels, the volume is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.valuerep import DSfloat

from backend.dicom.refusal import Refused
from backend.dicom.volume_layout import VolumeLayout

_STEPS: Final = 65535
_SAMPLES: Final = 1_000_000
_FEWEST_STEPS: Final = 256
"""That the middle 98 % of the voxels are spread over: fewer would show."""
_MOST_LABELS: Final = 256
_FEW_LABELS: Final = 16
_LABEL_EVENNESS: Final = 0.75


@dataclass(frozen=True)
class Storage:
    """How values are stored: `dtype` is u1 or <u2; a stored value times `slope` plus `intercept` is what it means.

    `base` is the file's value that is stored as 0, None where values are rounded. `window` is (centre, width) of what they
    mean; `note` tells what was lost, empty for nothing.
    """

    dtype: np.dtype[Any]
    slope: float
    intercept: float
    window: tuple[float, float]
    base: int | None = None
    note: str = ""

    def stored(self, plane: NDArray[Any], layout: VolumeLayout) -> NDArray[Any]:
        """A plane of the file's values as it is stored."""
        if self.base is not None:
            wide = plane.astype(np.int64) if plane.dtype.kind == "i" else plane
            return (wide - wide.dtype.type(self.base)).astype(self.dtype)
        meant = plane.astype(np.float64) * layout.slope + layout.intercept
        return np.clip(np.rint((meant - self.intercept) / self.slope), 0, _STEPS).astype(self.dtype)


@dataclass
class _Seen:
    """What the planes hold, as they go by."""

    low: float = np.inf
    high: float = -np.inf
    is_whole: bool = True
    samples: list[NDArray[np.float64]] = field(default_factory=list)


def storage_of(planes: Iterable[NDArray[Any]], layout: VolumeLayout, labels: LabelLook | None) -> Storage:
    """How the values of these planes are stored; Refused where they are no numbers, or 16 bits are too few.

    `labels` looks at the planes, too.
    """
    seen = _Seen()
    for plane in planes:
        low, high = plane.min(), plane.max()
        if not (np.isfinite(low) and np.isfinite(high)):
            raise Refused("Its values are not all numbers (NaN or infinite); replace these first.")
        seen.low, seen.high = min(seen.low, float(low)), max(seen.high, float(high))
        if seen.is_whole and plane.dtype.kind == "f":
            seen.is_whole = bool(np.array_equal(plane, np.rint(plane)))
        flat = plane.ravel()
        seen.samples.append(flat[:: max(1, flat.size * layout.shape[2] // _SAMPLES)].astype(np.float64))
        if labels is not None:
            labels.take(plane)
    middle = np.quantile(np.concatenate(seen.samples) * layout.slope + layout.intercept, (0.01, 0.99))
    if seen.is_whole and abs(seen.low) < 2**53 and abs(seen.high) < 2**53 and seen.high - seen.low <= _STEPS:
        return _exact(seen, layout, middle)
    return _rounded(seen, layout, middle)


def _exact(seen: _Seen, layout: VolumeLayout, middle: NDArray[np.float64]) -> Storage:
    base = int(seen.low) if seen.low < 0 or seen.high > _STEPS else 0
    dtype = np.dtype("u1" if seen.high - base <= 255 else "<u2")
    window = _window(middle, seen, layout)
    return Storage(dtype, layout.slope, layout.intercept + base * layout.slope, window, base)


def _rounded(seen: _Seen, layout: VolumeLayout, middle: NDArray[np.float64]) -> Storage:
    ends = sorted(value * layout.slope + layout.intercept for value in (seen.low, seen.high))
    intercept = float(DSfloat(ends[0], auto_format=True))
    # A little wider than the range, for what writing these two numbers in 16 characters rounds away.
    slope = float(DSfloat((ends[1] - intercept) / _STEPS * (1 + 1e-9), auto_format=True))
    if (middle[1] - middle[0]) < _FEWEST_STEPS * slope:
        raise Refused(
            f"Its values run from {ends[0]:g} to {ends[1]:g}, most of them within {middle[0]:g} to {middle[1]:g}: "
            "16 bits cannot hold both. Clip or rescale them first."
        )
    what = "Whole values" if seen.is_whole else "Floating point values"
    note = f"{what} rounded to 65,536 even steps of {slope:g}"
    return Storage(np.dtype("<u2"), slope, intercept, _window(middle, seen, layout), None, note)


def _window(middle: NDArray[np.float64], seen: _Seen, layout: VolumeLayout) -> tuple[float, float]:
    """What shows the middle 98 % of the voxels, or all where these are one value."""
    low, high = float(middle[0]), float(middle[1])
    if high <= low:
        low, high = sorted(value * layout.slope + layout.intercept for value in (seen.low, seen.high))
    width = max(high - low, abs(layout.slope))
    return (low + high) / 2, width + 1 if width >= 1 else width


class LabelLook:
    """Whether planes look like labels: few whole values from 0 up, in even patches."""

    def __init__(self) -> None:
        self._values: set[int] = set()
        self._may_be = True
        self._pairs = self._even = 0

    def take(self, plane: NDArray[Any]) -> None:
        """Look at one more plane."""
        if not self._may_be:
            return
        if (
            plane.min() < 0
            or plane.max() > _STEPS
            or (plane.dtype.kind == "f" and not np.array_equal(plane, np.rint(plane)))
        ):
            self._may_be = False
            return
        whole = plane.astype(np.int64)
        self._values.update(np.flatnonzero(np.bincount(whole.ravel())).tolist())
        self._may_be = len(self._values) <= _MOST_LABELS
        left, right = whole[:, :-1], whole[:, 1:]
        marked = (left != 0) | (right != 0)
        self._pairs += int(np.count_nonzero(marked))
        self._even += int(np.count_nonzero(marked & (left == right)))

    @property
    def says_labels(self) -> bool:
        """Whether all that was taken looks like labels."""
        if not self._may_be:
            return False
        return len(self._values) <= _FEW_LABELS or self._even >= _LABEL_EVENNESS * self._pairs
