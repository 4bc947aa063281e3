"""Which predicted lesion found which true one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from backend.metrics.overlap import Region, intersection_over_union

MIN_IOU: Final = 0.1


@dataclass(frozen=True, slots=True)
class Matched:
    """One case after matching.

    `hit_scores`: for each true lesion the highest score among the predictions that found it, None if missed;
    `false_scores`: scores of predictions that found nothing. A second prediction on a found lesion counts for neither.
    `found_scores`: scores of all predictions that found something, the second ones too: with `false_scores` the
    outcome of every prediction. `false_rows`: which predictions found nothing.
    """

    hit_scores: list[float | None]
    false_scores: list[float] = field(default_factory=list)
    found_scores: list[float] = field(default_factory=list)
    false_rows: list[int] = field(default_factory=list)


def match_lesions(truth: Sequence[Region], predicted: Sequence[Region], scores: Sequence[float]) -> Matched:
    """A prediction finds a lesion when their IoU is at least 0.1 or its centre lies in the lesion."""
    hits: list[float | None] = [None] * len(truth)
    false: list[int] = []
    for row, (region, score) in enumerate(zip(predicted, scores, strict=True)):
        found = [index for index, lesion in enumerate(truth) if is_hit(lesion, region)]
        for index in found:
            best = hits[index]
            hits[index] = score if best is None else max(best, score)
        if not found:
            false.append(row)
    hit_rows = sorted(set(range(len(scores))) - set(false))
    return Matched(hits, [scores[row] for row in false], [scores[row] for row in hit_rows], false)


def is_hit(lesion: Region, predicted: Region) -> bool:
    """IoU ≥ 0.1, or the prediction's centre of mass inside the lesion."""
    return lesion.holds(predicted.centre) or intersection_over_union(lesion, predicted) >= MIN_IOU
