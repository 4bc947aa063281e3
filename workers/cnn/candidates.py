"""What acquisition functions may ask of the unread cases: one row a case, and only the columns that were asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Measures = Mapping["Column", Values]


class Column(StrEnum):
    """What can be known of a case. Its shape in `Candidates`: [N], [N, T] by lesion type, [N, E] or [M, E] of embeddings."""

    ENTROPY = "entropy"  # [N] the 2 % most uncertain pixels
    TYPE_ENTROPY = "type_entropy"  # [N, T] the same, each pixel weighted by the share of a lesion type
    LESION = "lesion"  # [N] the highest lesion share of any pixel
    POSITIVE = "positive"  # [N] the image's score for "any lesion"
    SNAPSHOTS = "snapshots"  # [N] disagreement of weights from the end of one training
    VERSIONS = "versions"  # [N] disagreement of the versions that are kept
    VIEWS = "views"  # [N] variance over mirrored and shifted views
    EMBEDDING = "embedding"  # [N, E]
    LABELLED = "labelled"  # [M, E] embeddings of what has been read
    FINDINGS = "findings"  # [N] how many findings would be shown
    FRAMES = "frames"  # [N] how many images the case has
    SECONDS = "seconds"  # [N] how long a reading of it is expected to take
    DOUBT = "doubt"  # [N] of a labelled case: how little the model believes its label


OF_THE_MODEL: Final = frozenset(Column) - {Column.LABELLED, Column.SECONDS, Column.DOUBT}
"""Columns that are measured while a version reads the cases; the others are added when the batch is drawn."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """`count` cases of which the functions score each; `wanted`: how many a batch takes; `round_number` 1…"""

    count: int
    columns: Measures = field(default_factory=dict)
    round_number: int = 1
    wanted: int = 1

    def __getitem__(self, name: Column) -> Values:
        """A column; ValueError where it was not measured, misses a case, or holds what is no number (a broken model)."""
        if name not in self.columns:
            raise ValueError(f"{name} was not measured")
        found = self.columns[name]
        if name is not Column.LABELLED and len(found) != self.count:
            raise ValueError(f"{len(found)} values of {name} for {self.count} cases")
        if not np.isfinite(found).all():
            raise ValueError(f"{name} is not finite: the model is broken")
        return found


def columns_of(measured: Sequence[Measures]) -> dict[Column, Values]:
    """The columns of cases that were measured one by one; ValueError where two were asked different things."""
    if not measured:
        return {}
    names = set(measured[0])
    if any(set(one) != names for one in measured):
        raise ValueError("not every case was measured for the same columns")
    return {name: np.stack([one[name] for one in measured]).astype(np.float64) for name in sorted(names)}
