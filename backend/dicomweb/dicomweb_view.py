"""The base of all DICOMweb views: no DRF content negotiation (PS3.18 has its own), problems in JSON, private caching."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from http import HTTPStatus
from typing import Any, ClassVar, Final, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from backend.archive.selectors import pixels_version
from backend.archive.transcoding import TooBusy
from backend.audit.retrievals import tell_retrieval
from backend.dicomweb.selectors import Shown
from backend.projects.project_view import ProjectView

T = TypeVar("T", bound=HttpResponseBase)

IMMUTABLE = "private, max-age=31536000, immutable"
REVALIDATE = "private, no-cache"
_ASKED_BY_PAGES: Final = "Accept, Authorization, Content-Type, If-None-Match, Prefer, Range"
_TOLD_TO_PAGES: Final = "Content-Location, Content-Range, ETag, Preference-Applied, Retry-After, Warning, X-Total-Count"


class NotAcceptable(APIException):
    """406 with what can be had."""

    status_code = 406
    default_code = "not_acceptable"

    def __init__(self, offered: Iterable[str]) -> None:
        super().__init__(f"Available here: {', '.join(offered)}.")


class Busy(APIException):
    """503."""

    status_code = 503
    default_detail = "The server is busy; try again in a moment."
    default_code = "busy"
    wait = 5


class FirstRenderer(BaseContentNegotiation):
    """Errors are JSON whatever the caller accepts; bodies are negotiated by the views."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Nothing is parsed by DRF: what is stored is read from the stream."""
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer, JSON."""
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class ProblemRenderer(JSONRenderer):
    """What went wrong, as RFC 9457 has it."""

    media_type = "application/problem+json"


@extend_schema(exclude=True)
class DicomwebView(ProjectView):
    """A view under `/dicom-web/<slug>/`; PS3.18 is its description, so the OpenAPI document leaves it out."""

    content_negotiation_class = FirstRenderer
    renderer_classes = [ProblemRenderer]
    operations: ClassVar[dict[str, str]] = {"GET": "dicomweb.retrieve"}

    @cached_property
    def shown(self) -> Shown:
        """What the caller may fetch here."""
        return Shown(self.project, self.role, self.user)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Every answer, also a refusal, says which other pages may read it; what they may do is asked before anything."""
        response: HttpResponseBase
        if request.method == "OPTIONS":
            response = HttpResponse(status=204)
            response["Allow"] = ", ".join(sorted({*self.operations, "HEAD", "OPTIONS"}))
        else:
            response = super().dispatch(request, *args, **kwargs)
        return _shared(request, response, [*self.operations])

    def handle_exception(self, exc: Exception) -> Response:
        """A problem's title, status and reason."""
        response = super().handle_exception(Busy() if isinstance(exc, TooBusy) else exc)
        told = response.data if isinstance(response.data, dict) else {"errors": response.data}
        if "detail" not in told:
            told = {"detail": _sentence(told), **told}
        response.data = {"type": "about:blank", "title": HTTPStatus(response.status_code).phrase} | told
        response.data["status"] = response.status_code
        return response

    def tell(self, study: str, series: Iterable[str]) -> None:
        """Into the audit trail: the caller has images of these series, sent now or held in his cache."""
        tell_retrieval(actor=self.user, project_id=self.project.pk, study=study, series=series)

    def accept(self) -> str:
        """What the caller accepts; the query parameter `accept` wins over the header (PS3.18 8.3.3.1)."""
        return str(self.request.GET.get("accept") or self.request.headers.get("Accept", ""))

    def root(self) -> str:
        """The address of this project's service."""
        return str(self.request.build_absolute_uri(f"/dicom-web/{self.project.slug}"))


def _sentence(errors: Any) -> str:
    """The errors of single parameters as one text."""
    if isinstance(errors, dict):
        return " ".join(f"{name}: {_sentence(value)}" for name, value in errors.items())
    if isinstance(errors, list):
        return " ".join(map(_sentence, errors))
    return str(errors)


def _shared(request: HttpRequest, response: HttpResponseBase, methods: list[str]) -> HttpResponseBase:
    """CORS: pages of the configured origins may read the answer; they sign in by token, a cookie is not taken from them."""
    if not settings.DICOMWEB_ORIGINS:
        return response
    patch_vary_headers(response, ("Origin",))
    origin = request.headers.get("Origin", "")
    if origin not in settings.DICOMWEB_ORIGINS:
        return response
    response["Access-Control-Allow-Origin"] = origin
    response["Access-Control-Expose-Headers"] = _TOLD_TO_PAGES
    if request.method == "OPTIONS":
        response["Access-Control-Allow-Methods"] = ", ".join(methods)
        response["Access-Control-Allow-Headers"] = _ASKED_BY_PAGES
        response["Access-Control-Max-Age"] = "600"
    return response


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


def kept_by_caches(request: Request, frames_key: str) -> str:
    """How long caches keep pixels: for good where the address names them (`pixels`), else they ask again.

    A part of an image may be blanked, a published object withdrawn; the address of other pixels is another one.
    """
    return IMMUTABLE if request.GET.get("pixels") == pixels_version(frames_key) else REVALIDATE


def not_modified(etag: str, cache_control: str) -> HttpResponse:
    """304."""
    return cached(HttpResponse(status=304), etag, cache_control)
