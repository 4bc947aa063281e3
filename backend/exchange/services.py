"""Import runs from the first byte to the last: opened, filled by uploads in chunks, started, run by worker or command."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from backend.accounts.models import User
from backend.archive.decode_child import DecodeChild
from backend.archive.models import Archive, DeidProfile, Instance, QuarantinedFile, QuarantineKind
from backend.audit.services import record_event
from backend.dicom.deid_options import VERSION, deid_options
from backend.dicom.refusal import Refused
from backend.exchange.context_import import ContextOutcome, import_contexts, require_clean_texts
from backend.exchange.import_options import ImportOptions, import_options
from backend.exchange.importing import (
    CHUNK,
    ImportPlan,
    UnusableTable,
    bring_labels,
    bring_readings,
    draw_thumbnails,
    import_images,
    make_cases,
    plan_import,
    write_items,
)
from backend.exchange.joined_volumes import BYTES_GONE
from backend.exchange.kept_refused import UploadedZip, bring_back, keep_refused_files, refuse_items, settle_tried
from backend.exchange.label_import import LabelOutcome
from backend.exchange.models import ImportItem, ImportRun, ImportState, ItemState
from backend.exchange.reading_import import attach_waiting, readings_sentences
from backend.exchange.sources import Source, remove_uploads, sources_in, upload_folder, zip_sources
from backend.exchange.zips import held_archives, is_zip
from backend.jobs.models import Job
from backend.jobs.services import JobCancelled, Lease, enqueue_job, is_cancelled, report_progress
from backend.projects.models import Project
from backend.projects.shown_names import names_in_records
from backend.webhooks.models import WebhookEvent
from backend.webhooks.services import announce

MAX_FILES: Final = 10_000
MAX_FILE_BYTES: Final = 8 * 1024**3
MAX_CHUNK_BYTES: Final = 8 * 1024**2
_REPORT_SECONDS: Final = 0.5
_ENDED: Final = "This import has ended: choose the files again."


class ImportConflict(Exception):
    """The run or the file is not in the state that this step needs; `extra` goes into the answer."""

    def __init__(self, code: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.extra = extra


@dataclass(frozen=True)
class OfferedFile:
    """A file that the browser is about to send."""

    name: str
    size: int


def create_import_run(
    *, project: Project, by: User | None, files: Sequence[OfferedFile], options: ImportOptions
) -> ImportRun:
    """Open a run for the files that the browser offers; Refused if there are too many, or one is too big."""
    if len(files) > MAX_FILES:
        raise Refused(f"{len(files)} files are too many for one import; the limit is {MAX_FILES}. Send a zip archive.")
    for offered in files:
        if offered.size > MAX_FILE_BYTES:
            raise Refused(f"{offered.name} has {offered.size >> 20} MB; the limit is {MAX_FILE_BYTES >> 20} MB.")
    names = clean_names(files)
    _settle_profile(project, options)
    require_clean_texts(project, options)
    with transaction.atomic():
        rules = deidentification_rules(project.archive)
        run = ImportRun.objects.create(project=project, created_by=by, options=options.as_json(), deidentification=rules)
        record_event(
            actor=by, verb="import.created", project_id=project.pk, object_type="import", object_id=run.pk,
            detail={"files": len(files), "deidentification": rules},
        )  # fmt: skip
    for start in range(0, len(names), CHUNK):
        rows = [_offered_item(run, name, offered) for name, offered in names[start : start + CHUNK]]
        ImportItem.objects.bulk_create(rows)
    return run


def clean_names(files: Sequence[OfferedFile]) -> list[tuple[str, OfferedFile]]:
    """Names as relative paths, each once; they are labels only, no file is ever opened by them."""
    seen: set[str] = set()
    named = []
    for offered in files:
        parts = [
            part
            for part in PurePosixPath(offered.name.replace("\\", "/").replace("\0", "")).parts
            if part.strip("/") and part != ".."  # a root may have two slashes
        ]
        name = "/".join(parts)[-480:] or "file"
        number = 2
        while name in seen:
            name, number = f"{'/'.join(parts)[-470:]} ({number})", number + 1
        seen.add(name)
        named.append((name, offered))
    return named


def _offered_item(run: ImportRun, name: str, offered: OfferedFile) -> ImportItem:
    if offered.size == 0:
        return ImportItem(run=run, name=name, size=0, state=ItemState.REFUSED, reason="The file is empty.")
    return ImportItem(run=run, name=name, size=offered.size)


def _settle_profile(project: Project, options: ImportOptions) -> None:
    """The profile belongs to the archive: it may be chosen with the first import and never changes after."""
    archive = project.archive
    profile = options.deid_profile or archive.deid_profile
    chosen = archive.deid_options if options.deid_options is None else deid_options(options.deid_options).names
    if (profile, chosen) == (archive.deid_profile, archive.deid_options):
        return
    with transaction.atomic():
        locked = Archive.objects.select_for_update().get(pk=archive.pk)
        held = QuarantinedFile.objects.filter(archive=locked, state__in=("waiting", "decided"), kind=QuarantineKind.HELD)
        if Instance.objects.filter(series__study__archive=locked).exists() or held.exists():
            raise Refused(
                f"This archive de-identifies with profile {archive.deid_profile} "
                f"({', '.join(archive.deid_options) or 'alone'}); that cannot change any more. "
                "A new archive can have another one."
            )
        locked.deid_profile, locked.deid_options = profile, chosen
        locked.save(update_fields=["deid_profile", "deid_options"])
    archive.deid_profile, archive.deid_options = profile, chosen


def deidentification_rules(archive: Archive) -> dict[str, Any]:
    """Profile, options and version of the rules, as an import remembers them."""
    options = archive.deid_options if archive.deid_profile == DeidProfile.BASIC else []
    return {"profile": archive.deid_profile, "options": list(options), "version": VERSION}


def receive_chunk(*, item: ImportItem, offset: int, data: bytes) -> int:
    """Write a piece of an upload; the number of bytes received so far. ImportConflict where the piece does not fit on."""
    if item.run.state == ImportState.FAILED:
        raise ImportConflict("ended", _ENDED)  # nothing to go on from
    if item.run.state != ImportState.UPLOADING or item.state != ItemState.UPLOADING:
        raise ImportConflict("received", "This file is complete.", received=item.received)
    if offset != item.received:
        raise ImportConflict("offset", "The upload goes on elsewhere.", received=item.received)
    if offset + len(data) > item.size:
        raise Refused("More bytes than the file was said to have.")
    folder = upload_folder(item.run_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder / str(item.pk), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        written = 0
        while written < len(data):
            written += os.pwrite(handle, data[written:], offset + written)
        if offset + written == item.size:
            os.fsync(handle)  # its sender is told that we have it
    finally:
        os.close(handle)
    received = offset + len(data)
    state = ItemState.WAITING if received == item.size else ItemState.UPLOADING
    # Two requests with one piece write the same bytes in one place; only the first may count them.
    if not ImportItem.objects.filter(pk=item.pk, received=offset).update(received=received, state=state):
        item.refresh_from_db()
        raise ImportConflict("offset", "The upload goes on elsewhere.", received=item.received)
    return received


def start_import(*, run: ImportRun, by: User | None, skip_unfinished: bool = False) -> Job:
    """Hand the run to a worker; starting twice gives the same job. ImportConflict while files are still being sent."""
    with transaction.atomic():
        locked = ImportRun.objects.select_for_update().get(pk=run.pk)
        if locked.job is not None:
            return locked.job
        if locked.state in (ImportState.DONE, ImportState.FAILED):
            raise ImportConflict("ended", _ENDED)
        unfinished = ImportItem.objects.filter(run=locked, state=ItemState.UPLOADING)
        if not skip_unfinished and (count := unfinished.count()):
            raise ImportConflict("unfinished", f"{count} files are not complete yet.", unfinished=count)
        unfinished.update(state=ItemState.REFUSED, reason="The upload was not finished.")
        locked.job = enqueue_job(
            task="exchange.run_import",
            queue="default",
            project_id=locked.project_id,
            requested_by=by,
            arguments={"import_run": str(locked.pk)},
        )
        locked.state = ImportState.QUEUED
        locked.save(update_fields=["job", "state"])
        record_event(
            actor=by, verb="import.started", project_id=locked.project_id, object_type="import", object_id=locked.pk
        )  # fmt: skip
    return locked.job


def run_import(lease: Lease) -> None:
    """The worker's side of `start_import`: goes on where an earlier attempt stopped; its result is in the lease."""
    run = ImportRun.objects.select_related("project__archive").get(pk=UUID(lease.job.arguments["import_run"]))
    if run.state == ImportState.DONE:
        return
    total = ImportItem.objects.filter(run=run).count()
    last = 0.0

    def on_item(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last < _REPORT_SECONDS and done < total:
            return
        last = time.monotonic()
        if is_cancelled(lease):
            raise JobCancelled
        report_progress(lease, done=done, total=total)

    def check_cancelled() -> None:
        nonlocal last
        if time.monotonic() - last >= _REPORT_SECONDS:
            last = time.monotonic()
            if is_cancelled(lease):
                raise JobCancelled

    on_item(0, total)
    try:
        outcome = perform_import(
            run=run, on_item=lambda _item, done, total: on_item(done, total), on_reading=lambda _count: check_cancelled()
        )
    except JobCancelled:
        close_import(run, ImportState.FAILED, "Cancelled. What was imported before stays.")
        raise
    except Refused as refusal:
        close_import(run, ImportState.FAILED, str(refusal))
        # A job's error is read by more people than the import's message, and stands in logs.
        told = names_in_records(run.project.archive).text(str(refusal), import_options(run.options).tables)
        raise Refused(told) from None
    lease.result["readings"] = outcome.made


@held_archives()
def perform_import(
    *,
    run: ImportRun,
    on_item: Callable[[ImportItem, int, int], None],
    on_reading: Callable[[int], None] | None = None,
) -> LabelOutcome:
    """Import all files of a run: images, then cases, then labels, then readings of other programs. `on_item` hears of each
    file, with (done, total), `on_reading` of each such reading; both may raise to stop.

    Refused where a table of labels cannot be used; single files that cannot be used are told in their items.
    """
    options = import_options(run.options)
    if not run.deidentification:
        # Whatever brought the files (a watched folder, a PACS): under which rules they are taken in is told of each run.
        run.deidentification = deidentification_rules(run.project.archive)
    ImportRun.objects.filter(pk=run.pk).update(state=ImportState.RUNNING, deidentification=run.deidentification)
    tried = bring_back(run=run)
    sources, zips = _sources(run, options)
    write_items(run=run, sources=sources)
    plan = ImportPlan(images=[])
    try:
        plan = _plan(run, sources, options)
        outcome, messages = _brought_in(run, options, plan, zips, on_item, on_reading)
    except (Refused, JobCancelled):
        keep_refused_files(run=run, sources=sources, beside=plan.beside)
        raise
    keep_refused_files(run=run, sources=sources, zips=zips, beside=plan.beside)
    settle_tried(run=run, tried=tried)
    close_import(run, ImportState.DONE, " ".join(messages))
    # Last: an attempt that begins anew because this one could not write its end reads the tables again.
    remove_uploads(run.pk)
    return outcome


def _brought_in(
    run: ImportRun,
    options: ImportOptions,
    plan: ImportPlan,
    zips: Sequence[UploadedZip],
    on_item: Callable[[ImportItem, int, int], None],
    on_reading: Callable[[int], None] | None,
) -> tuple[LabelOutcome, list[str]]:
    """What became of a run's images, labels and readings, also in sentences; each file's item is told."""
    items = ImportItem.objects.filter(run=run)
    finished = items.exclude(state__in=(ItemState.WAITING, ItemState.UPLOADING)).count()
    count = {"done": finished, "total": items.count() - len(zips)}

    def told(item: ImportItem, source: Source) -> None:
        count["done"] += 1
        # Received bytes do not stay; what is no image may be a reading, and is looked at again before it goes.
        if not options.source and item.state != ItemState.REFUSED:
            for part in filter(None, (source, source.voxels)):
                if not part.entry:
                    part.path.unlink(missing_ok=True)
        on_item(item, count["done"], count["total"])

    with DecodeChild() as child:
        import_images(run=run, plan=plan, child=child, on_item=told)
    make_cases(run=run, plan=plan)
    draw_thumbnails(run=run)
    outcome = bring_labels(run=run, plan=plan, options=options)
    if options.context_file:
        outcome.texts = import_contexts(run=run, rows=plan.contexts, options=options)
        _tell_contexts(run, outcome.texts, options.context_file)
    messages = [f"{outcome.made} readings of {options.imported_reader}."] if outcome.made else []
    outcome.foreign = bring_readings(run=run, plan=plan, options=options, on_reading=on_reading)
    attached = attach_waiting(project=run.project, run=run)
    messages += readings_sentences(outcome.foreign, attached)
    outcome.made += outcome.foreign.made + attached.made
    outcome.known += outcome.foreign.known
    _tell_labels(run, outcome, options)
    _tell_left(run, [*options.tables, *(mask.name for mask in plan.masks.values())], zips)
    return outcome, messages


def _plan(run: ImportRun, sources: Sequence[Source], options: ImportOptions) -> ImportPlan:
    try:
        return plan_import(run, sources, options)
    except UnusableTable as refusal:
        refuse_items(run=run, names=[refusal.name], reason=str(refusal))
        raise


def _sources(run: ImportRun, options: ImportOptions) -> tuple[list[Source], list[UploadedZip]]:
    """The files of a run, those inside its zip archives included, and those archives."""
    if options.source:
        names = set(ImportItem.objects.filter(run=run).values_list("name", flat=True))
        found = sources_in(Path(options.source))
        return [source for source in found if not names or source.name in names], []
    sources: list[Source] = []
    zips: list[UploadedZip] = []
    # Those refused, too: what is no image may be a reading. Labels in any state: without them an attempt that goes on knows
    # neither patients nor groups.
    wanted = Q(state__in=(ItemState.WAITING, ItemState.REFUSED)) | Q(name__in=options.tables)
    if options.masks_prefix:
        wanted |= Q(name__startswith=options.masks_prefix)
    for item in ImportItem.objects.filter(wanted, run=run):
        path = upload_folder(run.pk) / str(item.pk)
        if not path.is_file() or path.stat().st_size != item.size:
            continue  # half a file is none
        if not is_zip(path):
            sources.append(Source(item.name, path, size=item.size))
            continue
        try:
            found = zip_sources(path, f"{item.name}/")
        except Refused as refusal:
            ImportItem.objects.filter(pk=item.pk).update(state=ItemState.REFUSED, reason=str(refusal))
        else:
            sources += found
            zips.append(UploadedZip(item.pk, frozenset(source.name for source in found)))
    return sources, zips


def _tell_contexts(run: ImportRun, outcome: ContextOutcome, name: str) -> None:
    """Write into the item of the table of clinical texts what became of them."""
    items = ImportItem.objects.filter(run=run, name=name, state=ItemState.WAITING)
    unused = outcome.refused and not (outcome.stored or outcome.known)
    items.update(state=ItemState.REFUSED if unused else ItemState.IMPORTED, reason=outcome.sentence)


def _tell_labels(run: ImportRun, outcome: LabelOutcome, options: ImportOptions) -> None:
    """Write into the items what became of labels."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for name, reason in (*outcome.refused, *(outcome.traits.notes if outcome.traits else ())):
        reasons[name].append(reason)
    for name, told in reasons.items():
        ImportItem.objects.filter(run=run, name=name).update(reason=" ".join(told))
    for name, reason in outcome.masks:
        refuse_items(run=run, names=[name], reason=reason)
    if outcome.traits is not None:
        tables = [name for name in (options.labels_file, options.boxes_file) if name]
        waiting = ImportItem.objects.filter(run=run, name__in=tables, state=ItemState.WAITING)
        waiting.update(state=ItemState.IMPORTED, reason=f"Labels. {outcome.traits.sentence}")


def _tell_left(run: ImportRun, labels: Sequence[str], zips: Sequence[UploadedZip]) -> None:
    """Of what is left waiting the tables and masks (`labels`) were used, and zip archives are settled with their files; the
    rest was not there to be looked at."""
    left = ImportItem.objects.filter(run=run, state=ItemState.WAITING)
    for start in range(0, len(labels), 500):
        left.filter(name__in=labels[start : start + 500]).update(state=ItemState.IMPORTED, reason="Labels.")
    gone = left.exclude(pk__in=[one.item_id for one in zips])
    gone.update(state=ItemState.REFUSED, reason=BYTES_GONE)


def close_import(run: ImportRun, state: str, message: str) -> None:
    """Write the end of a run; the received bytes of one that failed are deleted, unless their sender was told that we have
    them: it may have them no more (PS3.18 section 10.5)."""
    with transaction.atomic():
        run.state, run.message, run.finished_at = state, message, timezone.now()
        run.save(update_fields=["state", "message", "finished_at"])
        record_event(
            actor=None, verb="import.finished", project_id=run.project_id, object_type="import", object_id=run.pk,
            detail={"state": state},
        )  # fmt: skip
        announce(
            project_id=run.project_id, event=WebhookEvent.IMPORT_FINISHED, data={"import": str(run.pk), "state": str(state)}
        )
        if state == ImportState.FAILED and run.received_at is None:
            transaction.on_commit(partial(remove_uploads, run.pk))


def import_from_server(
    *,
    project: Project,
    by: User | None,
    options: ImportOptions,
    limit: int | None,
    on_item: Callable[[ImportItem, int, int], None],
) -> tuple[ImportRun, LabelOutcome]:
    """Import a folder, zip archive or file that lies on the server (`options.source`), here and now.

    `limit` takes that many files, spread evenly over all of them by name.
    """
    sources = sources_in(Path(options.source))
    if limit is not None and 0 < limit < len(sources):
        sources = [sources[index * len(sources) // limit] for index in range(limit)]
    _settle_profile(project, options)
    require_clean_texts(project, options)
    run = ImportRun.objects.create(
        project=project,
        created_by=by,
        options=options.as_json(),
        deidentification=deidentification_rules(project.archive),
        state=ImportState.RUNNING,
    )
    write_items(run=run, sources=sources)
    try:
        outcome = perform_import(run=run, on_item=on_item)
    except Refused as refusal:
        close_import(run, ImportState.FAILED, str(refusal))
        raise
    return run, outcome
