"""Endpoints of the questions put to the labels, and of the page for a second look."""

from __future__ import annotations

from typing import ClassVar

from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from backend.learning.inquiries import InquiryRefused, ask_inquiry, cancel_inquiry, newest_inquiry
from backend.learning.inquiry_documents import inquiry_document
from backend.learning.models import InquiryKind
from backend.learning.second_look import second_look
from backend.learning.serializers import InquirySerializer, SecondLookSerializer
from backend.projects.conditional import conditional_answer
from backend.projects.project_view import ProjectView

KIND = OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=InquiryKind.values)


def _known(kind: str) -> str:
    if kind not in InquiryKind.values:
        raise Http404("No such question.")
    return kind


class InquiryView(ProjectView):
    """Does choosing help (`arms`), or which labels to look at again (`labels`)."""

    operations: ClassVar[dict[str, str]] = {"GET": "inquiry.read", "POST": "inquiry.start"}

    @extend_schema(operation_id="inquiry_read", parameters=[KIND], responses={200: InquirySerializer, 304: None})
    def get(self, request: Request, slug: str, kind: str) -> HttpResponse | Response:
        """What it would cost, how far it is, and the last answer; polled while it runs, 304 while nothing changes."""
        return conditional_answer(request, inquiry_document(self.project, _known(kind)))

    @extend_schema(operation_id="inquiry_start", parameters=[KIND], request=None, responses={201: InquirySerializer})
    def post(self, request: Request, slug: str, kind: str) -> Response:
        """Train for an answer; 409 with the reason where there is none to be had."""
        try:
            ask_inquiry(project=self.project, kind=_known(kind), by=self.user)
        except InquiryRefused as refused:
            return Response({"detail": str(refused), "code": refused.code}, status=status.HTTP_409_CONFLICT)
        return Response(inquiry_document(self.project, kind), status=status.HTTP_201_CREATED)


class InquiryCancelView(ProjectView):
    """Stop the trainings."""

    operations: ClassVar[dict[str, str]] = {"POST": "inquiry.cancel"}

    @extend_schema(operation_id="inquiry_cancel", parameters=[KIND], request=None, responses=InquirySerializer)
    def post(self, request: Request, slug: str, kind: str) -> Response:
        """Ask them to stop; they do so within seconds. The last answer stays."""
        inquiry = newest_inquiry(self.project, _known(kind))
        if inquiry is None:
            raise Http404("It was never asked.")
        cancel_inquiry(inquiry=inquiry, by=self.user)
        return Response(inquiry_document(self.project, kind))


class SecondLookView(ProjectView):
    """Labels that deserve a second look."""

    operations: ClassVar[dict[str, str]] = {"GET": "second_look.read"}

    @extend_schema(operation_id="second_look_read", responses={200: SecondLookSerializer, 304: None})
    def get(self, request: Request, slug: str) -> HttpResponse | Response:
        """Doubted labels of the last answer, and near-duplicates that were read differently."""
        return conditional_answer(request, second_look(project=self.project, user=self.user, role=self.role))
