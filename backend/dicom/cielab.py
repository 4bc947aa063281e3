"""Colours as DICOM recommends them for display: CIELab as three 16-bit numbers (PS3.3 C.10.7.1.1)."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

_HEX: Final = re.compile(r"#[0-9a-fA-F]{6}")
# sRGB (IEC 61966-2-1) to XYZ of its own white, D65: so OHIF, 3D Slicer and highdicom read these numbers.
_XYZ_OF_RGB: Final = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE: Final = np.array([0.95047, 1.0, 1.08883])


def rgb_values(colour: str) -> list[int]:
    """Red, green and blue of `#rrggbb`; empty where it is none."""
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)] if _HEX.fullmatch(colour) else []


def cielab_values(colour: str) -> list[int]:
    """L*, a*, b* of `#rrggbb`, scaled to 16 bits; empty where it is none."""
    rgb = np.array(rgb_values(colour)) / 255
    if not rgb.size:
        return []
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = (_XYZ_OF_RGB @ linear) / _WHITE
    x, y, z = (value ** (1 / 3) if value > (6 / 29) ** 3 else value / (3 * (6 / 29) ** 2) + 4 / 29 for value in (x, y, z))
    lab = np.array([(116 * y - 16) / 100, (500 * (x - y) + 128) / 255, (200 * (y - z) + 128) / 255])
    return [int(value) for value in np.clip(np.round(lab * 0xFFFF), 0, 0xFFFF)]
