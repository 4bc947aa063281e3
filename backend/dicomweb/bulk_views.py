"""Bulk data: values too long for the header, as its BulkDataURIs name them (PS3.18 10.4.1.1.5)."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from rest_framework.request import Request

from backend.archive.byte_range import asked_range
from backend.archive.store import get_range
from backend.dicom.header import BULK_SCHEME
from backend.dicomweb import multipart
from backend.dicomweb.dicomweb_view import (
    DicomwebView,
    NotAcceptable,
    cached,
    is_current,
    kept_by_caches,
    not_modified,
)
from backend.dicomweb.etags import content_of, etag_of
from backend.dicomweb.media_types import OCTET_STREAM, choose_image
from backend.dicomweb.selectors import instances_at


class BulkDataView(DicomwebView):
    """`…/instances/<uid>/bulkdata/<offset>-<length>`."""

    def get(
        self, request: Request, slug: str, study: str, series: str, instance: str, offset: int, length: int
    ) -> HttpResponse:
        """The value, as a part or bare; of a bare one also a range of bytes."""
        found = instances_at(self.shown, study, series, instance).first()
        # Only what the header names: the object holds the frames, too.
        if found is None or f'"{BULK_SCHEME}{offset}-{length}"' not in found.dicom_json:
            raise Http404("No such bulk data in this project.")
        chosen = choose_image(self.accept(), (OCTET_STREAM,))
        if chosen is None:
            raise NotAcceptable([OCTET_STREAM, f'multipart/related; type="{OCTET_STREAM}"'])
        in_parts = chosen[1]
        self.tell(study, [series])
        etag = etag_of(content_of(found), offset, length, in_parts)
        kept = kept_by_caches(request, found.frames_key)
        if is_current(request, etag):
            return not_modified(etag, kept)
        if in_parts:
            boundary = multipart.new_boundary()
            body = multipart.body([get_range(found.frames_key, offset, length)], OCTET_STREAM, boundary)
            return cached(HttpResponse(body, content_type=multipart.content_type(OCTET_STREAM, boundary)), etag, kept)
        asked = asked_range(request.headers.get("Range", ""), length)
        if asked is None:
            response = HttpResponse(get_range(found.frames_key, offset, length), content_type=OCTET_STREAM)
        elif asked[0] >= asked[1]:
            response = HttpResponse(status=416)
            response["Content-Range"] = f"bytes */{length}"
        else:
            data = get_range(found.frames_key, offset + asked[0], asked[1] - asked[0])
            response = HttpResponse(data, content_type=OCTET_STREAM, status=206)
            response["Content-Range"] = f"bytes {asked[0]}-{asked[1] - 1}/{length}"
        response["Accept-Ranges"] = "bytes"
        return cached(response, etag, kept)
