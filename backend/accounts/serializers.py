"""Accounts as JSON."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from rest_framework import serializers

from backend.accounts.models import ApiToken, User


class PersonSerializer(serializers.ModelSerializer[User]):
    """A user as others see him."""

    full_name = serializers.CharField(source="get_full_name", read_only=True)

    class Meta:
        model = User
        fields = ["username", "full_name"]


class NewPersonSerializer(serializers.Serializer[Any]):
    """What an administrator gives to make an account; without a password a one-time one is drawn."""

    username = serializers.CharField(max_length=150)
    full_name = serializers.CharField(max_length=150, allow_blank=True, default="")
    password = serializers.CharField(max_length=200, required=False, trim_whitespace=False)


class MadePersonSerializer(serializers.Serializer[Any]):
    """A new account; its one-time password is shown this once and is empty where a password was given."""

    username = serializers.CharField()
    full_name = serializers.CharField()
    one_time_password = serializers.CharField(allow_blank=True)


class RoomPreferencesSerializer(serializers.Serializer[Any]):
    """How a person likes the reading room: layout by modality, width of the left panel in CSS pixels, linked views."""

    layouts = serializers.DictField(child=serializers.ChoiceField(choices=("1x1", "1x2", "2x2", "mpr")), required=False)
    left_width = serializers.IntegerField(min_value=160, max_value=320, required=False)
    linked = serializers.BooleanField(required=False)

    def validate_layouts(self, layouts: dict[str, str]) -> dict[str, str]:
        """Modalities are DICOM's, of at most 16 letters."""
        if any(not re.fullmatch(r"[A-Z0-9_ ]{1,16}", modality) for modality in layouts):
            raise serializers.ValidationError("A modality has up to 16 capital letters.")
        return layouts


class MeChangeSerializer(serializers.Serializer[Any]):
    """What a person may change of his own account."""

    language = serializers.ChoiceField(choices=[code for code, _ in settings.LANGUAGES], required=False)
    key_bindings = serializers.DictField(child=serializers.CharField(max_length=40), required=False)
    tour_seen = serializers.BooleanField(required=False)
    room = RoomPreferencesSerializer(required=False)


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A bearer token without its text."""

    class Meta:
        model = ApiToken
        fields = ["id", "name", "prefix", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at"]


class NewTokenSerializer(serializers.Serializer[Any]):
    """What a person gives to make a token."""

    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(child=serializers.CharField(max_length=60), default=lambda: ["*"])
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class MadeTokenSerializer(TokenSerializer):
    """A new token with its text, shown this once."""

    token = serializers.CharField()

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]
