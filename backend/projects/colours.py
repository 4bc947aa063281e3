"""Colours of finding types: the palette in its order, and how far apart two colours are (CIE76)."""

from __future__ import annotations

import math
import re
from typing import Final

PALETTE: Final = ("#eaaa1c", "#6c88fe", "#bcffb9", "#b97cc2", "#d2692a", "#91ae7a", "#e3cc6f", "#f2f2f2")
"""Given out in this order; the smallest difference of any two is 30, and 24 under simulated colour blindness."""

ACCENT: Final = "#62b0f5"
LEAST_DIFFERENCE: Final = 20.0
_HEX = re.compile(r"#[0-9a-f]{6}")
_D65 = (0.95047, 1.0, 1.08883)


def is_colour(text: str) -> bool:
    """Whether `text` is a colour as we store it: #rrggbb in lower case."""
    return _HEX.fullmatch(text) is not None


def colour_difference(one: str, other: str) -> float:
    """CIE76: the distance of two colours in CIELAB (D65)."""
    return math.dist(_lab(one), _lab(other))


def next_colour(taken: list[str]) -> str:
    """The palette's first colour that is not taken; when all are, they repeat in their order."""
    for colour in PALETTE:
        if colour not in taken:
            return colour
    return PALETTE[len(taken) % len(PALETTE)]


def too_near(colour: str, taken: list[str]) -> str | None:
    """The colour (of `taken`, or the accent) that `colour` could be mistaken for; the palette may repeat itself."""
    if colour in PALETTE and (colour not in taken or all(entry in taken for entry in PALETTE)):
        return None
    for other in [*taken, ACCENT]:
        if colour_difference(colour, other) < LEAST_DIFFERENCE:
            return other
    return None


def _lab(colour: str) -> tuple[float, float, float]:
    linear = [_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5)]
    red, green, blue = linear
    x = 0.4124564 * red + 0.3575761 * green + 0.1804375 * blue
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = 0.0193339 * red + 0.1191920 * green + 0.9503041 * blue
    fx, fy, fz = (_root(value / white) for value, white in zip((x, y, z), _D65, strict=True))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _root(value: float) -> float:
    return math.cbrt(value) if value > (6 / 29) ** 3 else value / (3 * (6 / 29) ** 2) + 4 / 29
