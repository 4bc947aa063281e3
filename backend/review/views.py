"""Endpoints of review: the queue, a decision, and the beginning of an edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from backend.accounts.given import given
from backend.projects.project_view import ProjectView
from backend.readings.models import Reading
from backend.readings.refusals import ReadingRefused
from backend.review.selectors import case_reviews, review_page
from backend.review.serializers import (
    BeginEditSerializer,
    BegunEditSerializer,
    DecideSerializer,
    ReviewQuerySerializer,
    ReviewQueueSerializer,
    ReviewRefusalSerializer,
    ReviewRowSerializer,
)
from backend.review.services import begin_edit, decide_on_reading


class ReviewListView(ProjectView):
    """Others' readings to review, and a decision on one."""

    operations = {"GET": "review.list", "POST": "review.decide"}

    @extend_schema(operation_id="review_list", parameters=[ReviewQuerySerializer], responses=ReviewQueueSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """One page of the readings that the caller may review; or, with `case`, all of that case."""
        query = given(ReviewQuerySerializer, request.query_params)
        case_id = query.pop("case")
        if case_id is not None:
            return Response(case_reviews(project=self.project, user=self.user, role=self.role, case_id=case_id))
        return Response(review_page(project=self.project, user=self.user, role=self.role, **query))

    @extend_schema(
        operation_id="review_decide",
        request=DecideSerializer,
        responses={200: ReviewRowSerializer, 404: ReviewRefusalSerializer, 409: ReviewRefusalSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Agree with a submitted reading, or send it back; the same again returns the first answer."""
        decided = given(DecideSerializer, request.data)
        return _answered(
            lambda: decide_on_reading(
                project=self.project,
                user=self.user,
                role=self.role,
                reading_id=decided["reading"],
                revision=decided["revision"],
                decision=decided["decision"],
                comment=decided["comment"],
            )
        )


class ReviewEditView(ProjectView):
    """Agreeing with edits."""

    operations = {"POST": "review.edit"}

    @extend_schema(
        operation_id="review_edit",
        request=BeginEditSerializer,
        responses={200: BegunEditSerializer, 404: ReviewRefusalSerializer, 409: ReviewRefusalSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Make, or return, the caller's own draft that begins from the reading; submitting it takes that reading's place."""
        asked = given(BeginEditSerializer, request.data)
        return _answered(
            lambda: begin_edit(
                project=self.project,
                user=self.user,
                role=self.role,
                reading_id=asked["reading"],
                revision=asked["revision"],
            )
        )


def _answered(write: Callable[[], dict[str, Any]]) -> Response:
    """Run `write` and answer: 200, 404 or 409."""
    try:
        return Response(write())
    except ReadingRefused as refused:
        return Response({"detail": refused.message, "code": refused.code}, status=status.HTTP_409_CONFLICT)
    except Reading.DoesNotExist:
        return Response({"detail": "No such reading.", "code": "not_found"}, status=status.HTTP_404_NOT_FOUND)
