"""Is it alive, is it ready: `/healthz`, `/readyz`, and the sign of life that each worker leaves in the cache."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

SIGN_SECONDS: Final = 30
"""A worker that has not been heard of for this long counts as gone; it gives a sign every two seconds."""


def leave_sign_of_life(queue: str) -> None:
    """Note that a worker of this queue is alive and listening."""
    cache.set(f"worker-alive:{queue}", datetime.now(UTC).isoformat(timespec="seconds"), SIGN_SECONDS)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """This process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Database, broker and the workers that this installation promises; 503 names what is missing."""
    state: dict[str, Any] = {"database": _database_answers()}
    try:
        alive = cache.get_many([f"worker-alive:{queue}" for queue in settings.REQUIRED_WORKERS])
        state["broker"] = True
    except redis.RedisError:
        alive = {}
        state["broker"] = False
    for queue in settings.REQUIRED_WORKERS:
        state[f"worker-{queue}"] = f"worker-alive:{queue}" in alive
    ready = all(state.values())
    words = {name: "ok" if fine else "missing" for name, fine in state.items()}
    response = JsonResponse({"status": "ok" if ready else "not ready", **words}, status=200 if ready else 503)
    # Django would log each 503 as an error, and this one is asked for every second while the product starts.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True
