"""One log line a request, with an id that its tasks carry on."""

from __future__ import annotations

from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware


class RequestLogMiddleware(RequestMiddleware):  # type: ignore[misc]  # the package is skipped by mypy
    """Logs method and path only: a query may hold a patient's name."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Method and path."""
        return f"{request.method} {request.path}"
