"""Reads the readings of other programs out of a set of files: which formats know them, what each says, what must wait."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from backend.accounts.models import User
from backend.archive.scratch import ScratchFolder
from backend.archive.store import delete_object, get_object, has_object, put_object
from backend.audit.services import record_event
from backend.dicom.refusal import Refused
from backend.exchange.attaching import Attacher, AttachOutcome
from backend.exchange.case_index import CaseIndex
from backend.exchange.foreign import ForeignReading, UnusableFile
from backend.exchange.format_registry import Format, is_recognised, read_format, read_formats, recognised_formats
from backend.exchange.formats.family import Folder, ReadContext
from backend.exchange.models import ImportRun, PendingReading
from backend.exchange.object_reader import ObjectReader
from backend.exchange.pending_content import archive_text, reading_of_content
from backend.exchange.reading_child import names_in_child, read_in_child
from backend.exchange.selectors import missing_segmentations
from backend.exchange.source_folder import SourceFolder
from backend.exchange.sources import Source
from backend.projects.models import Project


@dataclass(frozen=True)
class ReadingOptions:
    """How the readings of a set of files are read. `format` empty: whichever knows them; `types` renames findings."""

    format: str = ""
    reader: str = "Imported labels"
    options: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)


@dataclass
class ReadingOutcome(AttachOutcome):
    """What became of all readings, the formats that were found, and the files that they opened."""

    formats: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)


Step = Callable[[int], None]
"""Hears after each reading how many there were so far; may raise to stop."""


def reading_formats(folder: Folder, chosen: ReadingOptions) -> list[Format]:
    """The formats by which these files will be read; Refused for a name that is none."""
    if chosen.format:
        return [read_format(chosen.format)]
    return [
        read_format(name) for name in names_in_child(lambda files: [one.name for one in recognised_formats(files)], folder)
    ]


def claimed_files(folder: Folder, format_name: str) -> set[str]:
    """Files that would pass for images and are readings of a format: of the one named, else of any."""
    formats = [read_format(format_name)] if format_name else read_formats().values()
    # Where one cannot say, it is told when the readings are read.
    return {name for one in formats if one.claims is not None for name in names_in_child(one.claims, folder)}


def import_foreign_readings(
    *,
    project: Project,
    sources: Sequence[Source],
    chosen: ReadingOptions,
    by: User | None,
    run: ImportRun | None = None,
    on_reading: Step | None = None,
) -> ReadingOutcome:
    """Attach the readings that are found among files to the project's cases, and those of earlier imports that waited.

    Files that one format has opened are not offered to the next, so nothing is read twice.
    """
    outcome = ReadingOutcome()
    index = CaseIndex(project, run)
    with SourceFolder(sources) as whole:
        formats = reading_formats(whole, chosen)
    for one in formats:
        with SourceFolder(sources).without(outcome.files) as folder:
            if not chosen.format and outcome.files and not _still_known(one, folder):
                continue
            folder.opened.clear()
            outcome.formats.append(one.name)
            found = _read_format(project, index, folder, one, chosen, run, on_reading)
            outcome.add(found)
            outcome.files |= folder.opened
    if outcome.formats:
        record_event(
            actor=by, verb="readings.imported", project_id=project.pk, object_type="project", object_id=project.pk,
            detail={"formats": outcome.formats, "made": outcome.made, "waiting": outcome.waiting,
                    "refused": len(outcome.refused)},
        )  # fmt: skip
    return outcome


def _still_known(one: Format, folder: Folder) -> bool:
    """Whether a format knows what the formats before it have left."""
    return bool(names_in_child(lambda files: [one.name] if is_recognised(one, files) else [], folder))


def _read_format(
    project: Project,
    index: CaseIndex,
    folder: Folder,
    one: Format,
    chosen: ReadingOptions,
    run: ImportRun | None,
    on_reading: Step | None,
) -> AttachOutcome:
    attacher = Attacher(
        project=project, index=index, format_name=one.name, run=run, options=chosen.options, types=chosen.types
    )
    count = 0
    try:
        with ObjectReader(project, index) as objects:
            for reading in _guarded(one, folder, read_context(index, chosen.reader, chosen.options, objects)):
                count += 1
                if isinstance(reading, UnusableFile):
                    attacher.refuse(reading.source, reading.reason)
                else:
                    attacher.take(reading, _kept_files(project, folder, reading))
                if on_reading is not None:
                    on_reading(count)
    except Refused as refusal:
        attacher.refuse(_first_opened(folder), str(refusal))
    return attacher.finish()


def read_context(
    index: CaseIndex, reader: str, options: Mapping[str, str], objects: ObjectReader | None = None
) -> ReadContext:
    """What a format's reader may ask of the index's project."""
    return ReadContext(
        by_name=index.by_name, by_uid=index.by_uid, reader=reader, options=dict(options), find=index.find, objects=objects
    )


def _guarded(one: Format, folder: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """What the format reads; an error that it did not foresee is a damaged file, told by its kind, never a crash."""
    assert one.read is not None
    if one.in_child:
        yield from read_in_child(one.read, one.title, folder, context)
        return
    found = one.read(folder, context)
    while True:
        try:
            reading = next(found, None)
        except (Refused, DatabaseError, InterfaceError, MemoryError):
            raise
        except Exception as error:
            raise Refused(f"Damaged, or no {one.title} that can be read ({type(error).__name__}).") from error
        if reading is None:
            return
        yield reading


def _first_opened(folder: Folder) -> str:
    opened = sorted(folder.opened) if isinstance(folder, SourceFolder) else []
    return opened[0] if opened else next(iter(folder), "")


def _kept_files(project: Project, folder: Folder, reading: ForeignReading) -> dict[str, str]:
    """Keep the files that a reading needs to be read again; their keys by name."""
    kept = {}
    data_by_name = {name: folder[name].read_bytes() for name in reading.keep_files} | dict(reading.keep_data)
    for name, data in data_by_name.items():
        key = f"pending/{project.pk}/{hashlib.sha256(data).hexdigest()}"
        if not has_object(key):
            put_object(key=key, data=data)
        kept[name] = key
    return kept


def attach_waiting(*, project: Project, run: ImportRun | None = None) -> AttachOutcome:
    """Attach what waited for images, or for a segmentation, that are here now. `waiting` counts what still waits.

    What cannot be used now that they are here stays, with its reason, for a lead to see.
    """
    outcome = AttachOutcome()
    index = CaseIndex(project)
    by_format: dict[str, Attacher] = {}
    done: list[PendingReading] = []
    files: dict[str, list[PendingReading]] = {}
    for row in PendingReading.objects.filter(project=project, reason="").iterator(200):
        if row.files:
            files.setdefault(row.format, []).append(row)
            continue
        attacher = by_format.setdefault(row.format, Attacher(project=project, index=index, format_name=row.format, run=run))
        reading = reading_of_content(row.content, source=row.source, reader=row.reader)
        if attacher.is_here(reading):
            attacher.take(reading)
            done.append(row)
        else:
            outcome.waiting += 1
    for attacher in by_format.values():
        outcome.add(attacher.finish())
    reasons = {row.pk: reason for row in done if (reason := _reason_of(row, project, outcome.refused))}
    # A report before its segmentation, which is a part of it.
    for name in sorted(files, key=lambda name: -read_format(name).specificity):
        for row in files[name]:
            found = _read_again(project, index, row)
            outcome.add(found)
            if not found.waiting:
                done.append(row)
            if found.refused and not (found.made or found.known):
                reasons[row.pk] = found.refused[0][1]
    _settle(done, reasons)
    return outcome


def _settle(done: Sequence[PendingReading], reasons: Mapping[UUID, str]) -> None:
    """Drop what was attached; what could not be stays, with its reason."""
    for row in done:
        if row.pk in reasons:
            row.reason = reasons[row.pk]
            row.save(update_fields=["reason"])
        else:
            discard_pending(row)


def _reason_of(row: PendingReading, project: Project, refused: Sequence[tuple[str, str]]) -> str:
    """Why a reading was not used, empty where it was."""
    source = archive_text(row.source, project.archive)
    return next((reason for name, reason in refused if name == source), "")


def _is_ready(attacher: Attacher, project: Project, reading: ForeignReading) -> bool:
    """Whether what a kept reading waits for is here: its segmentations before its images, which it may not even name."""
    if not reading.segmentations:
        return attacher.is_here(reading)
    return not missing_segmentations(project, reading.segmentations)


def _read_again(project: Project, index: CaseIndex, row: PendingReading) -> AttachOutcome:
    """Read the kept files of a reading once more; they wait on where their images are still not here."""
    one = read_format(row.format)
    attacher = Attacher(project=project, index=index, format_name=row.format, options=row.options)
    if not _is_ready(attacher, project, reading_of_content(row.content, source=row.source, reader=row.reader)):
        return AttachOutcome(waiting=1)
    with ScratchFolder("waiting-") as scratch:
        folder: dict[str, Path] = {}
        for number, (name, key) in enumerate(row.files.items()):
            folder[name] = scratch / str(number) / Path(name).name
            folder[name].parent.mkdir()
            folder[name].write_bytes(get_object(key))
        try:
            with ObjectReader(project, index, of_kept=True) as objects:
                readings = list(_guarded(one, folder, read_context(index, row.reader, row.options, objects)))
        except Refused as refusal:
            attacher.refuse(row.source, str(refusal))
            return attacher.finish()
        if any(isinstance(found, ForeignReading) and (found.keep_files or found.keep_data) for found in readings):
            return AttachOutcome(waiting=1)
        for found in readings:
            if isinstance(found, UnusableFile):
                attacher.refuse(found.source, found.reason)
            else:
                attacher.take(found)
    return attacher.finish()


def discard_pending(row: PendingReading) -> None:
    """Drop a reading that waited, and its files where no other needs them."""
    keys = set(row.files.values())
    row.delete()
    for key in keys:
        others = PendingReading.objects.filter(project=row.project_id).exclude(files={}).values_list("files", flat=True)
        if not any(key in other.values() for other in others):
            delete_object(key)


def readings_sentences(read: ReadingOutcome, attached: AttachOutcome) -> list[str]:
    """What became of readings of other programs, for the person who imported."""
    found = []
    if read.formats:
        found.append(f"{read.made} readings from {', '.join(read.formats)}, {read.known} already here.")
    if read.waiting:
        found.append(f"{read.waiting} readings wait for their images.")
    if attached.made or attached.known:
        found.append(f"{attached.made + attached.known} readings that waited are attached.")
    return found
