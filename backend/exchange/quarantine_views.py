"""Endpoints of the quarantine: what waits there, a look at it, let in or discarded; and the rules made from such looks."""

from __future__ import annotations

from itertools import chain
from uuid import UUID

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from backend.archive.encryption import CannotOpen
from backend.archive.models import QuarantineKind
from backend.archive.quarantine import original_pieces, preview_of
from backend.audit.services import record_event
from backend.dicom.refusal import Refused
from backend.exchange.models import ImportItem
from backend.exchange.quarantine_selectors import (
    in_group,
    items_that_brought,
    may_download,
    open_quarantine,
    quarantine_counts,
    quarantine_documents,
    quarantine_groups,
    rule_documents,
)
from backend.exchange.quarantine_serializers import (
    DiscardedSerializer,
    DiscardSerializer,
    PixelRuleSerializer,
    QuarantineSerializer,
    ReleasedSerializer,
    ReleaseSerializer,
    RetrySerializer,
    TriedAgainSerializer,
)
from backend.exchange.quarantine_services import MAX_AT_ONCE, discard_files, release_files, remove_rule, retry_files
from backend.projects.project_view import ProjectView, asked_number, shown_names

_PAGE = 200


class QuarantineListView(ProjectView):
    """Files kept aside."""

    operations = {"GET": "quarantine.list"}

    @extend_schema(
        operation_id="quarantine_list",
        parameters=[
            OpenApiParameter("kind", OpenApiTypes.STR, enum=list(QuarantineKind.values)),
            OpenApiParameter("group", OpenApiTypes.STR, description="Those of one reason."),
            OpenApiParameter("offset", OpenApiTypes.INT),
            OpenApiParameter("limit", OpenApiTypes.INT, description=f"At most {MAX_AT_ONCE}; else {_PAGE}."),
        ],
        responses=QuarantineSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        """What waits for a look and what was refused, the first that came first, a page of them."""
        rows = open_quarantine(self.project)
        kind, group = request.query_params.get("kind", ""), request.query_params.get("group", "")
        if kind:
            rows = rows.filter(kind=kind)
        if group:
            rows = in_group(rows, group)
        start, names = asked_number(request, "offset", 0), shown_names(self)
        found = quarantine_documents(
            list(rows[start : start + min(asked_number(request, "limit", _PAGE), MAX_AT_ONCE)]), names
        )
        return Response(
            {
                "counts": quarantine_counts(self.project),
                "groups": quarantine_groups(self.project, names, kind),
                "total": rows.count(),
                "may_download": may_download(self.membership, self.project),
                "results": found,
            }
        )


class QuarantinePreviewView(ProjectView):
    """A look at a held image."""

    operations = {"GET": "quarantine.preview"}

    @extend_schema(operation_id="quarantine_preview", responses={(200, "image/png"): OpenApiTypes.BINARY})
    def get(self, request: Request, slug: str, file_id: UUID) -> HttpResponse:
        """The image as it came, as a PNG (of several frames the brightest of all); the look is audited."""
        row = get_object_or_404(open_quarantine(self.project), pk=file_id, kind=QuarantineKind.HELD)
        record_event(
            actor=self.user, verb="quarantine.viewed", project_id=self.project.pk, object_type="quarantined_file",
            object_id=row.pk,
        )  # fmt: skip
        try:
            picture = preview_of(row)
        except (FileNotFoundError, CannotOpen) as error:
            raise Http404("It is not there any more.") from error
        answer = HttpResponse(picture, content_type="image/png")
        answer["Cache-Control"] = "private, no-store"
        return answer


class QuarantineFileView(ProjectView):
    """A file as it came."""

    operations = {"GET": "quarantine.download"}

    @extend_schema(operation_id="quarantine_download", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, slug: str, file_id: UUID) -> StreamingHttpResponse:
        """The original; where the archive de-identifies, for leads with the right to look identities up. Audited."""
        row = get_object_or_404(open_quarantine(self.project), pk=file_id)
        if not may_download(self.membership, self.project):
            raise PermissionDenied("It may name a patient: only who may look identities up can have it.")
        pieces = original_pieces(row)
        try:
            first = next(pieces, b"")
        except (FileNotFoundError, CannotOpen) as error:
            raise Http404("It is not there any more.") from error
        record_event(
            actor=self.user, verb="quarantine.downloaded", project_id=self.project.pk, object_type="quarantined_file",
            object_id=row.pk,
        )  # fmt: skip
        item = items_that_brought([row]).get(row.pk)
        answer = StreamingHttpResponse(chain([first], pieces), content_type="application/octet-stream")
        name = item.name.rsplit("/", 1)[-1] if item is not None else str(row.pk)
        answer["Content-Disposition"] = content_disposition_header(True, name)
        answer["Content-Length"] = str(row.size)
        answer["Cache-Control"] = "private, no-store"
        return answer


class QuarantineRetryView(ProjectView):
    """Once more."""

    operations = {"POST": "quarantine.retry"}

    @extend_schema(operation_id="quarantine_retry", request=RetrySerializer, responses={202: TriedAgainSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Import refused files once more; they stay in quarantine until they are used."""
        given = RetrySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            runs = retry_files(project=self.project, ids=given.validated_data["files"], by=self.user)
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal
        told = {
            "imports": [str(run.pk) for run in runs],
            "jobs": [str(run.job_id) for run in runs],
            "files": ImportItem.objects.filter(run__in=runs).count(),
        }
        return Response(told, status=status.HTTP_202_ACCEPTED)


class QuarantineReleaseView(ProjectView):
    """Letting images in."""

    operations = {"POST": "quarantine.release"}

    @extend_schema(operation_id="quarantine_release", request=ReleaseSerializer, responses={202: ReleasedSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Blank rectangles of held images and bring them into the project; with `whole_device` also what comes later."""
        given = ReleaseSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        try:
            job, count = release_files(
                project=self.project,
                ids=values["files"],
                rectangles=values["rectangles"],
                whole_device=values["whole_device"],
                reason=values["reason"],
                by=self.user,
            )
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal
        return Response({"job": str(job.pk), "files": count}, status=status.HTTP_202_ACCEPTED)


class QuarantineDiscardView(ProjectView):
    """Deleting for good."""

    operations = {"POST": "quarantine.discard"}

    @extend_schema(operation_id="quarantine_discard", request=DiscardSerializer, responses=DiscardedSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """Delete files that wait in quarantine."""
        given = DiscardSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        count = discard_files(project=self.project, ids=values["files"], reason=values["reason"], by=self.user)
        return Response({"files": count})


class PixelRuleListView(ProjectView):
    """The archive's rules for burnt-in text."""

    operations = {"GET": "pixel_rule.list"}

    @extend_schema(operation_id="pixel_rule_list", responses=PixelRuleSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """What is blanked in images of which device and size."""
        return Response(rule_documents(self.project))


class PixelRuleView(ProjectView):
    """One rule."""

    operations = {"DELETE": "pixel_rule.remove"}

    @extend_schema(operation_id="pixel_rule_remove", responses={204: None})
    def delete(self, request: Request, slug: str, rule_id: int) -> Response:
        """Forget the rule; what was blanked by it stays so."""
        if not remove_rule(project=self.project, rule_id=rule_id, by=self.user):
            raise Http404("No such rule.")
        return Response(status=status.HTTP_204_NO_CONTENT)
