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
from backend.archive.store import ObjectGroup, delete_object
from backend.dicom.file_facts import standard_facts
from backend.dicom.identity import Identity
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
        self.file, self.facts = file, file.facts


@dataclass(frozen=True)
class Ingested:
    """The instance of a file; `is_new` is false where the same bytes were received before."""

    instance: Instance
    is_new: bool


@dataclass(frozen=True)
class Opened:
    """A file that was decoded and whose frames are written; it has no rows yet."""

    received_digest: str
    prepared: PreparedInstance
    frames_key: str

    @property
    def sent(self) -> Identity:
        """What the file called itself."""
        return Identity(**self.prepared.sent)


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
    volume: Mapping[str, Any] | None = None,
) -> Ingested:
    """Store one received file in the archive; Refused with the reason if it cannot be used or would overwrite another.

    `may_grow` is asked whether a series that is here may get another instance (a new slice would move every mask that lies
    in its grid). The rest is as in `opened_file`.
    """
    with ObjectGroup() as objects:
        opened = opened_file(
            archive=archive, child=child, path=path, objects=objects, modality=modality, patient_id=patient_id,
            project_id=project_id, beside=beside, rectangles=rectangles, volume=volume,
        )  # fmt: skip
        if isinstance(opened, Ingested):
            return opened
        outcome = store_opened(archive=archive, opened=[opened], objects=objects, may_grow=may_grow)[0]
    if isinstance(outcome, Refused):
        raise outcome
    return outcome


def opened_file(
    *,
    archive: Archive,
    child: DecodeChild,
    path: Path,
    objects: ObjectGroup,
    modality: str,
    patient_id: str = "",
    project_id: UUID | None = None,
    beside: Mapping[str, Any] | None = None,
    rectangles: Sequence[Sequence[int]] | None = None,
    volume: Mapping[str, Any] | None = None,
) -> Opened | Ingested:
    """A received file, decoded, its frames among `objects`; `Ingested` where these bytes are here; Refused with the reason.

    `modality` and `patient_id` describe pictures, which say neither themselves; a `patient_id` given here goes before
    the file's own. The received file is the caller's to delete.

    An image that a lead has to look at first is refused as `KeptAside`, in quarantine, and so is what is damaged or hostile;
    `project_id` and `beside` (more that the caller knows of the file) are remembered there. `rectangles`: a lead has looked,
    these are to be blanked. `volume`: what `backend.dicom.volume_image.VolumeNaming` says of a volume.
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
        volume=volume or {},
    )
    told = {**(beside or {}), "modality": modality, "patient_id": patient_id, "volume": volume or {}}
    try:
        prepared, blob = child.prepare(path, preparation)
    except Refused as refusal:
        refusal.facts = {**child.describe(path), **refusal.facts}
        if rectangles is not None or not _is_kept(refusal):
            raise
        raise _kept_aside(archive, path, received_digest, refusal, told, project_id) from refusal
    frames_key = named_by_content(archive, blob)
    objects.write_new(key=frames_key, data=blob)
    return Opened(received_digest, prepared, frames_key)


def named_by_content(archive: Archive, blob: Path) -> str:
    """Where the frames in a file are kept in the archive: under their SHA-256."""
    with blob.open("rb") as file:
        return f"frames/{archive.pk}/{hashlib.file_digest(file, 'sha256').hexdigest()}"


def store_opened(
    *,
    archive: Archive,
    opened: Sequence[Opened],
    objects: ObjectGroup,
    may_grow: Callable[[Series], bool] | None = None,
) -> list[Ingested | Refused]:
    """Write the rows of files in one transaction, once their frames lie on the disk; what became of each, in order.

    `objects` are those of `opened_file`; `may_grow` is as in `ingest_file`.
    """
    objects.synchronise()
    with transaction.atomic():
        # One writer at a time judges what is a duplicate.
        locked = Archive.objects.select_for_update().get(pk=archive.pk)
        if (locked.deid_profile, locked.deid_options) != (archive.deid_profile, archive.deid_options):
            changed = Refused("The archive's de-identification was changed meanwhile; import the file again.")
            outcomes: list[Ingested | Refused] = [changed] * len(opened)
        else:
            rows = _NewRows(archive, opened, may_grow)
            outcomes = [rows.outcome(one) for one in opened]
            for one, outcome in zip(opened, outcomes, strict=True):
                if isinstance(outcome, Refused):
                    outcome.facts = _facts_of(one.prepared)
            objects.publish(rows.frames_keys)
            rows.write()
    for one, outcome in zip(opened, outcomes, strict=True):
        if isinstance(outcome, Refused):
            _forget_frames(objects, one.frames_key)
    return outcomes


def _facts_of(prepared: PreparedInstance) -> dict[str, Any]:
    """What is told of an image that was read and is not stored all the same; how it was encoded is not known any more."""
    image = prepared.instance
    return standard_facts(
        {
            "format": "dicom",
            "modality": prepared.series["modality"],
            "sop_class_uid": image["sop_class_uid"],
            "rows": image["rows"],
            "columns": image["columns"],
            "frames": image["number_of_frames"],
        }
    )


def _forget_frames(objects: ObjectGroup, frames_key: str) -> None:
    """Remove frames that no row names; those that nobody has seen yet go with their group."""
    if objects.is_visible(frames_key) and not Instance.objects.filter(frames_key=frames_key).exists():
        delete_object(frames_key)


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


def keep_refused(
    *,
    archive: Archive,
    child: DecodeChild,
    path: Path,
    refusal: Refused,
    project_id: UUID | None,
    beside: Mapping[str, Any],
) -> QuarantinedFile | None:
    """Put a refused file into quarantine, whatever it is: nothing that was handed in is lost. None where it is too big.

    `beside`: what its import knew of it, as `opened_file` remembers it.
    """
    refusal.facts = refusal.facts or child.describe(path)
    digest = keyed_file_digest(archive.key, "received bytes", path)
    return hold_file(
        archive=archive,
        path=path,
        received_digest=digest,
        refusal=refusal,
        beside=dict(beside),
        project_id=project_id,
    )


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


class _NewRows:
    """The rows of files that are stored together: judged one by one, written at once. Used in the transaction."""

    def __init__(self, archive: Archive, opened: Sequence[Opened], may_grow: Callable[[Series], bool] | None) -> None:
        self._archive = archive
        self._may_grow = may_grow
        self._instances: list[tuple[Instance, PreparedInstance]] = []
        self._by_digest: dict[str, Instance] = {}
        self._by_original: set[str] = set()
        studies = {str(one.prepared.study["study_instance_uid"]) for one in opened}
        here = Study.objects.filter(archive=archive, study_instance_uid__in=studies).only(
            "patient_key", "study_instance_uid"
        )
        self._studies = {study.study_instance_uid: study for study in here}
        self._new_studies: list[Study] = []
        series = {str(one.prepared.series["series_instance_uid"]) for one in opened}
        known = Series.objects.filter(study__in=[study.pk for study in here], series_instance_uid__in=series)
        self._series: dict[tuple[str, str], Series] = {}
        self._may: dict[int, bool] = {}
        for one in known.only("modality", "series_instance_uid", "study_id") if self._studies else ():
            one.study = next(study for study in here if study.pk == one.study_id)
            self._series[one.study.study_instance_uid, one.series_instance_uid] = one
        self._new_series: list[Series] = []

    @property
    def frames_keys(self) -> list[str]:
        """The objects that the new rows name."""
        return [instance.frames_key for instance, _ in self._instances]

    def outcome(self, opened: Opened) -> Ingested | Refused:
        """What becomes of a file; nothing is written for one that is refused."""
        prepared = opened.prepared
        twin = self._by_digest.get(opened.received_digest)
        if twin is not None:
            return Ingested(twin, is_new=False)
        is_known = _KNOWN.rows([opened.received_digest, prepared.original_uid_digest, self._archive.pk])
        if is_known or prepared.original_uid_digest in self._by_original:
            known = find_received(self._archive, opened.received_digest)
            return Conflicting(_CONFLICT) if known is None else Ingested(known, is_new=False)
        uid = str(prepared.study["study_instance_uid"])
        study = self._studies.get(uid)
        if study is not None and study.patient_key != prepared.patient_key:
            return Refused("Its study is already here under another patient; one of the two is wrong.")
        series = self._series.get((uid, str(prepared.series["series_instance_uid"])))
        if series is not None and series.pk is not None and not self._can_grow(series):
            return Refused("Its series has been read already; no image can be added to it.")
        if study is None:
            study = self._studies[uid] = Study(archive=self._archive, patient_key=prepared.patient_key, **prepared.study)
            self._new_studies.append(study)
        if series is None:
            series = Series(study=study, **prepared.series)
            self._series[uid, series.series_instance_uid] = series
            self._new_series.append(series)
        instance = Instance(
            series=series,
            received_digest=opened.received_digest,
            original_uid_digest=prepared.original_uid_digest,
            frames_key=opened.frames_key,
            **prepared.instance,
        )
        self._instances.append((instance, prepared))
        self._by_digest[opened.received_digest] = instance
        self._by_original.add(prepared.original_uid_digest)
        return Ingested(instance, is_new=True)

    def _can_grow(self, series: Series) -> bool:
        if self._may_grow is None:
            return True
        if series.pk not in self._may:
            self._may[series.pk] = self._may_grow(series)
        return self._may[series.pk]

    def write(self) -> None:
        """Write everything that was not refused."""
        Study.objects.bulk_create(self._new_studies)
        Series.objects.bulk_create(self._new_series)
        Instance.objects.bulk_create([instance for instance, _ in self._instances])
        for instance, prepared in self._instances:
            if self._archive.keeps_identities and prepared.original:
                pseudonym = str(prepared.study["patient_id"])
                keep_identity(archive=self._archive, instance=instance, pseudonym=pseudonym, original=prepared.original)
