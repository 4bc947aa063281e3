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
from django.db.models import QuerySet
from django.utils import timezone

from backend.accounts.compiled_select import CompiledSelect, fields_of
from backend.archive.encryption import QUARANTINE, opened, sealed
from backend.archive.models import Archive, QuarantinedFile, QuarantineKind, QuarantineState
from backend.archive.scratch import ScratchFolder
from backend.archive.store import ObjectGroup, delete_object, get_object, has_object
from backend.audit.services import record_event
from backend.dicom.refusal import Held, Refused

MAX_KEPT_BYTES: Final = 8 * 1024**3
"""As much as a file that is uploaded may have. A larger refused one is not kept, a larger held one is refused."""
_PIECE: Final = 16 * 1024**2
"""A file is encrypted piece by piece: no more of it is in memory at once."""
_WHOLE: Final = "file"
"""What earlier versions kept in one piece and may still wait."""
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
    return _waiting(archive, received_digest, kind).first()


def _waiting(archive: Archive, received_digest: str, kind: QuarantineKind) -> QuerySet[QuarantinedFile]:
    return QuarantinedFile.objects.filter(archive=archive, received_digest=received_digest, kind=kind, state__in=_WITH_BYTES)


def _known(archive: Archive, received_digest: str, refusal: Refused, project_id: UUID | None) -> QuarantinedFile | None:
    """What is kept of these bytes already; a refused file once for each project, whose leads see none of another's."""
    if isinstance(refusal, Held):
        return quarantined(archive, received_digest, kind=QuarantineKind.HELD)
    found = _waiting(archive, received_digest, QuarantineKind.REFUSED).filter(project_id=project_id).first()
    if found is not None and found.reason != str(refusal):
        # What another attempt says is what holds now.
        found.reason = str(refusal)
        found.save(update_fields=["reason"])
    return found


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
    known = _known(archive, received_digest, refusal, project_id)
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
    with ObjectGroup() as objects:
        _put_original(row, path, objects)
        _put(row, "beside", json.dumps(beside).encode(), objects)
        if isinstance(refusal, Held):
            _put(row, "preview", refusal.preview, objects)
        objects.synchronise()
        objects.publish(list(_keys(row)))
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
        write_original(row, path)
        yield path


def write_original(row: QuarantinedFile, target: Path) -> None:
    """Write the received file to `target`; FileNotFoundError once it is gone, CannotOpen under another key."""
    with target.open("wb") as sink:
        for piece in original_pieces(row):
            sink.write(piece)


def original_pieces(row: QuarantinedFile) -> Iterator[bytes]:
    """The received file, a piece at a time; errors as in `write_original`."""
    if has_object(_object_key(row, _WHOLE)):
        yield _get(row, _WHOLE)
        return
    for number in range(_pieces(row)):
        key = _piece_key(row, number)
        yield opened(get_object(key), purpose=QUARANTINE, context=f"{key} of {_pieces(row)}")


def close_quarantined(row: QuarantinedFile, state: QuarantineState) -> None:
    """Write the last state of a quarantined file and delete its bytes."""
    row.state = state
    row.save(update_fields=["state"])
    forget_bytes(row)


def forget_bytes(row: QuarantinedFile) -> None:
    """Delete all that is kept of the file but its row."""
    for key in _keys(row):
        delete_object(key)


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


def _keys(row: QuarantinedFile) -> Iterator[str]:
    """Everything that may be kept of a file."""
    yield from (_piece_key(row, number) for number in range(_pieces(row)))
    yield from (_object_key(row, part) for part in (_WHOLE, "beside", "preview"))


def _pieces(row: QuarantinedFile) -> int:
    return max(1, -(-row.size // _PIECE))


def _piece_key(row: QuarantinedFile, number: int) -> str:
    return _object_key(row, f"file-{number}")


def _put_original(row: QuarantinedFile, path: Path, objects: ObjectGroup) -> None:
    """Each piece is bound to its place and to their number: none can be left out or moved."""
    with path.open("rb") as file:
        for number in range(_pieces(row)):
            key = _piece_key(row, number)
            data = sealed(file.read(_PIECE), purpose=QUARANTINE, context=f"{key} of {_pieces(row)}")
            objects.write(key=key, data=data)


def _put(row: QuarantinedFile, part: str, data: bytes, objects: ObjectGroup) -> None:
    key = _object_key(row, part)
    objects.write(key=key, data=sealed(data, purpose=QUARANTINE, context=key))


def _get(row: QuarantinedFile, part: str) -> bytes:
    key = _object_key(row, part)
    return opened(get_object(key), purpose=QUARANTINE, context=key)
