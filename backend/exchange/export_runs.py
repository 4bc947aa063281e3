"""Export runs from the order to the last byte: ordered, written by a worker into one zip archive, kept a while, gone."""

from __future__ import annotations

import hashlib
import time
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from backend.accounts.models import User
from backend.archive.models import Instance
from backend.archive.scratch import ScratchFolder
from backend.archive.store import delete_object, put_file
from backend.audit.services import record_event
from backend.dicom.refusal import Refused
from backend.exchange.export_selection import (
    ExportCase,
    ExportFilter,
    export_cases,
    exported_readings,
    filter_of,
    lesions_of,
    review_of,
)
from backend.exchange.export_source import export_of, reader_names
from backend.exchange.export_zip import Entry, zip_pieces
from backend.exchange.format_registry import Format, write_costs, written_format
from backend.exchange.losses import Loss, loss_sentence, losses_of, selection_counts
from backend.exchange.models import ExportRun, ExportState
from backend.jobs.services import JobCancelled, Lease, cancel_job, enqueue_job, is_cancelled, report_progress
from backend.projects.models import FindingType, Project
from backend.projects.selectors import finding_type_document
from backend.readings.models import Reading
from backend.webhooks.models import WebhookEvent
from backend.webhooks.services import announce

SCHEMA_VERSION: Final = 1
"""Of the manifest; raised when a field changes its meaning."""
_REPORT_SECONDS: Final = 0.5
_CHUNK: Final = 500


@dataclass(frozen=True)
class ExportOrder:
    """What an export is to hold and in which form."""

    format: str
    chosen: ExportFilter = field(default_factory=ExportFilter)
    options: Mapping[str, str] = field(default_factory=dict)
    pictures: bool = False


@dataclass(frozen=True)
class ExportPreview:
    """What an order would give, before anything is written."""

    counts: dict[str, int]
    losses: list[Loss]


def preview_export(*, project: Project, by: User, order: ExportOrder) -> ExportPreview:
    """How many readings would go out, what the format cannot carry of them; Refused for an unknown format or option."""
    one, costs = written_format(order.format), write_costs(order.format, order.options)
    readings = exported_readings(project=project, by=by, chosen=order.chosen)
    losses = losses_of(one.carries, readings, order.chosen, costs)
    return ExportPreview(selection_counts(readings, order.chosen), losses)


def start_export(*, project: Project, by: User, order: ExportOrder) -> ExportRun:
    """Hand an export to a worker; Refused for an unknown format or where nothing would go out."""
    preview = preview_export(project=project, by=by, order=order)
    if not preview.counts["readings"]:
        raise Refused("There is no submitted reading that these choices let through.")
    with transaction.atomic():
        run = ExportRun.objects.create(
            project=project, created_by=by, format=order.format, options=dict(order.options),
            filter=order.chosen.as_json(), pictures=order.pictures, losses=preview.losses, counts=preview.counts,
        )  # fmt: skip
        run.job = enqueue_job(
            task="exchange.run_export",
            queue="default",
            project_id=project.pk,
            requested_by=by,
            arguments={"export_run": str(run.pk)},
        )
        run.save(update_fields=["job"])
        record_event(
            actor=by, verb="export.started", project_id=project.pk, object_type="export", object_id=run.pk,
            detail={"format": run.format, "pictures": run.pictures, **run.filter},
        )  # fmt: skip
    return run


def export_now(*, project: Project, by: User, order: ExportOrder) -> ExportRun:
    """An export written here and now, without a worker (the command line)."""
    preview = preview_export(project=project, by=by, order=order)
    run = ExportRun.objects.create(
        project=project, created_by=by, format=order.format, options=dict(order.options), filter=order.chosen.as_json(),
        pictures=order.pictures, losses=preview.losses, counts=preview.counts,
    )  # fmt: skip
    try:
        perform_export(run=run)
    except Refused as refusal:
        _close(run, ExportState.FAILED, str(refusal))
        raise
    return run


def cancel_export(*, run: ExportRun, by: User) -> None:
    """Stop an export that waits or runs, or the publication of its objects: what is done of that stays."""
    publication = run.publication_job
    if publication is not None and publication.state in ("queued", "running"):
        cancel_job(job=publication, by=by)
    if run.job is None or run.state not in (ExportState.QUEUED, ExportState.RUNNING):
        return
    job = cancel_job(job=run.job, by=by)
    if job.state == "cancelled":
        _close(run, ExportState.CANCELLED, "")


def run_export(lease: Lease) -> None:
    """The worker's side of `start_export`; an attempt after a lost one begins anew and changes nothing that is done."""
    run = ExportRun.objects.select_related("project__archive", "created_by").get(pk=UUID(lease.job.arguments["export_run"]))
    if run.state == ExportState.DONE:
        return
    last = 0.0

    def on_case(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last < _REPORT_SECONDS and done < total:
            return
        last = time.monotonic()
        if is_cancelled(lease):
            raise JobCancelled
        report_progress(lease, done=done, total=total)

    try:
        perform_export(run=run, on_case=on_case)
    except JobCancelled:
        _close(run, ExportState.CANCELLED, "")
        raise
    except Refused as refusal:
        _close(run, ExportState.FAILED, str(refusal))
        raise
    lease.result.update(size=run.size, files=run.counts["files"])


def perform_export(*, run: ExportRun, on_case: Callable[[int, int], None] | None = None) -> None:
    """Write the archive of a run into the object store, from a file on disk: never whole in memory.

    Where images that go alongside were blanked meanwhile it is written anew: nobody is handed the former pixels.
    """
    if run.created_by is None:
        raise Refused("Who asked for this export has no account any more.")
    ExportRun.objects.filter(pk=run.pk).update(state=ExportState.RUNNING)
    readings = exported_readings(project=run.project, by=run.created_by, chosen=filter_of(run.filter))
    while True:
        told = _Told(readings, pictures=run.pictures)
        try:
            _write(run, readings, told, on_case)
        except FileNotFoundError:
            # Frames are deleted once they are blanked; gone for any other reason they are an error.
            if not told.is_of_former_pixels():
                raise
        else:
            if _closed(run, told):
                return


def _closed(run: ExportRun, told: _Told) -> bool:
    """Close the run, unless images were blanked meanwhile; a blanking finds it closed and drops it, or is seen here."""
    with transaction.atomic():
        ExportRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
        if not told.is_of_former_pixels():
            run.expires_at = timezone.now() + timedelta(days=settings.EXPORT_DAYS)
            _close(run, ExportState.DONE, "")
            return True
    delete_object(run.key)
    return False


def _write(run: ExportRun, readings: QuerySet[Reading], told: _Told, on_case: Callable[[int, int], None] | None) -> None:
    one, chosen = written_format(run.format), filter_of(run.filter)
    cases = told.following(export_cases(readings=readings, chosen=chosen), on_case or (lambda done, total: None))
    export = export_of(
        project=run.project, readings=readings, chosen=chosen, pictures=run.pictures, options=run.options, cases=cases
    )
    assert one.write is not None
    run.losses = losses_of(one.carries, readings, chosen, write_costs(run.format, run.options))
    with ScratchFolder("export-") as folder:
        path = folder / "export.zip"
        entries: list[Entry] = []

        def manifest(made: list[Entry]) -> dict[str, Any]:
            entries.extend(made)
            return manifest_of(run, one, made, told)

        with path.open("wb") as sink:
            for piece in zip_pieces(one.write(export), manifest):
                sink.write(piece)
        keep_archive(run, path)
    run.counts = {**run.counts, "cases": told.n_cases, "readings": len(told.readings), "lesions": told.n_lesions,
                  "files": len(entries)}  # fmt: skip


class _Told:
    """What went into an export, noted while the writer goes through its cases."""

    def __init__(self, readings: QuerySet[Reading], *, pictures: bool) -> None:
        self._pictures = pictures
        self._pixels: dict[int, int] = {}
        self._total = readings.order_by().values("case_id").distinct().count()
        self._names = reader_names(readings)
        self.readings: list[dict[str, Any]] = []
        self.n_cases = 0
        self.n_lesions = 0

    def following(self, cases: Iterator[ExportCase], on_case: Callable[[int, int], None]) -> Iterator[ExportCase]:
        on_case(0, self._total)
        for item in cases:
            if self._pictures:
                self._pixels |= _pixels_now([frame.instance_id for frame in item.frames])
            for reading in item.readings:
                self.n_lesions += len(lesions_of(reading))
                self.readings.append(
                    {
                        "id": str(reading.pk),
                        "revision": reading.revision,
                        "case": item.case.name,
                        "split": item.case.split,
                        "reader": self._names[reading.reader_id],
                        "reader_kind": reading.reader.kind,
                        "verdict": reading.verdict,
                        "label_kind": reading.label_kind,
                        "slices_read": reading.slices_read,
                        "edit_of": _edit_of(reading),
                        "review": review_of(reading),
                        "submitted_at": reading.submitted_at.isoformat() if reading.submitted_at else None,
                    }
                )
            yield item
            self.n_cases += 1
            on_case(self.n_cases, self._total)

    def is_of_former_pixels(self) -> bool:
        """Whether an image that went alongside has other pixels now than when its case was begun."""
        images = list(self._pixels)
        chunks = (images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK))
        return any(now != self._pixels[pk] for chunk in chunks for pk, now in _pixels_now(chunk).items())


def _pixels_now(images: Collection[int]) -> dict[int, int]:
    """Which pixels these images have, as a number that is another for others (in this process)."""
    rows = Instance.objects.filter(pk__in=set(images)).values_list("pk", "frames_key")
    return {pk: hash(key) for pk, key in rows}


def _edit_of(reading: Reading) -> dict[str, Any] | None:
    """Which reading, in which revision, a reviewer's edit has taken the place of."""
    return {"id": str(reading.revises_id), "revision": reading.revises_revision} if reading.revises_id else None


def manifest_of(run: ExportRun, one: Format, entries: list[Entry], told: _Told) -> dict[str, Any]:
    """What `manifest.json` says: where the export comes from, what it holds, what is lost, and every file's digest."""
    project = run.project
    types = FindingType.objects.filter(project=project)
    return {
        "schema_version": SCHEMA_VERSION,
        "product": "Overread",
        "product_version": product_version(),
        "export": str(run.pk),
        "format": one.name,
        "options": run.options,
        "images": "alongside" if any(entry.get("image") for entry in entries) else "by reference",
        "filter": run.filter,
        "date_created": timezone.now().isoformat(timespec="seconds"),
        "created_by": run.created_by.get_username() if run.created_by is not None else "",
        "project": {
            "slug": project.slug,
            "name": project.name,
            "question": project.question,
            "modality": project.modality,
            "unit": project.unit,
            "synthetic": project.synthetic,
            "deid_profile": project.archive.deid_profile,
        },
        "vocabulary_version": project.vocabulary_version,
        "vocabulary": [finding_type_document(finding_type) for finding_type in types],
        "lost": [loss_sentence(loss) for loss in run.losses],
        "readings": told.readings,
        "files": entries,
    }


def product_version() -> str:
    """The version of the product, as its own description (pyproject.toml) says; empty where that was not shipped."""
    described = settings.BASE_DIR / "pyproject.toml"
    if not described.is_file():
        return ""
    return str(tomllib.loads(described.read_text(encoding="utf-8"))["project"]["version"])


def keep_archive(run: ExportRun, path: Path) -> None:
    """Put a run's zip archive into the object store, in place of the one before; Refused where the run is gone meanwhile."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    before, run.sha256, run.size = run.key, digest.hexdigest(), path.stat().st_size
    run.key = f"exports/{run.project_id}/{run.pk}/{run.sha256}.zip"
    put_file(key=run.key, path=path)
    there = ExportRun.objects.filter(pk=run.pk, state__in=(ExportState.RUNNING, ExportState.DONE))
    if not there.update(key=run.key, sha256=run.sha256, size=run.size, verification=run.verification):
        delete_object(run.key)
        raise Refused("The file of this export was removed meanwhile.")
    if before and before != run.key:
        delete_object(before)


def _close(run: ExportRun, state: str, message: str) -> None:
    with transaction.atomic():
        run.state, run.message, run.finished_at = state, message, timezone.now()
        run.save(update_fields=["state", "message", "finished_at", "expires_at", "counts", "losses"])
        record_event(
            actor=None, verb="export.finished", project_id=run.project_id, object_type="export", object_id=run.pk,
            detail={"state": state, "size": run.size, "sha256": run.sha256},
        )  # fmt: skip
        announce(
            project_id=run.project_id, event=WebhookEvent.EXPORT_FINISHED, data={"export": str(run.pk), "state": str(state)}
        )


def delete_export(*, run: ExportRun, by: User) -> None:
    """Remove an export that is not being written, and its file."""
    if run.state in (ExportState.QUEUED, ExportState.RUNNING):
        raise Refused("This export is being written; cancel it first.")
    if run.publication_job is not None and run.publication_job.state in ("queued", "running"):
        raise Refused("The archive is busy with this export; wait until it is done.")
    if run.derived_objects.exists():
        raise Refused("Objects of this export are published; withdraw them first.")
    key = run.key
    with transaction.atomic():
        record_event(
            actor=by, verb="export.deleted", project_id=run.project_id, object_type="export", object_id=run.pk
        )  # fmt: skip
        run.delete()
    if key:
        delete_object(key)


def expire_exports() -> int:
    """Remove the files of exports whose days are over; how many."""
    return _drop_files(ExportRun.objects.filter(state=ExportState.DONE, expires_at__lte=timezone.now()), message="")


def expire_exports_with_images(*, projects: Collection[UUID], message: str) -> int:
    """Remove the files of the exports that hold these projects' images, whatever day it is, and say why; how many."""
    # One that is being closed is waited for; one that is written still sees other pixels when it is.
    alive = (ExportState.RUNNING, ExportState.DONE)
    return _drop_files(ExportRun.objects.filter(state__in=alive, project__in=projects, pictures=True), message=message)


def _drop_files(runs: QuerySet[ExportRun], *, message: str) -> int:
    count = 0
    for pk in list(runs.values_list("pk", flat=True)):
        with transaction.atomic():
            run = ExportRun.objects.select_for_update(of=("self",)).filter(pk=pk).first()
            if run is None or run.state != ExportState.DONE:
                continue
            key = run.key
            run.state, run.key, run.message = ExportState.EXPIRED, "", message or run.message
            run.save(update_fields=["state", "key", "message"])
            record_event(
                actor=None, verb="export.expired", project_id=run.project_id, object_type="export", object_id=run.pk
            )  # fmt: skip
        if key:
            delete_object(key)
        count += 1
    return count
