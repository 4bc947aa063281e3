"""Endpoints of exports: what a format would carry, runs with progress, resumable downloads, proofs; and two streams."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from backend.archive.byte_range import asked_range
from backend.archive.store import read_pieces
from backend.audit.services import record_event
from backend.dicom.refusal import Refused
from backend.exchange.export_documents import export_document, exports_of, format_documents, reader_documents
from backend.exchange.export_runs import ExportOrder, cancel_export, delete_export, preview_export, start_export
from backend.exchange.export_selection import ExportFilter, exported_readings, filter_of
from backend.exchange.export_serializers import (
    ExportFormatSerializer,
    ExportOrderSerializer,
    ExportPreviewSerializer,
    ExportRunSerializer,
)
from backend.exchange.export_source import export_of
from backend.exchange.export_zip import zip_pieces
from backend.exchange.format_registry import write_costs, written_format
from backend.exchange.formats.coco import SEGMENTATION
from backend.exchange.models import ExportRun, ExportState
from backend.exchange.publishing import start_publication, start_withdrawal
from backend.exchange.verification import start_verification
from backend.projects.models import FindingType, Project
from backend.projects.project_view import ProjectView
from backend.readings.models import Reader

_FILTERS = [
    OpenApiParameter("reader", int, many=True, description="Only readings of these readers (ids)."),
    OpenApiParameter("finding_type", int, many=True, description="Only lesions of these finding types (ids)."),
]


class ExportFormatsView(ProjectView):
    """The formats that readings go out in."""

    operations = {"GET": "export.formats"}

    @extend_schema(operation_id="export_formats", responses=ExportFormatSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """Every format with what it can carry and the options that may be set."""
        return Response(format_documents())


class ExportListView(ProjectView):
    """The project's exports."""

    operations = {"GET": "export.list", "POST": "export.create"}

    @extend_schema(operation_id="export_list", responses=ExportRunSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """Exports, the newest first."""
        return Response([export_document(run, self.user) for run in exports_of(self.project)[:100]])

    @extend_schema(operation_id="export_create", request=ExportOrderSerializer, responses={202: ExportRunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Start an export; it is written by a worker and can then be fetched for some days."""
        try:
            run = start_export(project=self.project, by=self.user, order=_order(self, request))
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal
        return Response(export_document(run, self.user), status=status.HTTP_202_ACCEPTED)


class ExportPreviewView(ProjectView):
    """What an export would hold."""

    operations = {"POST": "export.preview"}

    @extend_schema(operation_id="export_preview", request=ExportOrderSerializer, responses=ExportPreviewSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """How many readings, and what the format cannot carry of them, before anything is written."""
        preview = preview_export(project=self.project, by=self.user, order=_order(self, request))
        readers = reader_documents(project=self.project, user=self.user)
        return Response({"readers": readers, "counts": preview.counts, "losses": preview.losses})


class ExportDetailView(ProjectView):
    """One export."""

    operations = {"GET": "export.read", "DELETE": "export.delete"}

    @extend_schema(operation_id="export_read", responses={200: ExportRunSerializer, 304: None})
    def get(self, request: Request, slug: str, export_id: UUID) -> HttpResponse | Response:
        """The export as it is now; 304 for who polls while nothing changes."""
        document = export_document(_run(self, export_id), self.user)
        etag = f'"{hashlib.sha256(JSONRenderer().render(document)).hexdigest()[:32]}"'
        answer = HttpResponse(status=304) if etag in _tags(request) else Response(document)
        answer["ETag"], answer["Cache-Control"] = etag, "private, no-cache"
        return answer

    @extend_schema(operation_id="export_delete", responses={204: None})
    def delete(self, request: Request, slug: str, export_id: UUID) -> Response:
        """Remove an export and its file."""
        try:
            delete_export(run=_own(self, export_id), by=self.user)
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal
        return Response(status=status.HTTP_204_NO_CONTENT)


class ExportCancelView(ProjectView):
    """Stop."""

    operations = {"POST": "export.cancel"}

    @extend_schema(operation_id="export_cancel", request=None, responses=ExportRunSerializer)
    def post(self, request: Request, slug: str, export_id: UUID) -> Response:
        """Stop an export that waits or runs, or its publication."""
        cancel_export(run=_own(self, export_id), by=self.user)
        return Response(export_document(_run(self, export_id), self.user))


class ExportVerifyView(ProjectView):
    """The proof."""

    operations = {"POST": "export.verify"}

    @extend_schema(operation_id="export_verify", request=None, responses={202: ExportRunSerializer})
    def post(self, request: Request, slug: str, export_id: UUID) -> Response:
        """Import the export into an empty project and compare; the report becomes part of the export."""
        try:
            start_verification(run=_own(self, export_id), by=self.user)
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal
        return Response(export_document(_run(self, export_id), self.user), status=status.HTTP_202_ACCEPTED)


class ExportPublishView(ProjectView):
    """Into the archive."""

    operations = {"POST": "export.publish"}

    @extend_schema(operation_id="export_publish", request=None, responses={202: ExportRunSerializer})
    def post(self, request: Request, slug: str, export_id: UUID) -> Response:
        """Show the DICOM objects of an export by DICOMweb, to those who may see their readings."""
        try:
            start_publication(run=_own(self, export_id), by=self.user)
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal
        return Response(export_document(_run(self, export_id), self.user), status=status.HTTP_202_ACCEPTED)


class ExportWithdrawView(ProjectView):
    """Out of the archive."""

    operations = {"POST": "export.withdraw"}

    @extend_schema(operation_id="export_withdraw", request=None, responses={202: ExportRunSerializer})
    def post(self, request: Request, slug: str, export_id: UUID) -> Response:
        """Take what an export has published out of the archive; any lead may."""
        try:
            start_withdrawal(run=_run(self, export_id), by=self.user)
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal
        return Response(export_document(_run(self, export_id), self.user), status=status.HTTP_202_ACCEPTED)


class ExportFileView(ProjectView):
    """The file of an export."""

    operations = {"GET": "export.download"}

    @extend_schema(
        operation_id="export_download",
        parameters=[
            OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="bytes=N- goes on where a transfer broke."),
            OpenApiParameter("If-Range", str, OpenApiParameter.HEADER, description="Only if the file is still this one."),
        ],
        responses={
            (200, "application/zip"): OpenApiTypes.BINARY,
            (206, "application/zip"): OpenApiTypes.BINARY,
            416: None,
        },
    )
    def get(self, request: Request, slug: str, export_id: UUID) -> HttpResponseBase:
        """The zip archive, whole or a range of it; only for who made the export: another lead may see other readings."""
        run = _own(self, export_id)
        if run.state != ExportState.DONE or not run.key:
            raise NotFound("There is no file: the export is not finished, or it has expired.")
        etag = f'"{run.sha256}"'
        # A range of another file than this one means nothing here.
        is_current = request.headers.get("If-Range", etag) == etag
        wanted = asked_range(request.headers.get("Range", ""), run.size) if is_current else None
        start, end = wanted or (0, run.size)
        if wanted is not None and start >= end:
            answer = HttpResponse(status=416)
            answer["Content-Range"] = f"bytes */{run.size}"
            return answer
        record_event(
            actor=self.user, verb="export.downloaded", project_id=self.project.pk, object_type="export",
            object_id=run.pk, detail={"from": start, "to": end, "of": run.size},
        )  # fmt: skip
        partial = (start, end) != (0, run.size)
        # Asked for as HEAD, nothing is read.
        pieces = read_pieces(run.key, start, end - start if request.method != "HEAD" else 0)
        response = StreamingHttpResponse(pieces, status=206 if partial else 200, content_type="application/zip")
        if partial:
            response["Content-Range"] = f"bytes {start}-{end - 1}/{run.size}"
        response["Content-Length"] = str(end - start)
        response["Accept-Ranges"], response["ETag"] = "bytes", etag
        response["Content-Disposition"] = f'attachment; filename="{self.project.slug}-{run.format}.zip"'
        response["Cache-Control"] = "private, no-store"
        return response


class CocoExportView(ProjectView):
    """Readings as COCO JSON, at once."""

    operations = {"GET": "export.coco"}

    @extend_schema(
        operation_id="export_coco",
        parameters=[
            *_FILTERS,
            OpenApiParameter(SEGMENTATION.name, str, enum=list(SEGMENTATION.choices), description=SEGMENTATION.help),
        ],
        responses={(200, "application/json"): OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        """All submitted readings of persons, imported sources and consensus, without the archive of an export run."""
        options = {name: request.GET[name] for name in (SEGMENTATION.name,) if name in request.GET}
        try:
            write_costs("coco", options)
        except Refused as refusal:
            raise ValidationError({SEGMENTATION.name: [str(refusal)]}) from refusal
        files = _stream(self, request, "coco", options)
        pieces = (piece for file in files for piece in file.pieces)
        return _attachment(pieces, "application/json", f"{self.project.slug}-coco.json")


class MaskExportView(ProjectView):
    """Readings as mask pictures, at once."""

    operations = {"GET": "export.masks"}

    @extend_schema(
        operation_id="export_masks", parameters=_FILTERS, responses={(200, "application/zip"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        """A zip of one PNG per picture and finding type, with an index and a manifest."""
        files = _stream(self, request, "masks", {})
        project = self.project.slug
        pieces = zip_pieces(files, lambda entries: {"project": project, "format": "masks", "files": entries})
        return _attachment(pieces, "application/zip", f"{project}-masks.zip")


def _stream(view: ProjectView, request: Request, name: str, options: dict[str, str]) -> Iterator[Any]:
    """The files of a format, made while they are sent; the event is written before the first byte."""
    chosen = export_filter(request, view.project)
    readings = exported_readings(project=view.project, by=view.user, chosen=chosen)
    record_event(
        actor=view.user, verb=f"export.{name}", project_id=view.project.pk, object_type="project",
        object_id=view.project.pk, detail=chosen.as_json(),
    )  # fmt: skip
    one = written_format(name)
    assert one.write is not None
    return one.write(export_of(project=view.project, readings=readings, chosen=chosen, options=options))


def export_filter(request: Request, project: Project) -> ExportFilter:
    """The readers and finding types asked for; 400 for one that the project does not have."""
    return _checked(project, ExportFilter(_ids(request, "reader"), _ids(request, "finding_type")), "reader", "finding_type")


def _checked(project: Project, chosen: ExportFilter, readers: str, types: str) -> ExportFilter:
    if Reader.objects.filter(project=project, pk__in=chosen.readers).count() != len(chosen.readers):
        raise ValidationError({readers: ["This project has no such reader."]})
    if FindingType.objects.filter(project=project, pk__in=chosen.finding_types).count() != len(chosen.finding_types):
        raise ValidationError({types: ["This project has no such finding type."]})
    return chosen


def _ids(request: Request, name: str) -> list[int]:
    values = request.GET.getlist(name)
    if len(values) > 200 or not all(value.isascii() and value.isdigit() and len(value) < 18 for value in values):
        raise ValidationError({name: ["Ids are expected."]})
    return sorted({int(value) for value in values})


def _order(view: ProjectView, request: Request) -> ExportOrder:
    serializer = ExportOrderSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    given = serializer.validated_data
    limits = dict(given.get("filter", {}))
    for name in ("readers", "finding_types"):
        limits[name] = sorted(set(limits.get(name, [])))
    for name in ("since", "until"):
        limits[name] = limits[name].isoformat() if limits.get(name) else None
    chosen = _checked(view.project, filter_of(limits), "readers", "finding_types")
    return ExportOrder(given["format"], chosen, given.get("options", {}), given.get("pictures", False))


def _run(view: ProjectView, export_id: UUID) -> ExportRun:
    return get_object_or_404(exports_of(view.project), pk=export_id)


def _own(view: ProjectView, export_id: UUID) -> ExportRun:
    """An export of the caller's own; it holds what he may see, which another lead who reads blinded may not."""
    run = _run(view, export_id)
    if run.created_by_id != view.user.pk:
        raise PermissionDenied("Only who made an export may fetch, verify, publish, stop or delete it.")
    return run


def _tags(request: Request) -> set[str]:
    return {tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")}


def _attachment(pieces: Iterator[bytes], content_type: str, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(pieces, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
