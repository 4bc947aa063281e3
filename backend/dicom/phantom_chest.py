"""Chest radiographs that no patient was exposed for: attenuation along the beam, in centimetres of soft tissue.

A torso, two lungs, heart, mediastinum, trachea, spine, ribs, clavicles and branching vessels are added up along a
parallel beam; lesions are bodies of known outline inside the lungs; quantum noise grows with attenuation. The outline
of a lesion is exact: its mask holds the pixels whose centres lie inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.dicom.phantom_shapes import (
    Field,
    add_strands,
    blurred,
    curve,
    dome,
    filtered,
    lobulated,
    outline_share,
    texture,
    through,
    tube,
    window_of,
    word,
)

SIDE: Final = 512
PIXEL_CM: Final = 0.073
BITS: Final = 12
_LUNG_DENSITY: Final = 0.25
_LUNG_DEPTH: Final = 13.5
_BONE: Final = 1.75
_STEMS: Final = 8
_GENERATIONS: Final = 5


@dataclass(frozen=True)
class ChestLesion:
    """A lesion's kind ("Nodule" or "Mass") and its exact mask (rows, columns)."""

    kind: str
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class Chest:
    """A radiograph (rows, columns) of 12-bit pixels, its lesions, and what its header says of the person."""

    pixels: NDArray[np.uint16]
    lesions: list[ChestLesion]
    sex: str
    age: int


@dataclass(frozen=True)
class _Body:
    """Body coordinates in cm of every pixel (x to the patient's left, y down) and the way from body to pixel."""

    x: Field
    y: Field
    origin: NDArray[np.float64]
    matrix: NDArray[np.float64]
    scale: float

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (x, y) in cm as (column, row) in SCOORD convention."""
        moved: NDArray[np.float64] = points @ self.matrix.T + self.origin
        return moved


def chest(seed: int, patient: int) -> Chest:
    """The radiograph of a seed; equal arguments give equal pixels."""
    rng = np.random.default_rng([seed, patient])
    sex, age = ("F" if rng.random() < 0.5 else "M"), int(rng.integers(25, 88))
    body = _posed(rng)
    lung = _lungs(body, rng)
    tissue, lung = _torso(body, rng, lung, sex)
    kinds = _kinds_of(rng)
    lesions, added = _lesions(body, rng, lung, kinds)
    attenuation = tissue - (1 - _LUNG_DENSITY) * lung + added + _vessels(body, rng, lung) + _bones(body, rng)
    # Fat, muscle and bowel differ from person to person: so do coarse hashes of their images.
    attenuation += 0.75 * texture(rng, (SIDE, SIDE), 1.9) * np.clip(tissue / 20, 0, 1)
    attenuation += 0.22 * texture(rng, (SIDE, SIDE), 1.1) * lung / _LUNG_DEPTH
    return Chest(_exposed(attenuation, rng), lesions, sex, age)


def _posed(rng: np.random.Generator) -> _Body:
    """How the person stands before the detector: size, position, a slight turn."""
    scale = rng.uniform(0.82, 1.1)
    stretch = rng.uniform(0.91, 1.09)
    angle = np.deg2rad(rng.normal(0, 3.2))
    shift = rng.normal(0, [1.6, 1.3])
    size = scale * np.array([stretch, 1 / stretch])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag(size) / PIXEL_CM
    origin = np.array([SIDE / 2, SIDE / 2 + 1.6 / PIXEL_CM]) + shift / PIXEL_CM
    centres = np.arange(SIDE, dtype=np.float64) + 0.5
    column, row = np.meshgrid(centres, centres)
    inverse = np.linalg.inv(matrix)
    x = inverse[0, 0] * (column - origin[0]) + inverse[0, 1] * (row - origin[1])
    y = inverse[1, 0] * (column - origin[0]) + inverse[1, 1] * (row - origin[1])
    return _Body(x.astype(np.float32), y.astype(np.float32), origin, matrix, float(scale / PIXEL_CM))


def _rise(distance: Field, reach: float) -> Field:
    """From 0 at an edge to 1 at a depth of `reach` cm, round like the edge of a body."""
    return dome(1 - np.clip(distance / reach, 0, 1).astype(np.float32))


def _chest_wall(y: Field) -> Field:
    """Half the width of the rib cage."""
    return through(
        [(-17, 4), (-14.2, 7.6), (-12, 9.6), (-8, 12.2), (-3, 13.6), (3, 14.3), (8, 14.4), (12, 14.1), (17, 13.6)], y
    )


def _lungs(body: _Body, rng: np.random.Generator) -> Field:
    """Air along the beam in cm, both lungs, before heart and mediastinum take their place."""
    wall = _chest_wall(body.y) - 0.45
    medial = through([(-14.5, 2.4), (-11, 2.3), (-7, 2.9), (-2, 3.0), (4, 2.7), (10, 2.6)], body.y)
    depth = np.zeros_like(body.x)
    breath = rng.normal(0, 0.8)
    for side, top in ((-1, 7.0 + breath), (1, 7.9 + breath)):
        out = side * body.x
        dome_at = 6.8 + rng.normal(0, 0.5)
        slope = np.where(out > dome_at, 0.085, 0.032)
        diaphragm = top + slope * (out - dome_at) ** 2
        apex = -14.3 + rng.normal(0, 0.3) + 0.13 * (out - 5.3) ** 2
        depth += (
            _rise(wall - out, 5.5)
            * _rise(out - medial, 3.2)
            * _rise(diaphragm - body.y, 2.6)
            * _rise(body.y - apex, 5.5)
            * (out > 0)
        )
    return (_LUNG_DEPTH * rng.uniform(0.9, 1.05) * depth).astype(np.float32)


def _ball(body: _Body, centre: tuple[float, float], axes: tuple[float, float], tilt: float) -> Field:
    """Thickness share (0 to 1) of an ellipsoid seen along the beam; axes in cm, tilt in degrees."""
    ball = np.zeros_like(body.x)
    window = window_of(ball.shape, body.pixels(np.array([centre])), 1.15 * max(axes) * body.scale)
    if window is not None:
        cosine, sine = float(np.cos(np.deg2rad(tilt))), float(np.sin(np.deg2rad(tilt)))
        dx, dy = body.x[window] - float(centre[0]), body.y[window] - float(centre[1])
        depth = 1 - ((cosine * dx + sine * dy) / axes[0]) ** 2 - ((cosine * dy - sine * dx) / axes[1]) ** 2
        ball[window] = np.sqrt(np.clip(depth, 0, None))
    return ball


def _torso(body: _Body, rng: np.random.Generator, lung: Field, sex: str) -> tuple[Field, Field]:
    """Soft tissue along the beam if the lungs were solid, and the lungs after heart, vessels and hila displaced air."""
    x, y = body.x, body.y
    stout = rng.uniform(0.9, 1.18)
    half = through(
        [
            (-21, 6.4),
            (-19, 6.6),
            (-17.2, 9.5),
            (-15.8, 16),
            (-14, 21.5),
            (-9, 20.2),
            (-4, 18),
            (4, 17),
            (12, 16.4),
            (22, 17),
        ],
        y,
    )
    half = half * (0.6 + 0.4 * stout)
    thick = through([(-22, 6), (-17.5, 6.6), (-14, 9), (-8, 10), (2, 10.6), (9, 11), (20, 11.6)], y) * stout
    tissue = 2 * thick * dome(np.clip(np.abs(x) / half, 0, 1.0).astype(np.float32)) ** 0.8
    if sex == "F":
        for side in (-1, 1):
            size = rng.uniform(4.6, 6.0)
            breast = _ball(body, (side * rng.uniform(7.4, 8.6), rng.uniform(5.5, 8.0)), (size, size * 1.05), 0)
            tissue += rng.uniform(0.9, 2.2) * breast**0.7
    heart_size = rng.uniform(0.88, 1.14)
    heart = _ball(body, (2.6, 4.4), (6.9 * heart_size, 4.9 * heart_size), 38)
    atrium = _ball(body, (-1.9, 3.6), (2.9, 4.6), -6)
    knob = _ball(body, (2.7, -6.3), (1.9, 1.8), 0)
    arch = _ball(body, (3.0, -2.6), (1.7, 2.9), 12)
    cava = _ball(body, (-2.1, -6.0), (1.2, 4.5), -4)
    hila = sum(
        (_ball(body, (side * rng.uniform(3.9, 4.7), rng.normal(-0.8 if side > 0 else 0.1, 0.4)), (1.25, 2.3), side * -24))
        for side in (-1, 1)
    )
    solid = 10.5 * heart + 7 * atrium + 6.5 * knob + 5.5 * arch + 5 * cava + 2.2 * np.asarray(hila)
    lung = np.clip(lung - solid, 0, None).astype(np.float32)
    windpipe = tube((SIDE, SIDE), body.pixels(curve([(0, -22), (0.1, -12), (0.35, -5.2)], 0.5)), 0.85 * body.scale)
    tissue -= 1.5 * dome(windpipe)
    for end in ((-3.4, -1.2), (3.6, -1.9)):
        path = body.pixels(curve([(0.3, -5.4), (end[0] * 0.5, -3.6), end], 0.4))
        bronchus = tube((SIDE, SIDE), path, 0.55 * body.scale)
        tissue -= 0.8 * dome(bronchus)
    if rng.random() < 0.6:
        stomach = _ball(body, (7.2 + rng.normal(0, 0.7), 11.6), (3.1 * rng.uniform(0.7, 1.2), 1.7), 8)
        tissue -= 3.6 * stomach
    return tissue.astype(np.float32), lung


def _bones(body: _Body, rng: np.random.Generator) -> Field:
    """Spine, ribs, clavicles and shoulders, in cm of soft tissue that would attenuate as much."""
    bone = np.zeros((SIDE, SIDE), dtype=np.float32)
    for index in range(11):
        start = -12.9 + index * 2.28 + rng.normal(0, 0.06)
        for side in (-1, 1):
            _add_rib(body, rng, bone, index, start, side)
    phase = np.float32(rng.uniform(0, 2.4))
    vertebra: Field = np.abs(np.mod(body.y + phase, np.float32(2.45)) - np.float32(1.225))
    across = _rise((1.95 - np.abs(body.x)).astype(np.float32), 0.8)
    bone += _BONE * across * (0.55 + 0.5 * _rise((1.02 - vertebra).astype(np.float32), 0.25))
    for side in (-1, 1):
        pedicle = np.hypot((body.x - side * 1.1) / 0.38, (vertebra - 0.35) / 0.45)
        bone += 0.5 * dome(np.clip(pedicle, 0, 1).astype(np.float32))
        lift = rng.normal(0, 0.5)
        _add_long_bone(
            body,
            bone,
            [(side * 1.9, -11.0), (side * 6, -12.6 + lift), (side * 11, -13.4 + lift), (side * 16, -15.4 + lift)],
            0.72,
            1.0,
        )
        _add_long_bone(
            body, bone, [(side * 12.6, -13.2), (side * 13.6, -8), (side * 14.6, -2.2), (side * 16.2, 0.6)], 0.5, 0.5
        )
        bone += 2.4 * _ball(body, (side * 19.6, -13.6), (2.5, 2.6), 0)
    return bone


def _add_rib(body: _Body, rng: np.random.Generator, bone: Field, index: int, start: float, side: int) -> None:
    """One rib: its posterior part from the spine to the chest wall, its anterior part down and inward."""
    lateral = float(_chest_wall(np.array([start + 3.6], dtype=np.float32))[0]) + 0.1
    drop = 1.2 + 0.42 * index
    knots = [
        (2.1, start),
        (0.35 * lateral, start - 0.55),
        (0.68 * lateral, start + 0.35 * drop),
        (0.93 * lateral, start + drop),
        (lateral, start + 1.5 * drop + 0.8),
    ]
    _add_long_bone(body, bone, [(side * px, py) for px, py in knots], 0.62 + rng.normal(0, 0.02), 1.0)
    if index < 7:
        end = start + 1.5 * drop + 0.8
        inner = end + 3.6 + 0.15 * index
        front = [(lateral, end), (0.9 * lateral, end + 2.0), (0.66 * lateral, end + 3.4), (0.44 * lateral, inner)]
        _add_long_bone(body, bone, [(side * px, py) for px, py in front], 0.66, 0.62)


def _add_long_bone(body: _Body, bone: Field, knots: list[tuple[float, float]], radius: float, strength: float) -> None:
    """A long bone: dense shell, light marrow."""
    path = body.pixels(curve(knots, 0.8))
    window = window_of(bone.shape, path, radius * body.scale)
    if window is None:
        return
    corner = np.array([window.columns.start, window.rows.start])
    share = tube(bone[window].shape, path - corner, radius * body.scale)
    shell = dome(share) - 0.8 * dome(np.clip(share / 0.8, 0, 1))
    bone[window] += _BONE * strength * (1.15 * shell + 0.24 * dome(share))


def _vessels(body: _Body, rng: np.random.Generator, lung: Field) -> Field:
    """Pulmonary vessels that branch from the hila and thin out towards the pleura, one generation at a time."""
    added = np.zeros((SIDE, SIDE), dtype=np.float32)
    side = np.repeat([-1.0, 1.0], _STEMS)
    start = np.stack([side * 4.0, rng.normal(-0.6, 0.8, side.size)], axis=1)
    angle = np.tile(np.linspace(-1.25, 1.35, _STEMS), 2) + rng.normal(0, 0.12, side.size)
    radius = 0.42 * rng.uniform(0.8, 1.15, side.size)
    for _ in range(_GENERATIONS):
        half = 0.5 * rng.uniform(1.7, 3.2, side.size)[:, None]
        bent = angle + rng.normal(0, 0.18, side.size)
        middle = start + half * np.stack([side * np.cos(angle), np.sin(angle)], axis=1)
        end = middle + half * np.stack([side * np.cos(bent), np.sin(bent)], axis=1)
        # A parabola through the three points.
        t = np.linspace(0, 1, 5)[:, None, None]
        paths = (1 - t) * (1 - 2 * t) * start + 4 * t * (1 - t) * middle + t * (2 * t - 1) * end
        radii = np.maximum(radius * (1 - 0.22 * t[:, :, 0]) * body.scale, 0.8)
        add_strands(added, body.pixels(paths.transpose(1, 0, 2)), radii.T)
        fork = rng.uniform(0.25, 0.6, side.size) * rng.uniform(0.3, 1, (2, side.size))
        angle = np.concatenate([bent + fork[0], bent - fork[1]])
        radius = np.concatenate([0.74 * radius, 0.7 * radius])
        start, side = np.tile(end, (2, 1)), np.tile(side, 2)
    covered: Field = 1.25 * added / np.float32(body.scale) * np.clip(lung / 3.5, 0, 1)
    return covered


def _kinds_of(rng: np.random.Generator) -> list[str]:
    """Which lesions a person has: about a quarter has none."""
    draw = rng.random()
    if draw < 0.26:
        return []
    if draw < 0.7:
        return ["Nodule"] * int(rng.integers(1, 4))
    return ["Mass"] + ["Nodule"] * int(rng.random() < 0.3)


def _lesions(body: _Body, rng: np.random.Generator, lung: Field, kinds: list[str]) -> tuple[list[ChestLesion], Field]:
    """Lesions in places with enough lung around, and the tissue that they add."""
    added = np.zeros_like(lung)
    lesions: list[ChestLesion] = []
    taken = np.zeros(lung.shape, dtype=bool)
    for kind in kinds:
        radius = rng.uniform(0.75, 1.4) if kind == "Nodule" else rng.uniform(1.9, 3.1)
        room = np.argwhere((lung > (6.0 if kind == "Nodule" else 7.5)) & ~taken)
        if not room.size:
            continue
        row, column = room[rng.integers(len(room))]
        dx, dy = body.x - body.x[row, column], body.y - body.y[row, column]
        if kind == "Nodule":
            share = outline_share(dx, dy, radius, lobulated(rng, 0.09))
            depth = 2.0 * radius * rng.uniform(0.85, 1.1)
        else:
            share = outline_share(dx, dy, radius, lobulated(rng, 0.24))
            depth = 1.7 * radius * rng.uniform(0.8, 1.0)
            added += _spicules(body, rng, (float(body.x[row, column]), float(body.y[row, column])), radius)
        lesion = (1.28 * depth * dome(np.clip(share, 0, 1).astype(np.float32)) ** 0.75).astype(np.float32)
        np.maximum(added, lesion, out=added)
        lesions.append(ChestLesion(kind, share < 1))
        taken |= np.hypot(dx, dy) < radius + 2.4
    return lesions, np.minimum(added, 0.95 * np.clip(lung, 0, None))


def _spicules(body: _Body, rng: np.random.Generator, centre: tuple[float, float], radius: float) -> Field:
    """Fine strands that run from a mass into the lung; they are no part of its mask."""
    strands = np.zeros_like(body.x)
    for angle in rng.uniform(0, 2 * np.pi, int(rng.integers(4, 10))):
        way = np.array([np.cos(angle), np.sin(angle)])
        ends = [tuple(np.array(centre) + way * radius * reach) for reach in (0.7, 1.1, rng.uniform(1.3, 1.65))]
        path = body.pixels(curve(ends, 0.3))
        add_strands(strands, path[None], np.linspace(0.13, 0.06, len(path))[None] * body.scale)
    return strands / np.float32(body.scale)


def _exposed(attenuation: Field, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Blur, quantum noise, the tone curve of a radiography system, collimation and the burnt-in words."""
    sharp = blurred(np.clip(attenuation, 0, None).astype(np.float32), 0.75)
    noise = rng.standard_normal(sharp.shape).astype(np.float32) * 0.032 * np.exp(0.1 * sharp)
    seen = sharp + blurred(noise, 0.5) * 1.6
    seen = 1.9 * seen - filtered(seen, ((0.55, 30.0), (0.35, 5.0)))
    centre = rng.uniform(13.0, 14.6)
    shown = 1 / (1 + np.exp(-(seen - centre) / rng.uniform(4.2, 5.0)))
    pixels = np.clip(shown * (2**BITS - 200) + 60, 0, 2**BITS - 1).astype(np.float32, copy=False)
    edge = [int(value) for value in rng.integers(4, 14, 4)]
    open_field = np.zeros(pixels.shape, dtype=bool)
    open_field[edge[0] : SIDE - edge[1], edge[2] : SIDE - edge[3]] = True
    pixels[~open_field] = 30
    # Below the corner texts of a viewer, and within the crop of a thumbnail.
    _burn(pixels, word("SYNTHETIC", 2), 84, 20)
    _burn(pixels, word("L", 4), 84, SIDE - 62)
    exposed: NDArray[np.uint16] = pixels.astype(np.uint16)
    return exposed


def _burn(pixels: NDArray[np.float32], dots: NDArray[np.bool_], row: int, column: int) -> None:
    pixels[row : row + dots.shape[0], column : column + dots.shape[1]][dots] = 2**BITS - 1
