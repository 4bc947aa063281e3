"""Endpoints of the archive's table of who is who, for leads with that right: one pseudonym, or the whole; audited."""

from __future__ import annotations

from dataclasses import asdict

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from backend.archive.encryption import CannotOpen, has_identity_key
from backend.archive.identities import all_identities, looked_up, switch_table
from backend.archive.models import Archive
from backend.dicom.refusal import Refused
from backend.exchange.quarantine_serializers import (
    IdentitiesSerializer,
    IdentityExportInSerializer,
    IdentityTableInSerializer,
    IdentityTableSerializer,
    LookUpSerializer,
)
from backend.projects.project_view import ProjectView

_NO_TABLE = "There is no table of identities here that you may read."


class _IdentityView(ProjectView):
    def check(self) -> None:
        """Http404 without the right or without a table; ValidationError where the server lacks its key."""
        if not (self.membership.may_reidentify and self.project.archive.keeps_identities):
            raise Http404(_NO_TABLE)
        if not has_identity_key():
            raise ValidationError({"detail": "This server lacks the key of the table of identities."})


class IdentityTableView(ProjectView):
    """Whether the archive keeps a table of identities."""

    operations = {"GET": "identity.table", "PUT": "identity.switch"}

    @extend_schema(operation_id="identity_table", responses=IdentityTableSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Whether it is kept, whether it could be, and whether the caller may look pseudonyms up."""
        return Response(self._told(self.project.archive))

    @extend_schema(operation_id="identity_switch", request=IdentityTableInSerializer, responses=IdentityTableSerializer)
    def put(self, request: Request, slug: str) -> Response:
        """Keep it from the next image on, or no longer; for a lead with the right to look up, with a reason, audited."""
        if not self.membership.may_reidentify:
            raise Http404(_NO_TABLE)
        given = IdentityTableInSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            archive = switch_table(
                archive=self.project.archive, by=self.user, project_id=self.project.pk, **given.validated_data
            )
        except Refused as refusal:
            raise ValidationError({"detail": str(refusal)}) from refusal
        return Response(self._told(archive))

    def _told(self, archive: Archive) -> dict[str, bool]:
        return {
            "keeps": archive.keeps_identities,
            "deidentifies": archive.deid_profile != "none",
            "has_key": has_identity_key(),
            "may_reidentify": self.membership.may_reidentify,
        }


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
