"""Training on patches: blocks of a series (3D) or pieces of a large image (2D), drawn around lesions.

Whole series of different depth are kept as they are; each batch cuts its patches out, and turns, enlarges and mirrors them
within the slice as `data.make_batch` does. Across slices nothing is turned: head and feet are never exchanged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from workers.cnn.data import (
    IGNORED,
    UNKNOWN,
    Augmentation,
    content_mask,
    standardise_volume,
    vary_greys,
)
from workers.cnn.model import Axes
from workers.cnn.windows import resample_frames

LESION_SHARE: Final = 0.7
"""So many patches of a series that has lesions are drawn around one; the others wherever the labels say anything."""
SPOTS: Final = 4096


class Patches(NamedTuple):
    """A batch: `images` [N, 1, d, p, p] (2D: [N, 1, p, p]), `targets` [N, d, p, p] (2D: [N, p, p]), `findings` [N, F]."""

    images: Tensor
    targets: Tensor
    findings: Tensor


@dataclass(slots=True)
class Volumes:
    """A training set in memory, one row per series, or per image as a series of one: see `data.Samples`.

    images and targets: uint8 [D, S, S] each; content [N, 2]; type_known bool [N, T]; findings uint8 [N, F], of which the
    first is any lesion and the next T are the lesion types. `patch`: what is cut out, see `NetConfig`. newest bool [N]
    and image_of int [N], here of the series, as there.
    """

    images: Sequence[NDArray[np.uint8]]
    targets: Sequence[NDArray[np.uint8]]
    content: NDArray[np.int64]
    type_known: NDArray[np.bool_]
    findings: NDArray[np.uint8]
    patch: Axes
    newest: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    image_of: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    presence: NDArray[np.bool_] = field(init=False)
    spots: list[list[NDArray[np.int64]]] = field(init=False)
    greys: list[tuple[float, float]] = field(init=False)

    def __post_init__(self) -> None:
        """Cache where the labels say something, where each lesion type is, and each series' mean and deviation."""
        if not self.newest.size:
            self.newest = np.zeros(len(self.images), dtype=bool)
        types = range(1, self.type_known.shape[1] + 1)
        self.spots = [[_spots(one != IGNORED), *(_spots(one == index) for index in types)] for one in self.targets]
        self.presence = np.array([[bool(len(one)) for one in found[1:]] for found in self.spots], dtype=bool)
        self.presence = self.presence.reshape(len(self.targets), len(types))
        self.greys = [
            standardise_volume(torch.from_numpy(one).float() / 255, content_mask(filled[None], one.shape[-1])[0, 0])
            for one, filled in zip(self.images, self.content, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.images)

    def type_shares(self) -> list[float]:
        """Share of the known voxels per output, background first."""
        counts = np.zeros(256)
        for one in self.targets:
            counts += np.bincount(one.ravel(), minlength=256)
        known = max(counts.sum() - counts[IGNORED], 1)
        return [float(counts[index] / known) for index in range(1 + self.type_known.shape[1])]

    def finding_shares(self) -> list[float]:
        """0.5 for lesions, half of the patches being drawn around them; else the share of series with the finding."""
        known = (self.findings != UNKNOWN).sum(axis=0)
        present = (self.findings == 1).sum(axis=0)
        shares = [float(p / k) if k else 0.5 for p, k in zip(present, known, strict=True)]
        lesions = 1 + self.type_known.shape[1]
        return [0.5] * lesions + shares[lesions:]


def _spots(where: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Evenly at most `SPOTS` of the voxels [k, 3] that are set."""
    flat = np.flatnonzero(where)
    if flat.size > SPOTS:
        flat = flat[np.linspace(0, flat.size - 1, SPOTS).astype(np.int64)]
    return np.stack(np.unravel_index(flat, where.shape), axis=1).astype(np.int64)


def resample_volume(
    images: NDArray[np.uint8], targets: NDArray[np.uint8], depth: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Slices [frames, S, S] and targets as `depth` slices: each voxel says what most of it says, no lesion vanishes."""
    if len(images) == depth:
        return images, targets
    sized = resample_frames(torch.from_numpy(images).float(), depth).round().clamp(0, 255).numpy().astype(np.uint8)
    values = np.unique(targets)
    layers = torch.from_numpy((targets[None] == values[:, None, None, None]).astype(np.float32))
    covered = torch.stack([resample_frames(one, depth) for one in layers]).numpy()
    fewer = values[covered.argmax(axis=0)].astype(np.uint8)
    for index, value in enumerate(values):
        if value not in (0, IGNORED) and not (fewer == value).any():
            fewer[np.unravel_index(int(covered[index].argmax()), fewer.shape)] = value
    return sized, fewer


def make_patches(
    volumes: Volumes, rows: NDArray[np.int64], *, augmentation: Augmentation, generator: torch.Generator
) -> Patches:
    """Cut, vary and standardise one patch of each row."""
    depth = volumes.patch[0] if len(volumes.patch) == 3 else 1
    extent = volumes.patch[-1]
    chance = torch.rand((len(rows), 10), generator=generator, dtype=torch.float64).numpy()
    centres = [_centre(volumes, row, luck, depth, extent) for row, luck in zip(rows, chance, strict=True)]
    size = volumes.images[0].shape[-1]
    grid = _grid(centres, chance, size, extent, augmentation)
    spans = [_span(volumes.images[row], first, depth) for row, (first, _, _) in zip(rows, centres, strict=True)]
    images = torch.stack([_cut(volumes.images[row], *span, depth) for row, span in zip(rows, spans, strict=True)]) / 255
    # As in `data.make_batch`: targets travel as target + 1 (IGNORED as 0), so that what is outside comes back as IGNORED.
    targets = torch.stack([_cut(volumes.targets[row], *span, depth, add=1) for row, span in zip(rows, spans, strict=True)])
    inside = content_mask(volumes.content[rows], size) * torch.stack([_filled(*span, depth) for span in spans])
    images = functional.grid_sample(images, grid, mode="bilinear", align_corners=False)
    inside = functional.grid_sample(inside, grid, mode="nearest", align_corners=False)
    targets = functional.grid_sample(targets, grid, mode="nearest", align_corners=False).long() - 1
    targets[targets < 0] = IGNORED
    images = vary_greys(images, augmentation, generator)
    mean, deviation = torch.tensor([volumes.greys[row] for row in rows]).T[:, :, None, None, None]
    images = (images - mean) / deviation * inside
    findings = _findings(volumes, rows, targets, inside)
    if len(volumes.patch) == 3:
        return Patches(images[:, None].contiguous(memory_format=torch.channels_last_3d), targets, findings)
    return Patches(images.contiguous(memory_format=torch.channels_last), targets[:, 0], findings)


Centre = tuple[int, float, float]


def _centre(volumes: Volumes, row: int, luck: NDArray[np.float64], depth: int, extent: int) -> Centre:
    """First slice, and middle row and column, of a patch around a lesion or around any voxel of which something is said."""
    places, shape = volumes.spots[row], volumes.images[row].shape
    present = [index for index in range(1, len(places)) if len(places[index])]
    kind = present[int(luck[1] * len(present))] if present and luck[0] < LESION_SHARE else 0
    spots = places[kind]
    frame, down, across = spots[int(luck[2] * len(spots))] if len(spots) else np.array(shape) // 2
    # The lesion is not always in the middle of what the network sees.
    first = int(round(frame - depth / 2 + (luck[3] - 0.5) * depth / 2))
    first = min(max(first, 0), shape[0] - depth) if shape[0] >= depth else -((depth - shape[0]) // 2)
    reach, room = extent / 2, shape[-1] - extent / 2
    middle = [
        min(max(float(at) + 0.5 + (shift - 0.5) * reach, min(reach, room)), max(reach, room))
        for at, shift in ((down, luck[4]), (across, luck[5]))
    ]
    return first, middle[0], middle[1]


def _grid(
    centres: Sequence[Centre], chance: NDArray[np.float64], size: int, extent: int, augmentation: Augmentation
) -> Tensor:
    """Where each patch samples its slices: [N, p, p, 2]."""
    theta = np.zeros((len(centres), 2, 3))
    share = extent / size
    for one, (_, down, across), luck in zip(theta, centres, chance, strict=True):
        angle = (luck[6] * 2 - 1) * math.radians(augmentation.degrees)
        scale = share / augmentation.zoom ** (luck[7] * 2 - 1)
        mirrored = -1.0 if augmentation.flip and luck[8] < 0.5 else 1.0
        one[0] = [math.cos(angle) * scale * mirrored, -math.sin(angle) * scale, 2 * across / size - 1]
        one[1] = [math.sin(angle) * scale * mirrored, math.cos(angle) * scale, 2 * down / size - 1]
    return functional.affine_grid(torch.from_numpy(theta).float(), [len(centres), 1, extent, extent], align_corners=False)


def _span(volume: NDArray[np.uint8], first: int, depth: int) -> tuple[int, int, int]:
    """First and one past the last slice that there are, and how many are missing before."""
    return max(first, 0), min(first + depth, len(volume)), max(-first, 0)


def _cut(volume: NDArray[np.uint8], start: int, stop: int, before: int, depth: int, *, add: int = 0) -> Tensor:
    planes = torch.zeros((depth, *volume.shape[1:]))
    planes[before : before + stop - start] = torch.from_numpy(volume[start:stop] + np.uint8(add))
    return planes


def _filled(start: int, stop: int, before: int, depth: int) -> Tensor:
    filled = torch.zeros((depth, 1, 1))
    filled[before : before + stop - start] = 1
    return filled


def _findings(volumes: Volumes, rows: NDArray[np.int64], targets: Tensor, inside: Tensor) -> Tensor:
    """What is known of each patch: of lesions its own voxels; of other findings nothing, for they may lie elsewhere.

    A patch that holds the whole series is known as the series is.
    """
    found = torch.from_numpy(volumes.findings[rows]).clone()
    lesions = 1 + volumes.type_known.shape[1]
    for patch, target, filled, row in zip(found, targets, inside, rows, strict=True):
        shape = volumes.images[row].shape
        if shape[0] <= len(target) and shape[-1] <= target.shape[-1]:
            continue
        told = not bool((target[filled > 0] == IGNORED).any())
        present = [bool((target == index).any()) for index in range(1, lesions)]
        patch[0] = 1 if any(present) else 0 if told else UNKNOWN
        for index, one in enumerate(present):
            patch[1 + index] = 1 if one else 0 if told and volumes.type_known[row, index] else UNKNOWN
        patch[lesions:] = UNKNOWN
    return found
