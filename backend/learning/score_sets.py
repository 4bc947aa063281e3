"""Scores with what came true: of every predicted lesion, and of every output per image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.learning.case_statistics import PerCase
from backend.learning.vocabulary import ANY_LESION, Vocabulary

LESION: Final = "lesion"


@dataclass(frozen=True, slots=True)
class ScoreSet:
    """Scores of one kind, their outcomes and the patient of each. `name`: LESION, or the output's."""

    name: str
    scores: NDArray[np.float64]
    outcomes: NDArray[np.bool_]
    groups: tuple[str, ...]

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


def _lesions(cases: Sequence[PerCase]) -> ScoreSet:
    rows = [
        (score, outcome, case["group"])
        for case in cases
        if case["complete"]
        for outcome, scores in ((True, case["found"]), (False, case["false"]))
        for score in scores
    ]
    return _set_of(LESION, rows)


def _images(cases: Sequence[PerCase], output: str) -> ScoreSet:
    known = [case for case in cases if output in case["truth"]]
    return _set_of(output, [(case["scores"][output], bool(case["truth"][output]), case["group"]) for case in known])


def _set_of(name: str, rows: Sequence[tuple[float, bool, str]]) -> ScoreSet:
    return ScoreSet(
        name=name,
        scores=np.array([score for score, _, _ in rows], dtype=np.float64),
        outcomes=np.array([outcome for _, outcome, _ in rows], dtype=bool),
        groups=tuple(group for _, _, group in rows),
    )
