"""Sessions and their users by written queries behave as Django's own."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone

from backend.accounts.models import User
from backend.accounts.signed_in import SessionStore, SignedInBackend


def test_a_session_keeps_what_was_put_into_it_until_it_expires(db):
    kept = SessionStore()
    kept["word"] = "kept"
    kept.create()
    assert SessionStore(kept.session_key)["word"] == "kept"
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    late = SessionStore(kept.session_key)
    assert "word" not in late and late.session_key is None


def test_an_unknown_session_key_is_never_taken_over(db):
    made_up = SessionStore("a" * 32)
    assert made_up.load() == {} and made_up.session_key is None


def test_the_user_is_the_same_to_the_last_column(make_person):
    rita = make_person("rita", language="zh-hans", key_bindings={"accept": "y"})
    found = SignedInBackend().get_user(rita.pk)
    expected = User.objects.get(pk=rita.pk)
    assert {field.attname: getattr(found, field.attname) for field in User._meta.concrete_fields} == {
        field.attname: getattr(expected, field.attname) for field in User._meta.concrete_fields
    }
    assert found.check_password("rita-secret-word")


def test_whoever_was_shut_out_is_signed_in_no_more(client, make_person):
    rita = make_person("rita")
    client.force_login(rita)
    assert client.get("/api/v1/me/").status_code == 200
    User.objects.filter(pk=rita.pk).update(is_active=False)
    assert client.get("/api/v1/me/").status_code == 401
    assert SignedInBackend().get_user(rita.pk) is None and SignedInBackend().get_user(10**9) is None
