"""Pointing: clicks, strokes and boxes as channels of a small network that outlines the one lesion that is pointed at.

It is a network of its own beside the automatic one, which is thereby left as it is. It looks at a square cut-out of the
image (a `View`) resampled to `SIZE` × `SIZE` pixels, so that a lesion fills its input however small it is in the image:

| channel | holds |
| --- | --- |
| 0 | the image, standardised within the view |
| 1 | a first guess: of a box its inscribed ellipse, of clicks what the first look found; 0 where there is none |
| 2, 3 | discs at the clicks on the lesion, at those beside it; a stroke is the path of such a disc |

A box says where to look. A click or stroke does not: the network looks at the whole image first, then at what it found
there (`segment`). Clicks are as in Xu et al. 2016 (Deep interactive object selection), with discs (Benenson et al. 2019)
and a guess handed on (Sofiiuk et al. 2022, RITM). Places are SCOORD: [column, row], the image's top-left corner is (0, 0).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

from workers.cnn.model import NetConfig, UNet

SIZE: Final = 64
MARGIN: Final = 1.6
"""Side of a view in sides of the box that it is about."""
CHANNELS: Final = 4
NET: Final = NetConfig(n_types=1, n_findings=1, in_channels=CHANNELS, widths=(16, 32, 64, 96))
"""The U-Net of the automatic network with these channels; its output for findings of the whole image is not used."""
SMALLEST_SIDE: Final = 8.0
CERTAIN: Final = 0.5
REACH: Final = 0.15
"""Of a box's sides: how far beyond a drawn box its lesion may reach."""

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Place = Sequence[float]
Path = Sequence[Place]
"""The places through which a stroke went, in turn."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class View:
    """A square of the image, `left` and `top` in image pixels, seen by the network as `SIZE` × `SIZE` pixels."""

    left: float
    top: float
    side: float

    @property
    def scale(self) -> float:
        """Network pixels per image pixel."""
        return SIZE / self.side

    def place(self, point: Place) -> tuple[float, float]:
        """A place of the image in the view's own pixels."""
        return (point[0] - self.left) * self.scale, (point[1] - self.top) * self.scale

    def box(self, box: Box) -> Box:
        """A box of the image in the view's own pixels."""
        return (*self.place(box[:2]), *self.place(box[2:]))


@dataclass(frozen=True, slots=True)
class Prompt:
    """Where a person points: clicks and strokes on the lesion, clicks and strokes beside it, a box around it.

    The box, or something on the lesion, must be there.
    """

    positive: Sequence[Place] = ()
    negative: Sequence[Place] = ()
    box: Box | None = None
    strokes: Sequence[Path] = ()
    negative_strokes: Sequence[Path] = ()

    def on_lesion(self, step: float) -> list[Place]:
        """Every place that is said to be lesion; of strokes one at least every `step` pixels."""
        return [*self.positive, *(place for stroke in self.strokes for place in along(stroke, step))]

    def as_clicks(self) -> Prompt:
        """For a network that has never met a stroke: each as three clicks, at its ends and half-way."""
        on, beside = ([place for path in paths for place in halves(path)] for paths in (self.strokes, self.negative_strokes))
        return Prompt([*self.positive, *on], [*self.negative, *beside], self.box)


@dataclass(frozen=True, slots=True)
class Outline:
    """A lesion on one frame: `mask` [rows, columns] cropped, laid at `origin` (row, column)."""

    mask: Bools
    origin: tuple[int, int]


def whole_view(rows: int, columns: int) -> View:
    """The whole image, at the top left of its view."""
    return View(0.0, 0.0, float(max(rows, columns)))


def view_around(box: Box, margin: float = MARGIN) -> View:
    """A square about a box."""
    side = max(margin * max(box[2] - box[0], box[3] - box[1]), SMALLEST_SIDE)
    return View((box[0] + box[2] - side) / 2, (box[1] + box[3] - side) / 2, side)


def box_around(mask: Bools) -> Box:
    """The box around what is set; its edges are those of the pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def cut_view(image: NDArray[np.uint8] | Floats, view: View, *, size: int = SIZE) -> Floats:
    """The image [rows, columns] seen through a view: float32 [size, size], 0 beyond its border.

    Shrunk with anti-aliasing, enlarged linearly; pixel (r, c) is the area `view.side / size` wide at that place.
    """
    step = view.side / size
    rows, columns = image.shape
    top, bottom = max(0, math.floor(view.top)), min(rows, math.ceil(view.top + view.side))
    left, right = max(0, math.floor(view.left)), min(columns, math.ceil(view.left + view.side))
    if top >= bottom or left >= right:
        return np.zeros((size, size), dtype=np.float32)
    part = torch.from_numpy(np.ascontiguousarray(image[top:bottom, left:right])).float()[None, None]
    shrunk = [max(1, math.ceil(extent / max(step, 1.0))) for extent in part.shape[2:]]
    if step > 1:
        part = functional.interpolate(part, size=shrunk, mode="bilinear", antialias=True, align_corners=False)
    centres = (torch.arange(size, dtype=torch.float64) + 0.5) * step
    across = (view.left + centres - left) / (right - left) * 2 - 1
    down = (view.top + centres - top) / (bottom - top) * 2 - 1
    grid = torch.stack(torch.meshgrid(down, across, indexing="ij")[::-1], dim=-1)[None].float()
    seen = functional.grid_sample(part, grid, mode="bilinear", padding_mode="border", align_corners=False)[0, 0].numpy()
    return np.asarray(seen * inside_view(view, rows, columns, size=size), dtype=np.float32)


def inside_view(view: View, rows: int, columns: int, *, size: int = SIZE) -> Bools:
    """Which pixels of the view have their centre on the image."""
    centres = (np.arange(size) + 0.5) * view.side / size
    down, across = view.top + centres, view.left + centres
    return ((down >= 0) & (down < rows))[:, None] & ((across >= 0) & (across < columns))[None, :]


def lay_back(seen: Floats, view: View, *, rows: int, columns: int) -> tuple[Floats, tuple[int, int]]:
    """The inverse of `cut_view`: a map of the view, interpolated linearly at the centres of the image's pixels.

    Only of the pixels that the view shows; with the place (row, column) of the first of them.
    """
    top, bottom = max(0, math.floor(view.top)), min(rows, math.ceil(view.top + view.side))
    left, right = max(0, math.floor(view.left)), min(columns, math.ceil(view.left + view.side))
    down = _linear((np.arange(top, bottom) + 0.5 - view.top) * view.scale - 0.5, len(seen))
    across = _linear((np.arange(left, right) + 0.5 - view.left) * view.scale - 0.5, len(seen))
    return np.asarray(down @ seen @ across.T, dtype=np.float32), (top, left)


def _linear(places: NDArray[np.floating[Any]], size: int) -> Floats:
    """Rows of weights that interpolate `size` values at these places, as the nearest value beyond the ends."""
    low = np.clip(np.floor(places), 0, max(size - 2, 0)).astype(int)
    share = np.clip(places - low, 0, 1).astype(np.float32)
    weights = np.zeros((len(places), size), dtype=np.float32)
    rows = np.arange(len(places))
    weights[rows, low] = 1 - share
    weights[rows, low + 1] += share
    return weights


def click_map(places: Sequence[Place], size: int = SIZE, *, strokes: Sequence[Path] = ()) -> Floats:
    """1 on discs of 3 % of the size at these places (in the map's pixels), fading over a pixel: float32 [size, size].

    And on the area that such a disc passes over along each stroke.
    """
    drawn = np.zeros((size, size), dtype=np.float32)
    centres = np.arange(size, dtype=np.float32) + 0.5
    for column, row in (*places, *(place for stroke in strokes for place in along(stroke, 1.0))):
        distance = np.hypot(centres[None, :] - np.float32(column), centres[:, None] - np.float32(row))
        np.maximum(drawn, np.clip(0.03 * size + 1 - distance, 0, 1), out=drawn)
    return drawn


def along(path: Path, step: float) -> list[Place]:
    """The places of a path and as many between them as leave no gap wider than `step`."""
    places = np.asarray(path, dtype=float)
    found: list[Place] = [tuple(places[0])]
    for start, end in zip(places[:-1], places[1:], strict=True):
        parts = max(1, math.ceil(float(np.hypot(*(end - start))) / step))
        found += [tuple(start + (end - start) * part / parts) for part in range(1, parts + 1)]
    return found


def halves(path: Path) -> list[Place]:
    """Both ends of a path and the place half-way along it."""
    places = np.asarray(path, dtype=float)
    passed = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(places, axis=0).T))])
    middle = [float(np.interp(passed[-1] / 2, passed, places[:, axis])) for axis in (0, 1)]
    return [tuple(places[0]), tuple(middle), tuple(places[-1])]


def ellipse_map(box: Box, size: int = SIZE) -> Floats:
    """1 inside the ellipse that a box (in the map's pixels) encloses."""
    centres = np.arange(size, dtype=np.float32) + 0.5
    across = (centres - (box[0] + box[2]) / 2) / max((box[2] - box[0]) / 2, 0.5)
    down = (centres - (box[1] + box[3]) / 2) / max((box[3] - box[1]) / 2, 0.5)
    return (across[None, :] ** 2 + down[:, None] ** 2 <= 1).astype(np.float32)


def standardised(seen: Floats, inside: Bools) -> Floats:
    """Mean 0 and deviation 1 over the view's own part of the image; 0 beyond it."""
    if not inside.any():
        return np.zeros_like(seen)
    values = seen[inside]
    return np.where(inside, (seen - values.mean()) / max(float(values.std()), 1e-3), 0).astype(np.float32)


def channels(seen: Floats, inside: Bools, guess: Floats, prompt: Prompt) -> Floats:
    """The network's input [`CHANNELS`, size, size]; the prompt in the view's own pixels."""
    size = seen.shape[-1]
    on = click_map(prompt.positive, size, strokes=prompt.strokes)
    beside = click_map(prompt.negative, size, strokes=prompt.negative_strokes)
    return np.stack([standardised(seen, inside), guess, on, beside])


def shares(network: UNet, inputs: Floats) -> Floats:
    """The share of lesion in each pixel of some inputs [N, `CHANNELS`, size, size]; ValueError where it is no number."""
    network.eval()
    with torch.inference_mode():
        images = torch.from_numpy(inputs).contiguous(memory_format=torch.channels_last)
        said = network(images).types.float().softmax(dim=1)[:, 1].numpy()
    if not np.isfinite(said).all():
        raise ValueError("The network's output is not finite")
    return np.asarray(said, dtype=np.float32)


def segment(network: UNet, image: NDArray[np.uint8], prompt: Prompt, *, whole: Floats | None = None) -> Outline | None:
    """The lesion that is pointed at in an 8-bit image [rows, columns]; None where the network sees none there.

    `whole`: the image through `whole_view`, where it is at hand: shrinking a large image takes longer than the network.
    """
    if prompt.box is not None:
        view = view_around(prompt.box)
        return _outlined(_look(network, image, view, prompt, ellipse_map(view.box(prompt.box))), view, image, prompt)
    far = whole_view(*image.shape)
    said = _look(network, image, far, prompt, np.zeros((SIZE, SIZE), dtype=np.float32), seen=whole)
    pointed = prompt.on_lesion(1 / far.scale)
    found = touched(said >= CERTAIN, [far.place(point) for point in pointed])
    view = view_around(_sought(found, far, pointed))
    guess = np.where(ndimage.binary_dilation(found), said, 0).astype(np.float32)
    return _outlined(_look(network, image, view, prompt, _seen_anew(guess, far, view)), view, image, prompt)


def _look(
    network: UNet, image: NDArray[np.uint8], view: View, prompt: Prompt, guess: Floats, *, seen: Floats | None = None
) -> Floats:
    inside = inside_view(view, *image.shape)
    seen = cut_view(image, view) if seen is None else seen
    inputs = channels(seen, inside, guess, _seen_through(view, prompt))
    return np.asarray(shares(network, inputs[None])[0] * inside, dtype=np.float32)


def _seen_through(view: View, prompt: Prompt) -> Prompt:
    """Clicks and strokes in the view's own pixels."""

    def laid(path: Path) -> Path:
        return [view.place(place) for place in path]

    strokes, beside = ([laid(path) for path in paths] for paths in (prompt.strokes, prompt.negative_strokes))
    return Prompt(laid(prompt.positive), laid(prompt.negative), strokes=strokes, negative_strokes=beside)


def _seen_anew(seen: Floats, view: View, other: View) -> Floats:
    """A map of one view as another view shows it; 0 where the first does not reach."""
    steps = (np.arange(SIZE) + 0.5) / other.scale
    down, across = ((start + steps) * view.scale for start in (other.top - view.top, other.left - view.left))
    laid = _linear(down - 0.5, SIZE) @ seen @ _linear(across - 0.5, SIZE).T
    reached = ((down >= 0) & (down < SIZE))[:, None] & ((across >= 0) & (across < SIZE))[None, :]
    return np.asarray(laid * reached, dtype=np.float32)


def _sought(found: Bools, far: View, positive: Sequence[Place]) -> Box:
    """Where to look closer: at what was found and all that was pointed at; about places in nothing a third of the image."""
    places = np.asarray(positive, dtype=float)
    low, high = places.min(axis=0), places.max(axis=0)
    if found.any():
        edges = np.array(box_around(found)) / far.scale
    else:
        edges = np.concatenate([low - far.side / 6, high + far.side / 6])
    return min(edges[0], low[0]), min(edges[1], low[1]), max(edges[2], high[0]), max(edges[3], high[1])


def _outlined(said: Floats, view: View, image: NDArray[np.uint8], prompt: Prompt) -> Outline | None:
    """The lesion in what the network said of a view, in the image's own pixels."""
    laid, (top, left) = lay_back(said, view, rows=image.shape[0], columns=image.shape[1])
    mask = laid >= CERTAIN
    if prompt.box is not None:
        mask = mask & _near_box(prompt.box, mask.shape, top, left)
    return cropped(touched(mask, [(column - left, row - top) for column, row in prompt.on_lesion(1.0)]), (top, left))


def cropped(mask: Bools, at: tuple[int, int] = (0, 0)) -> Outline | None:
    """A mask that lies at a place (row, column) without its empty border; None where nothing is set."""
    if not mask.any():
        return None
    left, top, right, bottom = (int(edge) for edge in box_around(mask))
    return Outline(np.ascontiguousarray(mask[top:bottom, left:right]), (at[0] + top, at[1] + left))


def _near_box(box: Box, shape: tuple[int, ...], top: int, left: int) -> Bools:
    """Which pixels of an array that lies at (top, left) are in the box or a little beyond."""
    beyond = REACH * (box[2] - box[0]), REACH * (box[3] - box[1])
    rows, columns = top + np.arange(shape[0]) + 0.5, left + np.arange(shape[1]) + 0.5
    down = (rows >= box[1] - beyond[1]) & (rows <= box[3] + beyond[1])
    across = (columns >= box[0] - beyond[0]) & (columns <= box[2] + beyond[0])
    return np.asarray(down[:, None] & across[None, :])


def touched(mask: Bools, clicks: Sequence[Place]) -> Bools:
    """The pieces on which a place lies, else the one next to the first place; without any the largest."""
    pieces, count = ndimage.label(mask, structure=np.ones((3, 3)))
    if not count:
        return mask
    if not clicks:
        return np.asarray(pieces == 1 + int(np.bincount(pieces.ravel())[1:].argmax()))
    rows, columns = mask.shape
    at = [(min(max(int(row), 0), rows - 1), min(max(int(column), 0), columns - 1)) for column, row in clicks]
    hit = {int(pieces[place]) for place in at} - {0}
    if not hit:
        nearest = ndimage.distance_transform_edt(pieces == 0, return_distances=False, return_indices=True)
        hit = {int(pieces[tuple(nearest[:, at[0][0], at[0][1]])])}
    return np.isin(pieces, list(hit))
