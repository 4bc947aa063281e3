"""Files kept aside, encrypted and for a time: held until a lead has looked at their pixels, or refused as damaged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from backend.accounts.compiled_select import CompiledSelect, fields_of
from backend.archive.encryption import QUARANTINE, opened, sealed
from backend.archive.models import Archive, QuarantinedFile, QuarantineKind, QuarantineState
from backend.archive.scratch import ScratchFolder
from backend.archive.store import delete_object, get_object, put_object
from backend.audit.services import record_event
from backend.dicom.refusal import Held, Refused

MAX_KEPT_BYTES: Final = 512 * 1024**2
"""A file is encrypted in one piece, in memory. A larger refused one is not kept, a larger held one is refused."""
_WITH_BYTES: Final = (QuarantineState.WAITING, QuarantineState.DECIDED)
# Asked of every file that comes in, and nearly always in vain.
_OF_THESE_BYTES: Final = CompiledSelect(
    fields_of(QuarantinedFile, "id"),
    f"FROM {QuarantinedFile._meta.db_table} WHERE archive_id = %s AND received_digest = %s LIMIT 1",
)


def quarantined(archive: Archive, received_digest: str, *, kind: QuarantineKind) -> QuarantinedFile | None:
    """The file of these very bytes that still waits, if one does."""
    if not _OF_THESE_BYTES.rows([archive.pk, received_digest]):
        return None
    found = QuarantinedFile.objects.filter(
        archive=archive, received_digest=received_digest, kind=kind, state__in=_WITH_BYTES
    )
    return found.first()


def hold_file(
    *,
    archive: Archive,
    path: Path,
    received_digest: str,
    refusal: Refused,
    beside: dict[str, Any],
    project_id: UUID | None,
) -> QuarantinedFile | None:
    """Keep a file aside, encrypted, with what its import knew of it (`beside`); None for a refused one that is too big.

    Refused for an image that has to be looked at and is too big to be kept.
    """
    is_held = isinstance(refusal, Held)
    kind = QuarantineKind.HELD if is_held else QuarantineKind.REFUSED
    known = quarantined(archive, received_digest, kind=kind)
    if known is not None:
        return known
    size = path.stat().st_size
    if size > MAX_KEPT_BYTES:
        if is_held:
            raise Refused(f"{refusal} It is too big to be kept until then: at most {MAX_KEPT_BYTES >> 20} MB are.")
        return None
    pk = uuid4()
    row = QuarantinedFile(
        pk=pk,
        archive=archive,
        project_id=project_id,
        kind=kind,
        why=refusal.why if isinstance(refusal, Held) else "",
        reason=str(refusal),
        received_digest=received_digest,
        size=size,
        facts=dict(refusal.facts),
        expires_at=timezone.now() + timedelta(days=settings.QUARANTINE_DAYS),
    )
    _put(row, "file", path.read_bytes())
    _put(row, "beside", json.dumps(beside).encode())
    if isinstance(refusal, Held):
        _put(row, "preview", refusal.preview)
    with transaction.atomic():
        row.save(force_insert=True)
        record_event(
            actor=None, verb=f"quarantine.{row.kind}", project_id=project_id, object_type="quarantined_file", object_id=pk
        )  # fmt: skip
    return row


def preview_of(row: QuarantinedFile) -> bytes:
    """The PNG by which a lead judges a held image; FileNotFoundError once it is gone."""
    return _get(row, "preview")


def known_beside(row: QuarantinedFile) -> dict[str, Any]:
    """What the import knew beside the file: modality and patient of a table."""
    found: dict[str, Any] = json.loads(_get(row, "beside"))
    return found


@contextmanager
def original_of(row: QuarantinedFile) -> Iterator[Path]:
    """The received file, readable for the time of the block."""
    with ScratchFolder("quarantined-") as folder:
        path = folder / "file"
        path.write_bytes(_get(row, "file"))
        yield path


def close_quarantined(row: QuarantinedFile, state: QuarantineState, *, reason: str = "") -> None:
    """Write the last state of a quarantined file and delete its bytes."""
    row.state = state
    row.reason = reason or row.reason
    row.save(update_fields=["state", "reason"])
    forget_bytes(row)


def forget_bytes(row: QuarantinedFile) -> None:
    """Delete all that is kept of the file but its row."""
    for part in ("file", "beside", "preview"):
        delete_object(_object_key(row, part))


def expire_quarantine() -> int:
    """Delete the bytes of every file whose time is over, decided about or not; how many there were."""
    due = QuarantinedFile.objects.filter(state__in=_WITH_BYTES, expires_at__lte=timezone.now())
    count = 0
    for row in due.iterator(100):
        if not QuarantinedFile.objects.filter(pk=row.pk, state=row.state).update(state=QuarantineState.EXPIRED):
            continue
        forget_bytes(row)
        record_event(
            actor=None, verb="quarantine.expired", project_id=row.project_id,
            object_type="quarantined_file", object_id=row.pk,
        )  # fmt: skip
        count += 1
    return count


def _object_key(row: QuarantinedFile, part: str) -> str:
    return f"quarantine/{row.archive_id}/{row.pk}/{part}"


def _put(row: QuarantinedFile, part: str, data: bytes) -> None:
    key = _object_key(row, part)
    put_object(key=key, data=sealed(data, purpose=QUARANTINE, context=key))


def _get(row: QuarantinedFile, part: str) -> bytes:
    key = _object_key(row, part)
    return opened(get_object(key), purpose=QUARANTINE, context=key)
