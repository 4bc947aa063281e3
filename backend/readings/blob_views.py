"""Endpoints of the run-length blobs of masks."""

from __future__ import annotations

from typing import IO, Any

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from backend.projects.project_view import ProjectView
from backend.readings.blobs import MAX_BLOB_BYTES, store_blob, visible_blob
from backend.readings.refusals import ReadingRefused


class OctetStreamParser(BaseParser):
    """The body as bytes, at most one more than may be stored."""

    media_type = "application/octet-stream"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        """Read the body."""
        return stream.read(MAX_BLOB_BYTES + 1)


class BlobView(ProjectView):
    """A mask's run-length blob, by its SHA-256."""

    operations = {"GET": "blob.read", "PUT": "blob.write"}
    parser_classes = [OctetStreamParser]

    @extend_schema(
        operation_id="blob_write",
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={200: None, 201: None},
    )
    def put(self, request: Request, slug: str, digest: str) -> Response:
        """Store a blob before the save that names it."""
        data = request.data if isinstance(request.data, bytes) else b""
        try:
            new = store_blob(digest=digest, data=data)
        except ReadingRefused as refused:
            return Response({"detail": refused.message, "code": refused.code}, status=status.HTTP_400_BAD_REQUEST)
        return Response(status=status.HTTP_201_CREATED if new else status.HTTP_200_OK)

    @extend_schema(operation_id="blob_read", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, slug: str, digest: str) -> HttpResponse:
        """The blob, if a reading that the caller may see has it."""
        data = visible_blob(project=self.project, user=self.user, role=self.role, digest=digest)
        if data is None:
            raise Http404("No such mask.")
        answer = HttpResponse(data, content_type="application/octet-stream")
        answer["Cache-Control"] = "private, max-age=31536000, immutable"
        return answer
