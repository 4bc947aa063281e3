"""How far apart two outlines lie: normalised surface distance and the 95th percentile of the Hausdorff distance.

A surface is the set pixels that touch an unset one (across an edge); every surface pixel counts once. Distances go
between centres of pixels, in the unit of `spacing` (frames, rows, columns).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backend.metrics.overlap import Region, union

Spacing = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class SurfaceDistances:
    """`to_predicted`: of each true surface pixel to the nearest predicted one; `to_truth`: the other way round."""

    to_predicted: NDArray[np.float64]
    to_truth: NDArray[np.float64]


def surface_distances(truth: Sequence[Region], predicted: Sequence[Region], spacing: Spacing) -> SurfaceDistances | None:
    """Between the surfaces of the two unions; None where either is empty: there is no distance to nothing."""
    if not (np.isfinite(spacing).all() and min(spacing) > 0):
        raise ValueError(f"spacing {spacing} is not positive")
    here, there = union(truth), union(predicted)
    if here is None or there is None or not (here.size and there.size):
        return None
    one, other = (_surface(mask) for mask in _on_one_grid(here, there))
    return SurfaceDistances(
        to_predicted=ndimage.distance_transform_edt(~other, sampling=spacing)[one],
        to_truth=ndimage.distance_transform_edt(~one, sampling=spacing)[other],
    )


def normalised_surface_distance(distances: SurfaceDistances, tolerance: float) -> float:
    """Share of both surfaces that lies within `tolerance` of the other one (Nikolov et al. 2018, arXiv 1809.04430)."""
    near = (distances.to_predicted <= tolerance).sum() + (distances.to_truth <= tolerance).sum()
    return float(near / (distances.to_predicted.size + distances.to_truth.size))


def hausdorff_95(distances: SurfaceDistances) -> float:
    """The larger of the two directed distances, each as its 95th percentile (Huttenlocher et al. 1993, made robust)."""
    return float(max(np.percentile(distances.to_predicted, 95), np.percentile(distances.to_truth, 95)))


def _on_one_grid(one: Region, other: Region) -> list[NDArray[np.bool_]]:
    """Both masks in the box that holds them, with a rim of one pixel, so that no surface is cut by the box."""
    low = [min(pair) - 1 for pair in zip(one.origin, other.origin, strict=True)]
    ends = [[start + extent for start, extent in zip(r.origin, r.mask.shape, strict=True)] for r in (one, other)]
    shape = [max(pair) + 1 - start for pair, start in zip(zip(*ends, strict=True), low, strict=True)]
    laid = []
    for region in (one, other):
        whole = np.zeros(shape, dtype=bool)
        spans = zip(region.origin, region.mask.shape, low, strict=True)
        whole[tuple(slice(start - base, start - base + extent) for start, extent, base in spans)] = region.mask
        laid.append(whole)
    return laid


def _surface(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The set pixels with an unset neighbour; where everything lies in one frame, with one in that frame."""
    structure = ndimage.generate_binary_structure(3, 1)
    if mask.shape[0] == 3:
        structure[0] = structure[2] = False
    return np.asarray(mask & ~ndimage.binary_erosion(mask, structure=structure), dtype=bool)
