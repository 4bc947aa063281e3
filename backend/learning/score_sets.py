"""Scores with what came true: of every predicted lesion, and of every output per image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.learning.case_statistics import PerCase
from backend.learning.vocabulary import ANY_LESION, Vocabulary
from backend.registry.calibration import LESION


@dataclass(frozen=True, slots=True)
class ScoreSet:
    """Scores of one kind, their outcomes, the patient and the case (its place) of each. `name`: LESION, or the output's."""

    name: str
    scores: NDArray[np.float64]
    outcomes: NDArray[np.bool_]
    groups: tuple[str, ...]
    cases: tuple[int, ...]

    @property
    def finding_type(self) -> int | None:
        """The finding type that the score is of; None for lesions of all types."""
        return int(self.name.split(":")[1]) if ":" in self.name else None

    @property
    def n_positive(self) -> int:
        """How many came true."""
        return int(self.outcomes.sum())

    @property
    def n_negative(self) -> int:
        """How many did not."""
        return self.outcomes.size - self.n_positive

    @property
    def n_patients(self) -> int:
        """How many patients stand behind the scores."""
        return len(set(self.groups))


def score_sets(cases: Sequence[PerCase], vocabulary: Vocabulary) -> list[ScoreSet]:
    """Predicted lesions first (a hit, or false; of complete cases alone), then each output where its truth is known."""
    return [_lesions(cases), *(_images(cases, output) for output in (ANY_LESION, *vocabulary.outputs[1:]))]


def with_probabilities(
    cases: Sequence[PerCase], sets: Sequence[ScoreSet], probabilities: Mapping[str, NDArray[np.float64] | None]
) -> list[PerCase]:
    """The same cases with `probabilities`: by name the calibrated values of its scores, by which a bin's cases are found.

    Those of lesions stand in the order of `found` and then `false`.
    """
    kept: list[dict[str, list[float]]] = [{} for _ in cases]
    for one in sets:
        values = probabilities[one.name]
        if values is not None:
            for place, value in zip(one.cases, values.tolist(), strict=True):
                kept[place].setdefault(one.name, []).append(round(value, 5))
    return [{**case, "probabilities": told} for case, told in zip(cases, kept, strict=True)]


def _lesions(cases: Sequence[PerCase]) -> ScoreSet:
    rows = [
        (score, outcome, case["group"], place)
        for place, case in enumerate(cases)
        if case["complete"]
        for outcome, scores in ((True, case["found"]), (False, case["false"]))
        for score in scores
    ]
    return _set_of(LESION, rows)


def _images(cases: Sequence[PerCase], output: str) -> ScoreSet:
    rows = [
        (case["scores"][output], bool(case["truth"][output]), case["group"], place)
        for place, case in enumerate(cases)
        if output in case["truth"]
    ]
    return _set_of(output, rows)


def _set_of(name: str, rows: Sequence[tuple[float, bool, str, int]]) -> ScoreSet:
    return ScoreSet(
        name=name,
        scores=np.array([row[0] for row in rows], dtype=np.float64),
        outcomes=np.array([row[1] for row in rows], dtype=bool),
        groups=tuple(row[2] for row in rows),
        cases=tuple(row[3] for row in rows),
    )
