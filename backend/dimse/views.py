"""Endpoints of the PACS page: nodes, searches, transfers. Leads only; answers of a node are never kept."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from backend.dicom.refusal import Refused
from backend.dimse.models import RemoteNode, Transfer
from backend.dimse.remote import NodeFailed, SearchKeys
from backend.dimse.selectors import (
    NEWEST,
    node_document,
    pacs_document,
    sendable_documents,
    transfer_documents,
    transfers_of,
)
from backend.dimse.serializers import (
    FoundSeriesSerializer,
    FoundStudiesSerializer,
    NodeAnswerSerializer,
    NodeFieldsSerializer,
    NodeInSerializer,
    NodeSerializer,
    PacsSerializer,
    PullSerializer,
    ReceivingTitleSerializer,
    SearchKeysSerializer,
    SendableSerializer,
    SendSerializer,
    StudyUidSerializer,
    TransferSerializer,
)
from backend.dimse.services import (
    delete_node,
    probe_node,
    resume_transfer,
    save_node,
    search_node,
    series_of,
    set_receiving_title,
    start_pull,
    start_send,
)
from backend.jobs.services import cancel_job
from backend.projects.conditional import conditional_answer
from backend.projects.project_view import ProjectView


class PacsView(ProjectView):
    """Nodes of the project, and how it receives."""

    operations: ClassVar[dict[str, str]] = {"GET": "node.list", "POST": "node.create"}

    @extend_schema(operation_id="pacs_read", responses=PacsSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """All nodes."""
        return Response(pacs_document(self.project))

    @extend_schema(operation_id="node_create", request=NodeInSerializer, responses={201: NodeSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Add a node."""
        serializer = NodeInSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            node = save_node(project=self.project, node=None, given=serializer.validated_data, by=self.user)
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal
        return Response(node_document(node), status=status.HTTP_201_CREATED)


class NodeView(ProjectView):
    """One node."""

    operations: ClassVar[dict[str, str]] = {"PATCH": "node.update", "DELETE": "node.delete"}

    @extend_schema(operation_id="node_update", request=NodeFieldsSerializer, responses=NodeSerializer)
    def patch(self, request: Request, slug: str, node_id: UUID) -> Response:
        """Change it; the secret stays where none is given and the URL is the same."""
        node = _node(self, node_id)
        serializer = NodeFieldsSerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        try:
            return Response(
                node_document(save_node(project=self.project, node=node, given=serializer.validated_data, by=self.user))
            )
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal

    @extend_schema(operation_id="node_delete", responses={204: None})
    def delete(self, request: Request, slug: str, node_id: UUID) -> Response:
        """Remove it."""
        delete_node(node=_node(self, node_id), by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReceivingTitleView(ProjectView):
    """The AE title under which the project receives."""

    operations: ClassVar[dict[str, str]] = {"PUT": "node.receiving"}

    @extend_schema(operation_id="receiving_title_set", request=ReceivingTitleSerializer, responses=PacsSerializer)
    def put(self, request: Request, slug: str) -> Response:
        """Set or, empty, remove it."""
        serializer = ReceivingTitleSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            set_receiving_title(project=self.project, ae_title=serializer.validated_data["ae_title"], by=self.user)
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal
        return Response(pacs_document(self.project))


class NodeTestView(ProjectView):
    """Whether a node answers."""

    operations: ClassVar[dict[str, str]] = {"POST": "node.test"}

    @extend_schema(operation_id="node_test", request=None, responses=NodeAnswerSerializer)
    def post(self, request: Request, slug: str, node_id: UUID) -> Response:
        """C-ECHO, or a search for one study."""
        try:
            seconds = probe_node(node=_node(self, node_id), by=self.user)
        except NodeFailed as failure:
            return Response({"is_reachable": False, "seconds": None, "reason": str(failure)})
        return Response({"is_reachable": True, "seconds": round(seconds, 3), "reason": ""})


class NodeStudiesView(ProjectView):
    """Studies of a node."""

    operations: ClassVar[dict[str, str]] = {"POST": "node.search"}

    @extend_schema(
        operation_id="node_search", request=SearchKeysSerializer, responses={200: FoundStudiesSerializer, 502: None}
    )
    def post(self, request: Request, slug: str, node_id: UUID) -> Response:
        """C-FIND or QIDO-RS. A POST, because keys name patients and addresses are logged; 502 where the node fails."""
        node = _node(self, node_id)
        serializer = SearchKeysSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            keys = SearchKeys(**serializer.validated_data)
            studies, has_more = search_node(node=node, keys=keys, by=self.user)
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal
        except NodeFailed as failure:
            return _failed(failure)
        return _unkept(Response({"studies": [asdict(study) for study in studies], "has_more": has_more}))


class NodeSeriesView(ProjectView):
    """Series of a study of a node."""

    operations: ClassVar[dict[str, str]] = {"POST": "node.series"}

    @extend_schema(
        operation_id="node_series", request=StudyUidSerializer, responses={200: FoundSeriesSerializer(many=True), 502: None}
    )
    def post(self, request: Request, slug: str, node_id: UUID) -> Response:
        """All series; 502 where the node fails."""
        node = _node(self, node_id)
        serializer = StudyUidSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            found = series_of(node=node, study=serializer.validated_data["study"], by=self.user)
        except NodeFailed as failure:
            return _failed(failure)
        return _unkept(Response([asdict(series) for series in found]))


class TransferListView(ProjectView):
    """Pulls and sends."""

    operations: ClassVar[dict[str, str]] = {"GET": "transfer.list"}

    @extend_schema(operation_id="transfer_list", responses={200: TransferSerializer(many=True), 304: None})
    def get(self, request: Request, slug: str) -> HttpResponse | Response:
        """The newest, polled while one runs; 304 while nothing changes."""
        return conditional_answer(request, transfer_documents(self.project, transfers_of(self.project)[:NEWEST], self.user))


class PullView(ProjectView):
    """Studies into the project."""

    operations: ClassVar[dict[str, str]] = {"POST": "transfer.pull"}

    @extend_schema(operation_id="transfer_pull", request=PullSerializer, responses={202: TransferSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Have a worker pull them."""
        serializer = PullSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        node = _node(self, given["node"])
        try:
            transfer = start_pull(project=self.project, node=node, studies=given["studies"], by=self.user)
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal
        return Response(_document(self, transfer), status=status.HTTP_202_ACCEPTED)


class SendView(ProjectView):
    """Results to a node."""

    operations: ClassVar[dict[str, str]] = {"GET": "transfer.sendable", "POST": "transfer.send"}

    @extend_schema(operation_id="transfer_sendable", responses=SendableSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """Readings that can be sent: submitted by a person, and none that the caller may not see yet."""
        return Response(sendable_documents(self.project, self.user))

    @extend_schema(operation_id="transfer_send", request=SendSerializer, responses={202: TransferSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Have a worker send their SEG and SR."""
        serializer = SendSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        node = _node(self, given["node"])
        try:
            transfer = start_send(project=self.project, node=node, readings=given["readings"], by=self.user)
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal
        return Response(_document(self, transfer), status=status.HTTP_202_ACCEPTED)


class TransferCancelView(ProjectView):
    """Stop a transfer."""

    operations: ClassVar[dict[str, str]] = {"POST": "transfer.cancel"}

    @extend_schema(operation_id="transfer_cancel", request=None, responses=TransferSerializer)
    def post(self, request: Request, slug: str, transfer_id: UUID) -> Response:
        """Ask it to stop; it does so within seconds."""
        transfer = _transfer(self, transfer_id)
        if transfer.job is not None:
            cancel_job(job=transfer.job, by=self.user)
        return Response(_document(self, _transfer(self, transfer_id)))


class TransferResumeView(ProjectView):
    """Go on with a transfer."""

    operations: ClassVar[dict[str, str]] = {"POST": "transfer.resume"}

    @extend_schema(operation_id="transfer_resume", request=None, responses={202: TransferSerializer, 409: None})
    def post(self, request: Request, slug: str, transfer_id: UUID) -> Response:
        """Do what was not done; 409 where nothing is left."""
        try:
            transfer = resume_transfer(transfer=_transfer(self, transfer_id), by=self.user)
        except Refused as refusal:
            return Response({"detail": str(refusal)}, status=status.HTTP_409_CONFLICT)
        return Response(_document(self, transfer), status=status.HTTP_202_ACCEPTED)


def _node(view: ProjectView, node_id: UUID) -> RemoteNode:
    return get_object_or_404(RemoteNode.objects.select_related("project__archive"), project=view.project, pk=node_id)


def _transfer(view: ProjectView, transfer_id: UUID) -> Transfer:
    return get_object_or_404(transfers_of(view.project), pk=transfer_id)


def _document(view: ProjectView, transfer: Transfer) -> dict[str, Any]:
    return transfer_documents(view.project, [transfer], view.user)[0]


def _failed(failure: NodeFailed) -> Response:
    return Response({"detail": str(failure), "code": "node_failed"}, status=status.HTTP_502_BAD_GATEWAY)


def _unkept(response: Response) -> Response:
    response["Cache-Control"] = "private, no-store"
    return response
