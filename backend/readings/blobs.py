"""Stores and reads the run-length blobs of masks, by digest."""

from __future__ import annotations

from django.db.models import Q

from backend.accounts.models import User
from backend.archive.store import get_object, has_object, put_object
from backend.geometry.rle import blob_key, decode_runs, mask_digest
from backend.projects.models import Case, Project
from backend.readings.models import Lesion
from backend.readings.refusals import ReadingRefused
from backend.readings.selectors import readings_visible_to

MAX_BLOB_BYTES = 32 * 1024 * 1024


def store_blob(*, digest: str, data: bytes) -> bool:
    """Keep a blob under its digest; True when it is new. Refused when the bytes are not that blob."""
    if len(data) > MAX_BLOB_BYTES:
        raise ReadingRefused("too_large", f"A mask blob has at most {MAX_BLOB_BYTES} bytes.")
    if mask_digest(data) != digest:
        raise ReadingRefused("digest", "The bytes do not have the SHA-256 of the address.")
    try:
        decode_runs(data)
    except ValueError as reason:
        raise ReadingRefused("not_run_lengths", f"Not a run-length blob: {reason}.") from reason
    if has_object(blob_key(digest)):
        return False
    put_object(key=blob_key(digest), data=data)
    return True


def visible_blob(*, project: Project, user: User, role: str, digest: str) -> bytes | None:
    """The blob if a lesion of a reading that the user may see has it, else None."""
    named = Q(mask_digest=digest) | Q(drawn_as_digest=digest)
    holders = Lesion.objects.filter(named, reading__case__project=project)
    readings = dict(holders.values_list("reading_id", "reading__case_id"))
    for case in Case.objects.filter(pk__in=set(readings.values())).select_related("project"):
        if readings_visible_to(user, case, role=role).filter(pk__in=list(readings)).exists():
            return get_object(blob_key(digest))
    return None
