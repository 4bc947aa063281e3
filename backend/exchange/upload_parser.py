"""Takes the raw bytes of an upload's piece: no more than a piece may have, and never packed."""

from __future__ import annotations

from typing import IO, Any

from rest_framework import status
from rest_framework.exceptions import APIException, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from backend.exchange.services import MAX_CHUNK_BYTES


class PieceTooLarge(APIException):
    """413."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"A piece has at most {MAX_CHUNK_BYTES} bytes."
    default_code = "too_large"


class PieceParser(BaseParser):
    """The body as bytes. A Content-Encoding is refused: what is unpacked here could be a bomb."""

    media_type = "application/octet-stream"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        """Read the body, at most one byte more than is allowed."""
        headers = parser_context["request"].headers if parser_context else {}
        encoding = headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            raise UnsupportedMediaType(encoding, detail="Send the bytes as they are, without Content-Encoding.")
        data = stream.read(MAX_CHUNK_BYTES + 1)
        if len(data) > MAX_CHUNK_BYTES:
            raise PieceTooLarge
        return data
