"""Who is signed in, with the projects of which he is a member."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from backend.accounts.models import User
from backend.accounts.serializers import MeChangeSerializer, RoomPreferencesSerializer
from backend.accounts.services import update_me
from backend.accounts.signed_in_view import SignedInView
from backend.archive.encryption import has_identity_key
from backend.projects.models import Membership


class MyProjectSerializer(serializers.ModelSerializer[Membership]):
    """A project in which the caller has a role."""

    slug = serializers.CharField(source="project.slug")
    name = serializers.CharField(source="project.name")
    modality = serializers.CharField(source="project.modality")
    unit = serializers.ChoiceField(source="project.unit", choices=["image", "series"])
    synthetic = serializers.BooleanField(source="project.synthetic")

    class Meta:
        model = Membership
        fields = ["slug", "name", "role", "modality", "unit", "synthetic"]


class MeSerializer(serializers.ModelSerializer[User]):
    """The caller's own account."""

    full_name = serializers.CharField(source="get_full_name")
    initials = serializers.SerializerMethodField()
    is_admin = serializers.BooleanField(source="is_superuser")
    key_bindings = serializers.DictField(child=serializers.CharField())
    room = RoomPreferencesSerializer()
    can_keep_identities = serializers.SerializerMethodField(
        help_text="Whether a new archive can keep a table of identities: the server has a key for it."
    )
    projects = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = [
            "username", "full_name", "initials", "language", "must_change_password", "may_create_projects", "is_admin",
            "can_keep_identities", "key_bindings", "room", "tour_seen", "projects",
        ]  # fmt: skip

    def get_initials(self, user: User) -> str:
        """First letters of the first and last word of the name, else the user name's first two."""
        words = user.get_full_name().split()
        letters = words[0][0] + (words[-1][0] if len(words) > 1 else "") if words else user.username[:2]
        return letters.upper()

    def get_can_keep_identities(self, user: User) -> bool:
        """Of the server, not of the person: what a table of identities is sealed with."""
        return has_identity_key()

    @extend_schema_field(MyProjectSerializer(many=True))
    def get_projects(self, user: User) -> list[dict[str, Any]]:
        """Memberships by the project's name."""
        memberships = Membership.objects.filter(user=user).select_related("project").order_by("project__name")
        return list(MyProjectSerializer(memberships, many=True).data)


class MeView(SignedInView):
    """The caller's own account."""

    operations = {"GET": "me.read", "PATCH": "me.update"}

    @extend_schema(responses=MeSerializer, operation_id="me_read")
    def get(self, request: Request) -> Response:
        """Who am I, what may I do, which projects are mine."""
        return Response(MeSerializer(self.user).data)

    @extend_schema(request=MeChangeSerializer, responses=MeSerializer, operation_id="me_update")
    def patch(self, request: Request) -> Response:
        """Change language, keys, the tour; the language also becomes that of the sign-in pages in this browser."""
        given = MeChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        user = update_me(user=self.user, **given.validated_data)
        response = Response(MeSerializer(user).data)
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, user.language, samesite="Lax", secure=settings.HTTPS)
        return response
