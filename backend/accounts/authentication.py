"""Bearer tokens: `Authorization: Bearer ovr_…`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from backend.accounts.compiled_select import CompiledSelect
from backend.accounts.models import ApiToken, User
from backend.accounts.services import token_digest

LAST_USED_EVERY: Final = timedelta(minutes=1)
"""`last_used_at` is written at most this often: a program may ask a hundred times a second."""


_LOOKUP: Final = CompiledSelect.of_models(
    (ApiToken, User),
    "FROM accounts_apitoken JOIN accounts_user ON accounts_user.id = accounts_apitoken.user_id "
    "WHERE accounts_apitoken.digest = %s",
)


def _found(digest: str) -> ApiToken | None:
    for token, user in _LOOKUP.instances([digest]):
        token.user = user
        found: ApiToken = token
        return found
    return None


class BearerTokenAuthentication(BaseAuthentication):
    """Signs in the token's owner; `request.auth` is the token, whose scopes narrow what the owner may."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The token's owner; None where no bearer token was sent; 401 where it is not good."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = _found(token_digest(text.strip()))
        now = timezone.now()
        if (
            token is None
            or token.revoked_at is not None
            or (token.expires_at is not None and token.expires_at <= now)
            or not token.user.is_active
        ):
            raise AuthenticationFailed("This token is unknown, expired or revoked.", code="token_not_valid")
        if token.last_used_at is None or now - token.last_used_at > LAST_USED_EVERY:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """What an anonymous caller is asked for; makes the answer 401 instead of 403."""
        return 'Bearer realm="overread"'


class BearerTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema describes the bearer token."""

    target_class = "backend.accounts.authentication.BearerTokenAuthentication"
    name = "bearerToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """OpenAPI's security scheme."""
        return {"type": "http", "scheme": "bearer", "description": "A token of `manage.py create_token` or the tokens page."}
