"""Images that left the server: one event per person, project, series and hour, however many frames were fetched."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError
from django.utils import timezone

from backend.audit.models import RETRIEVED, Event
from backend.audit.services import record_event

ONCE_IN: Final = timedelta(hours=1)
REMEMBERED: Final = 20_000
Retrieval = tuple[int | str, UUID, str]

_told: dict[Retrieval, datetime] = {}
"""What this process knows to be in the trail, so that a frame costs no query; the trail itself is the truth."""


def tell_retrieval(*, actor: AbstractBaseUser, project_id: UUID, study: str, series: Iterable[str]) -> None:
    """Write down that `actor` had headers or pixels of these series (Series Instance UIDs), unless the last hour says so."""
    now = timezone.now()
    for uid in series:
        retrieval = (actor.pk, project_id, uid)
        told = _told.get(retrieval)
        if told is not None and now - told < ONCE_IN:
            continue
        if len(_told) >= REMEMBERED:
            forget_all()
        # Before it is written: frames are fetched side by side, and one event of them is enough.
        _told[retrieval] = now
        try:
            _told[retrieval] = _told_since(now - ONCE_IN, *retrieval) or _write(actor, project_id, study, uid)
        except DatabaseError:
            _told.pop(retrieval, None)
            raise


def forget_all() -> None:
    """Ask the trail itself again, as a process that has just started does."""
    _told.clear()


def _told_since(since: datetime, actor_id: int | str, project_id: UUID, series: str) -> datetime | None:
    """When the trail last said so, after `since`."""
    same = Event.objects.filter(verb=RETRIEVED, actor_id=actor_id, object_id=series, project_id=project_id)
    return same.filter(at__gt=since).order_by("-at").values_list("at", flat=True).first()


def _write(actor: AbstractBaseUser, project_id: UUID, study: str, series: str) -> datetime:
    event = record_event(
        actor=actor, verb=RETRIEVED, project_id=project_id, object_type="series", object_id=series, detail={"study": study}
    )
    return event.at
