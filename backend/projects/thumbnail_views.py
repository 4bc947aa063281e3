"""The small picture of a case."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from backend.archive.models import Instance
from backend.archive.thumbnails import stored_thumbnail, thumbnail_key, thumbnail_of
from backend.projects.case_access import middle_instance
from backend.projects.project_view import ProjectView


class CaseThumbnailView(ProjectView):
    """The middle image of a case as a JPEG of 208×156."""

    operations = {"GET": "case.thumbnail"}

    @extend_schema(operation_id="case_thumbnail", responses={(200, "image/jpeg"): OpenApiTypes.BINARY})
    def get(self, request: Request, slug: str, case_id: UUID) -> HttpResponse:
        """The picture; a browser keeps it and asks again now and then, for a part of an image may be blanked."""
        middle = middle_instance(self.project, self.role, case_id)
        if middle is None:
            raise Http404("No such case.")
        key = thumbnail_key(frames_key=middle.frames_key, received_digest=middle.received_digest)
        etag = f'"{key[11:43]}"'
        if request.headers.get("If-None-Match") == etag:
            answer = HttpResponse(status=304)
        else:
            picture = stored_thumbnail(key) or thumbnail_of(Instance.objects.get(pk=middle.instance_id))
            answer = HttpResponse(picture, content_type="image/jpeg")
        answer["ETag"] = etag
        answer["Cache-Control"] = "private, max-age=300"
        answer["Vary"] = "Cookie, Authorization"
        return answer
