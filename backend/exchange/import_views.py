"""Endpoints of imports: open, send files in pieces, start, follow, see what became of each file; and the splits."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from backend.dicom.refusal import Refused
from backend.exchange.export_documents import read_format_documents
from backend.exchange.import_options import import_options
from backend.exchange.item_table import ItemTableRenderer
from backend.exchange.models import ImportItem, ImportRun, ImportState, ItemState
from backend.exchange.selectors import (
    door_of,
    item_document,
    items_worst_first,
    names_in_run,
    run_document,
    run_documents,
    runs_of,
    split_document,
)
from backend.exchange.serializers import (
    ImportFormatSerializer,
    ImportItemsSerializer,
    ImportRunInSerializer,
    ImportRunSerializer,
    ReceivedSerializer,
    SplitCountsSerializer,
    StartImportSerializer,
)
from backend.exchange.services import ImportConflict, OfferedFile, create_import_run, receive_chunk, start_import
from backend.exchange.upload_parser import PieceParser
from backend.projects.project_view import ProjectView, asked_number, shown_names
from backend.projects.shown_names import ShownNames

_PAGE = 100
_LARGEST_PAGE = 10_000
_DIGITS = 15
"""Of an offset within a file."""


class ImportListView(ProjectView):
    """The project's imports."""

    operations = {"GET": "import.list", "POST": "import.create"}

    @extend_schema(operation_id="import_list", responses=ImportRunSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """Imports, the newest first."""
        return Response(run_documents(list(runs_of(self.project)[:50]), shown_names(self)))

    @extend_schema(operation_id="import_create", request=ImportRunInSerializer, responses={201: ImportRunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Open an import for files that will be sent next."""
        serializer = ImportRunInSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        files = [OfferedFile(file["name"], file["size"]) for file in given["files"]]
        try:
            options = import_options(given.get("options", {}))
            run = create_import_run(project=self.project, by=self.user, files=files, options=options)
        except Refused as refusal:
            raise ValidationError({"files": [str(refusal)]}) from refusal
        return Response(run_document(run, shown_names(self)), status=status.HTTP_201_CREATED)


class ImportFormatsView(ProjectView):
    """The formats that readings of other programs come in."""

    operations = {"GET": "import.formats"}

    @extend_schema(operation_id="import_formats", responses=ImportFormatSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """Every format with the options that may be set; an import finds the format by itself where none is named."""
        return Response(read_format_documents())


class ImportDetailView(ProjectView):
    """One import."""

    operations = {"GET": "import.read"}

    @extend_schema(operation_id="import_read", responses={200: ImportRunSerializer, 304: None})
    def get(self, request: Request, slug: str, run_id: UUID) -> HttpResponse | Response:
        """The import as it is now; 304 for who polls while nothing changes."""
        document = run_document(_run(self, run_id), shown_names(self))
        etag = f'"{hashlib.sha256(JSONRenderer().render(document)).hexdigest()[:32]}"'
        held = {tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")}
        answer = HttpResponse(status=304) if etag in held else Response(document)
        answer["ETag"], answer["Cache-Control"] = etag, "private, no-cache"
        return answer


class ImportFileView(ProjectView):
    """A file of an import, on its way."""

    operations = {"PUT": "import.upload"}
    parser_classes = [PieceParser]

    @extend_schema(
        operation_id="import_upload",
        parameters=[OpenApiParameter("offset", OpenApiTypes.INT64, description="Where in the file the piece begins.")],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={200: ReceivedSerializer, 409: ReceivedSerializer},
    )
    def put(self, request: Request, slug: str, run_id: UUID, item_id: UUID) -> Response:
        """Send a piece of at most 8 MiB. 409 tells where the upload stands when the piece does not fit on."""
        items = ImportItem.objects.select_related("run").filter(run__project=self.project, run_id=run_id)
        item = get_object_or_404(items, pk=item_id)
        data = request.data if isinstance(request.data, bytes) else b""
        try:
            received = receive_chunk(item=item, offset=asked_number(request, "offset", 0, digits=_DIGITS), data=data)
        except ImportConflict as conflict:
            return _conflict_answer(conflict)
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal
        return Response({"received": received})


class ImportStartView(ProjectView):
    """Begin."""

    operations = {"POST": "import.start"}

    @extend_schema(operation_id="import_start", request=StartImportSerializer, responses={202: ImportRunSerializer})
    def post(self, request: Request, slug: str, run_id: UUID) -> Response:
        """Hand the import to a worker; starting twice is starting once. 409 while files are not complete."""
        serializer = StartImportSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        run = _run(self, run_id)
        try:
            start_import(run=run, by=self.user, skip_unfinished=serializer.validated_data["skip_unfinished"])
        except ImportConflict as conflict:
            return _conflict_answer(conflict)
        return Response(run_document(_run(self, run_id), shown_names(self)), status=status.HTTP_202_ACCEPTED)


class ImportItemsView(ProjectView):
    """The files of an import."""

    operations = {"GET": "import.items"}
    renderer_classes = [JSONRenderer, ItemTableRenderer]

    @extend_schema(
        operation_id="import_items",
        parameters=[
            OpenApiParameter("state", OpenApiTypes.STR, enum=list(ItemState.values)),
            OpenApiParameter("offset", OpenApiTypes.INT),
            OpenApiParameter("limit", OpenApiTypes.INT, description=f"At most {_LARGEST_PAGE}; all for format=csv."),
        ],
        responses=ImportItemsSerializer,
    )
    def get(self, request: Request, slug: str, run_id: UUID) -> Response:
        """What became of each file, worst first; `format=csv` gives a spreadsheet of all."""
        state = request.query_params.get("state", "")
        if state and state not in ItemState.values:
            raise ValidationError({"state": [f"{state} is no state of a file."]})
        run = _run(self, run_id)
        items, names = items_worst_first(run, state), _names_of(self, run)
        total = items.count()
        if getattr(request.accepted_renderer, "format", "") == "csv":
            door = {"came": (run.received_at or run.created_at).isoformat(timespec="seconds"), **door_of(run)}
            answer = Response(
                {"total": total, "results": [{**item_document(item, names), **door} for item in items.iterator(2000)]}
            )
            answer["Content-Disposition"] = f'attachment; filename="import-{run_id}.csv"'
            return answer
        start = asked_number(request, "offset", 0, digits=_DIGITS)
        limit = min(asked_number(request, "limit", _PAGE, digits=_DIGITS), _LARGEST_PAGE)
        return Response({"total": total, "results": [item_document(item, names) for item in items[start : start + limit]]})


class SplitView(ProjectView):
    """How the cases are split."""

    operations = {"GET": "split.read"}

    @extend_schema(operation_id="split_read", responses=SplitCountsSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Cases in each split, and those that are embargoed with the reason."""
        return Response(split_document(self.project))


def _names_of(view: ProjectView, run: ImportRun) -> ShownNames:
    """Whoever sends files has their names, and finds by them what to send next."""
    names = names_in_run(run, shown_names(view))
    is_sending = run.state == ImportState.UPLOADING and run.created_by_id == view.user.pk
    return replace(names, clear=names.clear or is_sending)


def _run(view: ProjectView, run_id: UUID) -> ImportRun:
    return get_object_or_404(runs_of(view.project), pk=run_id)


def _conflict_answer(conflict: ImportConflict) -> Response:
    body: dict[str, Any] = {"detail": conflict.message, "code": conflict.code, **conflict.extra}
    return Response(body, status=status.HTTP_409_CONFLICT)
