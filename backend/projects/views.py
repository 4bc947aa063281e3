"""Endpoints of projects, their vocabulary and their members."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError as RefusedInput
from rest_framework.request import Request
from rest_framework.response import Response

from backend.accounts.signed_in_view import SignedInView
from backend.projects.models import FindingType, Membership
from backend.projects.project_view import ProjectView
from backend.projects.selectors import finding_type_document, finding_types_of, members_of, memberships_of, project_documents
from backend.projects.serializers import (
    FindingTypeChangeSerializer,
    FindingTypeInSerializer,
    FindingTypeSerializer,
    MemberSerializer,
    ProjectChangeSerializer,
    ProjectInSerializer,
    ProjectSerializer,
)
from backend.projects.services import (
    add_finding_type,
    create_project,
    remove_member,
    set_member,
    update_finding_type,
    update_project,
)


class ProjectListView(SignedInView):
    """The caller's projects."""

    operations = {"GET": "project.list", "POST": "project.create"}

    @extend_schema(operation_id="project_list", responses=ProjectSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Projects of which the caller is a member."""
        return Response(project_documents(memberships_of(self.user)))

    @extend_schema(operation_id="project_create", request=ProjectInSerializer, responses={201: ProjectSerializer})
    def post(self, request: Request) -> Response:
        """Make a project; the caller becomes its lead."""
        fields = _validated(ProjectInSerializer(data=request.data))
        try:
            project = create_project(by=self.user, fields=fields)
        except ValidationError as error:
            raise RefusedInput(error.message_dict) from error
        made = memberships_of(self.user).filter(project=project)
        return Response(project_documents(made)[0], status=status.HTTP_201_CREATED)


class ProjectDetailView(ProjectView):
    """One project."""

    operations = {"GET": "project.read", "PATCH": "project.update"}

    @extend_schema(operation_id="project_read", responses=ProjectSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The project with its vocabulary and counts."""
        return Response(project_documents([self.membership])[0])

    @extend_schema(operation_id="project_update", request=ProjectChangeSerializer, responses=ProjectSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        """Change what may change."""
        update_project(project=self.project, fields=_validated(ProjectChangeSerializer(data=request.data)), by=self.user)
        return Response(project_documents([self.membership])[0])


class FindingTypeListView(ProjectView):
    """The vocabulary."""

    operations = {"GET": "finding_type.list", "POST": "finding_type.create"}

    @extend_schema(operation_id="finding_type_list", responses=FindingTypeSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """Every entry, retired ones included."""
        return Response([finding_type_document(entry) for entry in finding_types_of([self.project.pk])[self.project.pk]])

    @extend_schema(
        operation_id="finding_type_create", request=FindingTypeInSerializer, responses={201: FindingTypeSerializer}
    )
    def post(self, request: Request, slug: str) -> Response:
        """Add an entry; the vocabulary's version rises."""
        fields = _validated(FindingTypeInSerializer(data=request.data))
        try:
            entry = add_finding_type(project=self.project, fields=fields, by=self.user)
        except ValidationError as error:
            raise RefusedInput(error.message_dict) from error
        return Response(finding_type_document(entry), status=status.HTTP_201_CREATED)


class FindingTypeDetailView(ProjectView):
    """One entry of the vocabulary."""

    operations = {"PATCH": "finding_type.update"}

    @extend_schema(operation_id="finding_type_update", request=FindingTypeChangeSerializer, responses=FindingTypeSerializer)
    def patch(self, request: Request, slug: str, finding_type_id: int) -> Response:
        """Change or retire an entry; the vocabulary's version rises."""
        entry = FindingType.objects.filter(project=self.project, pk=finding_type_id).first()
        if entry is None:
            raise Http404("No such finding type.")
        fields = _validated(FindingTypeChangeSerializer(data=request.data))
        try:
            entry = update_finding_type(project=self.project, finding_type=entry, fields=fields, by=self.user)
        except ValidationError as error:
            raise RefusedInput(error.message_dict) from error
        return Response(finding_type_document(entry))


class MemberListView(ProjectView):
    """Who is in the project."""

    operations = {"GET": "member.list", "PUT": "member.set"}

    @extend_schema(operation_id="member_list", responses=MemberSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """The members by name."""
        return Response([_member_document(membership) for membership in members_of(self.project)])

    @extend_schema(operation_id="member_set", request=MemberSerializer, responses=MemberSerializer)
    def put(self, request: Request, slug: str) -> Response:
        """Make somebody a member, or change the role."""
        fields = _validated(MemberSerializer(data=request.data))
        try:
            membership = set_member(project=self.project, username=fields["username"], role=fields["role"], by=self.user)
        except ValidationError as error:
            raise RefusedInput(error.message_dict) from error
        return Response(_member_document(membership))


class MemberDetailView(ProjectView):
    """One member."""

    operations = {"DELETE": "member.remove"}

    @extend_schema(operation_id="member_remove", responses={204: None})
    def delete(self, request: Request, slug: str, username: str) -> Response:
        """End a membership."""
        try:
            remove_member(project=self.project, username=username, by=self.user)
        except ValidationError as error:
            raise RefusedInput(error.message_dict) from error
        return Response(status=status.HTTP_204_NO_CONTENT)


def _member_document(membership: Membership) -> dict[str, str]:
    user = membership.user
    return {"username": user.get_username(), "full_name": user.get_full_name(), "role": membership.role}


def _validated(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
