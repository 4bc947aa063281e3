"""The JSON of a request: UTF-8, of a bounded length and depth. What it is not is told with status 400, 413 or 415."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import IO, Any, Final

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

MAX_JSON_BYTES: Final = 8 * 1024**2
"""A save with a thousand polygons has two; in memory a hostile document takes 25 times its length."""


_SUSPECT: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""Escapes by which alone such characters come: unescaped ones are no JSON, or no UTF-8."""


class BodyTooLarge(APIException):
    """413."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"A JSON body has at most {MAX_JSON_BYTES >> 20} MiB."
    default_code = "too_large"


class JsonBodyParser(BaseParser):
    """As REST framework's own, which reads a body of any length, in any encoding, and fails on one that is nested deeply."""

    media_type = "application/json"
    renderer_class = JSONRenderer  # of the pages that REST framework could draw

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        """The document; ParseError where the body is none."""
        encoding = str((parser_context or {}).get("encoding") or "utf-8").lower().replace("_", "-")
        if encoding not in ("utf-8", "utf8", "us-ascii", "ascii"):
            raise UnsupportedMediaType(encoding, detail="Send JSON in UTF-8.")
        data = stream.read(MAX_JSON_BYTES + 1)
        if len(data) > MAX_JSON_BYTES:
            raise BodyTooLarge
        try:
            document = json.loads(data.decode("utf-8-sig"), parse_float=_finite, parse_constant=_refused)
        except UnicodeDecodeError as error:
            raise ParseError(f"The body is not UTF-8 (byte {error.start}).") from error
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error
        except ValueError as error:
            raise ParseError(f"The body is no JSON: {_reason(error)}.") from error
        if _SUSPECT.search(data) and not all(_is_text(text) for text in _texts(document)):
            raise ParseError("A text has a character that no text has (U+0000, or half of a surrogate pair).")
        return document


def _texts(document: Any) -> Iterator[str]:
    """All keys and texts of a document, in no order."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _is_text(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return "it has a number that nothing can hold"


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("too large")
    return number


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")
