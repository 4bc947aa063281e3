"""Which unread case to read next: pure array functions of one signature, and the draw of a batch.

Every acquisition function takes `types` float [N, 1 + T, …] (shares of background and lesion types of each pixel) and
a random generator, and gives a score [N]; the highest are read first. Numbers that are no numbers raise: a NaN score
is a broken model, not a zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Acquisition = Callable[[NDArray[np.float32], np.random.Generator], Scores]

TOP_SHARE: Final = 0.02
FOREGROUND_SHARE: Final = 2 / 3
FOREGROUND_LEVEL: Final = 0.5


def random(types: NDArray[np.float32], generator: np.random.Generator) -> Scores:
    """Uniform numbers: the baseline that is hard to beat (Burmeister et al. 2022, arXiv 2207.00845)."""
    return generator.random(len(types))


def foreground_aware_random(types: NDArray[np.float32], generator: np.random.Generator) -> Scores:
    """Random, with cases in which the model sees a lesion drawn more often (nnActive, Lüth et al. 2025, arXiv 2511.19183).

    A case with foreground weighs (1/3 + 2/3) : 1/3 against one without. The largest u^(1/weight) are a draw without
    replacement by weight (Efraimidis and Spirakis 2006).
    """
    _check(types)
    lesion = 1 - types[:, 0].reshape(len(types), -1)
    foreground = lesion.max(axis=1) >= FOREGROUND_LEVEL
    weight = (1 - FOREGROUND_SHARE) + FOREGROUND_SHARE * foreground
    return np.asarray(generator.random(len(types)) ** (1 / weight), dtype=np.float64)


def entropy(types: NDArray[np.float32], generator: np.random.Generator) -> Scores:
    """Mean entropy of the 2 % most uncertain pixels, 0…1: the image's mean would only follow the lesion's area."""
    _check(types)
    if types.shape[1] == 1:
        return np.zeros(len(types))
    shares = np.clip(types.reshape(types.shape[0], types.shape[1], -1).astype(np.float64), 1e-12, 1)
    pixels = -(shares * np.log(shares)).sum(axis=1) / np.log(types.shape[1])
    top = max(1, round(pixels.shape[1] * TOP_SHARE))
    return np.asarray(np.partition(pixels, -top, axis=1)[:, -top:].mean(axis=1))


ACQUISITIONS: Final[dict[str, Acquisition]] = {
    "random": random,
    "foreground_aware_random": foreground_aware_random,
    "entropy": entropy,
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """One case of a batch: its row, the arm that chose it, and for the random arm its inclusion probability."""

    row: int
    arm: str
    inclusion_probability: float | None


def draw_batch(
    scores: Scores, groups: Sequence[str], *, size: int, random_share: float, generator: np.random.Generator
) -> list[Drawn]:
    """A batch in reading order: a random arm and the highest scores, at most one case per group (patient).

    The random arm draws groups uniformly, then a case of each uniformly, before anything else is drawn; the
    inclusion probability of a case is therefore (drawn groups / groups) / cases of its group. Both arms are shuffled
    into one order, so a reader who stops half-way has read both.
    """
    if len(scores) != len(groups):
        raise ValueError(f"{len(scores)} scores for {len(groups)} cases")
    if not np.isfinite(scores).all():
        raise ValueError("a score is not finite: the model is broken")
    rows_of: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        rows_of.setdefault(group, []).append(row)
    names = sorted(rows_of)
    size = min(size, len(names))
    wanted = min(size, int(np.ceil(size * random_share))) if random_share > 0 else 0
    chosen = [names[index] for index in generator.permutation(len(names))[:wanted]]
    drawn = [
        Drawn(rows_of[name][int(generator.integers(len(rows_of[name])))], "random", wanted / len(names) / len(rows_of[name]))
        for name in chosen
    ]
    seen = set(chosen)
    for row in np.argsort(-scores, kind="stable"):
        if len(drawn) == size:
            break
        if groups[row] not in seen:
            seen.add(groups[row])
            drawn.append(Drawn(int(row), "acquired", None))
    return [drawn[index] for index in generator.permutation(len(drawn))]


def _check(types: NDArray[np.float32]) -> None:
    if not np.isfinite(types).all():
        raise ValueError("a probability is not finite: the model is broken")
