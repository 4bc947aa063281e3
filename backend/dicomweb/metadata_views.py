"""Metadata: the DICOM JSON that was stored at ingest, joined together and never parsed."""

from __future__ import annotations

import gzip
import hashlib
from typing import Any

from django.db.models import Count, Max
from django.http import Http404, HttpResponse
from rest_framework.request import Request

from backend.dicomweb.dicomweb_view import REVALIDATE, DicomwebView, NotAcceptable, cached, is_current, not_modified
from backend.dicomweb.media_types import choose_type
from backend.dicomweb.selectors import instances_at, series_of

JSON_TYPES = ("application/dicom+json", "application/json")
_WORTH_COMPRESSING = 4096


class MetadataView(DicomwebView):
    """`…/metadata` of a study, a series or an instance."""

    def get(
        self, request: Request, slug: str, study: str, series: str | None = None, instance: str | None = None
    ) -> HttpResponse:
        """All headers as one JSON array, in reading order."""
        media_type = choose_type(self.accept(), JSON_TYPES)
        if media_type is None:
            raise NotAcceptable(JSON_TYPES)
        found = instances_at(self.cases, study, series, instance)
        # An instance never changes once stored, so how many there are and the newest of them name the set.
        state = found.order_by().aggregate(count=Count("pk"), newest=Max("pk"))
        if not state["count"]:
            raise Http404("No such study, series or instance in this project.")
        self.tell(study, [series] if series is not None else series_of(found))
        compress = "gzip" in request.headers.get("Accept-Encoding", "")
        etag = _etag(study, series, instance, state["count"], state["newest"], compress)
        if is_current(request, etag):
            return not_modified(etag, REVALIDATE)
        return cached(_answer(found.values_list("dicom_json", flat=True), media_type, compress), etag, REVALIDATE)


def _etag(*parts: Any) -> str:
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'


def _answer(headers: Any, media_type: str, compress: bool) -> HttpResponse:
    body = f"[{','.join(headers)}]".encode()
    if not compress or len(body) < _WORTH_COMPRESSING:
        return HttpResponse(body, content_type=media_type)
    # Level 1: headers of one series repeat themselves, and CPU is dearer here than the last few per cent.
    response = HttpResponse(gzip.compress(body, compresslevel=1, mtime=0), content_type=media_type)
    response["Content-Encoding"] = "gzip"
    response["Vary"] = "Accept-Encoding"
    return response
