"""Writes the order of the worklist, for those who see the model and for those who read blinded."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from backend.projects.models import Case, Project, Split

CHUNK = 100


@dataclass(frozen=True, slots=True)
class CasePriority:
    """Where a POOL case stands, why, and for the random arm with which probability it was drawn."""

    case_id: UUID
    priority: float
    reason: str
    detail: dict[str, Any] = field(default_factory=dict)
    is_random_arm: bool = False
    inclusion_probability: float | None = None


def write_priorities(*, project: Project, priorities: Sequence[CasePriority], seed: int) -> None:
    """Write a ranking of POOL cases, then redraw where the blinded readers meet every case.

    Blinded readers meet each case, of whatever split, at a random one of the priorities given here: VALIDATION,
    HOLDOUT and the blinded POOL cannot be told apart by their place, and no place tells a score. Short transactions.
    """
    for start in range(0, len(priorities), CHUNK):
        chunk = priorities[start : start + CHUNK]
        rows = {
            row.pk: row for row in Case.objects.filter(project=project, split=Split.POOL, pk__in=[p.case_id for p in chunk])
        }
        for given in chunk:
            row = rows.get(given.case_id)
            if row is None:
                raise ValueError(f"case {given.case_id} is not in the POOL of {project.slug}")
            row.priority, row.priority_reason, row.priority_detail = given.priority, given.reason, given.detail
            row.is_random_arm, row.inclusion_probability = given.is_random_arm, given.inclusion_probability
        names = ["priority", "priority_reason", "priority_detail", "is_random_arm", "inclusion_probability"]
        Case.objects.bulk_update(rows.values(), names)
    draw_blind_priorities(project=project, among=[given.priority for given in priorities], seed=seed)


def draw_blind_priorities(*, project: Project, among: Sequence[float], seed: int) -> None:
    """Give every case a random one of `among` for its blinded readers, and for VALIDATION and HOLDOUT as its priority."""
    if not among:
        return
    source = random.Random(seed)
    ids = list(Case.objects.filter(project=project).order_by("number").values_list("pk", "split"))
    drawn = [(pk, split, source.choice(among)) for pk, split in ids]
    for start in range(0, len(drawn), CHUNK):
        chunk = drawn[start : start + CHUNK]
        with transaction.atomic():
            Case.objects.bulk_update([Case(pk=pk, blind_priority=value) for pk, _, value in chunk], ["blind_priority"])
            held_out = [Case(pk=pk, priority=value) for pk, split, value in chunk if split != Split.POOL]
            Case.objects.bulk_update(held_out, ["priority"])
