"""The draw of a batch: a random arm of known probability, and the best of the acquisition function, spread out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from workers.cnn.acquisition import Scores
from workers.cnn.candidates import Values
from workers.cnn.clusters import k_means, standardised

SHORTLIST: Final = 5
"""The acquired arm is spread over this many times as many of the best (k-means of the best: Zhdanov 2019)."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One case of a batch: its row, the arm that chose it, and for the random arm its inclusion probability."""

    row: int
    arm: str
    inclusion_probability: float | None


def draw_batch(
    scores: Scores,
    groups: Sequence[str],
    *,
    size: int,
    random_share: float,
    generator: np.random.Generator,
    embedding: Values | None = None,
) -> list[Drawn]:
    """A batch in reading order: a random arm and the best scores, at most one case per group (patient).

    The random arm draws groups uniformly, then a case of each uniformly, before anything else is drawn; the
    inclusion probability of a case is therefore (drawn groups / groups) / cases of its group. With an `embedding`
    [N, E] the acquired arm is the best of each of as many clusters as it has places, among five times as many of the
    best. Both arms are shuffled into one order, so a reader who stops half-way has read both.
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
    best = _best_of_groups(scores, groups, without=set(chosen))
    places = size - wanted
    if embedding is not None and 0 < places < len(best):
        best = _spread(best[: SHORTLIST * places], places, embedding, generator)
    drawn += [Drawn(row, "acquired", None) for row in best[:places]]
    return [drawn[index] for index in generator.permutation(len(drawn))]


def _best_of_groups(scores: Scores, groups: Sequence[str], *, without: set[str]) -> list[int]:
    """The best row of every other group, best first."""
    seen, best = set(without), []
    for row in np.argsort(-scores, kind="stable").tolist():
        if groups[row] not in seen:
            seen.add(groups[row])
            best.append(row)
    return best


def _spread(best: list[int], places: int, embedding: Values, generator: np.random.Generator) -> list[int]:
    """The best of each of `places` clusters, then the others in their order, for clusters that stayed empty."""
    if not np.isfinite(embedding).all():
        raise ValueError("an embedding is not finite: the model is broken")
    labels, _ = k_means(standardised(embedding[best]), places, generator)
    first: dict[int, int] = {}
    for row, label in zip(best, labels.tolist(), strict=True):
        first.setdefault(label, row)
    leaders = list(first.values())
    return leaders + [row for row in best if row not in set(leaders)]
