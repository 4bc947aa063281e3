"""Reads what lies in quarantine and the rules that keep images out of it."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from backend.archive.models import PixelRule, QuarantinedFile, QuarantineKind, QuarantineState
from backend.exchange.models import ImportItem
from backend.projects.models import Project


def quarantine_of(project: Project) -> QuerySet[QuarantinedFile]:
    """Files that came through this project, or through no project's page into the archive that is this project's alone."""
    mine = Q(project_id=project.pk)
    if not Project.objects.filter(archive_id=project.archive_id).exclude(pk=project.pk).exists():
        mine |= Q(project_id__isnull=True)
    return QuarantinedFile.objects.filter(mine, archive_id=project.archive_id)


def open_quarantine(project: Project) -> QuerySet[QuarantinedFile]:
    """Those whose bytes are still there, held ones first, in the order in which they came."""
    there = (QuarantineState.WAITING, QuarantineState.DECIDED)
    return quarantine_of(project).filter(state__in=there).order_by("kind", "created_at", "pk")


def quarantine_counts(project: Project) -> dict[str, int]:
    """How many images wait for a look, how many were decided about and are on their way, how many were refused."""
    rows = open_quarantine(project).order_by().values_list("kind", "state")
    counts = {"held": 0, "decided": 0, "refused": 0}
    for kind, state in rows:
        if kind == QuarantineKind.REFUSED:
            counts["refused"] += 1
        else:
            counts["decided" if state == QuarantineState.DECIDED else "held"] += 1
    return counts


def quarantine_documents(rows: list[QuarantinedFile]) -> list[dict[str, Any]]:
    """Files in quarantine as the API tells them to leads; their names as they were sent."""
    names = dict(
        ImportItem.objects.filter(quarantined__in=[row.pk for row in rows]).order_by("-run__created_at")
        .values_list("quarantined_id", "name")
    )  # fmt: skip
    return [
        {
            "id": str(row.pk),
            "kind": row.kind,
            "state": row.state,
            "name": names.get(row.pk, ""),
            "why": row.why,
            "reason": row.reason,
            "size": row.size,
            "manufacturer": row.facts.get("manufacturer", ""),
            "model": row.facts.get("model", ""),
            "modality": row.facts.get("modality", ""),
            "rows": row.facts.get("rows", 0),
            "columns": row.facts.get("columns", 0),
            "frames": row.facts.get("frames", 0),
            "proposed": row.facts.get("proposed", []),
            "created_at": row.created_at,
            "expires_at": row.expires_at,
        }
        for row in rows
    ]


def rule_documents(project: Project) -> list[dict[str, Any]]:
    """The archive's rules as the API tells them."""
    return [
        {
            "id": rule.pk,
            "manufacturer": rule.manufacturer,
            "model": rule.model,
            "rows": rule.rows,
            "columns": rule.columns,
            "rectangles": rule.rectangles,
            "made_by": rule.made_by.get_username() if rule.made_by is not None else "",
            "created_at": rule.created_at,
        }
        for rule in PixelRule.objects.filter(archive_id=project.archive_id).select_related("made_by")
    ]
