"""Endpoints of the Learning page: overview, policy, rounds."""

from __future__ import annotations

from typing import ClassVar

from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from backend.learning.documents import learning_document, policy_document, round_document, round_rows
from backend.learning.model_card import card_words, model_card
from backend.learning.models import Round
from backend.learning.selectors import policy_of
from backend.learning.serializers import (
    CardWordsSerializer,
    LearningSerializer,
    ModelCardSerializer,
    PolicySerializer,
    RoundRowSerializer,
    RoundSerializer,
    RoundStartSerializer,
)
from backend.learning.services import RoundRefused, cancel_round, start_round, update_policy
from backend.projects.conditional import conditional_answer
from backend.projects.project_view import ProjectView
from backend.registry.models import ModelVersion
from backend.registry.serializers import CardTextSerializer
from backend.registry.services import write_card_text


class LearningView(ProjectView):
    """The Learning page."""

    operations: ClassVar[dict[str, str]] = {"GET": "learning.read"}

    @extend_schema(operation_id="learning_read", responses=LearningSerializer)
    def get(self, request: Request, slug: str) -> HttpResponse | Response:
        """Policy, live round, history, learning curve, and what will be read next."""
        return conditional_answer(request, learning_document(self.project, self.user))


class PolicyView(ProjectView):
    """The training policy."""

    operations: ClassVar[dict[str, str]] = {"GET": "policy.read", "PATCH": "policy.update"}

    @extend_schema(operation_id="policy_read", responses=PolicySerializer)
    def get(self, request: Request, slug: str) -> Response:
        """When a round starts by itself and how it trains."""
        return Response(policy_document(policy_of(self.project)))

    @extend_schema(operation_id="policy_update", request=PolicySerializer(partial=True), responses=PolicySerializer)
    def patch(self, request: Request, slug: str) -> Response:
        """Change it; a round that runs is not reached."""
        given = PolicySerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        return Response(policy_document(update_policy(project=self.project, by=self.user, changes=given.validated_data)))


class RoundView(ProjectView):
    """Base of the views on one round."""

    def round(self, number: int) -> Round:
        """One round, or 404."""
        rows = Round.objects.filter(project=self.project, number=number)
        found = rows.select_related("job", "model_version", "base_version", "started_by").first()
        if found is None:
            raise Http404("No such round.")
        return found


class RoundListView(ProjectView):
    """All rounds; start one."""

    operations: ClassVar[dict[str, str]] = {"GET": "round.list", "POST": "round.start"}

    @extend_schema(operation_id="round_list", responses=RoundRowSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """The project's rounds, newest first."""
        return Response(round_rows(Round.objects.filter(project=self.project)))

    @extend_schema(operation_id="round_start", request=RoundStartSerializer, responses={201: RoundSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Train on what has been submitted so far; 409 with the reason when that makes no sense now."""
        given = RoundStartSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            made = start_round(project=self.project, by=self.user, track=given.validated_data.get("track"))
        except RoundRefused as refused:
            return Response({"detail": str(refused), "code": refused.code}, status=status.HTTP_409_CONFLICT)
        return Response(round_document(made), status=status.HTTP_201_CREATED)


class RoundDetailView(RoundView):
    """One round."""

    operations: ClassVar[dict[str, str]] = {"GET": "round.read"}

    @extend_schema(operation_id="round_read", responses={200: RoundSerializer, 304: None})
    def get(self, request: Request, slug: str, number: int) -> HttpResponse | Response:
        """The round with its live progress; polled each second, 304 while nothing changes."""
        return conditional_answer(request, round_document(self.round(number)))


class RoundCancelView(RoundView):
    """Stop a round."""

    operations: ClassVar[dict[str, str]] = {"POST": "round.cancel"}

    @extend_schema(operation_id="round_cancel", request=None, responses=RoundSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Ask it to stop; it does so within seconds."""
        return Response(round_document(cancel_round(round_=self.round(number), by=self.user)))


class ModelCardView(ProjectView):
    """The model card of a version."""

    operations: ClassVar[dict[str, str]] = {"GET": "model.card"}

    @extend_schema(operation_id="model_card", responses=ModelCardSerializer)
    def get(self, request: Request, slug: str, number: int) -> Response:
        """Purpose, data, training, numbers, calibration, groups and limits, from what is stored."""
        rows = ModelVersion.objects.select_related("project", "parent", "released_by")
        version = rows.filter(project=self.project, number=number).first()
        if version is None:
            raise Http404("No such model version.")
        return Response(model_card(version))


class CardTextView(ProjectView):
    """The lead's words on the model cards of the project."""

    operations: ClassVar[dict[str, str]] = {"PATCH": "model.card_text"}

    @extend_schema(operation_id="model_card_text", request=CardTextSerializer(partial=True), responses=CardWordsSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        """Write what the models are for, what they are not for, and remarks; earlier words stay on record."""
        given = CardTextSerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        write_card_text(project=self.project, by=self.user, words=given.validated_data)
        return Response(card_words(self.project))
