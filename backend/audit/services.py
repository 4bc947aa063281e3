"""Writes the audit trail."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from backend.audit.models import Event


def record_event(
    *,
    actor: AbstractBaseUser | AnonymousUser | None,
    verb: str,
    project_id: UUID | None = None,
    object_type: str = "",
    object_id: str | UUID | int = "",
    detail: dict[str, Any] | None = None,
) -> Event:
    """Append one event. `actor` is None for what the product does by itself. Call it inside the write's transaction."""
    return Event.objects.create(
        actor_id=actor.pk if actor is not None else None,
        actor=actor.get_username() if actor is not None else "",
        verb=verb,
        project_id=project_id,
        object_type=object_type,
        object_id=str(object_id),
        detail=detail or {},
    )
