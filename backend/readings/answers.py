"""Turns what a service refused into the API's answer, and reads the conditional headers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from backend.readings.models import Reading
from backend.readings.refusals import LesionsInvalid, ReadingRefused, ReadingStale

BAD_REQUESTS = frozenset({"id_taken", "unknown_finding", "measurement", "not_shown", "decision"})


def answered(write: Callable[[str], dict[str, Any]], request: Request) -> Response:
    """Run `write` with the If-Match header and answer: 200 with an ETag, 400, 404, 409, 412 or 428."""
    if_match = request.headers.get("If-Match")
    if not if_match:
        message = "Send If-Match with the etag of the reading you changed."
        return _refusal(status.HTTP_428_PRECONDITION_REQUIRED, "if_match_required", message)
    return answered_without_condition(lambda: write(if_match))


def answered_without_condition(write: Callable[[], dict[str, Any]]) -> Response:
    """Run `write` and answer."""
    try:
        document = write()
    except ReadingStale as stale:
        return _refusal(status.HTTP_412_PRECONDITION_FAILED, "stale", str(stale), current=stale.current)
    except LesionsInvalid as invalid:
        return _refusal(status.HTTP_400_BAD_REQUEST, "invalid_lesions", str(invalid), lesions=invalid.reasons)
    except ReadingRefused as refused:
        code = status.HTTP_400_BAD_REQUEST if refused.code in BAD_REQUESTS else status.HTTP_409_CONFLICT
        return _refusal(code, refused.code, refused.message, **refused.extra)
    except Reading.DoesNotExist:
        return _refusal(status.HTTP_404_NOT_FOUND, "not_found", "No such reading of yours.")
    return Response(document, headers={"ETag": document["etag"]})


def _refusal(code: int, name: str, message: str, **extra: Any) -> Response:
    headers = {"ETag": extra["current"]["etag"]} if "current" in extra else None
    return Response({"detail": message, "code": name, **extra}, status=code, headers=headers)
