"""What a lead decides about files in quarantine: released with rectangles blanked, or discarded; carried out by a job."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from backend.accounts.models import User
from backend.archive.decode_child import DecodeChild
from backend.archive.encryption import CannotOpen
from backend.archive.ingest import ingest_file
from backend.archive.models import Archive, Instance, PixelRule, QuarantinedFile, QuarantineKind, QuarantineState
from backend.archive.quarantine import close_quarantined, expire_quarantine, forget_bytes, known_beside, original_of
from backend.archive.services import order_series
from backend.archive.thumbnails import thumbnail_of
from backend.audit.services import record_event
from backend.dicom.burnt_in import checked_rectangles
from backend.dicom.refusal import Refused
from backend.exchange.importing import case_of, is_unread
from backend.exchange.kept_refused import GONE
from backend.exchange.models import ImportItem, ImportRun, ImportState, ItemState
from backend.exchange.quarantine_selectors import items_that_brought, may_be_tried_again, quarantine_of
from backend.exchange.services import OfferedFile, clean_names, deidentification_rules, start_import
from backend.jobs.models import Job
from backend.jobs.services import JobCancelled, Lease, enqueue_job, is_cancelled, report_progress
from backend.projects.case_services import CaseCandidate, add_cases
from backend.projects.models import Project, Split

MAX_AT_ONCE: Final = 1000
_DISCARDED_AT_ONCE: Final = 50
_DELETED_AT_ONCE: Final = 8
_DISCARDED: Final = "Discarded by a lead after a look."
_UNDER_WAY: Final = (ImportState.UPLOADING, ImportState.QUEUED, ImportState.RUNNING)
_EXPIRED: Final = "Nobody looked at it in time; what was kept of it is deleted."


def release_files(
    *,
    project: Project,
    ids: Sequence[UUID],
    rectangles: Sequence[Sequence[int]],
    whole_device: bool,
    by: User,
    reason: str = "",
) -> tuple[Job, int]:
    """Take a lead's word on held images: blank these rectangles (none: they are clean), let them in. Job, number of files.

    `whole_device`: the same for every held and every future image of the device and size of these. Refused where they are
    of several devices or sizes, where the device has no name, and for a rectangle outside the image.
    """
    with transaction.atomic():
        Archive.objects.select_for_update().only("pk").get(pk=project.archive_id)
        chosen = list(_waiting(project).filter(pk__in=list(ids)[:MAX_AT_ONCE]))
        if not chosen:
            raise Refused("None of these images waits any more.")
        kinds = {_kind_of(row) for row in chosen}
        if rectangles and len(kinds) > 1:
            raise Refused("These images are of several devices or sizes; rectangles fit one kind only.")
        manufacturer, model, rows, columns = next(iter(kinds))
        checked = checked_rectangles(rectangles, rows, columns)
        if whole_device:
            if len(kinds) > 1:
                raise Refused("These images are of several devices or sizes; make a rule from one of them.")
            if not (manufacturer or model):
                raise Refused("The device of these images has no name; a rule cannot tell them from any other's.")
            _write_rule(project, by, (manufacturer, model, rows, columns), checked)
            chosen = [row for row in _waiting(project) if _kind_of(row) == (manufacturer, model, rows, columns)]
        for row in chosen:
            row.state, row.rectangles = QuarantineState.DECIDED, checked
            row.decided_by, row.decided_at = by, timezone.now()
        QuarantinedFile.objects.bulk_update(chosen, ["state", "rectangles", "decided_by", "decided_at"], 200)
        record_event(
            actor=by, verb="quarantine.release", project_id=project.pk, object_type="archive", object_id=project.archive_id,
            detail={
                "files": [str(row.pk) for row in chosen][:100], "count": len(chosen), "rectangles": checked,
                "whole_device": whole_device, **({"reason": reason} if reason else {}),
            },
        )  # fmt: skip
        job = enqueue_job(
            task="exchange.run_release",
            queue="default",
            project_id=project.pk,
            requested_by=by,
            arguments={"project": str(project.pk)},
        )
    return job, len(chosen)


def retry_files(*, project: Project, ids: Sequence[UUID], by: User) -> list[ImportRun]:
    """Import refused files once more, each as it came and with the options of the import that brought it; the imports.

    They stay in quarantine until they are used. Refused where none of them waits, or none can be tried alone.
    """
    runs = []
    with transaction.atomic():
        Archive.objects.select_for_update().only("pk").get(pk=project.archive_id)
        waiting = quarantine_of(project).filter(
            pk__in=list(ids)[:MAX_AT_ONCE], state=QuarantineState.WAITING, kind=QuarantineKind.REFUSED
        )
        under_way = ImportItem.objects.filter(quarantined__in=waiting, run__state__in=_UNDER_WAY, state=ItemState.WAITING)
        chosen = list(waiting.exclude(pk__in=under_way.values("quarantined")))
        if not chosen:
            raise Refused("None of these files waits any more, or they are being tried already.")
        came = items_that_brought(chosen)
        chosen = [row for row in chosen if may_be_tried_again(row, came.get(row.pk))]
        if not chosen:
            raise Refused("A mask or a table is read together with its images: import it again with them.")
        by_options: dict[str, list[QuarantinedFile]] = {}
        for row in chosen:
            options = _options_of(came.get(row.pk))
            by_options.setdefault(json.dumps(options, sort_keys=True), []).append(row)
        for told, rows in by_options.items():
            runs.append(_new_run(project, by, json.loads(told), rows, came))
    return runs


def _options_of(item: ImportItem | None) -> dict[str, Any]:
    """How the import was told to read volumes and readings; tables, masks and places belong to that import alone."""
    told = item.run.options if item is not None else {}
    kept = ("types", "imported_reader", "readings_format", "readings_options", "volumes")
    return {name: told[name] for name in kept if name in told}


def _new_run(
    project: Project, by: User, options: dict[str, Any], rows: Sequence[QuarantinedFile], came: dict[UUID, ImportItem]
) -> ImportRun:
    run = ImportRun.objects.create(
        project=project, created_by=by, options=options, deidentification=deidentification_rules(project.archive)
    )
    named = [OfferedFile(came[row.pk].name if row.pk in came else "file", row.size) for row in rows]
    for (name, _), row in zip(clean_names(named), rows, strict=True):
        ImportItem.objects.create(
            run=run, name=name, size=row.size, received=row.size, state=ItemState.WAITING, quarantined=row
        )
    record_event(
        actor=by, verb="quarantine.retried", project_id=project.pk, object_type="import", object_id=run.pk,
        detail={"files": [str(row.pk) for row in rows][:100], "count": len(rows)},
    )  # fmt: skip
    start_import(run=run, by=by)
    run.refresh_from_db()
    return run


def discard_files(*, project: Project, ids: Sequence[UUID], by: User, reason: str = "") -> int:
    """Delete files in quarantine for good; how many were. `reason` is told beside them in the import that brought them."""
    rows = quarantine_of(project).filter(pk__in=list(ids)[:MAX_AT_ONCE], state=QuarantineState.WAITING)
    told = f"{_DISCARDED[:-1]}: {reason}" if reason else _DISCARDED
    detail = {"reason": reason} if reason else {}
    count = 0
    chosen = list(rows.values_list("pk", flat=True))
    with ThreadPoolExecutor(_DELETED_AT_ONCE) as deleting:
        for start in range(0, len(chosen), _DISCARDED_AT_ONCE):
            with transaction.atomic():
                # As whoever lets images in does: no file is both let in and discarded.
                Archive.objects.select_for_update().only("pk").get(pk=project.archive_id)
                waiting = QuarantinedFile.objects.filter(
                    pk__in=chosen[start : start + _DISCARDED_AT_ONCE], state=QuarantineState.WAITING
                )
                gone = list(waiting.select_for_update())
                known = QuarantinedFile.objects.filter(pk__in=[row.pk for row in gone])
                known.update(state=QuarantineState.DISCARDED, decided_by=by, decided_at=timezone.now())
                for row in gone:
                    record_event(
                        actor=by, verb="quarantine.discarded", project_id=project.pk, object_type="quarantined_file",
                        object_id=row.pk, detail=detail,
                    )  # fmt: skip
                held = ImportItem.objects.filter(quarantined__in=gone, state=ItemState.HELD)
                held.update(state=ItemState.REFUSED, reason=told)
            # What is decided is decided; a file's bytes wait for no other's.
            list(deleting.map(forget_bytes, gone))
            count += len(gone)
    return count


def remove_rule(*, project: Project, rule_id: int, by: User) -> bool:
    """Forget a rule: further images of its device are held again. False if there is none."""
    with transaction.atomic():
        rule = PixelRule.objects.filter(archive_id=project.archive_id, pk=rule_id).first()
        if rule is None:
            return False
        rule.delete()
        record_event(
            actor=by, verb="pixel_rule.removed", project_id=project.pk, object_type="pixel_rule", object_id=rule_id,
            detail={"rectangles": rule.rectangles},
        )  # fmt: skip
    return True


def expire_kept_aside() -> int:
    """Delete what has been in quarantine for its time, and tell the imports that it came from; how many files."""
    count = expire_quarantine()
    gone = ImportItem.objects.filter(state=ItemState.HELD, quarantined__state=QuarantineState.EXPIRED)
    gone.update(state=ItemState.REFUSED, reason=_EXPIRED)
    return count


def run_release(lease: Lease) -> None:
    """The worker's side of `release_files`: can be broken off anywhere and goes on where it stopped."""
    project = Project.objects.select_related("archive").get(pk=UUID(lease.job.arguments["project"]))
    decided = list(quarantine_of(project).filter(state=QuarantineState.DECIDED).order_by("created_at"))
    released = 0
    with DecodeChild() as child:
        for done, row in enumerate(decided):
            if is_cancelled(lease):
                left = [other.pk for other in decided[done:]]
                still = QuarantinedFile.objects.filter(pk__in=left, state=QuarantineState.DECIDED)
                still.update(state=QuarantineState.WAITING, rectangles=None)
                raise JobCancelled
            released += _release_one(project, row, child)
            report_progress(lease, done=done + 1, total=len(decided))
    lease.result["released"] = released


def _waiting(project: Project) -> QuerySet[QuarantinedFile]:
    return quarantine_of(project).filter(state=QuarantineState.WAITING, kind=QuarantineKind.HELD)


def _kind_of(row: QuarantinedFile) -> tuple[str, str, int, int]:
    facts = row.facts
    return facts.get("manufacturer", ""), facts.get("model", ""), int(facts.get("rows", 0)), int(facts.get("columns", 0))


def _write_rule(project: Project, by: User, kind: tuple[str, str, int, int], rectangles: list[list[int]]) -> None:
    manufacturer, model, rows, columns = kind
    PixelRule.objects.update_or_create(
        archive_id=project.archive_id, manufacturer=manufacturer, model=model, rows=rows, columns=columns,
        defaults={"rectangles": rectangles, "made_by": by},
    )  # fmt: skip


def _release_one(project: Project, row: QuarantinedFile, child: DecodeChild) -> bool:
    """Store one file as decided and make it a case; False if that cannot be done now: it waits again and tells why."""
    try:
        beside = known_beside(row)
        with original_of(row) as path:
            ingested = ingest_file(
                archive=project.archive,
                child=child,
                path=path,
                modality=str(beside.get("modality") or project.modality),
                patient_id=str(beside.get("patient_id") or ""),
                may_grow=is_unread,
                rectangles=row.rectangles or [],
                volume=beside.get("volume") or {},
            )
    except (Refused, FileNotFoundError, CannotOpen) as error:
        _wait_again(row, str(error) if isinstance(error, Refused) else GONE)
        return False
    _make_case(project, row, ingested.instance, str(beside.get("group") or ""))
    close_quarantined(row, QuarantineState.RELEASED)
    return True


def _wait_again(row: QuarantinedFile, reason: str) -> None:
    """Keep a file that could not be let in: what hindered it may pass, and here is the only copy.

    Listed by this reason, not by the word for which it was held; nothing where its time was over meanwhile.
    """
    decided = QuarantinedFile.objects.filter(pk=row.pk, state=QuarantineState.DECIDED)
    decided.update(state=QuarantineState.WAITING, rectangles=None, why="", reason=reason)


def _make_case(project: Project, row: QuarantinedFile, instance: Instance, group: str) -> None:
    name = ImportItem.objects.filter(quarantined=row).values_list("name", flat=True).first() or ""
    if instance.position is not None:
        order_series(series=instance.series)
    add_cases(project=project, candidates=[CaseCandidate(instance.pk, name, group)])
    case = case_of(project, instance)
    state = ItemState.EMBARGOED if case is not None and case.split == Split.EMBARGOED else ItemState.IMPORTED
    reason = case.embargo_reason if case is not None and state == ItemState.EMBARGOED else ""
    found = {"state": state, "reason": reason, "instance": instance, "case": case, "modality": instance.series.modality}
    _tell_items(row, found)
    try:
        thumbnail_of(instance)
    except (Refused, ValueError, ArithmeticError):
        return  # the picture is a convenience; the list draws it when it is asked for


def _tell_items(row: QuarantinedFile, found: dict[str, Any]) -> None:
    ImportItem.objects.filter(quarantined=row, state=ItemState.HELD).update(**found)
