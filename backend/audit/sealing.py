"""Seals the audit trail: each row's HMAC covers the row and the seal before it, so any later change breaks the chain."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from backend.audit.models import Event

BATCH: Final = 100
SETTLED: Final = timedelta(seconds=10)
"""Younger rows wait: a transaction with a smaller id may still commit."""
FIRST: Final = "0" * 64
"""What the first row's seal is chained to."""


@dataclass(frozen=True)
class Break:
    """The first row that does not hold, and in which way."""

    event_id: int
    reason: str


def anchor_path() -> Path:
    """The file that remembers how far the trail went, so that a cut-off end is noticed."""
    return Path(settings.DATA_DIR) / "audit-anchors.txt"


def row_seal(event: Event, previous: str, key: bytes) -> str:
    """HMAC-SHA256 (hex) over the previous seal and this row's canonical JSON."""
    row = {
        "id": event.pk,
        "at": event.at.isoformat(timespec="microseconds"),
        "actor_id": event.actor_id,
        "actor": event.actor,
        "verb": event.verb,
        "project_id": str(event.project_id) if event.project_id else None,
        "object_type": event.object_type,
        "object_id": event.object_id,
        "detail": event.detail,
    }
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key, f"{previous}\n{text}".encode(), hashlib.sha256).hexdigest()


def chain_key() -> bytes:
    """The chain's key, derived from SECRET_KEY: who may only write to the database cannot forge a seal."""
    return hmac.new(settings.SECRET_KEY.encode(), b"overread audit chain", hashlib.sha256).digest()


def seal_events() -> int:
    """Seal all settled rows, in batches; returns how many."""
    sealed = 0
    while batch := _seal_batch():
        sealed += batch
    return sealed


def _seal_batch() -> int:
    """Seal up to BATCH rows in one transaction and remember the last of them."""
    key = chain_key()
    with transaction.atomic():
        unsealed = Event.objects.filter(sealed_hash__isnull=True, at__lte=timezone.now() - SETTLED)
        events = list(unsealed.select_for_update().order_by("pk")[:BATCH])
        if not events:
            return 0
        before = Event.objects.filter(pk__lt=events[0].pk, sealed_hash__isnull=False).order_by("-pk").first()
        previous = before.sealed_hash or FIRST if before else FIRST
        for event in events:
            event.sealed_hash = previous = row_seal(event, previous, key)
        Event.objects.bulk_update(events, ["sealed_hash"])
    with anchor_path().open("a") as anchors:
        anchors.write(f"{events[-1].pk} {previous}\n")
    return len(events)


def first_break() -> Break | None:
    """The first row that was changed, removed before, inserted or cut off; None where the trail holds."""
    key = chain_key()
    anchors = _anchors()
    previous, gap = FIRST, None
    for event in Event.objects.order_by("pk").iterator(chunk_size=1000):
        if event.sealed_hash is None:
            gap = gap or event.pk
            continue
        if gap is not None:
            return Break(gap, "is not sealed although later rows are: inserted later, or its seal removed")
        if not hmac.compare_digest(event.sealed_hash, row_seal(event, previous, key)):
            return Break(event.pk, "does not match its seal: it was changed, or a row before it was removed or changed")
        previous = event.sealed_hash
        if anchors.pop(event.pk, previous) != previous:
            return Break(event.pk, "is sealed otherwise than the anchor file remembers: the chain was made anew")
    return Break(min(anchors), "is missing although the anchor file remembers it: rows were cut off") if anchors else None


def _anchors() -> dict[int, str]:
    """Seal by row id, as the anchor file remembers."""
    if not anchor_path().exists():
        return {}
    lines = (line.split() for line in anchor_path().read_text().splitlines())
    return {int(event_id): seal for event_id, seal in lines}
