"""Reads what lies in quarantine and the rules that keep images out of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet

from backend.archive.models import DeidProfile, PixelRule, QuarantinedFile, QuarantineKind, QuarantineState
from backend.exchange.import_options import import_options
from backend.exchange.models import ImportItem
from backend.exchange.selectors import door_of, fact_document, names_in_run
from backend.projects.models import Membership, Project
from backend.projects.shown_names import ShownNames

_NUMBER: Final = re.compile(r"\d[\d,.]*")


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


def group_of(kind: str, why: str, reason: str) -> str:
    """Files of one kind and reason by one word; what a reason says in numbers makes no other reason."""
    told = f"{kind} {why or _NUMBER.sub('0', reason)}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def quarantine_groups(project: Project, names: ShownNames, kind: str = "") -> list[dict[str, Any]]:
    """How many files wait for each reason, the most first; `reason` is that of the first of them."""
    rows = open_quarantine(project).filter(state=QuarantineState.WAITING)
    rows = rows.filter(kind=kind) if kind else rows
    found: dict[str, dict[str, Any]] = {}
    for pk, row_kind, why, reason in rows.values_list("pk", "kind", "why", "reason").iterator(2000):
        group = group_of(row_kind, why, reason)
        known = found.setdefault(
            group, {"group": group, "kind": row_kind, "why": why, "reason": reason, "pk": pk, "count": 0}
        )
        known["count"] += 1
    first = [one["pk"] for one in found.values()]
    came = _all_that_brought(first)
    for one in found.values():
        one["reason"] = names.text(one["reason"], [item.name for item in came.get(one["pk"], ())])
    return sorted(found.values(), key=lambda one: -one["count"])


def in_group(rows: QuerySet[QuarantinedFile], group: str) -> QuerySet[QuarantinedFile]:
    """Those of one group."""
    told = rows.order_by().values_list("kind", "why", "reason").distinct()
    of_group = [(kind, why, reason) for kind, why, reason in told if group_of(kind, why, reason) == group]
    kinds, words = {kind for kind, _, _ in of_group}, {why for _, why, _ in of_group}
    found = rows.filter(kind__in=kinds, why__in=words)
    # A reason that is a word stands for all texts that it may have.
    return found if words != {""} else found.filter(reason__in=[reason for _, _, reason in of_group])


def items_that_brought(rows: Iterable[QuarantinedFile]) -> dict[UUID, ImportItem]:
    """The item by which each file came; of several imports that brought it the first."""
    return {pk: items[0] for pk, items in _all_that_brought([row.pk for row in rows]).items()}


def _all_that_brought(ids: Collection[UUID]) -> dict[UUID, list[ImportItem]]:
    """The items by which each file came, the first of them first: what is said of it may name any of them."""
    found: dict[UUID, list[ImportItem]] = {}
    items = ImportItem.objects.filter(quarantined__in=ids).order_by("run__created_at", "name")
    for item in items.select_related("run__created_by"):
        if item.quarantined_id is not None:
            found.setdefault(item.quarantined_id, []).append(item)
    return found


def may_be_tried_again(row: QuarantinedFile, item: ImportItem | None) -> bool:
    """Whether an import of this file alone can make something of it: of a mask or a table it cannot, without images."""
    if row.kind != QuarantineKind.REFUSED or row.state != QuarantineState.WAITING:
        return False
    if item is None:
        return True
    options = import_options(item.run.options)
    is_mask = bool(options.masks_prefix) and item.name.startswith(options.masks_prefix)
    return not is_mask and item.name not in options.tables


def may_download(membership: Membership, project: Project) -> bool:
    """Whether a lead may have originals: where they are cleaned at the door, only who may learn identities."""
    return project.archive.deid_profile == DeidProfile.NONE or membership.may_reidentify


def quarantine_documents(rows: list[QuarantinedFile], names: ShownNames) -> list[dict[str, Any]]:
    """Files in quarantine as the API tells them to leads."""
    came = _all_that_brought([row.pk for row in rows])
    return [_document(row, came.get(row.pk, []), names) for row in rows]


def _document(row: QuarantinedFile, items: Sequence[ImportItem], names: ShownNames) -> dict[str, Any]:
    item = items[0] if items else None
    # The reason is that of the last attempt, which may have got the file under another name, and through another door.
    shown = [names_in_run(one.run, names) for one in items]
    told = next((one for one in shown if not one.clear), shown[0] if shown else names)
    return {
        "id": str(row.pk),
        "kind": row.kind,
        "state": row.state,
        "name": shown[0].name(items[0].name) if items else "",
        "why": row.why,
        "reason": told.text(row.reason, [one.name for one in items]),
        "group": group_of(row.kind, row.why, row.reason),
        "size": row.size,
        "manufacturer": row.facts.get("manufacturer", ""),
        "model": row.facts.get("model", ""),
        **fact_document(row.facts),
        **(door_of(item.run) if item is not None else {"origin": "", "sent_by": ""}),
        "may_retry": may_be_tried_again(row, item),
        "proposed": row.facts.get("proposed", []),
        "created_at": row.created_at,
        "expires_at": row.expires_at,
    }


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
