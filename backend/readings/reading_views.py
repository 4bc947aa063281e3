"""Endpoints of a reading: save, submit, reopen, and its history."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from backend.accounts.given import given
from backend.projects.project_view import ProjectView
from backend.readings.answers import answered, answered_without_condition
from backend.readings.models import Reading, ReadingRevision
from backend.readings.selectors import readings_visible_to
from backend.readings.serializers import ReadingSerializer, RefusalSerializer, RevisionSerializer, SaveSerializer
from backend.readings.services import reopen_reading, reveal_model, save_reading, submit_reading

IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True, description="The reading's etag."
)
ANSWERS: dict[int, Any] = {
    200: ReadingSerializer,
    400: RefusalSerializer,
    404: RefusalSerializer,
    409: RefusalSerializer,
    412: RefusalSerializer,
    428: RefusalSerializer,
}


class ReadingView(ProjectView):
    """The caller's own reading."""

    operations = {"PUT": "reading.save"}

    @extend_schema(operation_id="reading_save", parameters=[IF_MATCH], request=SaveSerializer, responses=ANSWERS)
    def put(self, request: Request, slug: str, reading_id: UUID) -> Response:
        """Store a change as a new revision; the same revision id again returns the first answer."""
        change = given(SaveSerializer, request.data)
        return answered(
            lambda if_match: save_reading(
                project=self.project,
                user=self.user,
                role=self.role,
                reading_id=reading_id,
                if_match=if_match,
                change=change,
            ),
            request,
        )


class ReadingSubmitView(ProjectView):
    """Handing in."""

    operations = {"POST": "reading.submit"}

    @extend_schema(operation_id="reading_submit", parameters=[IF_MATCH], request=None, responses=ANSWERS)
    def post(self, request: Request, slug: str, reading_id: UUID) -> Response:
        """Submit the reading, or put the case off when its verdict is "deferred"."""
        return answered(
            lambda if_match: submit_reading(
                project=self.project, user=self.user, role=self.role, reading_id=reading_id, if_match=if_match
            ),
            request,
        )


class ReadingRevealView(ProjectView):
    """The end of the first look."""

    operations = {"POST": "reading.reveal"}

    @extend_schema(operation_id="reading_reveal", parameters=[IF_MATCH], request=None, responses=ANSWERS)
    def post(self, request: Request, slug: str, reading_id: UUID) -> Response:
        """Keep what was marked so far apart and reveal the model's findings; the case then tells them."""
        return answered(
            lambda if_match: reveal_model(
                project=self.project, user=self.user, role=self.role, reading_id=reading_id, if_match=if_match
            ),
            request,
        )


class ReadingReopenView(ProjectView):
    """Taking back."""

    operations = {"POST": "reading.reopen"}

    @extend_schema(operation_id="reading_reopen", request=None, responses=ANSWERS)
    def post(self, request: Request, slug: str, reading_id: UUID) -> Response:
        """Make a submitted reading a draft again."""
        return answered_without_condition(
            lambda: reopen_reading(project=self.project, user=self.user, role=self.role, reading_id=reading_id)
        )


class ReadingRevisionsView(ProjectView):
    """The history of a reading."""

    operations = {"GET": "reading.revisions"}

    @extend_schema(operation_id="reading_revisions", responses=RevisionSerializer(many=True))
    def get(self, request: Request, slug: str, reading_id: UUID) -> Response:
        """Every save, newest first, of a reading that the caller may see."""
        reading = Reading.objects.filter(case__project=self.project, pk=reading_id).select_related("case").first()
        if reading is None:
            raise Http404("No such reading.")
        reading.case.project = self.project
        if not readings_visible_to(self.user, reading.case, role=self.role).filter(pk=reading.pk).exists():
            raise Http404("No such reading.")
        rows = ReadingRevision.objects.filter(reading=reading).order_by("-number").select_related("author")
        return Response([_revision_document(row) for row in rows])


def _revision_document(row: ReadingRevision) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "number": row.number,
        "author": row.author.get_username() if row.author else "",
        "created_at": row.created_at.isoformat(),
        "content": row.content,
    }
