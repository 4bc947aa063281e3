"""Writes what to read next: acquisition scores, the drawn batch, and from both the order of the worklist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from backend.learning.models import AcquisitionScore, Round
from backend.projects.models import Case, Split
from backend.projects.priority_services import CHUNK, CasePriority, write_priorities
from backend.registry.models import ModelVersion

REASONS: Final = {"entropy": "uncertain", "foreground_aware_random": "likely", "random": "random"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """A case of the batch, in reading order."""

    case_id: UUID
    arm: str
    inclusion_probability: float | None


def store_scores(*, round_: Round, version: ModelVersion, scores: dict[UUID, float]) -> None:
    """Write the acquisition scores of some cases; those that were scored in this round stay."""
    AcquisitionScore.objects.bulk_create(
        [
            AcquisitionScore(
                round=round_,
                case_id=case_id,
                model_version=version,
                acquisition=round_.settings["acquisition"],
                score=score,
                arm="rest",
            )
            for case_id, score in scores.items()
        ],
        ignore_conflicts=True,
    )


def scored(round_: Round) -> QuerySet[AcquisitionScore]:
    """The round's scores of cases that are still unread, by case number."""
    rows = AcquisitionScore.objects.filter(round=round_, case__is_open=True, case__split=Split.POOL)
    return rows.select_related("case").order_by("case__number")


def write_ranking(*, round_: Round, version: ModelVersion, batch: Sequence[Chosen]) -> None:
    """Put the batch at the head of the worklist and the rest behind it by score, evenly spaced between 1 and 0."""
    rows = {row.case_id: row for row in scored(round_)}
    head = [chosen for chosen in batch if chosen.case_id in rows]
    for rank, chosen in enumerate(head, 1):
        row = rows[chosen.case_id]
        row.arm, row.inclusion_probability, row.rank = chosen.arm, chosen.inclusion_probability, rank
    ordered = [rows[chosen.case_id] for chosen in head]
    behind = sorted((row for row in rows.values() if row.rank is None), key=lambda row: (-row.score, row.case.number))
    fields = ["arm", "inclusion_probability", "rank"]
    for start in range(0, len(ordered), CHUNK):
        AcquisitionScore.objects.bulk_update(ordered[start : start + CHUNK], fields)
    write_priorities(project=round_.project, priorities=_priorities(ordered + behind, version), seed=round_.settings["seed"])


def _priorities(rows: Sequence[AcquisitionScore], version: ModelVersion) -> list[CasePriority]:
    return [
        CasePriority(
            case_id=row.case_id,
            priority=1 - index / len(rows),
            reason="random" if row.arm == "random" else REASONS[row.acquisition],
            detail={"score": round(row.score, 4), "acquisition": row.acquisition, "version": version.number},
            is_random_arm=row.arm == "random",
            inclusion_probability=row.inclusion_probability,
        )
        for index, row in enumerate(rows)
    ]


def next_batch(round_: Round) -> QuerySet[AcquisitionScore]:
    """What the round's draw chose and nobody has read yet, in reading order."""
    unread = AcquisitionScore.objects.filter(round=round_, rank__isnull=False, case__is_open=True)
    return unread.select_related("case", "model_version").order_by("rank")


def unscored(round_: Round, cases: QuerySet[Case]) -> QuerySet[Case]:
    """Those of the cases that have no score in this round yet."""
    return cases.exclude(pk__in=AcquisitionScore.objects.filter(round=round_).values("case"))
