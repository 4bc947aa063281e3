"""Endpoints of model versions."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from backend.projects.project_view import ProjectView
from backend.registry.compared_cases import comparison_document
from backend.registry.evaluated_cases import CaseFilter, evaluated_cases
from backend.registry.models import Evaluation, ModelVersion
from backend.registry.onnx_files import onnx_zip
from backend.registry.selectors import version_document, version_row
from backend.registry.serializers import (
    CaseFilterSerializer,
    ComparisonQuerySerializer,
    ComparisonSerializer,
    EvaluatedCasesSerializer,
    ModelRowSerializer,
    ModelVersionSerializer,
    OrderedJobSerializer,
    ReasonSerializer,
)
from backend.registry.services import (
    NotReleased,
    note_onnx_download,
    order_holdout_evaluation,
    order_onnx_export,
    promote_version,
    release_version,
)


class ModelView(ProjectView):
    """Base of the views on model versions."""

    def versions(self, *, without: tuple[str, ...] = ("per_case",)) -> QuerySet[ModelVersion]:
        """The project's versions, newest first, with what their documents need; `without` those fields of evaluations.

        `per_case` alone holds some kilobytes a case, and no document tells it.
        """
        evaluations = Prefetch("evaluations", Evaluation.objects.defer(*without))
        return (
            ModelVersion.objects.filter(project=self.project)
            .select_related("parent", "project")
            .prefetch_related(evaluations, "promotions__by", "promotions__instead_of")
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
        versions = self.versions(without=("per_case", "curves", "subgroups"))
        return Response([version_row(version) for version in versions])


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


class ModelCompareView(ModelView):
    """Two versions case by case."""

    operations: ClassVar[dict[str, str]] = {"GET": "model.compare"}

    @extend_schema(operation_id="model_compare", parameters=[ComparisonQuerySerializer], responses=ComparisonSerializer)
    def get(self, request: Request, slug: str, number: int) -> Response:
        """This version minus another one on VALIDATION, the cases with the largest change first."""
        version = self.version(number)
        asked = ComparisonQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        other, by = self.version(asked.validated_data["other"]), asked.validated_data["by"]
        return Response(comparison_document(project=self.project, version=version, other=other, user=self.user, by=by))


class ModelOnnxView(ModelView):
    """A version as ONNX."""

    operations: ClassVar[dict[str, str]] = {"GET": "model.onnx", "POST": "model.export_onnx"}

    @extend_schema(operation_id="model_onnx", responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, slug: str, number: int) -> HttpResponse:
        """The exported file and its JSON sidecar in a zip; 404 before it has been exported."""
        version = self.version(number)
        if not version.onnx:
            raise Http404("This version has not been exported.")
        note_onnx_download(version=version, by=self.user)
        answer = HttpResponse(onnx_zip(version), content_type="application/zip")
        answer["Content-Disposition"] = f'attachment; filename="{self.project.slug}-v{version.number}-onnx.zip"'
        return answer

    @extend_schema(operation_id="model_export_onnx", request=None, responses={202: OrderedJobSerializer})
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Order the export; it is refused where onnxruntime does not say what the network says."""
        job = order_onnx_export(version=self.version(number), by=self.user)
        return Response({"job": str(job.pk)}, status=status.HTTP_202_ACCEPTED)


class ModelPromoteView(ModelView):
    """Let a version serve: a newer one, or an older one again."""

    operations: ClassVar[dict[str, str]] = {"POST": "model.promote"}

    @extend_schema(operation_id="model_promote", request=ReasonSerializer, responses=ModelVersionSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Show this version's findings to readers from now on; the reason is kept."""
        version = self.version(number)
        given = ReasonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        promote_version(version=version, by=self.user, reason=given.validated_data["reason"])
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
