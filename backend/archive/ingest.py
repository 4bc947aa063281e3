"""From a received file to stored rows and frames: known by its digest, decoded in the child, written in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from backend.accounts.compiled_select import CompiledSelect, fields_of
from backend.archive.decode_child import DecodeChild
from backend.archive.encryption import has_identity_key
from backend.archive.identities import keep_identity
from backend.archive.models import Archive, DeidProfile, Instance, PixelRule, QuarantinedFile, QuarantineKind, Series, Study
from backend.archive.quarantine import hold_file, quarantined
from backend.archive.store import delete_object, has_object, put_object
from backend.dicom.prepare import PreparationSettings, PreparedInstance
from backend.dicom.refusal import Held, Refused
from backend.dicom.uids import keyed_file_digest

_HARMFUL: Final = (
    "Damaged",
    "It takes too",
    "It needs more memory",
    "The file ends too early",
    "It unpacks to",
    "Too big",
)
"""How a decoder's refusals begin that speak of the file's own state; what is no image at all is not kept."""
_CONFLICT = "Another image with the same SOP Instance UID and other content is already here; it was not overwritten."

# Asked of every file, and nearly always in vain: to compose these anew costs several times what they cost.
_IN_ARCHIVE: Final = (
    f"FROM {Instance._meta.db_table}"
    f" JOIN {Series._meta.db_table} s ON s.id = {Instance._meta.db_table}.series_id"
    f" JOIN {Study._meta.db_table} t ON t.id = s.study_id"
)
_RECEIVED: Final = CompiledSelect(
    fields_of(Instance, "id"), f"{_IN_ARCHIVE} WHERE received_digest = %s AND t.archive_id = %s LIMIT 1"
)
_KNOWN: Final = CompiledSelect(
    fields_of(Instance, "id"),
    f"{_IN_ARCHIVE} WHERE (received_digest = %s OR original_uid_digest = %s) AND t.archive_id = %s LIMIT 1",
)


class Conflicting(Refused):
    """Another image has the same SOP Instance UID."""


class KeptAside(Refused):
    """A file that is not stored but kept in quarantine, as `file`."""

    def __init__(self, message: str, file: QuarantinedFile) -> None:
        super().__init__(message)
        self.file = file


@dataclass(frozen=True)
class Ingested:
    """The instance of a file; `is_new` is false where the same bytes were received before."""

    instance: Instance
    is_new: bool


def ingest_file(
    *,
    archive: Archive,
    child: DecodeChild,
    path: Path,
    modality: str,
    patient_id: str = "",
    may_grow: Callable[[Series], bool] | None = None,
    project_id: UUID | None = None,
    beside: Mapping[str, Any] | None = None,
    rectangles: Sequence[Sequence[int]] | None = None,
) -> Ingested:
    """Store one received file in the archive; Refused with the reason if it cannot be used or would overwrite another.

    `modality` and `patient_id` describe pictures, which say neither themselves; a `patient_id` given here goes before
    the file's own. `may_grow` is asked whether a series that is here may get another instance (a new slice would move
    every mask that lies in its grid). The received file is the caller's to delete.

    An image that a lead has to look at first is refused as `KeptAside`, in quarantine, and so is what is damaged or hostile;
    `project_id` and `beside` (more that the caller knows of the file) are remembered there. `rectangles`: a lead has looked,
    these are to be blanked.
    """
    _require_possible(archive, path)
    received_digest = keyed_file_digest(archive.key, "received bytes", path)
    known = find_received(archive, received_digest)
    if known is not None:
        return Ingested(known, is_new=False)
    if rectangles is None and (waiting := quarantined(archive, received_digest, kind=QuarantineKind.HELD)) is not None:
        raise KeptAside(waiting.reason, waiting)
    preparation = PreparationSettings(
        key=archive.key,
        deid_profile=archive.deid_profile,
        deid_options=archive.deid_options,
        modality=modality,
        patient_id=patient_id,
        pixel_rules=_pixel_rules(archive),
        rectangles=rectangles,
    )
    told = {**(beside or {}), "modality": modality, "patient_id": patient_id}
    try:
        prepared, blob = child.prepare(path, preparation)
    except Refused as refusal:
        if rectangles is not None or not _is_kept(refusal):
            raise
        raise _kept_aside(archive, path, received_digest, refusal, told, project_id) from refusal
    frames_key = f"frames/{archive.pk}/{hashlib.sha256(blob).hexdigest()}"
    if not has_object(frames_key):
        put_object(key=frames_key, data=blob)
    try:
        return _stored(archive, prepared, received_digest, frames_key, may_grow)
    except Refused:
        if not Instance.objects.filter(frames_key=frames_key).exists():
            delete_object(frames_key)
        raise


def _require_possible(archive: Archive, path: Path) -> None:
    if archive.keeps_identities and not has_identity_key():
        raise Refused("This server lacks the key of the archive's table of identities, so the archive takes nothing in.")
    if path.stat().st_size == 0:
        raise Refused("The file is empty.")


def _kept_aside(
    archive: Archive, path: Path, received_digest: str, refusal: Refused, told: dict[str, Any], project_id: UUID | None
) -> Refused:
    """The refusal of a file, with its place in quarantine if it has got one."""
    kept = hold_file(
        archive=archive,
        path=path,
        received_digest=received_digest,
        refusal=refusal,
        beside=told,
        project_id=project_id,
    )
    return refusal if kept is None else KeptAside(str(refusal), kept)


def _is_kept(refusal: Refused) -> bool:
    """Whether the file goes to quarantine: held, or hurting a decoder, or ending too early; not what is no image at all."""
    return isinstance(refusal, Held) or str(refusal).startswith(_HARMFUL)


def _pixel_rules(archive: Archive) -> list[dict[str, Any]]:
    if archive.deid_profile != DeidProfile.BASIC or "clean_pixels" not in archive.deid_options:
        return []
    fields = ("manufacturer", "model", "rows", "columns", "rectangles")
    return list(PixelRule.objects.filter(archive=archive).values(*fields))


def find_received(archive: Archive, received_digest: str) -> Instance | None:
    """The instance that was made of these very bytes."""
    if not _RECEIVED.rows([received_digest, archive.pk]):
        return None
    found = Instance.objects.filter(series__study__archive=archive, received_digest=received_digest)
    return found.select_related("series").defer("dicom_json", "frame_ranges").first()


def _stored(
    archive: Archive,
    prepared: PreparedInstance,
    received_digest: str,
    frames_key: str,
    may_grow: Callable[[Series], bool] | None,
) -> Ingested:
    with transaction.atomic():
        # One writer at a time judges what is a duplicate.
        locked = Archive.objects.select_for_update().get(pk=archive.pk)
        if (locked.deid_profile, locked.deid_options) != (archive.deid_profile, archive.deid_options):
            raise Refused("The archive's de-identification was changed meanwhile; import the file again.")
        if _KNOWN.rows([received_digest, prepared.original_uid_digest, archive.pk]):
            known = find_received(archive, received_digest)
            if known is None:
                raise Conflicting(_CONFLICT)
            return Ingested(known, is_new=False)
        series, is_known = _series_of(_study_of(archive, prepared), prepared)
        if is_known and may_grow is not None and not may_grow(series):
            raise Refused("Its series has been read already; no image can be added to it.")
        instance = Instance.objects.create(
            series=series,
            received_digest=received_digest,
            original_uid_digest=prepared.original_uid_digest,
            frames_key=frames_key,
            **prepared.instance,
        )
        if archive.keeps_identities and prepared.original:
            pseudonym = str(prepared.study["patient_id"])
            keep_identity(archive=archive, instance=instance, pseudonym=pseudonym, original=prepared.original)
    return Ingested(instance, is_new=True)


def _study_of(archive: Archive, prepared: PreparedInstance) -> Study:
    values = dict(prepared.study)
    uid = values.pop("study_instance_uid")
    study = Study.objects.filter(archive=archive, study_instance_uid=uid).only("patient_key", "study_instance_uid").first()
    if study is None:
        return Study.objects.create(archive=archive, study_instance_uid=uid, patient_key=prepared.patient_key, **values)
    if study.patient_key != prepared.patient_key:
        raise Refused("Its study is already here under another patient; one of the two is wrong.")
    return study


def _series_of(study: Study, prepared: PreparedInstance) -> tuple[Series, bool]:
    """The series of an instance, and whether it was here before."""
    values = dict(prepared.series)
    uid = values.pop("series_instance_uid")
    series = Series.objects.filter(study=study, series_instance_uid=uid).only("modality", "series_instance_uid").first()
    if series is not None:
        series.study = study
        return series, True
    return Series.objects.create(study=study, series_instance_uid=uid, **values), False
