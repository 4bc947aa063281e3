"""Endpoints of foreign models: register, choose whether shown, and what they found."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from backend.accounts.given import given
from backend.projects.case_access import readable_case
from backend.projects.project_view import ProjectView
from backend.readings.foreign_model_selectors import foreign_model_document, foreign_models_of, predicted_cases
from backend.readings.foreign_model_serializers import (
    ForeignModelChoiceSerializer,
    ForeignModelInSerializer,
    ForeignModelSerializer,
    PredictedCasesSerializer,
    PredictionSerializer,
    StoredPredictionSerializer,
)
from backend.readings.foreign_model_services import choose_shown_model, register_foreign_model, store_prediction
from backend.readings.refusals import LesionsInvalid, ReadingRefused
from backend.readings.serializers import RefusalSerializer
from backend.registry.models import ForeignModel

_PAGE = 1000


class ForeignModelListView(ProjectView):
    """Models that are run elsewhere."""

    operations = {"GET": "foreign_model.list", "POST": "foreign_model.register"}

    @extend_schema(operation_id="foreign_model_list", responses=ForeignModelSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """By name, the newest version first."""
        return Response([foreign_model_document(model) for model in foreign_models_of(self.project)])

    @extend_schema(
        operation_id="foreign_model_register",
        request=ForeignModelInSerializer,
        responses={200: ForeignModelSerializer, 201: ForeignModelSerializer, 409: RefusalSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Make a model a reader of the project; registering it again gives the one there is."""
        try:
            model, made = register_foreign_model(
                project=self.project, by=self.user, **given(ForeignModelInSerializer, request.data)
            )
        except ReadingRefused as refused:
            return _refused(refused)
        told = foreign_model_document(foreign_models_of(self.project).get(pk=model.pk))
        return Response(told, status=status.HTTP_201_CREATED if made else status.HTTP_200_OK)


class ForeignModelView(ProjectView):
    """One of them."""

    operations = {"PATCH": "foreign_model.show"}

    @extend_schema(operation_id="foreign_model_show", request=ForeignModelChoiceSerializer, responses=ForeignModelSerializer)
    def patch(self, request: Request, slug: str, model_id: int) -> Response:
        """Choose whether readers are shown its findings, instead of the serving version's."""
        model = _model(self, model_id)
        choose_shown_model(model=model, by=self.user, **given(ForeignModelChoiceSerializer, request.data))
        return Response(foreign_model_document(foreign_models_of(self.project).get(pk=model.pk)))


class PredictionListView(ProjectView):
    """What a foreign model has read."""

    operations = {"GET": "prediction.list"}

    @extend_schema(
        operation_id="prediction_list",
        parameters=[OpenApiParameter("offset", OpenApiTypes.INT)],
        responses=PredictedCasesSerializer,
    )
    def get(self, request: Request, slug: str, model_id: int) -> Response:
        """The cases, a thousand at a time, without what was found: for a program that goes on where it stopped."""
        rows = predicted_cases(_model(self, model_id))
        offset = request.query_params.get("offset", "0")
        start = int(offset) if offset.isascii() and offset.isdigit() and len(offset) < 10 else 0
        results = [
            {
                "case": row["case_id"],
                "name": row["case__name"],
                "revision": row["revision"],
                "revision_id": row["revision_id"],
                "written_at": row["submitted_at"],
            }
            for row in rows[start : start + _PAGE]
        ]
        return Response({"total": rows.count(), "results": results})


class PredictionView(ProjectView):
    """What a foreign model found in a case."""

    operations = {"PUT": "prediction.write"}

    @extend_schema(
        operation_id="prediction_write",
        request=PredictionSerializer,
        responses={
            200: StoredPredictionSerializer,
            201: StoredPredictionSerializer,
            400: RefusalSerializer,
            409: RefusalSerializer,
        },
    )
    def put(self, request: Request, slug: str, model_id: int, case_id: UUID) -> Response:
        """Store it in place of what the model said before; 409 once a reader works from that."""
        model, case = _model(self, model_id), readable_case(self.project, self.role, case_id)
        try:
            answer, made = store_prediction(
                model=model, case=case, by=self.user, **given(PredictionSerializer, request.data)
            )
        except LesionsInvalid as invalid:
            body = {"detail": str(invalid), "code": "invalid_lesions", "lesions": invalid.reasons}
            return Response(body, status=status.HTTP_400_BAD_REQUEST)
        except ReadingRefused as refused:
            return _refused(refused)
        return Response(answer, status=status.HTTP_201_CREATED if made else status.HTTP_200_OK)


def _model(view: ProjectView, model_id: int) -> ForeignModel:
    return get_object_or_404(ForeignModel.objects.select_related("reader"), project=view.project, pk=model_id)


def _refused(refused: ReadingRefused) -> Response:
    code = status.HTTP_400_BAD_REQUEST if refused.code == "image_finding" else status.HTTP_409_CONFLICT
    return Response({"detail": refused.message, "code": refused.code}, status=code)
