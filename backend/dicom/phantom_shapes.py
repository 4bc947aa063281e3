"""Shapes that phantoms are drawn with: outlines that vary smoothly, tubes along curves, a small alphabet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Points = NDArray[np.float64]

_TOGETHER: Final = 5
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


def _near(window: Window, ends: NDArray[np.float64], radii: NDArray[np.float64]) -> Field:
    """Distance of the pixels of a window from each of n segments (n, 2, 2), as a share of its radius: (n, rows, columns)."""
    start, way = ends[:, 0, :, None, None].astype(np.float32), (ends[:, 1] - ends[:, 0])[:, :, None, None].astype(np.float32)
    x = np.arange(window.columns.start, window.columns.stop, dtype=np.float32) + np.float32(0.5) - start[:, 0]
    y = np.arange(window.rows.start, window.rows.stop, dtype=np.float32)[:, None] + np.float32(0.5) - start[:, 1]
    length = np.maximum(way[:, 0] ** 2 + way[:, 1] ** 2, np.float32(1e-9))
    along = np.clip((x * way[:, 0] + y * way[:, 1]) / length, 0, 1)
    share: Field = np.hypot(x - along * way[:, 0], y - along * way[:, 1]) / radii[:, None, None].astype(np.float32)
    return share


def _groups(path: Points) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """The segments of a path, a few neighbours at a time: one window holds them, one call draws them."""
    ends = np.stack([path[:-1], path[1:]], axis=1)
    for first in range(0, len(ends), _TOGETHER):
        yield slice(first, first + _TOGETHER), ends[first : first + _TOGETHER]


def tube(shape: tuple[int, int], path: Points, radius: float) -> Field:
    """Each pixel's distance from a path in pixels as a share of the radius; 1 outside."""
    share = np.ones(shape, dtype=np.float32)
    for _, ends in _groups(path):
        window = window_of(shape, ends.reshape(-1, 2), radius)
        if window is not None:
            near = _near(window, ends, np.full(len(ends), radius)).min(axis=0)
            np.minimum(share[window], near, out=share[window])
    return share


def add_strand(thickness: Field, path: Points, radii: NDArray[np.float64]) -> None:
    """Raise `thickness` to that of a solid round strand along the path, in the unit of its radii, pixels."""
    for part, ends in _groups(path):
        widths = radii[:-1][part]
        window = window_of(thickness.shape, ends.reshape(-1, 2), float(widths.max()))
        if window is not None:
            solid = 2 * widths[:, None, None].astype(np.float32) * dome(_near(window, ends, widths))
            np.maximum(thickness[window], solid.max(axis=0), out=thickness[window])


def blurred(image: Field, sigma: float) -> Field:
    """Gaussian blur by `sigma` pixels; the border is continued by reflection."""
    # A multiple of 16 keeps the transform's sizes composite, hence fast.
    pad = -(-int(3 * sigma + 1) // 16) * 16
    padded = np.pad(image, pad, mode="reflect" if pad < min(image.shape) else "edge")
    rows, columns = padded.shape
    fy, fx = np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None]
    response = np.exp(-2 * (np.pi * sigma) ** 2 * (fy**2 + fx**2)).astype(np.float32)
    smooth = np.fft.irfft2(np.fft.rfft2(padded) * response, s=padded.shape)
    inner: Field = smooth[pad:-pad, pad:-pad].astype(np.float32)
    return inner


def texture(rng: np.random.Generator, shape: tuple[int, int], exponent: float) -> Field:
    """Random field of mean 0 and deviation 1 whose spectrum falls with the frequency to the power `exponent`."""
    rows, columns = shape
    fy, fx = np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None]
    frequency = np.hypot(fy, fx)
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(rng.standard_normal(shape, dtype=np.float32)) / (frequency**exponent).astype(np.float32)
    spectrum[0, 0] = 0
    field: Field = np.fft.irfft2(spectrum, s=shape).astype(np.float32)
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
    angle = np.arctan2(y, x)
    outline = np.ones_like(angle)
    for order, amplitude, phase in zip(range(2, 7), *form, strict=True):
        outline += np.float32(amplitude) * np.cos(order * angle + np.float32(phase))
    return (np.hypot(x, y) / (radius * np.clip(outline, 0.5, 1.6))).astype(np.float32)
