"""Tokens of one's own, and the people of this server."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from backend.accounts.models import ApiToken, User
from backend.accounts.serializers import (
    MadePersonSerializer,
    MadeTokenSerializer,
    NewPersonSerializer,
    NewTokenSerializer,
    PersonSerializer,
    TokenSerializer,
)
from backend.accounts.services import create_person, create_token, revoke_token
from backend.accounts.signed_in_view import SignedInView


def as_answer(error: ValidationError) -> serializers.ValidationError:
    """Django's validation error in the API's form, by field."""
    return serializers.ValidationError(serializers.as_serializer_error(error))


class TokenListView(SignedInView):
    """One's own bearer tokens."""

    operations = {"GET": "token.list", "POST": "token.create"}

    @extend_schema(responses=TokenSerializer(many=True), operation_id="token_list")
    def get(self, request: Request) -> Response:
        """Tokens of the caller, the newest first, revoked ones included."""
        return Response(TokenSerializer(self.user.api_tokens.order_by("-id"), many=True).data)

    @extend_schema(request=NewTokenSerializer, responses={201: MadeTokenSerializer}, operation_id="token_create")
    def post(self, request: Request) -> Response:
        """Make a token; its text is in this answer and nowhere else. A token cannot make tokens."""
        if isinstance(request.auth, ApiToken):
            raise PermissionDenied("A token cannot make another one: sign in.")
        given = NewTokenSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            token, text = create_token(user=self.user, **given.validated_data)
        except ValidationError as error:
            raise as_answer(error) from error
        return Response({**TokenSerializer(token).data, "token": text}, status=201)


class TokenView(SignedInView):
    """One of one's own tokens."""

    operations = {"DELETE": "token.revoke"}

    @extend_schema(responses={204: None}, operation_id="token_revoke")
    def delete(self, request: Request, token_id: int) -> Response:
        """Revoke it, at once and for ever."""
        revoke_token(token=get_object_or_404(self.user.api_tokens, pk=token_id), by=self.user)
        return Response(status=204)


class PersonListView(SignedInView):
    """The people who may sign in."""

    operations = {"GET": "user.list", "POST": "user.create"}

    @extend_schema(responses=PersonSerializer(many=True), operation_id="user_list")
    def get(self, request: Request) -> Response:
        """All active accounts by name, for choosing a project's members."""
        return Response(PersonSerializer(User.objects.filter(is_active=True).order_by("username"), many=True).data)

    @extend_schema(request=NewPersonSerializer, responses={201: MadePersonSerializer}, operation_id="user_create")
    def post(self, request: Request) -> Response:
        """Make an account (administrators)."""
        given = NewPersonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            user, one_time = create_person(actor=self.user, **given.validated_data)
        except ValidationError as error:
            raise as_answer(error) from error
        made = {"username": user.username, "full_name": user.get_full_name(), "one_time_password": one_time}
        return Response(made, status=201)
