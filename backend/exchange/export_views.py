"""Endpoints of exports: COCO and mask pictures, streamed."""

from __future__ import annotations

from typing import Literal, cast

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from backend.accounts.models import User
from backend.audit.services import record_event
from backend.exchange.export_selection import ExportFilter, exported_readings
from backend.exchange.exports_coco import Form, coco_pieces
from backend.exchange.exports_masks import mask_zip_pieces
from backend.projects.models import FindingType, Project
from backend.projects.project_view import ProjectView
from backend.readings.models import Reader

_FILTERS = [
    OpenApiParameter("reader", int, many=True, description="Only readings of these readers (ids)."),
    OpenApiParameter("finding_type", int, many=True, description="Only lesions of these finding types (ids)."),
]


class CocoExportView(ProjectView):
    """Readings as COCO JSON."""

    operations = {"GET": "export.coco"}

    @extend_schema(
        operation_id="export_coco",
        parameters=[
            *_FILTERS,
            OpenApiParameter(
                "segmentation", str, enum=["rle", "polygon"], description="How masks are written; rle is exact."
            ),
        ],
        responses={(200, "application/json"): OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        """All submitted readings of persons, imported sources and consensus."""
        form = request.GET.get("segmentation", "rle")
        if form not in ("rle", "polygon"):
            raise ValidationError({"segmentation": ["rle or polygon."]})
        chosen, user = export_filter(request, self.project), cast(User, request.user)
        readings = exported_readings(project=self.project, by=user, chosen=chosen)
        record_export(project=self.project, by=user, kind="coco", chosen=chosen)
        pieces = coco_pieces(project=self.project, readings=readings, chosen=chosen, form=cast(Form, form))
        return _attachment(pieces, "application/json", f"{self.project.slug}-coco.json")


class MaskExportView(ProjectView):
    """Readings as mask pictures."""

    operations = {"GET": "export.masks"}

    @extend_schema(
        operation_id="export_masks", parameters=_FILTERS, responses={(200, "application/zip"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        """A zip of one PNG per picture and finding type, with a manifest."""
        chosen, user = export_filter(request, self.project), cast(User, request.user)
        readings = exported_readings(project=self.project, by=user, chosen=chosen)
        record_export(project=self.project, by=user, kind="masks", chosen=chosen)
        pieces = mask_zip_pieces(project=self.project, readings=readings, chosen=chosen)
        return _attachment(pieces, "application/zip", f"{self.project.slug}-masks.zip")


def export_filter(request: Request, project: Project) -> ExportFilter:
    """The readers and finding types asked for; 400 for one that the project does not have."""
    readers = _ids(request, "reader")
    types = _ids(request, "finding_type")
    if Reader.objects.filter(project=project, pk__in=readers).count() != len(readers):
        raise ValidationError({"reader": ["This project has no such reader."]})
    if FindingType.objects.filter(project=project, pk__in=types).count() != len(types):
        raise ValidationError({"finding_type": ["This project has no such finding type."]})
    return ExportFilter(readers, types)


def _ids(request: Request, name: str) -> list[int]:
    values = request.GET.getlist(name)
    if len(values) > 200 or not all(value.isascii() and value.isdigit() and len(value) < 18 for value in values):
        raise ValidationError({name: ["Ids are expected."]})
    return sorted({int(value) for value in values})


def record_export(*, project: Project, by: User, kind: Literal["coco", "masks"], chosen: ExportFilter) -> None:
    """Write down who took which readings out."""
    record_event(
        actor=by,
        verb=f"export.{kind}",
        project_id=project.pk,
        object_type="project",
        object_id=project.pk,
        detail={"readers": list(chosen.readers), "finding_types": list(chosen.finding_types)},
    )


def _attachment(pieces: object, content_type: str, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type=content_type)  # type: ignore[arg-type]
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
