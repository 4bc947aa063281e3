"""The archive's table of who is who, if it keeps one: written at the door, read with a reason, every look audited."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from backend.archive.encryption import IDENTITY, has_identity_key, opened, sealed
from backend.archive.models import Archive, DeidProfile, Identity, Instance
from backend.audit.services import record_event
from backend.dicom.refusal import Refused


@dataclass(frozen=True)
class KnownIdentity:
    """What was in one file before: empty texts where it said nothing."""

    stored_study_instance_uid: str
    stored_series_instance_uid: str
    stored_sop_instance_uid: str
    patient_id: str
    patient_name: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    study_date: str
    accession_number: str


def keep_identity(*, archive: Archive, instance: Instance, pseudonym: str, original: dict[str, str]) -> None:
    """Seal who an instance was; call it in the transaction that stores the instance."""
    data = json.dumps(original).encode()
    Identity.objects.create(
        archive=archive,
        instance=instance,
        pseudonym=pseudonym,
        sealed=sealed(data, purpose=IDENTITY, context=_context(archive, instance)),
    )


def looked_up(
    *, archive: Archive, pseudonym: str, by: AbstractBaseUser, project_id: UUID, reason: str
) -> list[KnownIdentity]:
    """Who a pseudonym is (a patient's, or a stored study's or image's UID); every look leaves an event, also a vain one."""
    rows = Identity.objects.filter(archive=archive).select_related("instance__series__study")
    rows = rows.defer("instance__dicom_json", "instance__frame_ranges")
    if pseudonym.startswith("P"):
        found = rows.filter(pseudonym=pseudonym)
    else:
        found = rows.filter(instance__series__study__study_instance_uid=pseudonym)
        found = found if found.exists() else rows.filter(instance__sop_instance_uid=pseudonym)
    with transaction.atomic():
        record_event(
            actor=by, verb="identity.looked_up", project_id=project_id, object_type="pseudonym", object_id=pseudonym,
            detail={"reason": reason, "found": found.count()},
        )  # fmt: skip
    return [_opened(archive, row) for row in found.order_by("pk")]


def switch_table(*, archive: Archive, keeps: bool, by: AbstractBaseUser, project_id: UUID, reason: str) -> Archive:
    """Keep the table from the next image on, or no longer; rows that are there stay sealed. Refused where none can be."""
    with transaction.atomic():
        locked = Archive.objects.select_for_update().get(pk=archive.pk)
        if keeps and locked.deid_profile == DeidProfile.NONE:
            raise Refused("This archive does not de-identify: there is nothing to look up.")
        if keeps and not has_identity_key():
            raise Refused("This server has no key for a table of identities.")
        locked.keeps_identities = keeps
        locked.save(update_fields=["keeps_identities"])
        record_event(
            actor=by, verb="identity.table_switched", project_id=project_id, object_type="archive", object_id=archive.pk,
            detail={"reason": reason, "keeps": keeps},
        )  # fmt: skip
    return locked


def all_identities(*, archive: Archive, by: AbstractBaseUser, project_id: UUID, reason: str) -> list[KnownIdentity]:
    """The whole table, for the one who has the right to it; audited as one act."""
    rows = Identity.objects.filter(archive=archive).select_related("instance__series__study")
    rows = rows.defer("instance__dicom_json", "instance__frame_ranges").order_by("pk")
    with transaction.atomic():
        record_event(
            actor=by, verb="identity.exported", project_id=project_id, object_type="archive", object_id=archive.pk,
            detail={"reason": reason, "rows": rows.count()},
        )  # fmt: skip
    return [_opened(archive, row) for row in rows.iterator(500)]


def _opened(archive: Archive, row: Identity) -> KnownIdentity:
    instance = row.instance
    original = json.loads(opened(bytes(row.sealed), purpose=IDENTITY, context=_context(archive, instance)))
    return KnownIdentity(
        stored_study_instance_uid=instance.series.study.study_instance_uid,
        stored_series_instance_uid=instance.series.series_instance_uid,
        stored_sop_instance_uid=instance.sop_instance_uid,
        **original,
    )


def _context(archive: Archive, instance: Instance) -> str:
    return f"{archive.pk}/{instance.sop_instance_uid}"
