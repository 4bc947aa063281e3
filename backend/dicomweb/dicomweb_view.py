"""The base of all DICOMweb views: no DRF content negotiation (PS3.18 has its own), 406 said clearly, private caching."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from backend.audit.retrievals import tell_retrieval
from backend.dicomweb.selectors import shown_cases
from backend.projects.models import Case
from backend.projects.project_view import ProjectView

T = TypeVar("T", bound=HttpResponseBase)

IMMUTABLE = "private, max-age=31536000, immutable"
REVALIDATE = "private, no-cache"


class NotAcceptable(APIException):
    """406 with what can be had."""

    status_code = 406
    default_code = "not_acceptable"

    def __init__(self, offered: Iterable[str]) -> None:
        super().__init__(f"Available here: {', '.join(offered)}. DICOM XML is not offered.")


class FirstRenderer(BaseContentNegotiation):
    """Errors are JSON whatever the caller accepts; bodies are negotiated by the views."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Nothing is parsed: DICOMweb retrieval has no bodies."""
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer, JSON."""
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


@extend_schema(exclude=True)
class DicomwebView(ProjectView):
    """A view under `/dicom-web/<slug>/`; PS3.18 is its description, so the OpenAPI document leaves it out."""

    content_negotiation_class = FirstRenderer
    operations: ClassVar[dict[str, str]] = {"GET": "dicomweb.retrieve"}

    @property
    def cases(self) -> QuerySet[Case]:
        """The cases whose images the caller may fetch here."""
        return shown_cases(self.project, self.role)

    def tell(self, study: str, series: Iterable[str]) -> None:
        """Into the audit trail: the caller has images of these series, sent now or held in his cache."""
        tell_retrieval(actor=self.user, project_id=self.project.pk, study=study, series=series)

    def accept(self) -> str:
        """What the caller accepts; the query parameter `accept` wins over the header (PS3.18 8.3.3.1)."""
        return str(self.request.GET.get("accept") or self.request.headers.get("Accept", ""))


def is_current(request: Request, etag: str) -> bool:
    """Whether the caller already holds the representation with this ETag."""
    held = request.headers.get("If-None-Match", "")
    return bool(held) and (held.strip() == "*" or etag in (item.strip().removeprefix("W/") for item in held.split(",")))


def cached(response: T, etag: str, cache_control: str) -> T:
    """The response with its validators; it differs by what the caller accepts and by who asks."""
    response["ETag"] = etag
    response["Cache-Control"] = cache_control
    patch_vary_headers(response, ("Accept", "Cookie", "Authorization"))
    return response


def not_modified(etag: str, cache_control: str) -> HttpResponse:
    """304."""
    return cached(HttpResponse(status=304), etag, cache_control)
