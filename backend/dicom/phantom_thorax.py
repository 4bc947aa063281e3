"""A CT-like thorax in Hounsfield units: lungs, heart, aorta, spine, ribs, vessels and ellipsoid nodules of known voxels.

Coordinates are millimetres about the middle of the volume: x to the patient's left, y to the back, z to the head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.dicom.phantom_shapes import Field, blurred, texture, word

SLICES: Final = 40
SIDE: Final = 256
PIXEL_MM: Final = 1.4
SPACING_MM: Final = 5.0
_AIR: Final = -1000.0
_RIB_PITCH: Final = 25.0


@dataclass(frozen=True)
class Thorax:
    """Voxels in HU (slice from feet to head, row, column) and the exact mask of each nodule in the same grid."""

    voxels: NDArray[np.int16]
    nodules: list[NDArray[np.bool_]]


@dataclass(frozen=True)
class _Nodule:
    centre: tuple[float, float, float]
    axes: tuple[float, float, float]
    density: float


def slice_position(index: int) -> float:
    """z of a slice's centre in mm."""
    return (index - (SLICES - 1) / 2) * SPACING_MM


def thorax(seed: int) -> Thorax:
    """The volume of a seed; equal seeds give equal voxels."""
    rng = np.random.default_rng([seed, 7])
    centres = (np.arange(SIDE, dtype=np.float32) + 0.5 - SIDE / 2) * PIXEL_MM
    x, y = np.meshgrid(centres, centres)
    nodules = _nodules(rng)
    vessels = _vessels(rng)
    slices, masks = [], [np.zeros((SLICES, SIDE, SIDE), dtype=bool) for _ in nodules]
    for index in range(SLICES):
        z = slice_position(index)
        image = _anatomy(x, y, z)
        lung = image < -700
        image += lung * 28 * texture(rng, image.shape, 0.9)
        _draw_vessels(image, vessels, z, lung)
        for nodule, mask in zip(nodules, masks, strict=True):
            inside = _inside(x, y, z, nodule)
            image[inside] = nodule.density
            mask[index] = inside
        noise = blurred(rng.standard_normal(image.shape).astype(np.float32), 0.8)
        image = blurred(image, 0.55) + 60 * noise
        dots = word("SYNTHETIC", 1)
        image[16 : 16 + dots.shape[0], 6 : 6 + dots.shape[1]][dots] = 1200
        slices.append(np.clip(image, -1024, 3000).astype(np.int16))
    return Thorax(np.stack(slices), masks)


def _ellipse(x: Field, y: Field, centre: tuple[float, float], axes: tuple[float, float]) -> Field:
    share: Field = np.sqrt(((x - centre[0]) / axes[0]) ** 2 + ((y - centre[1]) / axes[1]) ** 2)
    return share


def _lung(x: Field, y: Field, z: float, side: int) -> NDArray[np.bool_]:
    """One lung: an ellipsoid that narrows to the head, hollowed by the heart's side and lifted by the diaphragm."""
    height = (z + 30) / 150
    if abs(height) >= 1:
        return np.zeros(x.shape, dtype=bool)
    size = float(np.sqrt(1 - height**2))
    body = _ellipse(x, y, (side * (70 - 16 * max(height, 0)), -2), (56 * size + 4, 84 * size + 3)) < 1
    dome_height = -118 + (34 if side < 0 else 24)
    diaphragm = dome_height * 1.0 + 46 * np.sqrt(np.clip(1 - _ellipse(x, y, (side * 66, -12), (78, 96)) ** 2, 0, 1))
    medial = side * x > 14 + 5 * np.cos(y / 34)
    return body & medial & (z > diaphragm - 12)


def _anatomy(x: Field, y: Field, z: float) -> Field:
    """Everything but vessels and nodules."""
    image = np.full(x.shape, _AIR, dtype=np.float32)
    shoulder = 1 + 0.1 * np.clip((z - 40) / 60, 0, 1)
    skin = _ellipse(x, y, (0, 4), (165 * shoulder, 116))
    image[skin < 1] = -95
    muscle = _ellipse(x, y, (0, 4), (151 * shoulder, 104))
    image[muscle < 1] = 48
    image[(muscle < 0.985) & (muscle > 0.955)] = -70
    for side in (-1, 1):
        image[_lung(x, y, z, side)] = -868
    heart_size = float(np.sqrt(np.clip(1 - ((z + 42) / 56) ** 2, 0, 1)))
    if heart_size > 0:
        image[_ellipse(x, y, (16, -26), (60 * heart_size + 1, 48 * heart_size + 1)) < 1] = 42
        image[_ellipse(x, y, (20, -22), (32 * heart_size + 1, 26 * heart_size + 1)) < 1] = 60
    image[_ellipse(x, y, (0, -16), (19, 40)) < 1] = np.where(image[_ellipse(x, y, (0, -16), (19, 40)) < 1] < -500, -70, 40)
    for centre, radius in (((21.0, 42.0), 12.5), ((-14.0, -22.0), 9.0)):
        image[_ellipse(x, y, centre, (radius, radius)) < 1] = 55
    if z > 8:
        image[_ellipse(x, y, (-1, 4), (8.5, 8)) < 1] = -990
    else:
        spread = min(28.0, 6 + (8 - z) * 0.55)
        for side in (-1, 1):
            if spread < 28:
                image[_ellipse(x, y, (side * spread, 4), (6, 6)) < 1] = -985
    _draw_bones(image, x, y, z)
    table = (np.abs(y - 128 - 0.0006 * x**2) < 2.2) & (np.abs(x) < 165)
    image[table] = -250
    return image


def _draw_bones(image: Field, x: Field, y: Field, z: float) -> None:
    """Spine, ribs that fall towards the front, breastbone, shoulder blades."""
    vertebra = _ellipse(x, y, (0, 66), (20, 17))
    disc = abs((z + 200) % 28 - 14) > 11
    image[vertebra < 1] = 95 if disc else 190
    if not disc:
        image[(vertebra < 1) & (vertebra > 0.86)] = 520
    arch = _ellipse(x, y, (0, 90), (17, 12))
    image[(arch < 1) & (arch > 0.62)] = 430
    image[arch <= 0.62] = 25
    image[(np.abs(x) < 3.2) & (y > 98) & (y < 112)] = 420
    wall = _ellipse(x, y, (0, 2), (139, 94))
    front = (1 - (y - 2) / 94) / 2
    height = z + 62 * np.clip(front, 0, 1)
    near = np.abs(np.mod(height, _RIB_PITCH) - _RIB_PITCH / 2)
    thick = np.hypot((wall - 0.965) * 118 / 5.2, near / 6.2)
    rib = (thick < 1) & (np.abs(x) > 24)
    image[rib] = 260
    image[rib & (thick > 0.62)] = 620
    if z > -45:
        image[_ellipse(x, y, (0, -88), (15, 5.5)) < 1] = 240
    if z > 15:
        for side in (-1, 1):
            image[np.hypot((side * x - 100 + 0.9 * (y - 58)) / 4.5, (y - 58) / 22) < 1] = 420


def _inside(x: Field, y: Field, z: float, nodule: _Nodule) -> NDArray[np.bool_]:
    (cx, cy, cz), (a, b, c) = nodule.centre, nodule.axes
    inside: NDArray[np.bool_] = ((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 + ((z - cz) / c) ** 2 < 1
    return inside


def _nodules(rng: np.random.Generator) -> list[_Nodule]:
    """Spheres and ellipsoids well inside the lungs, far from each other."""
    places = [(-72.0, -22.0, 34.0), (78.0, 8.0, 44.0), (-84.0, 22.0, -28.0), (84.0, 34.0, -22.0), (-58.0, 40.0, 6.0)]
    found = []
    for index, place in enumerate(places):
        centre = tuple(float(value + rng.uniform(-5, 5)) for value in place)
        size = float(rng.uniform(7, 17))
        axes = (size, size, size) if index % 2 == 0 else tuple(float(size * rng.uniform(0.7, 1.3)) for _ in range(3))
        found.append(_Nodule(centre, axes, float(rng.uniform(15, 60))))  # type: ignore[arg-type]
    return found


def _vessels(rng: np.random.Generator) -> NDArray[np.float64]:
    """Points (x, y, z, radius) along branching vessels."""
    points: list[tuple[float, float, float, float]] = []
    for side in (-1, 1):
        for _ in range(14):
            way = np.array([side * rng.uniform(0.5, 1), rng.normal(0, 0.8), rng.normal(0, 0.8)])
            _grow(rng, points, np.array([side * 30.0, 2.0, rng.uniform(-25, 12)]), way / np.linalg.norm(way), 3.6, 4)
    return np.array(points)


def _grow(
    rng: np.random.Generator,
    points: list[tuple[float, float, float, float]],
    start: NDArray[np.float64],
    way: NDArray[np.float64],
    radius: float,
    depth: int,
) -> None:
    place, heading = start, way
    for _ in range(int(rng.uniform(7, 13))):
        heading = heading + rng.normal(0, 0.1, 3)
        heading /= np.linalg.norm(heading)
        place = place + 2.0 * heading
        points.append((float(place[0]), float(place[1]), float(place[2]), radius))
    if depth:
        for _ in range(2):
            turned = heading + rng.normal(0, 0.45, 3)
            _grow(rng, points, place, turned / np.linalg.norm(turned), radius * 0.74, depth - 1)


def _draw_vessels(image: Field, vessels: NDArray[np.float64], z: float, lung: NDArray[np.bool_]) -> None:
    """Discs of the vessels near a slice: the thin ones, which fill their voxels in part, below the others."""
    near = vessels[np.abs(vessels[:, 2] - z) < vessels[:, 3] + SPACING_MM / 2]
    for are_wide, density in ((False, -350), (True, 30)):
        column, row, _, radius = near[(near[:, 3] > 1.6) == are_wide].T[:, :, None, None]
        column, row = column / PIXEL_MM + SIDE / 2 - 0.5, row / PIXEL_MM + SIDE / 2 - 0.5
        grid = np.arange(-3, 5)
        columns, rows = np.floor(column).astype(int) + grid, np.floor(row).astype(int) + grid[:, None]
        reach = np.maximum(radius / PIXEL_MM, 0.6)
        disc = (columns - column) ** 2 + (rows - row) ** 2 <= reach**2
        disc &= (columns >= 0) & (columns < SIDE) & (rows >= 0) & (rows < SIDE)
        columns, rows = np.broadcast_to(columns, disc.shape)[disc], np.broadcast_to(rows, disc.shape)[disc]
        inside = lung[rows, columns]
        image[rows[inside], columns[inside]] = density
