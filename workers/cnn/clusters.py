"""Diversity: k-means and k-center greedy on embeddings [N, E], deterministic by their generator."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

ITERATIONS: Final = 25


def standardised(points: Points) -> Points:
    """Each dimension with mean 0 and deviation 1, so that no single one decides; constant ones become 0."""
    deviation = points.std(axis=0)
    return np.asarray((points - points.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0))


def squared_distances(points: Points, centers: Points) -> NDArray[np.float64]:
    """[N, K]; never negative, which rounding would allow."""
    squares = (points**2).sum(axis=1)[:, None] + (centers**2).sum(axis=1) - 2 * points @ centers.T
    return np.asarray(np.maximum(squares, 0.0))


def k_means(points: Points, k: int, generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Cluster of each point (0…k − 1) and its squared distance to the centre: Lloyd, begun by k-means++ (Arthur 2007).

    A cluster may stay empty where fewer than k points differ.
    """
    centers = points[_seeds(points, min(k, len(points)), generator)]
    labels = np.full(len(points), -1, dtype=np.int64)
    for _ in range(ITERATIONS):
        distances = squared_distances(points, centers)
        found = distances.argmin(axis=1)
        if (found == labels).all():
            break
        labels = found
        for index in np.unique(labels):
            centers[index] = points[labels == index].mean(axis=0)
    distances = squared_distances(points, centers)
    return labels, distances[np.arange(len(points)), labels]


def _seeds(points: Points, k: int, generator: np.random.Generator) -> list[int]:
    chosen = [int(generator.integers(len(points)))]
    nearest = squared_distances(points, points[chosen])[:, 0]
    while len(chosen) < k:
        total = nearest.sum()
        if total <= 0:
            break
        chosen.append(int(generator.choice(len(points), p=nearest / total)))
        nearest = np.minimum(nearest, squared_distances(points, points[chosen[-1:]])[:, 0])
    return chosen


def farthest_first(
    points: Points, covered: Points, k: int, generator: np.random.Generator
) -> tuple[list[int], NDArray[np.float64]]:
    """K-center greedy (Sener and Savarese 2018, arXiv 1708.00489): k points, each the farthest from all taken before.

    `covered` [M, E] is taken from the beginning; where it is empty the first point is drawn. Also gives each point's
    distance to the nearest one taken in the end.
    """
    chosen: list[int] = []
    if len(covered):
        nearest = np.concatenate([_nearest(points[start : start + 512], covered) for start in range(0, len(points), 512)])
    else:
        nearest = np.full(len(points), np.inf)
        chosen.append(int(generator.integers(len(points))))
        nearest = _nearest(points, points[chosen])
    while len(chosen) < min(k, len(points)):
        open_ = np.where(np.isin(np.arange(len(points)), chosen), -1.0, nearest)
        chosen.append(int(open_.argmax()))
        nearest = np.minimum(nearest, _nearest(points, points[chosen[-1:]]))
    return chosen, np.sqrt(nearest)


def _nearest(points: Points, centers: Points) -> NDArray[np.float64]:
    return np.asarray(squared_distances(points, centers).min(axis=1))
