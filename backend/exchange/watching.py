"""Follows folders and buckets: each look notes what is new, and what has not changed since the look before is imported.

Files go through the door of every import: they are copied into an import run as if somebody had uploaded them, so that
what grows, is renamed or taken away meanwhile harms nothing. What became of each is noted beside it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Left
from django.utils import timezone

from backend.archive.store import synchronise
from backend.audit.services import record_event
from backend.dicom.refusal import Refused
from backend.exchange.import_options import import_options
from backend.exchange.joined_volumes import stem_of_part
from backend.exchange.models import (
    ImportItem,
    ImportRun,
    ImportState,
    ItemState,
    WatchedFile,
    WatchedSource,
    WatchedState,
)
from backend.exchange.services import OfferedFile, clean_names, deidentification_rules, run_import
from backend.exchange.sources import upload_folder
from backend.exchange.watched_places import Changed, Place, Seen, Unreachable, place_of
from backend.jobs.models import JobState
from backend.jobs.services import JobCancelled, Lease, enqueue_job, is_cancelled

logger = logging.getLogger(__name__)

BATCH_FILES: Final = 500
BATCH_BYTES: Final = 4 * 1024**3
_CHUNK: Final = 500
_SMALL_CHUNK: Final = 100
_PART_LOOKS: Final = 10
_LOOKING: Final = timedelta(minutes=10)
_SETTLED_WELL: Final = (ItemState.IMPORTED, ItemState.DUPLICATE, ItemState.EMBARGOED)


def look_at_sources() -> int:
    """Look at every source whose time has come (the beat); how many were looked at."""
    now = timezone.now()
    due = Q(looked_at=None) | Q(looked_at__lte=now - timedelta(seconds=settings.WATCH_SECONDS))
    free = Q(looking_until=None) | Q(looking_until__lte=now)
    looked = 0
    for source in WatchedSource.objects.filter(due, free, is_enabled=True).select_related("project__archive"):
        mine = WatchedSource.objects.filter(free, pk=source.pk).update(looking_until=now + _LOOKING)
        if mine:
            look_at(source)
            looked += 1
    return looked


def look_at(source: WatchedSource) -> None:
    """One look: note what is there, and hand what waits to an import. A place that is away changes nothing but `error`."""
    now, error = timezone.now(), ""
    try:
        place = place_of(source)
        _note(source, list(place.look()), now, whole=place.writes_whole)
    except (Unreachable, Refused) as reason:
        error = str(reason)[:500]
    _settle_lost(source)
    if not error:
        _take(source)
    WatchedSource.objects.filter(pk=source.pk).update(looked_at=now, looking_until=None, error=error)


@dataclass
class _Changes:
    """What a look found: rows to make, to change, and names that are gone."""

    fresh: list[WatchedFile] = field(default_factory=list)
    changed: list[WatchedFile] = field(default_factory=list)
    gone: list[WatchedFile] = field(default_factory=list)


def _note(source: WatchedSource, found: Sequence[Seen], now: datetime, *, whole: bool) -> None:
    rows = list(WatchedFile.objects.filter(source=source).only("pk", "name", "size", "stamp", "state", "seen_at"))
    known = {(row.name, row.size, row.stamp): row for row in rows}
    growing = {row.name: row for row in rows if row.state == WatchedState.GROWING}
    settled = now - timedelta(seconds=settings.WATCH_SECONDS)
    changes, seen_now = _Changes(), set()
    for seen in found:
        key = (seen.name, seen.size, seen.stamp)
        seen_now.add(key)
        row = known.get(key)
        if row is not None:
            _note_known(row, now, settled, whole, changes)
        elif seen.name in growing:
            row = growing[seen.name]
            row.size, row.stamp, row.seen_at = seen.size, seen.stamp, now
            changes.changed.append(row)
        else:
            state = WatchedState.WAITING if whole else WatchedState.GROWING
            fresh = WatchedFile(source=source, name=seen.name, size=seen.size, stamp=seen.stamp, state=state, seen_at=now)
            changes.fresh.append(fresh)
    still = {id(row) for row in changes.changed}
    changes.gone = [
        row
        for key, row in known.items()
        if key not in seen_now and id(row) not in still and row.state in (WatchedState.GROWING, WatchedState.WAITING)
    ]
    _write(changes)


def _note_known(row: WatchedFile, now: datetime, settled: datetime, whole: bool, changes: _Changes) -> None:
    """A file that is as it was: one that grew has stopped, one that was gone is back; of the others nothing is new."""
    if row.state == WatchedState.GROWING and (whole or row.seen_at <= settled):
        row.state = WatchedState.WAITING
    elif row.state == WatchedState.VANISHED:
        row.state, row.seen_at = WatchedState.GROWING, now
    else:
        return
    changes.changed.append(row)


def _write(changes: _Changes) -> None:
    with transaction.atomic():
        WatchedFile.objects.bulk_create(changes.fresh, batch_size=_CHUNK, ignore_conflicts=True)
        settled = [row for row in changes.changed if row.state == WatchedState.WAITING]
        _update(settled, state=WatchedState.WAITING)
        growing = [row for row in changes.changed if row.state == WatchedState.GROWING]
        WatchedFile.objects.bulk_update(growing, ["size", "stamp", "state", "seen_at"], batch_size=_SMALL_CHUNK)
        # One that was never whole leaves no trace (it was renamed, as uploads are); one that waited is told.
        _update([row for row in changes.gone if row.state == WatchedState.WAITING], state=WatchedState.VANISHED, reason=GONE)
        passed = [row.pk for row in changes.gone if row.state == WatchedState.GROWING]
        for start in range(0, len(passed), _CHUNK):
            WatchedFile.objects.filter(pk__in=passed[start : start + _CHUNK]).delete()


def _update(rows: Sequence[WatchedFile], **values: Any) -> None:
    """Write the same values into many rows, in few statements."""
    for start in range(0, len(rows), _CHUNK):
        WatchedFile.objects.filter(pk__in=[row.pk for row in rows[start : start + _CHUNK]]).update(**values)


GONE: Final = "It was taken away before it was imported."


def _take(source: WatchedSource) -> ImportRun | None:
    """Hand what waits to one import, a batch at a time; None while one runs or nothing waits."""
    with transaction.atomic():
        source = WatchedSource.objects.select_for_update(of=("self",)).select_related("project__archive").get(pk=source.pk)
        if not source.is_enabled or source.files.filter(state=WatchedState.TAKEN).exists():
            return None
        waiting = source.files.filter(state=WatchedState.WAITING).order_by("name", "seen_at")[: 2 * BATCH_FILES]
        files = _batch(_with_their_parts(source, list(waiting)))
        if not files:
            return None
        run = ImportRun.objects.create(
            project=source.project,
            created_by=source.created_by,
            options=replace(import_options(source.options), origin=f"{source.kind} {source.location}"[:200]).as_json(),
            deidentification=deidentification_rules(source.project.archive),
            state=ImportState.QUEUED,
        )
        _update(files, state=WatchedState.TAKEN, run=run, item_name=Left("name", 500), reason="")
        for (name, _), file in zip(clean_names([OfferedFile(file.name, file.size) for file in files]), files, strict=True):
            if name != file.name:
                WatchedFile.objects.filter(pk=file.pk).update(item_name=name)
        run.job = enqueue_job(
            task="exchange.take_watched",
            queue="default",
            project_id=source.project_id,
            requested_by=source.created_by,
            arguments={"import_run": str(run.pk), "source": str(source.pk)},
        )
        run.save(update_fields=["job"])
        record_event(
            actor=None, verb="import.created", project_id=source.project_id, object_type="import", object_id=run.pk,
            detail={"files": len(files), "watched": str(source.pk)},
        )  # fmt: skip
    return run


def _with_their_parts(source: WatchedSource, waiting: Sequence[WatchedFile]) -> list[WatchedFile]:
    """Without headers of volumes whose voxels still come, and voxels whose header does: alone neither is a volume.

    Which file a header names is not known yet; one that has no other of its name beside it waits for some looks only.
    """
    if not any(stem_of_part(file.name) for file in waiting):
        return list(waiting)
    coming = source.files.filter(state__in=(WatchedState.GROWING, WatchedState.WAITING))
    parts: dict[str, set[str]] = {}
    for name, state in coming.values_list("name", "state"):
        if stem := stem_of_part(name):
            parts.setdefault(stem, set()).add(name)
            if state == WatchedState.GROWING:
                parts[stem].add("")
    since = timezone.now() - _PART_LOOKS * timedelta(seconds=settings.WATCH_SECONDS)
    return [file for file in waiting if _is_ready(file, parts.get(stem_of_part(file.name)), since)]


def _is_ready(file: WatchedFile, parts: Collection[str] | None, since: datetime) -> bool:
    """Whether a file may go: no part of a volume, or none of its parts (empty: one grows) is missing, or it has waited."""
    if parts is None:
        return True
    return "" not in parts and (len(parts) > 1 or file.seen_at <= since)


def _batch(waiting: Sequence[WatchedFile]) -> list[WatchedFile]:
    """The first of these, each name once, up to the limits; one that alone is over them goes alone.

    A header of a volume and its voxels go together.
    """
    chosen: dict[str, WatchedFile] = {}
    size = 0
    for file in waiting:
        if file.name in chosen:
            continue
        if chosen and (len(chosen) >= BATCH_FILES or size + file.size > BATCH_BYTES):
            break
        chosen[file.name] = file
        size += file.size
    left = {stem_of_part(file.name) for file in waiting if file.name not in chosen} - {""}
    whole = [file for file in chosen.values() if stem_of_part(file.name) not in left]
    return whole or list(chosen.values())


def run_watched(lease: Lease) -> None:
    """The worker's side: copy what was taken, import it, note what became of it. Goes on where an attempt stopped."""
    arguments = lease.job.arguments
    run = ImportRun.objects.get(pk=UUID(arguments["import_run"]))
    source = WatchedSource.objects.filter(pk=UUID(arguments["source"])).select_related("project__archive").first()
    place: Place | None = None
    try:
        if run.state not in (ImportState.DONE, ImportState.FAILED):
            if source is None:
                raise Refused("This source is followed no more.")
            place = place_of(source)
            _stage(run, place, lease)
            run_import(lease)
    except Unreachable as reason:
        # The surroundings, not the work: given back, and tried again.
        raise ConnectionError(str(reason)) from reason
    except (Refused, JobCancelled) as reason:
        told = "The import was cancelled." if isinstance(reason, JobCancelled) else str(reason)
        ImportRun.objects.filter(pk=run.pk).exclude(state=ImportState.DONE).update(
            state=ImportState.FAILED, message=told, finished_at=timezone.now()
        )
        _refuse(run, told)
        raise
    settle_run(run)
    if source is not None and source.delete_after:
        try:
            _delete_originals(run, place or place_of(source))
        except Unreachable as reason:
            raise ConnectionError(str(reason)) from reason


def _stage(run: ImportRun, place: Place, lease: Lease) -> None:
    """Copy the files to where uploads lie, each with its item; what is there from an attempt before stays."""
    ImportRun.objects.filter(pk=run.pk).update(state=ImportState.RUNNING)
    folder = upload_folder(run.pk)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    synchronise(folder.parent)
    staged = set(ImportItem.objects.filter(run=run).values_list("name", flat=True))
    for file in WatchedFile.objects.filter(run=run, state=WatchedState.TAKEN).order_by("name"):
        if file.item_name in staged:
            continue
        if is_cancelled(lease):
            raise JobCancelled
        item_id = uuid4()
        target = folder / str(item_id)
        try:
            place.fetch(Seen(file.name, file.size, file.stamp), target)
        except FileNotFoundError:
            _leave(file, WatchedState.VANISHED, GONE)
        except Changed:
            _leave(file, WatchedState.GROWING, "")
        else:
            target.chmod(0o600)
            # A row must not outlive its bytes when the power goes: the original may be deleted by what it says.
            synchronise(target)
            synchronise(folder)
            ImportItem.objects.create(
                id=item_id, run=run, name=file.item_name, size=file.size, received=file.size, state=ItemState.WAITING
            )


def _leave(file: WatchedFile, state: WatchedState, reason: str) -> None:
    """The file is no part of the run after all."""
    file.state, file.run, file.item_name, file.reason, file.seen_at = state, None, "", reason, timezone.now()
    file.save(update_fields=["state", "run", "item_name", "reason", "seen_at"])


def settle_run(run: ImportRun) -> None:
    """Note beside each file of a finished run what became of it; of an archive, of all that it held."""
    outcomes = {item.name: item for item in ImportItem.objects.filter(run=run).only("name", "state", "reason")}
    told: dict[tuple[str, str], list[WatchedFile]] = {}
    for file in WatchedFile.objects.filter(run=run, state=WatchedState.TAKEN):
        told.setdefault(_outcome(file, outcomes), []).append(file)
    with transaction.atomic():
        for (state, reason), files in told.items():
            _update(files, state=state, reason=reason)


def _outcome(file: WatchedFile, outcomes: Mapping[str, ImportItem]) -> tuple[str, str]:
    """State and reason of a file, by its own item or by those of what was in it."""
    own = outcomes.get(file.item_name)
    items = [own] if own else [item for name, item in outcomes.items() if name.startswith(f"{file.item_name}/")]
    refused = [item for item in items if item.state not in _SETTLED_WELL]
    if items and not refused:
        return WatchedState.IMPORTED, items[0].reason if len(items) == 1 else ""
    return WatchedState.REFUSED, _why(items, refused)


def _why(items: Sequence[ImportItem], refused: Sequence[ImportItem]) -> str:
    if not items:
        return "The import did not come to this file."
    if len(items) == 1:
        return refused[0].reason
    return f"{len(refused)} of {len(items)} files in it were refused; first {refused[0].name}: {refused[0].reason}"


def _refuse(run: ImportRun, reason: str) -> None:
    WatchedFile.objects.filter(run=run, state=WatchedState.TAKEN).update(state=WatchedState.REFUSED, reason=reason)


def _delete_originals(run: ImportRun, place: Place) -> None:
    for file in WatchedFile.objects.filter(run=run, state=WatchedState.IMPORTED):
        try:
            place.delete(Seen(file.name, file.size, file.stamp))
        except OSError as error:
            # Imported it is; the original stays and is known, so that it is not imported again.
            # Of the error only what went wrong: its own words name the file.
            why = error.strerror or type(error).__name__
            logger.warning("the original of watched file %s stays: %s", file.pk, why)
            WatchedFile.objects.filter(pk=file.pk).update(reason=f"Imported; the original could not be deleted: {why}.")


def _settle_lost(source: WatchedSource) -> None:
    """Files whose import ended without telling (its worker was lost for good) are told, so that others can follow."""
    taken = source.files.filter(state=WatchedState.TAKEN)
    for run in ImportRun.objects.filter(pk__in=taken.values("run")).select_related("job"):
        job = run.job
        if job is not None and job.state not in (JobState.FAILED, JobState.CANCELLED):
            continue
        if run.state == ImportState.DONE:
            settle_run(run)
        else:
            reason = job.error if job is not None and job.error else "The import was cancelled."
            ImportRun.objects.filter(pk=run.pk).update(state=ImportState.FAILED, message=reason, finished_at=timezone.now())
            _refuse(run, reason)
    taken.filter(run=None).update(state=WatchedState.WAITING)


def retry_files(source: WatchedSource) -> int:
    """Let files that were refused be imported once more; how many. Those that are gone stay gone until they are back."""
    again = source.files.filter(state=WatchedState.REFUSED)
    return again.update(state=WatchedState.WAITING, reason="", run=None)
