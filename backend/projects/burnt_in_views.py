"""Endpoints of reports of names that are burnt into images."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from backend.accounts.given import given
from backend.projects.burnt_in_selectors import open_reports, shown_image
from backend.projects.burnt_in_services import dismiss_reports, report_burnt_in
from backend.projects.case_access import readable_case
from backend.projects.project_view import ProjectView


class BurntInPlaceSerializer(serializers.Serializer[Any]):
    """The frame (from 1) of an image of this project in which a name stands; what it says is not asked for."""

    sop_instance_uid = serializers.CharField(max_length=64)
    frame = serializers.IntegerField(min_value=1, default=1)


class BurntInReportSerializer(serializers.Serializer[Any]):
    """A report that nobody has looked into."""

    case = serializers.UUIDField()
    name = serializers.CharField(help_text="The case's name.")
    sop_instance_uid = serializers.CharField()
    frame = serializers.IntegerField()
    reported_by = serializers.CharField(help_text="Empty where the account is gone.")
    reported_at = serializers.DateTimeField()


class DismissalSerializer(serializers.Serializer[Any]):
    """Why there is nothing to blank, for the audit trail."""

    reason = serializers.CharField(max_length=500)


class BurntInReportListView(ProjectView):
    """Names that somebody saw in images."""

    operations = {"GET": "burnt_in.list", "POST": "burnt_in.report"}

    @extend_schema(operation_id="burnt_in_list", responses=BurntInReportSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """The open reports, the oldest first."""
        return Response(open_reports(self.project))

    @extend_schema(operation_id="burnt_in_report", request=BurntInPlaceSerializer, responses={204: None})
    def post(self, request: Request, slug: str) -> Response:
        """Tell the leads that a name stands in an image that the caller may see; the same once more changes nothing."""
        place = given(BurntInPlaceSerializer, request.data)
        found = shown_image(self.project, place["sop_instance_uid"])
        if found is None:
            raise Http404("No such image.")
        case = readable_case(self.project, self.role, found[0])
        if place["frame"] > found[1].number_of_frames:
            raise Http404("No such image.")
        report_burnt_in(case=case, instance=found[1], frame=place["frame"], by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class BurntInDismissView(ProjectView):
    """The reports of one case."""

    operations = {"POST": "burnt_in.dismiss"}

    @extend_schema(operation_id="burnt_in_dismiss", request=DismissalSerializer, responses={204: None})
    def post(self, request: Request, slug: str, case_id: UUID) -> Response:
        """Close them: a lead looked, and no name stands there."""
        case = readable_case(self.project, self.role, case_id)
        dismiss_reports(case=case, reason=given(DismissalSerializer, request.data)["reason"], by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
