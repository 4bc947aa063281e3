"""What acquisition functions need of one case, aggregated while it is read: no map outlives its case.

A network that knows no lesion type says nothing of pixels; its findings of the whole image stand for them, as one pixel.

Memory is bounded by one case: each batch of slices goes through all passes before the next does, and of a slice only one
map per uncertainty is kept until the case is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workers.cnn.candidates import Column, Measures, Values
from workers.cnn.model import UNet
from workers.cnn.predict import Predictions, predict
from workers.cnn.uncertainty import (
    FLOOR,
    Maps,
    Shares,
    best_slices,
    mutual_information,
    pass_variance,
    pixel_entropy,
    top_mean,
)

SLICES_AT_ONCE: Final = 8
BEST_SLICES: Final = 5
SHIFT_SHARE: Final = 0.04

MAPPED: Final = (Column.ENTROPY, Column.SNAPSHOTS, Column.VERSIONS, Column.VIEWS)
"""Columns that come from a map of uncertain pixels."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Who is asked: the network that reads, weights from the end of its training, other versions, and whether to mirror.

    `versions` have the same lesion types in the same order. `mirrored` is off where left and right matter.
    """

    network: UNet
    snapshots: Sequence[UNet] = ()
    versions: Sequence[UNet] = ()
    mirrored: bool = False
    precision: str = "float32"


@dataclass(frozen=True, slots=True)
class Measured:
    """Columns of one case, and of a series the slices that say most: (0-based, score), highest first."""

    columns: Measures
    slices: list[tuple[int, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class View:
    """The same image seen otherwise: what to do to images and content, and how to lay what is said back."""

    of: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
    content: NDArray[np.int64]
    back: Callable[[Shares, Shares], Shares]


def measure_case(
    said: Predictions,
    images: NDArray[np.uint8],
    content: NDArray[np.int64],
    *,
    needs: frozenset[Column],
    panel: Panel,
    findings: int = 0,
    depth: int | None = None,
) -> Measured:
    """What of `needs` a model can tell of a case: `said` of its `images`, as `predict` takes them; `findings` it shows."""
    shares = shares_of(said)
    maps = _maps(shares, images, content, needs, panel, depth)
    lesion = 1 - shares[:, 0]
    known: dict[Column, Callable[[], Values]] = {
        Column.TYPE_ENTROPY: lambda: _type_entropy(shares),
        Column.LESION: lambda: np.asarray(lesion.max()),
        Column.POSITIVE: lambda: np.asarray(said.findings[:, 0].max()),
        Column.EMBEDDING: lambda: said.embedding.max(axis=0),
        Column.FINDINGS: lambda: np.asarray(findings),
        Column.FRAMES: lambda: np.asarray(len(images)),
    }
    columns = {name: np.asarray(known[name](), dtype=np.float64) for name in sorted(needs) if name in known}
    columns |= {name: np.asarray(top_mean(planes)) for name, planes in maps.items()}
    return Measured(columns, _slices(maps, lesion) if len(images) > 1 else [])


def shares_of(said: Predictions) -> Shares:
    """Shares of background and lesion types [N, 1 + T, S, S]; without lesion types, of the findings [N, 1 + F, 1, 1].

    Finding 0 is "any": it is the share that is not background, which the other findings divide among themselves.
    """
    if said.types.shape[1] > 1:
        return said.types
    present = said.findings[:, :1]
    others = said.findings[:, 1:] if said.findings.shape[1] > 1 else np.ones_like(present)
    parts = present * others / np.maximum(others.sum(axis=1, keepdims=True), FLOOR)
    return np.asarray(np.concatenate([1 - present, parts], axis=1)[:, :, None, None], dtype=np.float32)


def _slices(maps: dict[Column, Maps], lesion: NDArray[np.float32]) -> list[tuple[int, float]]:
    """The slices that are most uncertain, or where nothing of the kind was asked, likeliest to show a lesion."""
    if maps:
        by_slice = np.array([top_mean(plane) for plane in next(iter(maps.values()))])
    else:
        by_slice = lesion.max(axis=(1, 2)).astype(np.float64)
    return best_slices(by_slice, BEST_SLICES)


def _type_entropy(types: Shares) -> Values:
    """[T]: the uncertain pixels of each lesion type, each weighted by the share of the type."""
    certain = pixel_entropy(types)
    return np.array([top_mean(certain * types[:, index]) for index in range(1, types.shape[1])], dtype=np.float64)


def _maps(
    shares: Shares,
    images: NDArray[np.uint8],
    content: NDArray[np.int64],
    needs: frozenset[Column],
    panel: Panel,
    depth: int | None,
) -> dict[Column, Maps]:
    """The maps that are needed, batch of slices by batch; of what is read in 3D, all slices at once."""
    wanted = [name for name in MAPPED if name in needs]
    parts: dict[Column, list[Maps]] = {name: [] for name in wanted}
    at_once = len(images) if panel.network.config.dims == 3 else SLICES_AT_ONCE
    for start in range(0, len(images) if wanted else 0, at_once):
        at = slice(start, start + at_once)
        for name in wanted:
            parts[name].append(_map(name, shares[at], images[at], content[at], panel, depth))
    return {name: np.concatenate(found) for name, found in parts.items()}


def _map(
    name: Column,
    types: Shares,
    images: NDArray[np.uint8],
    content: NDArray[np.int64],
    panel: Panel,
    depth: int | None,
) -> Maps:
    def asked(network: UNet, seen: NDArray[np.uint8], filled: NDArray[np.int64]) -> Shares:
        return shares_of(predict(network, seen, filled, precision=panel.precision, depth=depth))

    if name is Column.ENTROPY:
        return pixel_entropy(types)
    if name is Column.VIEWS:
        # One that stands for the whole image is at its place in every view.
        has_place = types.shape[-1] > 1
        seen = []
        for view in views(images.shape[-1], content, mirrored=panel.mirrored):
            told = asked(panel.network, view.of(images), view.content)
            seen.append(view.back(told, types) if has_place else told)
        return pass_variance(np.stack([types, *seen]))
    others = panel.snapshots if name is Column.SNAPSHOTS else panel.versions
    if not others:
        raise ValueError(f"there are no other weights to ask for {name}")
    passes = (asked(network, images, content) for network in others)
    return mutual_information(np.stack([types, *passes]))


def views(size: int, content: NDArray[np.int64], *, mirrored: bool) -> Iterator[View]:
    """Three further views: shifted down, shifted across, and mirrored; where left and right matter, shifted both ways.

    A shift moves less than the network's training does; what leaves the picture keeps what the unshifted view said.
    """
    step = max(1, round(size * SHIFT_SHARE))
    yield _shifted(step, 0, content)
    yield _shifted(0, step, content)
    yield _mirrored(content) if mirrored else _shifted(step, step, content)


def _shifted(down: int, across: int, content: NDArray[np.int64]) -> View:
    def of(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        moved = np.zeros_like(images)
        rows, columns = images.shape[-2] - down, images.shape[-1] - across
        moved[..., :rows, :columns] = images[..., down:, across:]
        return moved

    def back(told: Shares, unmoved: Shares) -> Shares:
        laid = unmoved.copy()
        for index, (rows, columns) in enumerate(content):
            if rows > down and columns > across:
                laid[index, :, down:rows, across:columns] = told[index, :, : rows - down, : columns - across]
        return laid

    return View(of, np.maximum(content - np.array([down, across]), 1), back)


def _mirrored(content: NDArray[np.int64]) -> View:
    def flip(planes: NDArray[np.generic]) -> NDArray[np.generic]:
        flipped = planes.copy()
        for index, (_, columns) in enumerate(content):
            flipped[index, ..., :columns] = planes[index, ..., :columns][..., ::-1]
        return flipped

    return View(flip, content, lambda told, unmoved: flip(told))  # type: ignore[arg-type, return-value]
