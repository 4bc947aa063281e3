"""Signing in and out, the one-time password, lockout, both languages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
CHANGE = "/accounts/password/change/"


@pytest.fixture(autouse=True)
def forget_failed_attempts() -> None:
    cache.clear()


def sign_in(client: Client, name: str, password: str, **extra: Any) -> Any:
    return client.post(LOGIN, {"login": name, "password": password, **extra})


def test_sign_in_leads_to_where_one_wanted_to_go_and_changes_the_session_key(reader: Any) -> None:
    client = Client()
    client.get(LOGIN)
    before = client.session.session_key
    answer = sign_in(client, "rita", "rita-secret-word", next="/p/breast/worklist")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/p/breast/worklist")
    assert client.session.session_key != before
    assert client.cookies["sessionid"]["httponly"] and client.cookies["sessionid"]["samesite"] == "Lax"


def test_next_never_leads_to_another_site(reader: Any) -> None:
    answer = sign_in(Client(), "rita", "rita-secret-word", next="https://evil.example/")
    assert answer.headers["Location"] == "/"


def test_login_page_carries_next_along(reader: Any) -> None:
    page = Client().get(LOGIN, {"next": "/p/breast/worklist"}).content.decode()
    assert 'name="next"' in page and 'value="/p/breast/worklist"' in page


def test_wrong_password_is_told_without_saying_which_part_was_wrong(reader: Any) -> None:
    for name in ("rita", "nobody"):
        page = sign_in(Client(), name, "wrong").content.decode()
        assert "User name or password is wrong." in page


def test_after_five_failures_even_the_right_password_is_refused(reader: Any) -> None:
    client = Client()
    for _ in range(5):
        sign_in(client, "rita", "wrong")
    answer = sign_in(client, "rita", "rita-secret-word")
    assert "Too many failed login attempts" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_sign_out_ends_the_session_and_only_by_post(reader: Any) -> None:
    client = Client()
    sign_in(client, "rita", "rita-secret-word")
    assert "rita" in client.get("/accounts/logout/").content.decode()
    assert "_auth_user_id" in client.session
    assert client.post("/accounts/logout/").headers["Location"] == LOGIN
    assert "_auth_user_id" not in client.session


def test_one_time_password_leads_to_the_password_page_and_opens_nothing_else(make_person: Callable[..., Any]) -> None:
    make_person("nina", must_change_password=True)
    client = Client()
    sign_in(client, "nina", "nina-secret-word")
    assert client.get("/p/breast/worklist").headers["Location"] == f"{CHANGE}?next=%2Fp%2Fbreast%2Fworklist"
    for path in ("/api/v1/projects/", "/api/v1/me/tokens/", "/dicom-web/breast/studies"):
        refused = client.get(path)
        assert (refused.status_code, refused.json()["code"]) == (403, "must_change_password")
    assert client.get("/api/v1/me/").json()["must_change_password"] is True


def test_choosing_a_password_opens_the_house_and_ends_other_sessions(make_person: Callable[..., Any]) -> None:
    nina = make_person("nina", must_change_password=True)
    client, elsewhere = Client(), Client()
    sign_in(client, "nina", "nina-secret-word")
    sign_in(elsewhere, "nina", "nina-secret-word")
    new = "violet harbour lantern"
    form = {"oldpassword": "nina-secret-word", "password1": new, "password2": new, "next": "/p/breast/worklist"}
    assert client.post(CHANGE, form).headers["Location"] == "/p/breast/worklist"
    nina.refresh_from_db()
    assert nina.check_password(new) and not nina.must_change_password
    assert client.get("/api/v1/projects/").status_code == 200
    assert elsewhere.get("/api/v1/projects/").status_code == 401


def test_the_language_of_the_first_sign_in_becomes_the_persons(make_person: Callable[..., Any]) -> None:
    nina = make_person("nina", must_change_password=True)
    client = Client(headers={"accept-language": "zh-CN,zh;q=0.9"})
    sign_in(client, "nina", "nina-secret-word")
    new = "violet harbour lantern"
    client.post(CHANGE, {"oldpassword": "nina-secret-word", "password1": new, "password2": new})
    nina.refresh_from_db()
    assert nina.language == "zh-hans"


def test_a_password_like_the_name_or_a_short_one_is_refused(make_person: Callable[..., Any]) -> None:
    make_person("nina")
    client = Client()
    sign_in(client, "nina", "nina-secret-word")
    for bad in ("short", "password1234"):
        answer = client.post(CHANGE, {"oldpassword": "nina-secret-word", "password1": bad, "password2": bad})
        assert answer.status_code == 200 and 'role="alert"' in answer.content.decode()


def test_nobody_signs_up() -> None:
    from backend.accounts.models import User

    client = Client()
    assert "made by the administrator" in client.get("/accounts/signup/").content.decode()
    client.post("/accounts/signup/", {"username": "evil", "password1": "violet harbour lantern"})
    assert not User.objects.exists()


def test_pages_speak_chinese_where_the_browser_does() -> None:
    client = Client(headers={"accept-language": "zh-CN,zh;q=0.9"})
    page = client.get(LOGIN).content.decode()
    assert '<html lang="zh-hans">' in page
    assert "登录" in page and "Sign in" not in page
    assert ">English</button>" in page and ">简体中文</button>" in page


def test_the_language_can_be_switched_on_the_page() -> None:
    client = Client()
    assert client.post("/i18n/setlang/", {"language": "zh-hans", "next": LOGIN}).headers["Location"] == LOGIN
    assert "登录" in client.get(LOGIN).content.decode()


def test_login_page_obeys_its_own_content_security_policy() -> None:
    answer = Client().get(LOGIN)
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self' 'wasm-unsafe-eval'" in policy and "unsafe-eval'" not in policy.replace("wasm-unsafe-eval'", "")
    page = answer.content.decode()
    assert "<script" not in page and " onclick" not in page and "http://" not in page and "https://" not in page
