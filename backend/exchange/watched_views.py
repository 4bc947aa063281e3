"""Endpoints of watched folders and buckets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from backend.accounts.given import given
from backend.dicom.refusal import Refused
from backend.exchange.models import WatchedSource, WatchedState
from backend.exchange.watched_documents import watched_document, watched_documents, watched_file_document, watched_files
from backend.exchange.watched_serializers import (
    RetriedSerializer,
    WatchedFilesSerializer,
    WatchedSourceChangeSerializer,
    WatchedSourceInSerializer,
    WatchedSourceSerializer,
    WatchedSourcesSerializer,
)
from backend.exchange.watched_services import (
    create_watched_source,
    delete_watched_source,
    retry_watched_files,
    update_watched_source,
)
from backend.projects.project_view import ProjectView, shown_names

_PAGE = 100


class WatchedListView(ProjectView):
    """What the project follows."""

    operations = {"GET": "watch.list", "POST": "watch.create"}

    @extend_schema(operation_id="watch_list", responses=WatchedSourcesSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Watched folders and buckets, and where the operator allows them."""
        return Response(watched_documents(self.project, shown_names(self)))

    @extend_schema(operation_id="watch_create", request=WatchedSourceInSerializer, responses={201: WatchedSourceSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Begin to follow one."""
        values: dict[str, Any] = given(WatchedSourceInSerializer, request.data)
        try:
            source = create_watched_source(project=self.project, by=self.user, **values)
        except Refused as refusal:
            raise ValidationError({"location": [str(refusal)]}) from refusal
        return Response(watched_document(source, shown_names(self)), status=status.HTTP_201_CREATED)


class WatchedView(ProjectView):
    """One of them."""

    operations = {"PATCH": "watch.update", "DELETE": "watch.delete"}

    @extend_schema(operation_id="watch_update", request=WatchedSourceChangeSerializer, responses=WatchedSourceSerializer)
    def patch(self, request: Request, slug: str, source_id: UUID) -> Response:
        """Pause it or go on with it; choose whether originals are deleted once imported."""
        changes = given(WatchedSourceChangeSerializer, request.data)
        source = update_watched_source(source=_source(self, source_id), by=self.user, changes=changes)
        return Response(watched_document(source, shown_names(self)))

    @extend_schema(operation_id="watch_delete", responses={204: None})
    def delete(self, request: Request, slug: str, source_id: UUID) -> Response:
        """Follow it no more."""
        delete_watched_source(source=_source(self, source_id), by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class WatchedFilesView(ProjectView):
    """Its files."""

    operations = {"GET": "watch.files"}

    @extend_schema(
        operation_id="watch_files",
        parameters=[
            OpenApiParameter("state", OpenApiTypes.STR, enum=list(WatchedState.values)),
            OpenApiParameter("offset", OpenApiTypes.INT),
        ],
        responses=WatchedFilesSerializer,
    )
    def get(self, request: Request, slug: str, source_id: UUID) -> Response:
        """What became of each, those that need eyes first, a hundred at a time."""
        state, offset = request.query_params.get("state", ""), request.query_params.get("offset", "0")
        if state and state not in WatchedState.values:
            raise ValidationError({"state": [f"{state} is no state of a file."]})
        if not offset.isascii() or not offset.isdigit() or len(offset) > 9:
            raise ValidationError({"offset": ["A whole number, 0 or more."]})
        files, start, names = watched_files(_source(self, source_id), state), int(offset), shown_names(self)
        page = [watched_file_document(file, names) for file in files[start : start + _PAGE]]
        return Response({"total": files.count(), "results": page})


class WatchedRetryView(ProjectView):
    """Once more."""

    operations = {"POST": "watch.retry"}

    @extend_schema(operation_id="watch_retry", request=None, responses={202: RetriedSerializer})
    def post(self, request: Request, slug: str, source_id: UUID) -> Response:
        """Import the files that were refused once more."""
        count = retry_watched_files(source=_source(self, source_id), by=self.user)
        return Response({"files": count}, status=status.HTTP_202_ACCEPTED)


def _source(view: ProjectView, source_id: UUID) -> WatchedSource:
    return get_object_or_404(WatchedSource.objects.select_related("project"), project=view.project, pk=source_id)
