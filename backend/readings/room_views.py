"""Endpoints of the reading room: open a case, look at it, give its lease back."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError as Refused
from rest_framework.request import Request
from rest_framework.response import Response

from backend.projects.assignment_services import give_case, release_leases
from backend.projects.case_access import readable_case
from backend.projects.models import Split
from backend.projects.project_view import ProjectView
from backend.readings.prior_selectors import prior_readings
from backend.readings.related_selectors import related_document
from backend.readings.room_selectors import room_document
from backend.readings.serializers import GiveSerializer, PriorReadingSerializer, RelatedSerializer, RoomSerializer
from backend.readings.services import open_case


class CaseView(ProjectView):
    """A case."""

    operations = {"GET": "case.read"}

    @extend_schema(operation_id="case_read", responses=RoomSerializer)
    def get(self, request: Request, slug: str, case_id: UUID) -> Response:
        """The case as the caller may see it; nothing is leased."""
        case = readable_case(self.project, self.role, case_id)
        return Response(room_document(project=self.project, case=case, user=self.user, role=self.role))


class CasePriorReadingsView(ProjectView):
    """What was read in the patient's earlier studies."""

    operations = {"GET": "case.prior_readings"}

    @extend_schema(operation_id="case_prior_readings", responses=PriorReadingSerializer(many=True))
    def get(self, request: Request, slug: str, case_id: UUID) -> Response:
        """Readings of earlier studies that the caller may know; none in a blinded reading."""
        case = readable_case(self.project, self.role, case_id)
        return Response(prior_readings(project=self.project, case=case, user=self.user, role=self.role))


class CaseOpenView(ProjectView):
    """Opening a case."""

    operations = {"POST": "case.open"}

    @extend_schema(operation_id="case_open", request=None, responses=RoomSerializer)
    def post(self, request: Request, slug: str, case_id: UUID) -> Response:
        """Take the case: assignment, lease and draft are made where there are none."""
        case = readable_case(self.project, self.role, case_id)
        opened = None
        if case.split != Split.EMBARGOED:
            _, opened = open_case(project=self.project, case=case, user=self.user, role=self.role)
        return Response(room_document(project=self.project, case=case, user=self.user, role=self.role, opened=opened))


class CaseRelatedView(ProjectView):
    """What else of the patient may be looked at."""

    operations = {"GET": "case.related"}

    @extend_schema(operation_id="case_related", responses=RelatedSerializer)
    def get(self, request: Request, slug: str, case_id: UUID) -> Response:
        """The other images of the study and the patient's earlier studies in this project: images alone, no findings."""
        case = readable_case(self.project, self.role, case_id)
        return Response(related_document(project=self.project, case=case))


class CaseGiveView(ProjectView):
    """Giving a case to a reader."""

    operations = {"POST": "case.give"}

    @extend_schema(operation_id="case_give", request=GiveSerializer, responses={204: None})
    def post(self, request: Request, slug: str, case_id: UUID) -> Response:
        """End everybody else's lease and hold the case for this member, who meets it next."""
        given = GiveSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        case = readable_case(self.project, self.role, case_id)
        try:
            give_case(project=self.project, case=case, username=given.validated_data["username"], by=self.user)
        except ValidationError as refused:
            raise Refused(refused.message_dict) from refused
        return Response(status=status.HTTP_204_NO_CONTENT)


class CaseReleaseView(ProjectView):
    """The leases of a case."""

    operations = {"POST": "case.release"}

    @extend_schema(operation_id="case_release", request=None, responses={204: None})
    def post(self, request: Request, slug: str, case_id: UUID) -> Response:
        """End every lease, so that the case can be given to another reader."""
        release_leases(project=self.project, case=readable_case(self.project, self.role, case_id), by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
