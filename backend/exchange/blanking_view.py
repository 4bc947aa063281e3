"""Endpoint of blanking text in images that are stored already."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from backend.accounts.given import given
from backend.dicom.refusal import Refused
from backend.exchange.blanking import order_blanking
from backend.exchange.quarantine_serializers import BlankingSerializer, BlankSerializer
from backend.projects.models import Case
from backend.projects.project_view import ProjectView


class CaseBlankView(ProjectView):
    """Text that somebody saw in a stored image."""

    operations = {"POST": "case.blank"}

    @extend_schema(operation_id="case_blank", request=BlankSerializer, responses={202: BlankingSerializer})
    def post(self, request: Request, slug: str, case_id: UUID) -> Response:
        """Blank rectangles for good in one image of the case or in all; what was stored before is deleted."""
        asked = given(BlankSerializer, request.data)
        case = get_object_or_404(Case, project=self.project, pk=case_id)
        try:
            job, images = order_blanking(project=self.project, case=case, by=self.user, **asked)
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal
        return Response({"job": str(job.pk), "images": images}, status=status.HTTP_202_ACCEPTED)
