"""Whole instances as DICOM files: of one instance, of a series, of a study."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from backend.archive.models import Instance
from backend.archive.part10 import part10_file
from backend.dicomweb import multipart
from backend.dicomweb.dicomweb_view import (
    IMMUTABLE,
    REVALIDATE,
    DicomwebView,
    NotAcceptable,
    cached,
    is_current,
    not_modified,
)
from backend.dicomweb.media_types import EXPLICIT_LITTLE_ENDIAN, choose_instances
from backend.dicomweb.selectors import instances_at, series_of

_CHUNK = 20


class InstancesView(DicomwebView):
    """`/studies/<uid>`, `…/series/<uid>`, `…/instances/<uid>`."""

    def get(
        self, request: Request, slug: str, study: str, series: str | None = None, instance: str | None = None
    ) -> HttpResponseBase:
        """One part per instance; a single instance may also be had bare as `application/dicom`."""
        found = instances_at(self.cases, study, series, instance)
        syntaxes = set(found.order_by().values_list("transfer_syntax_uid", flat=True))
        if not syntaxes:
            raise Http404("No such study, series or instance in this project.")
        accept = self.accept()
        if any(choose_instances(accept, syntax) is None for syntax in syntaxes):
            raise NotAcceptable(f'multipart/related; type="application/dicom"; transfer-syntax={name}' for name in ("*",))
        first = choose_instances(accept, EXPLICIT_LITTLE_ENDIAN) if instance is None else None
        if first is not None and not first.multipart:
            raise NotAcceptable(['multipart/related; type="application/dicom" (for more than one instance)'])
        self.tell(study, [series] if series is not None else series_of(found))
        if instance is not None:
            return self._one(request, found.get(), accept)
        boundary = multipart.new_boundary()
        response = StreamingHttpResponse(
            multipart.stream_body(_files(found, accept), boundary),
            content_type=multipart.content_type("application/dicom", boundary),
        )
        response["Cache-Control"] = REVALIDATE
        return response

    def _one(self, request: Request, instance: Instance, accept: str) -> HttpResponseBase:
        chosen = choose_instances(accept, instance.transfer_syntax_uid)
        if chosen is None:
            raise NotAcceptable(["application/dicom"])
        etag = f'"i{instance.pk}-{chosen.syntax}-{chosen.multipart:d}"'
        if is_current(request, etag):
            return not_modified(etag, IMMUTABLE)
        content = part10_file(instance, decode=chosen.decode)
        if not chosen.multipart:
            return cached(HttpResponse(content, content_type="application/dicom"), etag, IMMUTABLE)
        boundary = multipart.new_boundary()
        body = multipart.body([content], chosen.content_type, boundary)
        response = HttpResponse(body, content_type=multipart.content_type("application/dicom", boundary))
        return cached(response, etag, IMMUTABLE)


def _files(instances: QuerySet[Instance], accept: str) -> Iterator[tuple[str, bytes]]:
    for instance in instances.iterator(chunk_size=_CHUNK):
        chosen = choose_instances(accept, instance.transfer_syntax_uid)
        if chosen is not None:
            yield chosen.content_type, part10_file(instance, decode=chosen.decode)
