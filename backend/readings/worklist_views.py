"""Endpoints of the worklist."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from backend.accounts.given import given
from backend.projects.assignment_services import lease_next_case
from backend.projects.models import Role
from backend.projects.project_view import ProjectView, shown_names
from backend.readings.reader_selectors import working_readers
from backend.readings.serializers import (
    NextCaseSerializer,
    NextInSerializer,
    PaceSerializer,
    WorkingReaderSerializer,
    WorklistQuerySerializer,
    WorklistSerializer,
)
from backend.readings.worklist_filters import FILTERS, LEADS_FILTERS, WorklistFilters
from backend.readings.worklist_selectors import worklist_pace, worklist_page


class WorklistView(ProjectView):
    """The cases as the caller may see them."""

    operations = {"GET": "worklist.read"}

    @extend_schema(operation_id="worklist_read", parameters=[WorklistQuerySerializer], responses=WorklistSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """One page, with the counts of every state."""
        query = given(WorklistQuerySerializer, request.query_params)
        asked = {name for name in LEADS_FILTERS if query[name]}
        if asked and self.role != Role.LEAD:
            raise PermissionDenied(f"Only leads filter by {', '.join(sorted(asked))}.")
        filters = WorklistFilters(**{name: query.pop(name) for name in FILTERS})
        page = worklist_page(
            project=self.project, user=self.user, role=self.role, filters=filters, names=shown_names(self), **query
        )
        return Response(page)


class WorklistPaceView(ProjectView):
    """The caller's pace."""

    operations = {"GET": "worklist.pace"}

    @extend_schema(operation_id="worklist_pace", responses=PaceSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Cases per day, seconds per case, decisions, and the case to continue."""
        return Response(worklist_pace(project=self.project, user=self.user, role=self.role, names=shown_names(self)))


class ReaderListView(ProjectView):
    """Who has what."""

    operations = {"GET": "reader.list"}

    @extend_schema(operation_id="reader_list", responses=WorkingReaderSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """Every member with the cases held, how many are read, at which pace, and what was decided."""
        return Response(working_readers(self.project))


class WorklistNextView(ProjectView):
    """The next case."""

    operations = {"POST": "worklist.next"}

    @extend_schema(operation_id="worklist_next", request=NextInSerializer, responses=NextCaseSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """Lease the case that is next for the caller."""
        after = given(NextInSerializer, request.data)["after"]
        case_id = lease_next_case(project=self.project, user=self.user, after=after)
        return Response({"case": str(case_id) if case_id else None})
