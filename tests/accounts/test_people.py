"""One's own account, and the administrator's making of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from backend.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(make_person: Callable[..., Any]) -> Any:
    return make_person("ada", is_superuser=True, first_name="Ada Lovelace")


def test_me_tells_who_and_in_which_projects(reader: Any, as_person: Callable[..., APIClient]) -> None:
    assert as_person(reader).get("/api/v1/me/").json() == {
        "username": "rita",
        "full_name": "",
        "initials": "RI",
        "language": "en",
        "must_change_password": False,
        "may_create_projects": False,
        "is_admin": False,
        "can_keep_identities": False,
        "key_bindings": {},
        "room": {},
        "tour_seen": False,
        "projects": [
            {
                "slug": "breast",
                "name": "Breast ultrasound",
                "role": "reader",
                "modality": "US",
                "unit": "image",
                "synthetic": False,
            }
        ],
    }


def test_initials_come_from_the_name(admin: Any, as_person: Callable[..., APIClient]) -> None:
    me = as_person(admin).get("/api/v1/me/").json()
    assert (me["initials"], me["is_admin"], me["full_name"]) == ("AL", True, "Ada Lovelace")


def test_language_and_keys_are_kept_and_nothing_else(reader: Any, as_person: Callable[..., APIClient]) -> None:
    client = as_person(reader)
    change = {"language": "zh-hans", "key_bindings": {"undo": "u"}, "is_superuser": True, "may_create_projects": True}
    answer = client.patch("/api/v1/me/", change, format="json")
    assert answer.json()["language"] == "zh-hans" and answer.json()["key_bindings"] == {"undo": "u"}
    assert not answer.json()["is_admin"] and not answer.json()["may_create_projects"]
    assert client.cookies["django_language"].value == "zh-hans"
    assert client.patch("/api/v1/me/", {"language": "xx"}, format="json").status_code == 400


def test_administrator_makes_a_person_who_must_choose_a_password(admin: Any, as_person: Callable[..., APIClient]) -> None:
    made = as_person(admin).post("/api/v1/users/", {"username": "nina", "full_name": "Nina Novak"}, format="json")
    assert made.status_code == 201
    password = made.json()["one_time_password"]
    nina = User.objects.get(username="nina")
    assert nina.check_password(password) and nina.must_change_password and not nina.is_superuser
    assert as_person(admin).post("/api/v1/users/", {"username": "nina"}, format="json").status_code == 400


def test_a_weak_given_password_is_refused(admin: Any, as_person: Callable[..., APIClient]) -> None:
    answer = as_person(admin).post("/api/v1/users/", {"username": "nina", "password": "short"}, format="json")
    assert answer.status_code == 400


def test_nobody_else_makes_people(reader: Any, lead: Any, as_person: Callable[..., APIClient]) -> None:
    for person in (reader, lead):
        assert as_person(person).post("/api/v1/users/", {"username": "evil"}, format="json").status_code == 403
    assert not User.objects.filter(username="evil").exists()


def test_people_are_listed_by_name_without_anything_private(
    reader: Any, admin: Any, as_person: Callable[..., APIClient]
) -> None:
    assert as_person(reader).get("/api/v1/users/").json() == [
        {"username": "ada", "full_name": "Ada Lovelace"},
        {"username": "rita", "full_name": ""},
    ]


def test_anonymous_gets_401_from_the_api_and_the_login_page_from_the_rest() -> None:
    client = Client()
    assert client.get("/api/v1/me/").status_code == 401
    assert client.get("/p/breast/worklist").headers["Location"] == "/accounts/login/?next=/p/breast/worklist"


def test_an_unsafe_request_of_a_session_needs_the_csrf_token(reader: Any) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(reader)
    assert client.patch("/api/v1/me/", {"language": "en"}, format="json").status_code == 403


def test_how_the_reading_room_is_liked_is_kept_by_modality_and_wrong_words_are_refused(
    reader: Any, as_person: Callable[..., APIClient]
) -> None:
    client = as_person(reader)
    for change in ({"layouts": {"CT": "1x2"}}, {"layouts": {"MG": "2x2"}, "left_width": 240}, {"linked": False}):
        assert client.patch("/api/v1/me/", {"room": change}, format="json").status_code == 200
    kept = {"layouts": {"CT": "1x2", "MG": "2x2"}, "left_width": 240, "linked": False}
    assert client.get("/api/v1/me/").json()["room"] == kept
    for wrong in ({"layouts": {"CT": "9x9"}}, {"layouts": {"ct?": "1x1"}}, {"left_width": 2000}):
        assert client.patch("/api/v1/me/", {"room": wrong}, format="json").status_code == 400
