"""Endpoints of model versions."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from backend.projects.project_view import ProjectView
from backend.registry.evaluated_cases import CaseFilter, evaluated_cases
from backend.registry.models import ModelVersion
from backend.registry.selectors import version_document, version_row
from backend.registry.serializers import (
    CaseFilterSerializer,
    EvaluatedCasesSerializer,
    ModelRowSerializer,
    ModelVersionSerializer,
    OrderedJobSerializer,
)
from backend.registry.services import NotReleased, order_holdout_evaluation, promote_version, release_version


class ModelView(ProjectView):
    """Base of the views on model versions."""

    def versions(self) -> QuerySet[ModelVersion]:
        """The project's versions, newest first, with what their documents need."""
        return (
            ModelVersion.objects.filter(project=self.project)
            .select_related("parent", "project")
            .prefetch_related("evaluations")
        )

    def version(self, number: int) -> ModelVersion:
        """One version, or 404."""
        found = self.versions().filter(number=number).first()
        if found is None:
            raise Http404("No such model version.")
        return found


class ModelListView(ModelView):
    """All model versions."""

    operations: ClassVar[dict[str, str]] = {"GET": "model.list"}

    @extend_schema(operation_id="model_list", responses=ModelRowSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """The project's versions, newest first."""
        return Response([version_row(version) for version in self.versions()])


class ModelDetailView(ModelView):
    """One model version."""

    operations: ClassVar[dict[str, str]] = {"GET": "model.read"}

    @extend_schema(operation_id="model_read", responses=ModelVersionSerializer)
    def get(self, request: Request, slug: str, number: int) -> Response:
        """The version with its lineage and numbers."""
        return Response(version_document(self.version(number)))


class ModelCasesView(ModelView):
    """The cases behind a version's error."""

    operations: ClassVar[dict[str, str]] = {"GET": "model.cases"}

    @extend_schema(operation_id="model_cases", parameters=[CaseFilterSerializer], responses=EvaluatedCasesSerializer)
    def get(self, request: Request, slug: str, number: int) -> Response:
        """Single cases of the newest evaluation on VALIDATION, without those that the caller is still to read blinded."""
        version = self.version(number)
        asked = CaseFilterSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = CaseFilter(**{"threshold": version.display_threshold, **asked.validated_data})
        return Response(evaluated_cases(project=self.project, version=version, user=self.user, wanted=wanted))


class ModelPromoteView(ModelView):
    """Let a version serve."""

    operations: ClassVar[dict[str, str]] = {"POST": "model.promote"}

    @extend_schema(operation_id="model_promote", request=None, responses=ModelVersionSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Show this version's findings to readers from now on."""
        promote_version(version=self.version(number), by=self.user)
        return Response(version_document(self.version(number)))


class ModelReleaseView(ModelView):
    """Release a version."""

    operations: ClassVar[dict[str, str]] = {"POST": "model.release"}

    @extend_schema(operation_id="model_release", request=None, responses=ModelVersionSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Stand for this version, so that it may be evaluated on HOLDOUT."""
        release_version(version=self.version(number), by=self.user)
        return Response(version_document(self.version(number)))


class ModelHoldoutView(ModelView):
    """Evaluate a released version on HOLDOUT."""

    operations: ClassVar[dict[str, str]] = {"POST": "model.evaluate_holdout"}

    @extend_schema(operation_id="model_evaluate_holdout", request=None, responses={202: OrderedJobSerializer})
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Order one look at HOLDOUT; it is counted and shown."""
        try:
            job = order_holdout_evaluation(version=self.version(number), by=self.user)
        except NotReleased as error:
            return Response({"detail": str(error), "code": "not_released"}, status=status.HTTP_409_CONFLICT)
        return Response({"job": str(job.pk)}, status=status.HTTP_202_ACCEPTED)
