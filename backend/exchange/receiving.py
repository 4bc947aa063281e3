"""Images that another system sends (STOW-RS, C-STORE): each through the archive's door at once, made cases later.

No protocol says when a study is complete. So what one sender sends to a project is gathered in one import run that stays
open while files come; when none has come for a while the run is started like any other, and a worker puts the series in
order and makes the cases. A reader thus never meets half a series, which could then take no more slices.
"""

from __future__ import annotations

import errno
import shutil
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from backend.accounts.compiled_select import CompiledSelect, fields_of
from backend.accounts.models import User
from backend.archive.decode_pool import SHARED, DecodePool
from backend.archive.ingest import Ingested, KeptAside, Opened, opened_file, store_opened
from backend.archive.models import DeidProfile, Instance
from backend.archive.store import ObjectGroup, synchronise
from backend.audit.services import record_event
from backend.dicom.identity import Identity
from backend.dicom.read import sniffed_format
from backend.dicom.refusal import Refused
from backend.exchange.import_options import ImportOptions
from backend.exchange.importing import case_of, duplicate_reason, is_unread, tell_kept_aside, tell_refused, tell_taken
from backend.exchange.models import ImportItem, ImportRun, ImportState, ItemState
from backend.exchange.published_selectors import ALREADY_PUBLISHED, is_published_here
from backend.exchange.services import deidentification_rules, start_import
from backend.exchange.sources import upload_folder
from backend.projects.models import Project

LONGEST: Final = timedelta(minutes=15)
"""A run takes nothing new after this, or an endless stream would never become cases."""

_SR: Final = "1.2.840.10008.5.1.4.1.1.88"
KEPT_CLASSES: Final = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.66.4",  # Segmentation
        "1.2.840.10008.5.1.4.1.1.66.7",  # Label Map Segmentation
        "1.2.840.10008.5.1.4.1.1.481.3",  # RT Structure Set
        *(f"{_SR}.{number}" for number in (11, 22, 33, 34, 35)),  # Basic Text, Enhanced, Comprehensive, 3D, Extensible SR
    }
)
"""Objects that are no images and that an import reads all the same: kept until the run's worker comes to them."""

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_HEAD_BYTES: Final = 256
_FILES_AT_ONCE: Final = 20
_BYTES_AT_ONCE: Final = 64 * 1024**2
_FULL: Final = "There is no room left to store anything."

_NO_IMAGES: Final = (ItemState.WAITING, ItemState.DUPLICATE)
"""States of files that are no images: objects that wait for the import, and those that this project has published."""


class NoRoom(Refused):
    """The disk is full; the sender may try again later."""


class OtherStudy(Refused):
    """An instance of another study than the sender said."""


@dataclass(frozen=True)
class Received:
    """What became of one file.

    `sent` is what it called itself, known where it was refused or where its UIDs were changed at the door. With neither
    `instance` nor `refusal` the file is no image and waits for the import to read it.
    """

    sent: Identity
    instance: Instance | None
    refusal: Refused | None
    is_renamed: bool = False


@dataclass
class _Taken:
    """A file that has come, what the door says of it so far, and who wants to hear what becomes of it."""

    item: ImportItem
    outcome: Opened | Ingested | Refused
    sent: Identity
    answer: Callable[[Received], None]


class Reception:
    """What one sender sends to a project at one time; used as a context, or closed by `flush`.

    `origin` says in words what brought the files. Where `study` is given, an instance of another study is refused.

    Files are decoded one by one and stored some at a time: they wait together for the disk and for the database.
    """

    def __init__(
        self, *, project: Project, by: User | None, origin: str, study: str | None = None, pool: DecodePool = SHARED
    ) -> None:
        self._project, self._by, self._origin, self._study, self._pool = project, by, origin, study, pool
        self._taken: list[_Taken] = []
        self._objects = ObjectGroup()
        self._bytes = 0

    def __enter__(self) -> Reception:
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            self.flush()
        finally:
            self._objects.close()

    def take(self, path: Path, answer: Callable[[Received], None]) -> None:
        """Take one file in; the caller deletes it. Every outcome is an answer, also that it cannot be used.

        Answers come in the order of the files, the last of them with `flush`: then what they say is on the disk.
        """
        item = self._new_item(path)
        self._bytes += item.size
        outcome, sent = self._tried(path)
        self._taken.append(_Taken(item, outcome, sent, answer))
        is_object = isinstance(outcome, Refused) and sent.sop_class_uid in KEPT_CLASSES
        is_twin = is_object and is_published_here(self._project, sent.sop_instance_uid)
        is_kept = is_object and not is_twin and not isinstance(outcome, OtherStudy)
        if is_twin:
            # A PACS sends back what it got; the UID is asked for as it came, before anything is renamed.
            item.state, item.reason, item.name = ItemState.DUPLICATE, ALREADY_PUBLISHED, f"{sent.sop_instance_uid}.dcm"
        if is_kept:
            item.state = ItemState.WAITING
            self.flush(kept=path)
        elif len(self._taken) >= _FILES_AT_ONCE or self._bytes >= _BYTES_AT_ONCE:
            self.flush()

    @property
    def _renames(self) -> bool:
        return self._project.archive.deid_profile != DeidProfile.NONE

    def _tried(self, path: Path) -> tuple[Opened | Ingested | Refused, Identity]:
        """What the archive's door says, and, where it is asked for, what the file called itself."""
        with self._pool.child() as child:
            try:
                _require_dicom(path)
                if self._study is not None and child.identify(path).study_instance_uid != self._study:
                    raise OtherStudy("It belongs to another study than the address says.")
                opened = opened_file(
                    archive=self._project.archive,
                    child=child,
                    path=path,
                    objects=self._objects,
                    modality=self._project.modality,
                    project_id=self._project.pk,
                    beside={"group": ""},
                )
            except Refused as refused:
                return refused, child.identify(path)
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                return NoRoom(_FULL), child.identify(path)
            if isinstance(opened, Opened):
                return opened, opened.sent
            return opened, child.identify(path) if self._renames else Identity()

    def _new_item(self, path: Path) -> ImportItem:
        key, size = uuid.uuid4(), path.stat().st_size
        return ImportItem(pk=key, name=f"{key}.dcm", size=size, received=size, state=ItemState.IMPORTED)

    def flush(self, kept: Path | None = None) -> None:
        """Store the files taken so far and answer for them; the last one is that of the file `kept`."""
        taken, self._taken, self._bytes = self._taken, [], 0
        if not taken:
            return
        known = self._store(taken)
        self._write_items([one.item for one in taken], known, kept)
        for one in taken:
            one.answer(self._received(one))

    def _store(self, taken: Sequence[_Taken]) -> set[uuid.UUID]:
        """Rows of the images; the keys of the items whose bytes were here before."""
        waiting = [one for one in taken if isinstance(one.outcome, Opened)]
        opened = [one.outcome for one in waiting if isinstance(one.outcome, Opened)]
        if opened:
            for one, became in zip(waiting, self._stored(opened), strict=True):
                one.outcome = became
        known = set()
        for one in taken:
            item, outcome = one.item, one.outcome
            if isinstance(outcome, Ingested):
                tell_taken(item, outcome)
                # Named by the UID under which it is stored, never by one that de-identification has removed.
                item.name = f"{outcome.instance.sop_instance_uid}.dcm"
                if not outcome.is_new:
                    known.add(item.pk)
                continue
            if item.state in _NO_IMAGES:
                continue
            if isinstance(outcome, KeptAside):
                tell_kept_aside(item, outcome)
            else:
                assert isinstance(outcome, Refused)  # who was opened is stored or refused by now
                tell_refused(item, outcome)
            if one.sent.sop_instance_uid and not self._renames:
                item.name = f"{one.sent.sop_instance_uid}.dcm"
        return known

    def _stored(self, opened: Sequence[Opened]) -> Sequence[Ingested | Refused]:
        try:
            return store_opened(archive=self._project.archive, opened=opened, objects=self._objects, may_grow=is_unread)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            self._objects.close()  # there may be room for others
            return [NoRoom(_FULL)] * len(opened)

    def _received(self, one: _Taken) -> Received:
        outcome = one.outcome
        if isinstance(outcome, Ingested):
            return Received(one.sent, outcome.instance, None, self._renames)
        if one.item.state in _NO_IMAGES:
            return Received(one.sent, None, None)
        assert isinstance(outcome, Refused)
        return Received(one.sent, None, outcome)

    def _write_items(self, items: Sequence[ImportItem], known: Collection[uuid.UUID], kept: Path | None) -> None:
        """Write the rows of files into the sender's run."""
        with transaction.atomic():
            run = _open_run(self._project, self._by, self._origin)
            for index, item in enumerate(items):
                item.run = run
                if item.pk in known and item.instance is not None:
                    _tell_duplicate(run, item, item.instance, items[:index])
            if kept is not None:
                folder = upload_folder(run.pk)
                is_new = not folder.exists()
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                target = folder / str(items[-1].pk)
                shutil.copyfile(kept, target)
                # Whoever sent it deletes it once it is acknowledged.
                for path in (target, folder, folder.parent) if is_new else (target, folder):
                    synchronise(path)
            ImportItem.objects.bulk_create(items)
            ImportRun.objects.filter(pk=run.pk).update(received_at=timezone.now())


def _require_dicom(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    try:
        kind = sniffed_format(head)
    except Refused:
        kind = ""
    if kind != "dicom":
        raise Refused("Not a DICOM file.")


def _tell_duplicate(run: ImportRun, item: ImportItem, instance: Instance, before: Sequence[ImportItem]) -> None:
    item.case = case_of(run.project, instance)
    is_twin = any(other.instance_id == instance.pk for other in before)
    if item.case is not None or is_twin or ImportItem.objects.filter(run=run, instance=instance).exists():
        item.state, item.reason = ItemState.DUPLICATE, duplicate_reason(item.case)


def _open_run(project: Project, by: User | None, origin: str) -> ImportRun:
    """The sender's run that takes files now, locked so that it is not started meanwhile; called in a transaction."""
    found = _running(project, by, origin)
    if found is not None:
        return found
    Project.objects.select_for_update().only("pk").get(pk=project.pk)  # two senders of one name open one run
    found = _running(project, by, origin)
    if found is not None:
        return found
    options = ImportOptions(origin=origin)
    run = ImportRun.objects.create(
        project=project,
        created_by=by,
        state=ImportState.RECEIVING,
        options=options.as_json(),
        deidentification=deidentification_rules(project.archive),
        received_at=timezone.now(),
    )
    record_event(
        actor=by, verb="import.created", project_id=project.pk, object_type="import", object_id=run.pk,
        detail={"origin": origin},
    )  # fmt: skip
    return run


def _running(project: Project, by: User | None, origin: str) -> ImportRun | None:
    open_runs = ImportRun.objects.select_for_update().filter(
        project=project, state=ImportState.RECEIVING, created_by=by, created_at__gt=timezone.now() - LONGEST
    )
    return next((run for run in open_runs.order_by("created_at") if run.options.get("origin") == origin), None)


def is_taken_for_all(*, quiet: timedelta, age: timedelta) -> bool:
    """Whether what a sender sent is taken for all of it: by STOW-RS and by C-STORE alike.

    `quiet`: how long nothing has come; `age`: for how long it is gathered.
    """
    return quiet >= timedelta(seconds=settings.RECEIVED_QUIET_SECONDS) or age >= LONGEST


def settle_received() -> list[UUID]:
    """Start the import of every run to which nothing has come for a while, or that is open for too long."""
    now = timezone.now()
    settled = []
    for run in ImportRun.objects.filter(state=ImportState.RECEIVING).select_related("created_by"):
        if is_taken_for_all(quiet=now - (run.received_at or run.created_at), age=now - run.created_at):
            start_import(run=run, by=run.created_by)
            settled.append(run.pk)
    return settled


_BUSY: Final = (ImportState.RECEIVING.value, ImportState.QUEUED.value, ImportState.RUNNING.value)
_ARRIVING: Final = CompiledSelect(
    fields_of(ImportRun, "id"), "FROM exchange_importrun WHERE project_id = %s AND state IN (%s, %s, %s)"
)


def arriving_runs(project_id: UUID) -> list[UUID]:
    """Runs of a project whose images are in the archive and may not be cases yet."""
    return [run for (run,) in _ARRIVING.rows([project_id, *_BUSY])]
