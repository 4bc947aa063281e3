"""Watched sources and their files as the API tells them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from django.db.models import Case, Count, IntegerField, QuerySet, Value, When

from backend.exchange.models import WatchedFile, WatchedSource, WatchedState
from backend.exchange.watched_places import allowed_roots
from backend.projects.models import Project
from backend.projects.shown_names import ShownNames

_WORST_FIRST: Final = (
    WatchedState.REFUSED,
    WatchedState.VANISHED,
    WatchedState.TAKEN,
    WatchedState.WAITING,
    WatchedState.GROWING,
    WatchedState.IMPORTED,
)


def watched_documents(project: Project, names: ShownNames) -> dict[str, Any]:
    """What the project follows, and where it might."""
    sources = WatchedSource.objects.filter(project=project).select_related("created_by")
    return {
        "roots": [str(root) for root in allowed_roots(project.slug)],
        "endpoints": list(settings.WATCH_ENDPOINTS),
        "seconds": settings.WATCH_SECONDS,
        "results": [watched_document(source, names) for source in sources],
    }


def watched_document(source: WatchedSource, names: ShownNames) -> dict[str, Any]:
    """One source with the number of its files by state; its key is told to nobody."""
    rows = source.files.order_by().values_list("state").annotate(count=Count("pk"))
    counts = {str(state): 0 for state in WatchedState} | {str(state): count for state, count in rows}
    return {
        "id": str(source.pk),
        "kind": source.kind,
        "location": source.location,
        "region": source.region,
        "endpoint": source.endpoint,
        "options": source.options,
        "delete_after": source.delete_after,
        "is_enabled": source.is_enabled,
        "error": _error(source, names),
        "looked_at": source.looked_at,
        "created_by": source.created_by.get_username() if source.created_by else "",
        "created_at": source.created_at,
        "counts": counts,
    }


def watched_files(source: WatchedSource, state: str = "") -> QuerySet[WatchedFile]:
    """Its files, those that need eyes first; `state`: only those of one state."""
    places: Sequence[When] = [When(state=one, then=Value(place)) for place, one in enumerate(_WORST_FIRST)]
    files = source.files.annotate(rank=Case(*places, output_field=IntegerField())).order_by("rank", "name", "pk")
    return files.filter(state=state) if state else files


def watched_file_document(file: WatchedFile, names: ShownNames) -> dict[str, Any]:
    """A file as the API tells it."""
    return {
        "name": names.name(file.name),
        "size": file.size,
        "state": file.state,
        "reason": names.text(file.reason, [file.name]),
        "seen_at": file.seen_at,
        "import": str(file.run_id) if file.run_id else None,
    }


def _error(source: WatchedSource, names: ShownNames) -> str:
    """Why a look failed; the place itself was named by a lead, what lies below it was not."""
    below = rf"(?<={re.escape(source.location)}/).+?(?=: )"
    return names.text(source.error if names.clear else re.sub(below, lambda found: names.name(found[0]), source.error))
