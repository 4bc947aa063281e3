"""Brings the objects of a finished export into the archive, where DICOMweb shows them, and takes them out again.

Published is the very file of the export: its instance is like any other, but that it is shown only while a row of
`DerivedObject` names it and its reading is what it was (`backend.exchange.published_selectors`).
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import transaction

from backend.accounts.models import User
from backend.archive.models import Archive, Instance, Series, Study
from backend.archive.scratch import ScratchFolder
from backend.archive.store import delete_object, has_object, put_object, read_pieces
from backend.audit.services import record_event
from backend.dicom.header import text
from backend.dicom.prepare import series_values
from backend.dicom.refusal import Refused
from backend.dicom.uids import keyed_digest
from backend.dicom.whole_object import WholeObject, whole_object
from backend.exchange.export_selection import ExportCase, ExportFilter, exported_readings
from backend.exchange.export_zip import MANIFEST
from backend.exchange.formats.dicom_objects import object_path
from backend.exchange.models import DerivedObject, ExportRun, ExportState
from backend.exchange.published_selectors import PUBLISHED_MODALITIES
from backend.jobs.models import Job
from backend.jobs.services import JobCancelled, Lease, enqueue_job, is_cancelled, report_progress
from backend.readings.models import ReaderKind, Reading
from backend.readings.selectors import superseded

PUBLISHED_FORMATS: Final = frozenset({"dicom_seg", "dicom_sr", "dicom_rtstruct"})
PUBLISH: Final = "exchange.run_publication"
_CHUNK: Final = 50

OnStep = Callable[[int, int], None]


def start_publication(*, run: ExportRun, by: User) -> Job:
    """Hand the publication of a finished export to a worker; Refused where it holds no DICOM objects, or is gone."""
    if run.format not in PUBLISHED_FORMATS:
        raise Refused("Only an export of DICOM objects (SEG, SR, RTSTRUCT) can be published.")
    if run.state != ExportState.DONE or not run.key:
        raise Refused("Only a finished export whose file is still here can be published.")
    with _alone(run, by, "export.publication_started") as locked:
        locked.publication_job = enqueue_job(
            task="exchange.run_publication",
            queue="default",
            project_id=run.project_id,
            requested_by=by,
            arguments={"export_run": str(run.pk)},
        )
    return locked.publication_job


def start_withdrawal(*, run: ExportRun, by: User) -> Job:
    """Hand the withdrawal of what an export has published to a worker; Refused where there is nothing."""
    if not DerivedObject.objects.filter(run=run).exists():
        raise Refused("Nothing of this export is published.")
    with _alone(run, by, "export.withdrawal_started") as locked:
        locked.publication_job = enqueue_job(
            task="exchange.run_withdrawal",
            queue="default",
            project_id=run.project_id,
            requested_by=by,
            arguments={"export_run": str(run.pk)},
        )
    return locked.publication_job


@contextmanager
def _alone(run: ExportRun, by: User, verb: str) -> Iterator[ExportRun]:
    """The run, locked, to be given a job, which is written down and audited; Refused where another one is busy with it."""
    with transaction.atomic():
        locked = ExportRun.objects.select_for_update(of=("self",)).select_related("publication_job").get(pk=run.pk)
        if locked.publication_job is not None and locked.publication_job.state in ("queued", "running"):
            raise Refused("The archive is busy with this export; wait until it is done.")
        yield locked
        locked.save(update_fields=["publication_job"])
        record_event(
            actor=by, verb=verb, project_id=run.project_id, object_type="export", object_id=run.pk,
            detail={"format": run.format},
        )  # fmt: skip


def run_publication(lease: Lease) -> None:
    """The worker's side of `start_publication`; an attempt after a lost one goes on."""
    lease.result.update(publish_export(run=_run_of(lease), on_step=_steps(lease)))


def run_withdrawal(lease: Lease) -> None:
    """The worker's side of `start_withdrawal`; an attempt after a lost one goes on."""
    lease.result.update(withdrawn=withdraw_export(run=_run_of(lease), on_step=_steps(lease)))


def _run_of(lease: Lease) -> ExportRun:
    runs = ExportRun.objects.select_related("project__archive", "created_by")
    return runs.get(pk=UUID(lease.job.arguments["export_run"]))


def _steps(lease: Lease) -> OnStep:
    def on_step(done: int, total: int) -> None:
        if is_cancelled(lease):
            raise JobCancelled
        report_progress(lease, done=done, total=total)

    return on_step


def publish_export(*, run: ExportRun, on_step: OnStep = lambda done, total: None) -> dict[str, int]:
    """Publish what is in the file of an export; how many objects were `published` and readings left out, by why.

    Left out are readings that who made the export may not see now (`hidden`), models' (`models`), and those that have
    changed or were superseded since (`changed`): what is shown must be what the reading says.
    """
    if run.created_by is None:
        raise Refused("Who made this export has no account any more.")
    if not run.key:
        raise Refused("The file of this export is gone.")
    told: Counter[str] = Counter()
    with ScratchFolder("publish-") as scratch:
        path = scratch / "export.zip"
        with path.open("wb") as sink:
            for piece in read_pieces(run.key, 0, run.size):
                sink.write(piece)
        with zipfile.ZipFile(path) as archive:
            entries: Sequence[Mapping[str, Any]] = json.loads(archive.read(MANIFEST))["readings"]
            names = frozenset(archive.namelist())
            for done, (reading, why) in enumerate(_readings_of(run, entries)):
                on_step(done, len(entries))
                if reading is None:
                    told[why] += 1
                    continue
                for name in _names_of(reading, names):
                    _publish(run, reading, archive.read(name))
                    told["published"] += 1
    on_step(len(entries), len(entries))
    found = {name: told[name] for name in ("published", "hidden", "models", "changed")}
    record_event(
        actor=None, verb="export.published", project_id=run.project_id, object_type="export", object_id=run.pk, detail=found
    )  # fmt: skip
    return found


def _readings_of(run: ExportRun, entries: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Reading | None, str]]:
    """The readings that a manifest names, in its order; in place of one that is left out, why."""
    assert run.created_by is not None
    shown = exported_readings(project=run.project, by=run.created_by, chosen=ExportFilter(superseded=True))
    shown = shown.annotate(is_superseded=superseded())
    for start in range(0, len(entries), _CHUNK):
        chunk = entries[start : start + _CHUNK]
        found = shown.filter(pk__in=[entry["id"] for entry in chunk])
        readings = {str(one.pk): one for one in found.select_related("case__series__study", "reader")}
        for entry in chunk:
            reading = readings.get(entry["id"])
            if entry["reader_kind"] == ReaderKind.MODEL:
                yield None, "models"
            elif reading is None:
                yield None, "hidden"
            elif reading.revision != entry["revision"] or reading.is_superseded:
                yield None, "changed"
            else:
                yield reading, ""


def _names_of(reading: Reading, names: frozenset[str]) -> list[str]:
    """The files of a reading in the export, a segmentation before the report that speaks of it."""
    case = ExportCase(reading.case, [])
    wanted = (object_path(case, reading, modality) for modality in PUBLISHED_MODALITIES)
    return [name for name in wanted if name in names]


def _publish(run: ExportRun, reading: Reading, data: bytes) -> None:
    """Show one object: its instance is made, or found where another run, or an attempt before, has made it."""
    study = reading.case.series.study
    made = whole_object(data)
    if text(made.header, "StudyInstanceUID") != study.study_instance_uid:
        raise Refused("An object of this export is of another study than its reading.")
    # A name of its own: what a withdrawal deletes a moment later is never what another publication has just written.
    key = f"derived/{study.archive_id}/{uuid4().hex}"
    if _instance_of(study, made) is None:
        put_object(key=key, data=made.blob)
    try:
        with transaction.atomic():
            archive = Archive.objects.select_for_update().get(pk=study.archive_id)
            instance = _instance_of(study, made)
            if instance is None:
                if not has_object(key):
                    put_object(key=key, data=made.blob)  # withdrawn a moment ago
                instance = _stored(archive, study, made, data, key)
            DerivedObject.objects.get_or_create(
                run=run,
                instance=instance,
                defaults={"project_id": run.project_id, "reading": reading, "revision": reading.revision},
            )
    finally:
        if not Instance.objects.filter(frames_key=key).exists():
            delete_object(key)


def _instance_of(study: Study, made: WholeObject) -> Instance | None:
    """The object where it is in the archive already; Refused where an image has its UID."""
    uid = text(made.header, "SOPInstanceUID")
    found = Instance.objects.filter(series__study=study, sop_instance_uid=uid).only("pk", "file_range").first()
    if found is not None and found.file_range is None:
        raise Refused("An image in the archive has the UID of an object of this export.")
    return found


def _stored(archive: Archive, study: Study, made: WholeObject, data: bytes, key: str) -> Instance:
    values = series_values(made.header, text(made.header, "Modality", 16))
    uid = values.pop("series_instance_uid")
    series, _ = Series.objects.get_or_create(study=study, series_instance_uid=uid, defaults=values)
    if series.modality != values["modality"]:
        raise Refused("Images in the archive have the series UID of an object of this export.")
    return Instance.objects.create(
        series=series,
        # Under purposes of their own: by these no file that comes in is ever taken for the same image.
        received_digest=keyed_digest(archive.key, "published object", data),
        original_uid_digest=keyed_digest(archive.key, "published object uid", text(made.header, "SOPInstanceUID")),
        pixel_digest=hashlib.sha256(data).hexdigest(),
        frames_key=key,
        **made.instance_values(),
    )


def withdraw_export(*, run: ExportRun, on_step: OnStep = lambda done, total: None) -> int:
    """Take out of the archive what this export has published and no other has; how many objects it no longer shows."""
    keys = list(DerivedObject.objects.filter(run=run).values_list("pk", flat=True))
    for start in range(0, len(keys), _CHUNK):
        on_step(start, len(keys))
        _withdraw(run.project.archive_id, keys[start : start + _CHUNK])
    on_step(len(keys), len(keys))
    record_event(
        actor=None, verb="export.withdrawn", project_id=run.project_id, object_type="export", object_id=run.pk,
        detail={"withdrawn": len(keys)},
    )  # fmt: skip
    return len(keys)


def _withdraw(archive_id: UUID, keys: Sequence[int]) -> None:
    with transaction.atomic():
        Archive.objects.select_for_update().get(pk=archive_id)  # one at a time sees which objects no run names any more
        rows = DerivedObject.objects.filter(pk__in=keys)
        instances = set(rows.values_list("instance_id", flat=True))
        rows.delete()
        left = set(DerivedObject.objects.filter(instance__in=instances).values_list("instance_id", flat=True))
        gone = Instance.objects.filter(pk__in=instances - left)
        series, objects = set[int](), set[str]()
        for series_id, key in gone.values_list("series_id", "frames_key"):
            series.add(series_id)
            objects.add(key)
        gone.delete()
        Series.objects.filter(pk__in=series, instances__isnull=True).delete()
        for key in objects:
            transaction.on_commit(partial(delete_object, key))
