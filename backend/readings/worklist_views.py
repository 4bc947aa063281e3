"""Endpoints of the worklist."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from backend.accounts.given import given
from backend.projects.assignment_services import lease_next_case
from backend.projects.project_view import ProjectView
from backend.readings.serializers import (
    NextCaseSerializer,
    NextInSerializer,
    PaceSerializer,
    WorklistQuerySerializer,
    WorklistSerializer,
)
from backend.readings.worklist_selectors import worklist_pace, worklist_page


class WorklistView(ProjectView):
    """The cases as the caller may see them."""

    operations = {"GET": "worklist.read"}

    @extend_schema(operation_id="worklist_read", parameters=[WorklistQuerySerializer], responses=WorklistSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """One page, with the counts of every state."""
        query = given(WorklistQuerySerializer, request.query_params)
        page = worklist_page(project=self.project, user=self.user, role=self.role, **query)
        return Response(page)


class WorklistPaceView(ProjectView):
    """The caller's pace."""

    operations = {"GET": "worklist.pace"}

    @extend_schema(operation_id="worklist_pace", responses=PaceSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Cases per day, seconds per case, decisions, and the case to continue."""
        return Response(worklist_pace(project=self.project, user=self.user, role=self.role))


class WorklistNextView(ProjectView):
    """The next case."""

    operations = {"POST": "worklist.next"}

    @extend_schema(operation_id="worklist_next", request=NextInSerializer, responses=NextCaseSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """Lease the case that is next for the caller."""
        after = given(NextInSerializer, request.data)["after"]
        case_id = lease_next_case(project=self.project, user=self.user, after=after)
        return Response({"case": str(case_id) if case_id else None})
