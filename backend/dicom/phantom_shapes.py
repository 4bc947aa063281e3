"""Shapes that phantoms are drawn with: outlines that vary smoothly, tubes along curves, a small alphabet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Points = NDArray[np.float64]

_PATCH_PIXELS: Final = 1 << 16  # as many as stay in the cache
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


def tube(shape: tuple[int, int], path: Points, radius: float) -> Field:
    """Each pixel's distance from a path in pixels as a share of the radius; 1 outside."""
    share = np.ones(shape, dtype=np.float32)
    radii = np.full((1, len(path)), radius)
    for places, inside, near, _ in _around(shape, path[None], radii):
        np.minimum.at(share.reshape(-1), places[inside], near[inside])
    return share


def add_strands(thickness: Field, paths: Points, radii: NDArray[np.float64]) -> None:
    """Raise `thickness` to that of solid round strands along n paths (n, points, 2) of radii (n, points), all in pixels."""
    for places, inside, near, widths in _around(thickness.shape, paths, radii):
        np.maximum.at(thickness.reshape(-1), places[inside], (2 * widths * dome(near))[inside])


def _around(
    shape: tuple[int, ...], paths: Points, radii: NDArray[np.float64]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.bool_], Field, Field]]:
    """What lies around the segments of paths, many at a time, in square patches of one size.

    Flat index of each pixel, whether it lies in the image and within the radius, its distance from the segment as a
    share of the radius there, and that radius. One call for many small patches costs a tenth of one for each.
    """
    start = paths[:, :-1].reshape(-1, 2).astype(np.float32)
    way = np.diff(paths, axis=1).reshape(-1, 2).astype(np.float32)
    first = radii[:, :-1].reshape(-1).astype(np.float32)
    growth = np.diff(radii, axis=1).reshape(-1).astype(np.float32)
    corner = np.floor(np.minimum(start, start + way) - np.maximum(first, first + growth)[:, None]).astype(np.intp)
    side = int(np.abs(way).max() + 2 * radii.max()) + 3
    grid = np.arange(side)
    length = np.maximum((way**2).sum(axis=1), np.float32(1e-9))[:, None, None]
    together = max(1, _PATCH_PIXELS // side**2)
    for begin in range(0, len(start), together):
        part = slice(begin, begin + together)
        columns, rows = corner[part, 0, None, None] + grid, corner[part, 1, None, None] + grid[:, None]
        x = (columns + np.float32(0.5)).astype(np.float32) - start[part, 0, None, None]
        y = (rows + np.float32(0.5)).astype(np.float32) - start[part, 1, None, None]
        dx, dy = way[part, 0, None, None], way[part, 1, None, None]
        along = np.clip((x * dx + y * dy) / length[part], 0, 1)
        widths = first[part, None, None] + along * growth[part, None, None]
        near: Field = np.sqrt((x - along * dx) ** 2 + (y - along * dy) ** 2) / widths
        inside = (near < 1) & (columns >= 0) & (columns < shape[1]) & (rows >= 0) & (rows < shape[0])
        yield rows * shape[1] + columns, inside, near, widths


def blurred(image: Field, sigma: float) -> Field:
    """Gaussian blur by `sigma` pixels; the border is continued by reflection."""
    return filtered(image, ((1.0, sigma),)) if sigma > 2 else _softened(image, sigma)


def _softened(image: Field, sigma: float) -> Field:
    """A narrow Gaussian, tap by tap: cheaper than two transforms."""
    reach = int(np.ceil(3.5 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        size = image.shape[axis]
        padded = np.pad(image, [(reach, reach) if one == axis else (0, 0) for one in (0, 1)], mode="reflect")
        image = weights[reach] * padded.take(range(reach, reach + size), axis)
        for tap in range(reach):
            behind, ahead = (
                padded.take(range(tap, tap + size), axis),
                padded.take(range(2 * reach - tap, 2 * reach - tap + size), axis),
            )
            image += weights[tap] * (behind + ahead)
    return image


def filtered(image: Field, parts: Sequence[tuple[float, float]]) -> Field:
    """Sum of Gaussian blurs of an image, each given as (weight, sigma in pixels); the border is continued by reflection."""
    # A multiple of 16 keeps the transform's sizes composite, hence fast.
    pad = -(-int(3 * max(sigma for _, sigma in parts) + 1) // 16) * 16
    padded = np.pad(image, pad, mode="reflect" if pad < min(image.shape) else "edge")
    response = sum(np.float32(weight) * _gaussian_response(padded.shape, sigma) for weight, sigma in parts)
    smooth = np.fft.irfft2(np.fft.rfft2(padded) * response, s=padded.shape)
    inner: Field = smooth[pad:-pad, pad:-pad].astype(np.float32)
    return inner


@lru_cache(maxsize=8)
def _gaussian_response(shape: tuple[int, int], sigma: float) -> Field:
    """The spectrum of a Gaussian; like all images of one size, they are few."""
    rows, columns = shape
    fy, fx = np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None]
    response: Field = np.exp(-2 * (np.pi * sigma) ** 2 * (fy**2 + fx**2)).astype(np.float32)
    return response


def texture(rng: np.random.Generator, shape: tuple[int, int], exponent: float) -> Field:
    """Random field of mean 0 and deviation 1 whose spectrum falls with the frequency to the power `exponent`."""
    envelope = _power_law(shape, exponent)
    noise = rng.standard_normal((2, *envelope.shape), dtype=np.float32)
    field: Field = np.fft.irfft2((noise[0] + 1j * noise[1]) * envelope, s=shape).astype(np.float32)
    field /= field.std()
    return field


@lru_cache(maxsize=8)
def _power_law(shape: tuple[int, int], exponent: float) -> Field:
    """The spectrum of a texture, nothing at frequency 0."""
    rows, columns = shape
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None])
    frequency[0, 0] = np.inf
    envelope: Field = (frequency**-exponent).astype(np.float32)
    return envelope


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
