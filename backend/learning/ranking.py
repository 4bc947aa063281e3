"""Writes what to read next: acquisition scores, the drawn batch, and from both the order of the worklist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet

from backend.learning.models import AcquisitionScore, Round
from backend.projects.models import Case, Split
from backend.projects.priority_services import CHUNK, CasePriority, write_priorities
from backend.registry.models import ModelVersion

REASONS: Final = {
    "random": "random",
    "foreground_aware_random": "likely",
    "entropy": "uncertain",
    "clasp_pe": "uncertain",
    "bald": "uncertain",
    "tta_variance": "uncertain",
    "ensemble": "uncertain",
    "k_center": "different",
    "k_means": "different",
    "likely_positive": "likely",
    "cost_aware": "uncertain",
}
"""The acquisition functions that choose among unread cases, and what a row of the worklist says of each one's choice."""

SHOWN_SLICES: Final = 3


class MixedVersions(ValueError):
    """Scores of different model versions, or of one that no longer serves: they cannot be put in one order."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A case of the batch, in reading order."""

    case_id: UUID
    arm: str
    inclusion_probability: float | None


@dataclass(frozen=True, slots=True)
class CaseMeasured:
    """What a version's reading of a case gives the draw: numbers by name, [slice, score] pairs, the embedding's bytes."""

    case_id: UUID
    measures: dict[str, Any]
    slices: list[list[float]] = field(default_factory=list)
    embedding: bytes | None = None


def store_measures(*, round_: Round, version: ModelVersion, measured: Iterable[CaseMeasured]) -> None:
    """Write what was measured of some cases; a case that is measured again is written again."""
    AcquisitionScore.objects.bulk_create(
        [
            AcquisitionScore(
                round=round_,
                case_id=one.case_id,
                model_version=version,
                acquisition=round_.settings["acquisition"],
                measures={**one.measures, "slices": one.slices},
                embedding=one.embedding,
                arm="rest",
            )
            for one in measured
        ],
        update_conflicts=True,
        unique_fields=["round", "case"],
        update_fields=["model_version", "acquisition", "measures", "embedding", "arm"],
    )


def forget_other_versions(*, round_: Round, version: ModelVersion) -> int:
    """Drop what other versions said in this round, so that all is measured by the one that serves; how many.

    Rows without measures were written before measures were kept; such a round goes on as if it had not scored.
    """
    stale = ~Q(model_version=version) | Q(measures={})
    return AcquisitionScore.objects.filter(stale, round=round_).delete()[0]


def scored(round_: Round, version: ModelVersion) -> list[AcquisitionScore]:
    """The round's rows of cases that are still unread, by case number; MixedVersions unless all are of `version`."""
    rows = AcquisitionScore.objects.filter(round=round_, case__is_open=True, case__split=Split.POOL)
    found = list(rows.select_related("case").order_by("case__number"))
    others = sorted({row.model_version_id for row in found} - {version.pk})
    if others:
        raise MixedVersions(f"scores of other versions than {version.number} are among those of round {round_.number}")
    return found


def write_ranking(*, round_: Round, version: ModelVersion, batch: Sequence[Chosen], scores: dict[UUID, float]) -> None:
    """Put the batch at the head of the worklist and the rest behind it by score, evenly spaced between 1 and 0.

    A case without a score was read meanwhile. Embeddings have served and are let go.
    """
    rows = {row.case_id: row for row in scored(round_, version) if row.case_id in scores}
    for row in rows.values():
        row.score, row.embedding = scores[row.case_id], None
    head = [chosen for chosen in batch if chosen.case_id in rows]
    for rank, chosen in enumerate(head, 1):
        row = rows[chosen.case_id]
        row.arm, row.inclusion_probability, row.rank = chosen.arm, chosen.inclusion_probability, rank
    ordered = [rows[chosen.case_id] for chosen in head]
    ordered += sorted((row for row in rows.values() if row.rank is None), key=lambda row: (-_score(row), row.case.number))
    fields = ["score", "embedding", "arm", "inclusion_probability", "rank"]
    for start in range(0, len(ordered), CHUNK):
        AcquisitionScore.objects.bulk_update(ordered[start : start + CHUNK], fields)
    write_priorities(project=round_.project, priorities=_priorities(ordered, version), seed=round_.settings["seed"])


def _score(row: AcquisitionScore) -> float:
    assert row.score is not None
    return row.score


def _priorities(rows: Sequence[AcquisitionScore], version: ModelVersion) -> list[CasePriority]:
    return [
        CasePriority(
            case_id=row.case_id,
            priority=1 - index / len(rows),
            reason="random" if row.arm == "random" else REASONS[row.acquisition],
            detail={
                "score": round(_score(row), 4),
                "acquisition": row.acquisition,
                "version": version.number,
                "slices": [int(index) + 1 for index, _ in row.measures["slices"][:SHOWN_SLICES]],
            },
            is_random_arm=row.arm == "random",
            inclusion_probability=row.inclusion_probability,
        )
        for index, row in enumerate(rows)
    ]


def next_batch(round_: Round) -> QuerySet[AcquisitionScore]:
    """What the round's draw chose and nobody has read yet, in reading order."""
    unread = AcquisitionScore.objects.filter(round=round_, rank__isnull=False, case__is_open=True)
    return unread.select_related("case", "model_version").order_by("rank")


def unscored(round_: Round, version: ModelVersion, cases: QuerySet[Case]) -> QuerySet[Case]:
    """Those of the cases that this version has not measured in this round yet."""
    return cases.exclude(pk__in=AcquisitionScore.objects.filter(round=round_, model_version=version).values("case"))
