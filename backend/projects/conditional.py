"""Conditional answers: who polls each second gets 304 while nothing has changed (RFC 9110, section 13.1.2)."""

from __future__ import annotations

import hashlib

from django.http import HttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response


def conditional_answer(request: Request, document: object) -> HttpResponse | Response:
    """The document with its ETag, or 304 when the caller holds it already."""
    etag = f'"{hashlib.sha256(JSONRenderer().render(document)).hexdigest()[:32]}"'
    held = {tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")}
    answer = HttpResponse(status=304) if etag in held else Response(document)
    answer["ETag"], answer["Cache-Control"] = etag, "private, no-cache"
    return answer
