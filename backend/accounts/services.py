"""Makes accounts and bearer tokens, and takes tokens back."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from backend.accounts.access import ALL_SCOPES, SCOPES
from backend.accounts.models import ApiToken, User
from backend.audit.services import record_event

TOKEN_PREFIX: Final = "ovr_"
SHOWN_CHARACTERS: Final = 8


def create_user(
    *,
    actor: User | None,
    username: str,
    password: str,
    full_name: str = "",
    must_change_password: bool = True,
    may_create_projects: bool = False,
    is_superuser: bool = False,
) -> User:
    """Make an account; ValidationError for a name that is taken or malformed."""
    user = User(
        username=username,
        first_name=full_name,
        must_change_password=must_change_password,
        may_create_projects=may_create_projects,
        is_superuser=is_superuser,
        is_staff=is_superuser,
    )
    user.set_password(password)
    with transaction.atomic():
        user.full_clean(exclude=["key_bindings", "room"])  # Empty by default, which Django would call blank.
        user.save()
        record_event(
            actor=actor, verb="user.create", object_type="user", object_id=user.pk, detail={"username": user.username}
        )
    return user


def create_person(*, actor: User, username: str, full_name: str = "", password: str | None = None) -> tuple[User, str]:
    """Make an account on an administrator's word; also returns the one-time password where none was given."""
    if password is not None:
        validate_password(password, User(username=username, first_name=full_name))
    one_time = "" if password is not None else secrets.token_urlsafe(12)
    user = create_user(actor=actor, username=username, full_name=full_name, password=password or one_time)
    return user, one_time


def update_me(
    *,
    user: User,
    language: str | None = None,
    key_bindings: dict[str, str] | None = None,
    tour_seen: bool | None = None,
    room: dict[str, Any] | None = None,
) -> User:
    """Change one's own settings."""
    if language is not None:
        user.language = language
    if key_bindings is not None:
        user.key_bindings = key_bindings
    if tour_seen is not None:
        user.tour_seen = tour_seen
    if room is not None:
        user.room = {**user.room, **room, "layouts": {**user.room.get("layouts", {}), **room.get("layouts", {})}}
    user.save(update_fields=["language", "key_bindings", "tour_seen", "room"])
    return user


def token_digest(token: str) -> str:
    """SHA-256 (hex) of a token. Tokens are 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def create_token(
    *, user: User, name: str, scopes: Sequence[str] = (ALL_SCOPES,), expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """Make a bearer token and return it with its text, which is kept nowhere."""
    if not scopes:
        raise ValidationError({"scopes": "A token needs at least one scope."})
    if unknown := sorted(set(scopes) - SCOPES):
        raise ValidationError({"scopes": f"Unknown: {', '.join(unknown)}."})
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_at": "Lies in the past."})
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user,
            name=name,
            prefix=text[:SHOWN_CHARACTERS],
            digest=token_digest(text),
            scopes=sorted(set(scopes)),
            expires_at=expires_at,
        )
        record_event(
            actor=user, verb="token.create", object_type="token", object_id=token.pk, detail={"scopes": token.scopes}
        )
    return token, text


def revoke_token(*, token: ApiToken, by: User) -> ApiToken:
    """Take a token back; it stays listed as revoked."""
    if token.revoked_at is None:
        with transaction.atomic():
            token.revoked_at = timezone.now()
            token.save(update_fields=["revoked_at"])
            record_event(actor=by, verb="token.revoke", object_type="token", object_id=token.pk)
    return token
