"""Lists of data sets as an answer: DICOM JSON, or XML in parts (PS3.18 8.7.3.2)."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request

from backend.dicomweb import multipart
from backend.dicomweb.dicomweb_view import NotAcceptable
from backend.dicomweb.media_types import choose_part_type
from backend.dicomweb.xml import XML_TYPE, native_xml

JSON_TYPES: Final = ("application/dicom+json", "application/json")
OFFERED: Final = (*JSON_TYPES, f'multipart/related; type="{XML_TYPE}"')
_WORTH_COMPRESSING: Final = 4096


def chosen_type(accept: str) -> str:
    """The media type that the caller likes best; 406 with what there is."""
    media_type = choose_part_type(accept, (*JSON_TYPES, XML_TYPE))
    if media_type is None:
        raise NotAcceptable(OFFERED)
    return media_type


def dataset_answer(encoded: bytes, media_type: str, request: Request) -> HttpResponse:
    """The answer of `encoded`, a JSON array of data sets: as it is, gzipped where the caller can, or as parts of XML."""
    content_type = media_type
    if media_type == XML_TYPE:
        boundary = multipart.new_boundary()
        encoded = multipart.body(_documents(encoded), XML_TYPE, boundary)
        content_type = multipart.content_type(XML_TYPE, boundary)
    if len(encoded) < _WORTH_COMPRESSING or not takes_gzip(request):
        response = HttpResponse(encoded, content_type=content_type)
    else:
        # Level 1: headers of one series repeat themselves, and CPU is dearer here than the last few per cent.
        response = HttpResponse(gzip.compress(encoded, compresslevel=1, mtime=0), content_type=content_type)
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ("Accept-Encoding",))
    return response


def takes_gzip(request: Request) -> bool:
    """Whether the caller unpacks gzip."""
    return "gzip" in request.headers.get("Accept-Encoding", "")


def _documents(encoded: bytes) -> Iterable[bytes]:
    found: list[dict[str, Any]] = msgspec.json.decode(encoded)
    return map(native_xml, found)
