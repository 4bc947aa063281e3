"""Reads import runs, their files, and how a project's cases are split."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from django.db.models import Case as Choice
from django.db.models import Count, IntegerField, QuerySet, Value, When

from backend.dicom.file_facts import Facts, uid_name
from backend.exchange.models import ImportItem, ImportRun, ItemState, RememberedSegmentation
from backend.projects.models import Case, Project, Split
from backend.projects.shown_names import ShownNames
from backend.projects.splits import counts_by_split

# What needs eyes comes first.
_WORST_FIRST: Final = (
    ItemState.HELD,
    ItemState.REFUSED,
    ItemState.EMBARGOED,
    ItemState.DUPLICATE,
    ItemState.UPLOADING,
    ItemState.WAITING,
    ItemState.IMPORTED,
)


def item_counts(run: ImportRun) -> dict[str, int]:
    """Number of a run's files by state, and in all."""
    rows = ImportItem.objects.filter(run=run).order_by().values_list("state").annotate(count=Count("pk"))
    return _with_total({str(state): count for state, count in rows})


def _with_total(known: Mapping[str, int]) -> dict[str, int]:
    counts = {str(state): 0 for state in ItemState} | dict(known)
    return {"total": sum(counts.values()), **counts}


def run_documents(runs: Sequence[ImportRun], names: ShownNames) -> list[dict[str, Any]]:
    """Runs as the API tells them, their files counted in one query."""
    rows = ImportItem.objects.filter(run__in=[run.pk for run in runs]).order_by().values_list("run_id", "state")
    counts: dict[UUID, dict[str, int]] = {}
    for run_id, state, count in rows.annotate(count=Count("pk")):
        counts.setdefault(run_id, {})[str(state)] = count
    return [_document(run, _with_total(counts.get(run.pk, {})), names) for run in runs]


def run_document(run: ImportRun, names: ShownNames) -> dict[str, Any]:
    """A run as the API tells it."""
    return _document(run, item_counts(run), names)


_NAMES: Final = ("source", "masks_prefix", "labels_file", "boxes_file", "context_file")


def _document(run: ImportRun, counts: dict[str, int], names: ShownNames) -> dict[str, Any]:
    told = {option: run.options[option] for option in _NAMES if run.options.get(option)}
    waiting = counts["waiting"] + counts["uploading"]
    return {
        "id": str(run.pk),
        "state": run.state,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "created_by": run.created_by.get_username() if run.created_by is not None else "",
        "origin": run.options.get("origin", ""),
        "options": run.options | {option: names.name(name) for option, name in told.items()},
        "deidentification": run.deidentification,
        "message": names.text(run.message, told.values()),
        "counts": counts,
        "progress": {"done": counts["total"] - waiting, "total": counts["total"]},
        "job": str(run.job_id) if run.job_id is not None else None,
    }


def door_of(run: ImportRun) -> dict[str, str]:
    """What brought the files of a run in words, empty where a person sent them; and who stands for it."""
    return {
        "origin": run.options.get("origin", ""),
        "sent_by": run.created_by.get_username() if run.created_by is not None else "",
    }


def runs_of(project: Project) -> QuerySet[ImportRun]:
    """A project's runs, the newest first."""
    return ImportRun.objects.filter(project=project).select_related("created_by").order_by("-created_at")


def items_worst_first(run: ImportRun, state: str = "") -> QuerySet[ImportItem]:
    """A run's files, those that need eyes first; `state`: only those of one state."""
    rank = Choice(
        *(When(state=state, then=Value(place)) for place, state in enumerate(_WORST_FIRST)), output_field=IntegerField()
    )
    items = ImportItem.objects.filter(run=run).select_related("case").annotate(rank=rank).order_by("rank", "name")
    return items.filter(state=state) if state else items


def names_in_run(run: ImportRun, names: ShownNames) -> ShownNames:
    """How names of a run's files are shown: those of what another system sent were made here and name nobody."""
    return names if run.received_at is None else replace(names, clear=True)


def item_document(item: ImportItem, names: ShownNames) -> dict[str, Any]:
    """A file of a run as the API tells it."""
    case = item.case
    return {
        "id": str(item.pk),
        "name": names.name(item.name),
        "size": item.size,
        "received": item.received,
        "state": item.state,
        "modality": item.modality,
        "reason": names.text(item.reason, [item.name]),
        "facts": fact_document(item.facts),
        "case": {"id": str(case.pk), "name": case.name, "split": case.split} if case is not None else None,
    }


def fact_document(facts: Facts) -> dict[str, Any]:
    """What a file that is not stored is, as the API tells it; empty or 0 what is not known."""
    sop_class, syntax = str(facts.get("sop_class_uid", "")), str(facts.get("transfer_syntax_uid", ""))
    return {
        "format": facts.get("format", ""),
        "modality": facts.get("modality", ""),
        "sop_class_uid": sop_class,
        "sop_class": uid_name(sop_class),
        "transfer_syntax_uid": syntax,
        "transfer_syntax": uid_name(syntax),
        **{name: facts.get(name, 0) for name in ("rows", "columns", "frames")},
    }


def split_document(project: Project) -> dict[str, Any]:
    """How many cases lie in each split, and which are embargoed and why."""
    rows = Case.objects.filter(project=project).order_by().values_list("split").annotate(count=Count("pk"))
    embargoed = Case.objects.filter(project=project, split=Split.EMBARGOED).order_by("number")
    return {
        **counts_by_split(dict(rows)),
        "embargoed": [
            {"case": str(case.pk), "name": case.name, "reason": case.embargo_reason}
            for case in embargoed.only("name", "embargo_reason")[:1000]
        ],
    }


def missing_segmentations(project: Project, uids: Collection[str]) -> set[str]:
    """Those of the segmentations, by the UIDs that the archive would store, that have never been here."""
    here = RememberedSegmentation.objects.filter(project=project, sop_instance_uid__in=uids)
    return set(uids) - set(here.values_list("sop_instance_uid", flat=True))
