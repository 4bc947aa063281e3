"""Endpoints of the look inside a model version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from backend.inspection.models import Inspection
from backend.inspection.selectors import (
    Frame,
    case_frames,
    find_inspection,
    inspectable_cases,
    inspection_document,
    marked_lesions,
    may_inspect,
    region_of,
)
from backend.inspection.serializers import AskedSerializer, InspectableCasesSerializer, InspectionSerializer
from backend.inspection.services import order_inspection, tell_inspection
from backend.projects.case_access import readable_case
from backend.projects.conditional import conditional_answer
from backend.projects.models import Case
from backend.projects.project_view import ProjectView
from backend.readings.models import Lesion
from backend.registry.models import ModelVersion


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asks about, once it is known that he may."""

    version: ModelVersion
    case: Case
    frames: list[Frame]
    frame: int
    lesions: list[Lesion]
    lesion: Lesion | None

    @property
    def region(self) -> str:
        """The lesion's, or empty for the whole image."""
        return region_of(self.lesion) if self.lesion is not None else ""

    def inspection(self) -> Inspection | None:
        """What is there of it."""
        return find_inspection(version=self.version, case=self.case, frame=self.frame, region=self.region)

    def document(self, inspection: Inspection | None) -> dict[str, Any]:
        """How the API tells it."""
        return inspection_document(
            inspection, version=self.version, case=self.case, frames=self.frames, frame=self.frame, lesions=self.lesions
        )


class InspectionBase(ProjectView):
    """Base of the views on one inspection: one answer for all that is not there or may not be seen."""

    def asked(self, request: Request, number: int, case_id: UUID) -> Asked:
        """What the caller asks about; 404 where he may not look."""
        query = AskedSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        frame, wanted = query.validated_data["frame"], query.validated_data.get("lesion")
        case = readable_case(self.project, self.role, case_id)
        version = ModelVersion.objects.filter(project=self.project, number=number).first()
        if version is None or not may_inspect(user=self.user, role=self.role, version=version, case=case):
            raise Http404("No such case.")
        frames = case_frames(case)
        if frame > len(frames):
            raise Http404("No such image.")
        lesions = marked_lesions(user=self.user, role=self.role, version=version, case=case, frames=frames, frame=frame)
        lesion = next((one for one in lesions if one.pk == wanted), None)
        if wanted is not None and lesion is None:
            raise Http404("No such lesion.")
        return Asked(version, case, frames, frame, lesions, lesion)

    def tell(self, inspection: Inspection, asked: Asked) -> None:
        """Write down that the caller looked."""
        tell_inspection(inspection=inspection, version=asked.version, case=asked.case, by=self.user)


class InspectionView(InspectionBase):
    """What a version does with one image."""

    operations: ClassVar[dict[str, str]] = {"GET": "inspection.read", "POST": "inspection.order"}

    @extend_schema(
        operation_id="inspection_read", parameters=[AskedSerializer], responses={200: InspectionSerializer, 304: None}
    )
    def get(self, request: Request, slug: str, number: int, case_id: UUID) -> HttpResponse | Response:
        """How far it is; polled each second, 304 while nothing changes."""
        asked = self.asked(request, number, case_id)
        inspection = asked.inspection()
        if inspection is not None and inspection.made_at is not None:
            self.tell(inspection, asked)
        return conditional_answer(request, asked.document(inspection))

    @extend_schema(
        operation_id="inspection_order", request=None, parameters=[AskedSerializer], responses={202: InspectionSerializer}
    )
    def post(self, request: Request, slug: str, number: int, case_id: UUID) -> Response:
        """Have the version read the image once more and keep what is inside; nothing is done twice."""
        asked = self.asked(request, number, case_id)
        inspection = order_inspection(
            version=asked.version, case=asked.case, frame=asked.frame, by=self.user, lesion=asked.lesion
        )
        self.tell(inspection, asked)
        return Response(asked.document(inspection), status=status.HTTP_202_ACCEPTED)


class InspectionPicturesView(InspectionBase):
    """The arrays of an inspection."""

    operations: ClassVar[dict[str, str]] = {"GET": "inspection.pictures"}

    @extend_schema(
        operation_id="inspection_pictures",
        parameters=[AskedSerializer],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, slug: str, number: int, case_id: UUID) -> HttpResponse:
        """All arrays in one, as `seen` lays them out."""
        asked = self.asked(request, number, case_id)
        inspection = asked.inspection()
        if inspection is None or inspection.made_at is None or inspection.pictures is None:
            raise Http404("Nothing has been computed yet.")
        self.tell(inspection, asked)
        answer = HttpResponse(bytes(inspection.pictures), content_type="application/octet-stream")
        answer["Content-Encoding"] = "gzip"
        answer["Cache-Control"] = "private, no-store"
        return answer


class InspectableCasesView(ProjectView):
    """Cases to choose from."""

    operations: ClassVar[dict[str, str]] = {"GET": "inspection.cases"}

    @extend_schema(
        operation_id="inspection_cases",
        parameters=[OpenApiParameter("search", str, description="Part of the case's name.")],
        responses=InspectableCasesSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        """Cases that may be looked into, without those that the caller is still to read blinded."""
        search = request.query_params.get("search", "")[:100]
        return Response(inspectable_cases(project=self.project, user=self.user, role=self.role, search=search))
