"""Shapes that phantoms are drawn with: outlines that vary smoothly, tubes along curves, a small alphabet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Points = NDArray[np.float64]

# 5×7 dot letters, one number per row, the leftmost dot is bit 4.
_LETTERS: Final = {
    "C": (14, 17, 16, 16, 16, 17, 14),
    "E": (31, 16, 16, 30, 16, 16, 31),
    "H": (17, 17, 17, 31, 17, 17, 17),
    "I": (14, 4, 4, 4, 4, 4, 14),
    "L": (16, 16, 16, 16, 16, 16, 31),
    "N": (17, 25, 21, 19, 17, 17, 17),
    "S": (15, 16, 16, 14, 1, 1, 30),
    "T": (31, 4, 4, 4, 4, 4, 4),
    "Y": (17, 17, 10, 4, 4, 4, 4),
}


def word(text: str, scale: int) -> NDArray[np.bool_]:
    """The dots of a word of the letters above, each dot `scale` pixels wide."""
    rows = [
        np.array([[bool(bits >> (4 - i) & 1) for i in range(5)] + [False] for bits in _LETTERS[letter]]) for letter in text
    ]
    return np.kron(np.hstack(rows), np.ones((scale, scale), dtype=bool)).astype(bool)


def through(knots: Sequence[tuple[float, float]], at: Field) -> Field:
    """Values of a smooth curve through knots (position, value) in rising position, constant outside them."""
    positions, values = np.array(knots, dtype=float).T
    fine = np.linspace(positions[0], positions[-1], 400)
    coarse = np.interp(fine, positions, values)
    kernel = np.hanning(41)
    smooth = np.convolve(np.pad(coarse, 20, mode="edge"), kernel / kernel.sum(), mode="valid")
    return np.interp(at, fine, smooth).astype(np.float32)


def curve(knots: Sequence[tuple[float, float]], step: float) -> Points:
    """Points (column, row) at most about `step` apart on a Catmull-Rom spline through the knots."""
    points = np.array(knots, dtype=float)
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    pieces = []
    for p0, p1, p2, p3 in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True):
        count = max(2, int(np.hypot(*(p2 - p1)) / step) + 1)
        t = np.linspace(0, 1, count, endpoint=False)[:, None]
        pieces.append(
            0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
        )
    return np.vstack([*pieces, points[-1:]])


class Window(NamedTuple):
    """A rectangle of an image that a shape touches, as an index."""

    rows: slice
    columns: slice


def window_of(shape: tuple[int, int], path: Points, reach: float) -> Window | None:
    """The rectangle within `reach` of a path, None if it lies outside the image."""
    (left, top), (right, bottom) = path.min(axis=0) - reach, path.max(axis=0) + reach
    rows = slice(int(max(0, top)), int(min(shape[0], max(0, bottom + 2))))
    columns = slice(int(max(0, left)), int(min(shape[1], max(0, right + 2))))
    return Window(rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def _near(window: Window, ends: Points, radius: float) -> Field:
    """Distance of the pixels of a window from a segment, as a share of the radius."""
    (x0, y0), (dx, dy) = ends[0], ends[1] - ends[0]
    x = np.arange(window.columns.start, window.columns.stop, dtype=np.float32) + np.float32(0.5 - x0)
    y = (np.arange(window.rows.start, window.rows.stop, dtype=np.float32) + np.float32(0.5 - y0))[:, None]
    along = np.clip((x * np.float32(dx) + y * np.float32(dy)) / np.float32(max(dx * dx + dy * dy, 1e-9)), 0, 1)
    distance = np.hypot(x - along * np.float32(dx), y - along * np.float32(dy)) / np.float32(radius)
    return distance.astype(np.float32)


def tube(shape: tuple[int, int], path: Points, radius: float) -> Field:
    """Each pixel's distance from a path in pixels as a share of the radius; 1 outside."""
    share = np.ones(shape, dtype=np.float32)
    for ends in np.stack([path[:-1], path[1:]], axis=1):
        window = window_of(shape, ends, radius)
        if window is not None:
            np.minimum(share[window], _near(window, ends, radius), out=share[window])
    return share


def add_strand(thickness: Field, path: Points, radii: NDArray[np.float64]) -> None:
    """Raise `thickness` to that of a solid round strand along the path, in the unit of its radii, pixels."""
    for ends, radius in zip(np.stack([path[:-1], path[1:]], axis=1), radii[:-1], strict=True):
        window = window_of(thickness.shape, ends, radius)
        if window is not None:
            solid = 2 * np.float32(radius) * dome(_near(window, ends, radius))
            np.maximum(thickness[window], solid, out=thickness[window])


def blurred(image: Field, sigma: float) -> Field:
    """Gaussian blur by `sigma` pixels; the border is continued by reflection."""
    # A multiple of 16 keeps the transform's sizes composite, hence fast.
    pad = -(-int(3 * sigma + 1) // 16) * 16
    padded = np.pad(image, pad, mode="reflect" if pad < min(image.shape) else "edge")
    rows, columns = padded.shape
    fy, fx = np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None]
    response = np.exp(-2 * (np.pi * sigma) ** 2 * (fy**2 + fx**2))
    smooth = np.fft.irfft2(np.fft.rfft2(padded) * response, s=padded.shape)
    inner: Field = smooth[pad:-pad, pad:-pad].astype(np.float32)
    return inner


def texture(rng: np.random.Generator, shape: tuple[int, int], exponent: float) -> Field:
    """Random field of mean 0 and deviation 1 whose spectrum falls with the frequency to the power `exponent`."""
    rows, columns = shape
    fy, fx = np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None]
    frequency = np.hypot(fy, fx)
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(rng.standard_normal(shape)) / frequency**exponent
    spectrum[0, 0] = 0
    field: NDArray[np.float64] = np.fft.irfft2(spectrum, s=shape)
    result: Field = (field / field.std()).astype(np.float32)
    return result


def dome(share: Field) -> Field:
    """Thickness of a unit ball along the beam at a distance from its axis given as a share of the radius."""
    depth: Field = np.sqrt(np.clip(1 - share**2, 0, 1)).astype(np.float32)
    return depth


def lobulated(rng: np.random.Generator, roughness: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Amplitudes and phases of an outline R(θ) = 1 + Σ a_k cos(kθ + φ_k), k from 2 to 6."""
    orders = np.arange(2, 7)
    return rng.normal(0, roughness / orders), rng.uniform(0, 2 * np.pi, orders.size)


def outline_share(x: Field, y: Field, radius: float, form: tuple[NDArray[np.float64], NDArray[np.float64]]) -> Field:
    """Distance from the centre as a share of the outline's radius in that direction; inside where below 1."""
    amplitudes, phases = form
    angle = np.arctan2(y, x)
    outline = np.ones_like(angle)
    for order, amplitude, phase in zip(range(2, 7), amplitudes, phases, strict=True):
        outline = outline + amplitude * np.cos(order * angle + phase)
    return (np.hypot(x, y) / (radius * np.clip(outline, 0.5, 1.6))).astype(np.float32)
