"""Endpoints of readings that wait for their images: listed for leads, and dropped by them."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from backend.audit.services import record_event
from backend.exchange.export_documents import waiting_documents
from backend.exchange.export_serializers import WaitingReadingsSerializer
from backend.exchange.models import PendingReading
from backend.exchange.reading_import import discard_pending
from backend.projects.project_view import ProjectView, shown_names


class WaitingListView(ProjectView):
    """Readings that speak of images that are not here."""

    operations = {"GET": "waiting.list"}

    @extend_schema(operation_id="waiting_list", responses=WaitingReadingsSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The oldest first, two hundred of them, and how many there are."""
        return Response(waiting_documents(self.project, shown_names(self)))


class WaitingView(ProjectView):
    """One of them."""

    operations = {"DELETE": "waiting.discard"}

    @extend_schema(operation_id="waiting_discard", responses={204: None})
    def delete(self, request: Request, slug: str, waiting_id: UUID) -> Response:
        """Drop it: its images will not come."""
        row = get_object_or_404(PendingReading, project=self.project, pk=waiting_id)
        with transaction.atomic():
            record_event(
                actor=self.user, verb="waiting.discarded", project_id=self.project.pk, object_type="pending_reading",
                object_id=row.pk, detail={"format": row.format},
            )  # fmt: skip
            discard_pending(row)
        return Response(status=status.HTTP_204_NO_CONTENT)
