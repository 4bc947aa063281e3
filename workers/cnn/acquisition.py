"""Which unread case to read next: pure array functions of one signature.

Every function takes `Candidates` and a random generator and gives a score [N]; the highest are read first. What it
needs is said beside it in `ACQUISITIONS`, so that nothing is measured that is not used. Numbers that are no numbers
raise: a NaN score is a broken model, not a zero. The draw of the batch is in `batches`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workers.cnn.candidates import Candidates, Column, Values
from workers.cnn.clusters import farthest_first, k_means, standardised

Scores = NDArray[np.float64]
Score = Callable[[Candidates, np.random.Generator], Scores]

FOREGROUND_SHARE: Final = 2 / 3
FOREGROUND_LEVEL: Final = 0.5
STRATIFIED_SHARE: Final = 0.66
BETA: Final = (1.0, 100.0)
BETA_ROUNDS: Final = 5  # as many as the published experiments have; later rounds keep the last beta
FLOOR: Final = 1e-12
SPARE: Final = 3
"""Orders are made this much longer than the batch: of some patients another case may be drawn already."""


def random(cases: Candidates, generator: np.random.Generator) -> Scores:
    """Uniform numbers: the baseline that is hard to beat (Burmeister et al. 2022, arXiv 2207.00845)."""
    return generator.random(cases.count)


def foreground_aware_random(cases: Candidates, generator: np.random.Generator) -> Scores:
    """Random, with cases in which the model sees a lesion drawn more often (nnActive, Lüth et al. 2025, arXiv 2511.19183).

    A case with foreground weighs (1/3 + 2/3) : 1/3 against one without. The largest u^(1/weight) are a draw without
    replacement by weight (Efraimidis and Spirakis 2006).
    """
    weight = (1 - FOREGROUND_SHARE) + FOREGROUND_SHARE * (cases[Column.LESION] >= FOREGROUND_LEVEL)
    return np.asarray(generator.random(cases.count) ** (1 / weight), dtype=np.float64)


def entropy(cases: Candidates, generator: np.random.Generator) -> Scores:
    """Mean entropy of the 2 % most uncertain pixels (uncertainty sampling, Lewis and Gale 1994)."""
    return cases[Column.ENTROPY]


def bald(cases: Candidates, generator: np.random.Generator) -> Scores:
    """What samples of the posterior disagree about (BALD: Houlsby et al. 2011; Gal, Islam and Ghahramani 2017).

    The samples are weights from the end of the training (as SWAG takes them: Maddox et al. 2019, arXiv 1902.02476).
    """
    return cases[Column.SNAPSHOTS]


def tta_variance(cases: Candidates, generator: np.random.Generator) -> Scores:
    """How much the answer moves when the image is mirrored or shifted (Wang et al. 2019, arXiv 1807.07356)."""
    return cases[Column.VIEWS]


def ensemble(cases: Candidates, generator: np.random.Generator) -> Scores:
    """What the versions that are kept disagree about (query by committee: Beluch et al. 2018, CVPR)."""
    return cases[Column.VERSIONS]


def k_center(cases: Candidates, generator: np.random.Generator) -> Scores:
    """What lies farthest from all that has been read or chosen (core-set: Sener and Savarese 2018, arXiv 1708.00489)."""
    both = standardised(np.concatenate([cases[Column.EMBEDDING], cases[Column.LABELLED]]))
    chosen, distance = farthest_first(both[: cases.count], both[cases.count :], SPARE * cases.wanted, generator)
    return _scores_of(chosen, distance)


def k_means_diversity(cases: Candidates, generator: np.random.Generator) -> Scores:
    """The case nearest to the centre of each cluster, large clusters first (Zhdanov 2019, arXiv 1901.05954, unweighted)."""
    points = standardised(cases[Column.EMBEDDING])
    labels, distance = k_means(points, cases.wanted, generator)
    sizes = np.bincount(labels)
    first = [int(np.flatnonzero(labels == label)[distance[labels == label].argmin()]) for label in np.unique(labels)]
    return _scores_of(sorted(first, key=lambda row: (-sizes[labels[row]], row)), -distance)


def clasp_pe(cases: Candidates, generator: np.random.Generator) -> Scores:
    """Two thirds by lesion type, one third over all, with noise that fades (ClaSP PE, Lüth et al. 2026, arXiv 2601.13677).

    66 % of the order goes to the lesion types in turn (entropy × share of the type, so that rare types have their part),
    34 % to entropy alone. Each ranking is of log score + Gumbel(0, 1/β); β grows from 1 to 100, geometrically
    over the first rounds (the same as sampling with probability ∝ score^β: Kirsch et al. 2023, arXiv 2106.12059).
    """
    share = min(1.0, (cases.round_number - 1) / (BETA_ROUNDS - 1))
    beta = BETA[0] * (BETA[1] / BETA[0]) ** share
    overall = _noisy(cases[Column.ENTROPY], beta, generator)
    by_type = _noisy(cases[Column.TYPE_ENTROPY], beta, generator)
    types = generator.permutation(by_type.shape[1])
    rankings = [_Ranking(overall), *(_Ranking(by_type[:, index]) for index in types)]
    taken: dict[int, None] = {}  # in the order of the taking
    for slot in _slots(min(SPARE * cases.wanted, cases.count), len(types)):
        taken[rankings[slot].best(taken)] = None
    return _scores_of(taken, overall)


def likely_positive(cases: Candidates, generator: np.random.Generator) -> Scores:
    """The model's own score for "any lesion": the likely positive first (relevance sampling, Lewis and Gale 1994)."""
    return cases[Column.POSITIVE]


def cost_aware(cases: Candidates, generator: np.random.Generator) -> Scores:
    """Entropy per expected second of reading (return on investment: Settles, Craven and Friedland 2008; Haertel 2008)."""
    seconds = cases[Column.SECONDS]
    if (seconds <= 0).any():
        raise ValueError("a reading is expected to take no time")
    return np.asarray(cases[Column.ENTROPY] / seconds)


def label_disagreement(cases: Candidates, generator: np.random.Generator) -> Scores:
    """How little the model believes the label (Lad and Mueller 2023, arXiv 2307.05080): labelled cases to look at again."""
    return cases[Column.DOUBT]


@dataclass(frozen=True, slots=True)
class Acquisition:
    """A function and what it needs. `spreads`: its best are spread over the embeddings before a batch is drawn of them.

    Functions that are random or diverse by themselves are not spread: it would undo what they do.
    """

    score: Score
    needs: frozenset[Column] = frozenset()
    spreads: bool = False
    of_labelled: bool = False

    @property
    def columns(self) -> frozenset[Column]:
        """All that has to be known: what the function needs, and the embedding where the draw spreads."""
        return self.needs | ({Column.EMBEDDING} if self.spreads else frozenset())


ACQUISITIONS: Final[dict[str, Acquisition]] = {
    "random": Acquisition(random),
    "foreground_aware_random": Acquisition(foreground_aware_random, frozenset({Column.LESION})),
    "entropy": Acquisition(entropy, frozenset({Column.ENTROPY}), spreads=True),
    "clasp_pe": Acquisition(clasp_pe, frozenset({Column.ENTROPY, Column.TYPE_ENTROPY})),
    "bald": Acquisition(bald, frozenset({Column.SNAPSHOTS}), spreads=True),
    "tta_variance": Acquisition(tta_variance, frozenset({Column.VIEWS}), spreads=True),
    "ensemble": Acquisition(ensemble, frozenset({Column.VERSIONS}), spreads=True),
    "k_center": Acquisition(k_center, frozenset({Column.EMBEDDING, Column.LABELLED})),
    "k_means": Acquisition(k_means_diversity, frozenset({Column.EMBEDDING})),
    "likely_positive": Acquisition(likely_positive, frozenset({Column.POSITIVE})),
    "cost_aware": Acquisition(
        cost_aware, frozenset({Column.ENTROPY, Column.SECONDS, Column.FINDINGS, Column.FRAMES}), spreads=True
    ),
    "label_disagreement": Acquisition(label_disagreement, frozenset({Column.DOUBT}), of_labelled=True),
}
CHOOSING: Final = tuple(name for name, one in ACQUISITIONS.items() if not one.of_labelled)
"""Those that choose among unread cases."""


def score_cases(name: str, cases: Candidates, generator: np.random.Generator) -> Scores:
    """The scores of a function by its name: one finite number a case, or ValueError."""
    scores = ACQUISITIONS[name].score(cases, generator)
    if scores.shape != (cases.count,):
        raise ValueError(f"{name} gave {scores.shape} for {cases.count} cases")
    if not np.isfinite(scores).all():
        raise ValueError("a score is not finite: the model is broken")
    return scores


def _noisy(values: Values, beta: float, generator: np.random.Generator) -> Values:
    return np.asarray(np.log(np.maximum(values, FLOOR)) + generator.gumbel(0, 1 / beta, size=values.shape))


class _Ranking:
    """Rows from the highest value down; `best` is the first that is not taken yet."""

    def __init__(self, values: Values) -> None:
        self._order: Iterator[int] = iter(np.argsort(-values, kind="stable").tolist())

    def best(self, taken: dict[int, None]) -> int:
        return next(row for row in self._order if row not in taken)


def _slots(count: int, n_types: int) -> Iterator[int]:
    """Which ranking fills each place: 0 for the one over all, 1… for a type; every beginning has its 66 %."""
    turn = 0
    for place in range(count):
        stratified = int((place + 1) * STRATIFIED_SHARE) > int(place * STRATIFIED_SHARE)
        if stratified and n_types:
            yield 1 + turn % n_types
            turn += 1
        else:
            yield 0


def _scores_of(chosen: Iterable[int], rest: Values) -> Scores:
    """Scores above 1 for what was chosen in that order; the others between 0 and 1 by `rest`."""
    span = float(rest.max() - rest.min()) if rest.size else 0.0
    scores = np.asarray((rest - rest.min()) / span if span > 0 else np.zeros(rest.shape), dtype=np.float64)
    order = list(chosen)
    for place, row in enumerate(order):
        scores[row] = 2 - place / len(order)
    return scores
