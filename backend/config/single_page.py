"""Serves the front end: one page for every address that is not the API's."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe


@require_safe
@login_required
@ensure_csrf_cookie
@cache_control(no_cache=True, private=True)
def single_page(request: HttpRequest) -> HttpResponse:
    """The built `index.html`; its assets carry hashes in their names, it must never be stale itself."""
    index = settings.FRONTEND_DIST / "index.html"
    try:
        return HttpResponse(index.read_bytes())
    except FileNotFoundError:
        return HttpResponse("The front end is not built yet: run `make setup`.\n", status=503, content_type="text/plain")


def no_such_operation(request: HttpRequest, **_: str) -> JsonResponse:
    """404 in the API's own form for an address below it that does not exist."""
    return JsonResponse({"detail": "Not found.", "code": "not_found"}, status=404)
