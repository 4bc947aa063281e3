"""Bearer tokens: hashed, scoped, revocable."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from backend.accounts.models import ApiToken
from backend.accounts.services import create_token, revoke_token
from backend.audit.models import Event

pytestmark = pytest.mark.django_db
ME = "/api/v1/me/"


def with_token(text: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def test_token_signs_in_its_owner_and_its_text_is_not_kept(reader: Any) -> None:
    token, text = create_token(user=reader, name="script")
    assert with_token(text).get(ME).json()["username"] == "rita"
    assert text.startswith("ovr_") and text not in str(ApiToken.objects.filter(pk=token.pk).values()[0])
    assert token.prefix == text[:8]


@pytest.mark.parametrize("spoil", ["revoked", "expired", "unknown", "inactive"])
def test_a_token_that_is_no_good_is_refused_with_401(reader: Any, spoil: str) -> None:
    token, text = create_token(user=reader, name="script")
    if spoil == "revoked":
        revoke_token(token=token, by=reader)
    elif spoil == "expired":
        ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif spoil == "inactive":
        reader.is_active = False
        reader.save()
    else:
        text += "x"
    answer = with_token(text).get(ME)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_scopes_narrow_what_a_token_may_do(reader: Any) -> None:
    _, text = create_token(user=reader, name="script", scopes=["user.list", "project"])
    client = with_token(text)
    assert client.get("/api/v1/users/").status_code == 200
    assert client.get(ME).status_code == 403
    assert client.get("/api/v1/projects/").status_code == 200


def test_scopes_hold_below_a_project_too(reader: Any) -> None:
    _, text = create_token(user=reader, name="script", scopes=["me"])
    assert with_token(text).get("/api/v1/projects/breast/").status_code == 403


def test_use_is_noted_at_most_once_a_minute(reader: Any) -> None:
    token, text = create_token(user=reader, name="script")
    client = with_token(text)
    client.get(ME)
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    client.get(ME)
    token.refresh_from_db()
    assert token.last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    client.get(ME)
    token.refresh_from_db()
    assert token.last_used_at > first


def test_person_makes_lists_and_revokes_own_tokens(reader: Any, as_person: Callable[..., APIClient]) -> None:
    client = as_person(reader)
    made = client.post("/api/v1/me/tokens/", {"name": "laptop", "scopes": ["reading"]}, format="json")
    assert made.status_code == 201
    text = made.json()["token"]
    (row,) = client.get("/api/v1/me/tokens/").json()
    assert row["prefix"] == text[:8] and "token" not in row and row["scopes"] == ["reading"]
    assert client.delete(f"/api/v1/me/tokens/{row['id']}/").status_code == 204
    assert with_token(text).get(ME).status_code == 401
    assert list(Event.objects.order_by("pk").values_list("verb", flat=True)) == ["token.create", "token.revoke"]


def test_unknown_scope_or_past_expiry_is_refused(reader: Any, as_person: Callable[..., APIClient]) -> None:
    client = as_person(reader)
    assert client.post("/api/v1/me/tokens/", {"name": "x", "scopes": ["evil"]}, format="json").json() == {
        "scopes": ["Unknown: evil."]
    }
    assert client.post("/api/v1/me/tokens/", {"name": "x", "scopes": []}, format="json").status_code == 400
    past = {"name": "x", "expires_at": "2020-01-01T00:00:00Z"}
    assert "expires_at" in client.post("/api/v1/me/tokens/", past, format="json").json()


def test_nobody_revokes_anothers_token(reader: Any, second_reader: Any, as_person: Callable[..., APIClient]) -> None:
    token, _ = create_token(user=second_reader, name="script")
    assert as_person(reader).delete(f"/api/v1/me/tokens/{token.pk}/").status_code == 404


def test_a_token_cannot_make_another(reader: Any) -> None:
    _, text = create_token(user=reader, name="script")
    assert with_token(text).post("/api/v1/me/tokens/", {"name": "more"}, format="json").status_code == 403


def test_command_prints_a_working_token_once(reader: Any) -> None:
    out = StringIO()
    call_command("create_token", "rita", "--scope", "me", "--days", "3", stdout=out)
    assert with_token(out.getvalue().strip()).get(ME).status_code == 200
    assert ApiToken.objects.get().expires_at is not None
    with pytest.raises(CommandError, match="no user nobody"):
        call_command("create_token", "nobody")
