"""Distances between outlines, against MONAI and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.metrics import compute_hausdorff_distance, compute_surface_dice

from backend.metrics.overlap import Region
from backend.metrics.surfaces import hausdorff_95, normalised_surface_distance, surface_distances


def blob(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """An ellipse (or ellipsoid) with a bite out of it, somewhere in `shape`."""
    generator = np.random.default_rng(seed)
    grids = np.ogrid[tuple(slice(extent) for extent in shape)]
    centre = [generator.uniform(0.4, 0.6) * extent for extent in shape]
    radii = [generator.uniform(0.2, 0.35) * extent for extent in shape]
    mask = sum(((grid - at) / radius) ** 2 for grid, at, radius in zip(grids, centre, radii, strict=True)) <= 1
    bite = tuple(slice(int(at), int(at + radius)) for at, radius in zip(centre, radii, strict=True))
    mask[bite] = False
    return np.asarray(mask)


def region(mask: np.ndarray) -> Region:
    """The mask, cropped to its box."""
    whole = mask if mask.ndim == 3 else mask[None]
    low = [int(hit.min()) for hit in np.nonzero(whole)]
    high = [int(hit.max()) + 1 for hit in np.nonzero(whole)]
    return Region(whole[tuple(slice(a, b) for a, b in zip(low, high, strict=True))], (low[0], low[1], low[2]))


def as_batch(mask: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(mask.astype(np.float32))[None, None]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("shape", "spacing"), [((60, 80), (0.4, 0.7)), ((14, 30, 34), (3.0, 0.8, 0.8)), ((50, 50), (1, 1))])
def test_surface_distances_agree_with_monai_in_two_and_three_dimensions(shape, spacing, seed: int) -> None:
    truth, predicted = blob(shape, seed), blob(shape, seed + 100)
    own = surface_distances([region(truth)], [region(predicted)], (1.0, *spacing) if len(shape) == 2 else spacing)
    assert own is not None
    pair = (as_batch(predicted), as_batch(truth))
    told = compute_hausdorff_distance(*pair, include_background=True, percentile=95, spacing=list(spacing))
    assert hausdorff_95(own) == pytest.approx(float(told), abs=1e-4)
    for tolerance in (1.0, 2.0):
        share = compute_surface_dice(*pair, class_thresholds=[tolerance], include_background=True, spacing=list(spacing))
        assert normalised_surface_distance(own, tolerance) == pytest.approx(float(share), abs=1e-6)


def test_a_square_moved_by_three_pixels_is_three_pixels_off() -> None:
    square = np.zeros((40, 40), bool)
    square[10:20, 10:20] = True
    moved = np.roll(square, 3, axis=1)
    own = surface_distances([region(square)], [region(moved)], (1, 1, 1))
    assert own is not None and hausdorff_95(own) == 3
    assert normalised_surface_distance(own, 3) == 1
    assert normalised_surface_distance(own, 0) == pytest.approx((2 * 7 * 2) / 72)  # the upper and lower edges they share


def test_there_is_no_distance_to_nothing_and_none_in_a_broken_spacing() -> None:
    square = region(np.ones((4, 4), bool))
    assert surface_distances([square], [], (1, 1, 1)) is None
    with pytest.raises(ValueError, match="not positive"):
        surface_distances([square], [square], (1, 0, 1))
