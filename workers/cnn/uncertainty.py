"""How uncertain pixels are, and what that makes of a case: float32 maps [slices, S, S], aggregated slice by slice.

`shares` are [slices, 1 + T, S, S] of background and lesion types; `passes` [P, slices, 1 + T, S, S] are what several
passes say of the same pixels (other weights, other views).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

Shares = NDArray[np.float32]
Maps = NDArray[np.float32]

TOP_SHARE: Final = 0.02
FLOOR: Final = 1e-12
SOFTMIN_TEMPERATURE: Final = 0.1
IGNORED: Final = 255


def pixel_entropy(shares: Shares) -> Maps:
    """Entropy of each pixel, 0…1 (Shannon; as uncertainty sampling: Settles 2009)."""
    if shares.shape[-3] == 1:
        return np.zeros(shares.shape[:-3] + shares.shape[-2:], dtype=np.float32)
    kept = np.clip(shares, FLOOR, 1)
    return np.asarray(-(kept * np.log(kept)).sum(axis=-3) / np.log(shares.shape[-3]), dtype=np.float32)


def mutual_information(passes: Shares) -> Maps:
    """Entropy of the mean minus mean of the entropies, 0…1: what the passes disagree about (BALD, Houlsby et al. 2011).

    For a committee it is the mean divergence from the consensus (McCallum and Nigam 1998).
    """
    shared = pixel_entropy(passes.mean(axis=0)) - pixel_entropy(passes).mean(axis=0)
    return np.asarray(np.maximum(shared, 0), dtype=np.float32)


def pass_variance(passes: Shares) -> Maps:
    """Variance over the passes, summed over the outputs (Wang et al. 2019, arXiv 1807.07356, for views of one image)."""
    return np.asarray(passes.var(axis=0).sum(axis=1), dtype=np.float32)


def top_mean(maps: NDArray[np.float32]) -> float:
    """Mean of the 2 % highest pixels of all slices together: the mean of all would only follow the lesion's area."""
    pixels = maps.ravel().astype(np.float64)
    top = max(1, round(pixels.size * TOP_SHARE))
    return float(np.partition(pixels, -top)[-top:].mean())


def best_slices(by_slice: NDArray[np.float64], most: int) -> list[tuple[int, float]]:
    """The `most` highest slices (0-based) with their scores, highest first; of equals the earlier."""
    order = np.argsort(-by_slice, kind="stable")[:most]
    return [(int(index), float(by_slice[index])) for index in order]


def label_doubt(shares: Shares, targets: NDArray[np.uint8], type_known: NDArray[np.bool_]) -> float:
    """How little the model believes a label, 0…1: 1 − softmin over the pixels of the share of what each is labelled.

    After Lad and Mueller 2023 (arXiv 2307.05080), whose softmin finds wrong masks best. Pixels that say nothing are
    left out; types that the label does not know (`type_known` [T]) count as its background. ValueError where no pixel
    says anything. A model that learned this very label believes it: judge by one that did not.
    """
    _, chosen, weights, _ = _doubted_pixels(shares, targets, type_known)
    return float(1 - (chosen * weights).sum() / weights.sum())


def least_believed(scores: Mapping[str, float], labelled: Mapping[str, int]) -> tuple[str, float]:
    """What the model believes least of what a label says of an image as a whole (1 or 0 by output), and its doubt, 0…1.

    The doubt is 1 − self-confidence: the share that the model gives to what is labelled (Northcutt et al. 2021, arXiv
    1911.00068). ValueError where nothing is said. Judge by a model that did not learn this label.
    """
    if not labelled:
        raise ValueError("the label says nothing of the image as a whole")
    doubts = {name: 1 - scores[name] if value else scores[name] for name, value in labelled.items()}
    name = max(doubts, key=doubts.__getitem__)
    return name, doubts[name]


def doubted_types(shares: Shares, targets: NDArray[np.uint8], type_known: NDArray[np.bool_]) -> tuple[int, int]:
    """What the doubt is about: (what is labelled, what the model would rather say) where it weighs most; 0 is background."""
    labelled, _, weights, believed = _doubted_pixels(shares, targets, type_known)
    others = believed.copy()
    np.put_along_axis(others, labelled[:, None], 0, axis=1)
    instead = others.argmax(axis=1)
    n = believed.shape[1]
    mass = np.bincount(labelled * n + instead, weights=weights * others.max(axis=1), minlength=n * n)
    first, second = divmod(int(mass.argmax()), n)
    return first, second


def _doubted_pixels(
    shares: Shares, targets: NDArray[np.uint8], type_known: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of the pixels that say something: the label, its share, the softmin's weight, and the shares of all outputs."""
    background = shares[:, 0] + shares[:, 1:][:, ~type_known].sum(axis=1)
    believed = np.concatenate([background[:, None], np.where(type_known[:, None, None], shares[:, 1:], 0)], axis=1)
    says = targets != IGNORED
    if not says.any():
        raise ValueError("the label says nothing of any pixel")
    of_pixels = np.moveaxis(believed, 1, -1)[says].astype(np.float64)
    labelled = targets[says].astype(np.int64)
    chosen = np.take_along_axis(of_pixels, labelled[:, None], axis=1)[:, 0]
    return labelled, chosen, np.exp((1 - chosen) / SOFTMIN_TEMPERATURE), of_pixels
