"""Endpoints of the archive's table of who is who, for leads with that right: one pseudonym, or the whole; audited."""

from __future__ import annotations

from dataclasses import asdict

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from backend.archive.encryption import CannotOpen, has_identity_key
from backend.archive.identities import all_identities, looked_up
from backend.exchange.quarantine_serializers import IdentitiesSerializer, IdentityExportInSerializer, LookUpSerializer
from backend.projects.project_view import ProjectView

_NO_TABLE = "There is no table of identities here that you may read."


class _IdentityView(ProjectView):
    def check(self) -> None:
        """Http404 without the right or without a table; ValidationError where the server lacks its key."""
        if not (self.membership.may_reidentify and self.project.archive.keeps_identities):
            raise Http404(_NO_TABLE)
        if not has_identity_key():
            raise ValidationError({"detail": "This server lacks the key of the table of identities."})


class IdentityLookUpView(_IdentityView):
    """Who a pseudonym is."""

    operations = {"POST": "identity.look_up"}

    @extend_schema(operation_id="identity_look_up", request=LookUpSerializer, responses=IdentitiesSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """Look one pseudonym up, with a reason; the look is audited, whatever it finds."""
        self.check()
        given = LookUpSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            found = looked_up(archive=self.project.archive, by=self.user, project_id=self.project.pk, **given.validated_data)
        except CannotOpen as error:
            raise ValidationError({"detail": "The table was sealed under another key than this server has."}) from error
        return Response({"results": [asdict(one) for one in found]}, headers={"Cache-Control": "no-store"})


class IdentityExportView(_IdentityView):
    """The whole table."""

    operations = {"POST": "identity.export"}

    @extend_schema(operation_id="identity_export", request=IdentityExportInSerializer, responses=IdentitiesSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """The whole table in the clear, with a reason; audited as one act."""
        self.check()
        given = IdentityExportInSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            found = all_identities(
                archive=self.project.archive, by=self.user, project_id=self.project.pk, **given.validated_data
            )
        except CannotOpen as error:
            raise ValidationError({"detail": "The table was sealed under another key than this server has."}) from error
        return Response({"results": [asdict(one) for one in found]}, headers={"Cache-Control": "no-store"})
