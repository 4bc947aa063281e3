"""One table decides who may do what: the real URL tree is walked, and every operation called as everybody."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from backend.accounts.access import ACCESS, ADMIN, PUBLIC, SIGNED_IN
from tests.rows import make_case

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MISSING = "no-such-project"

# Routes outside the table: what an anonymous caller gets there. "page": a page or document for everybody;
# "sign in": sent to the login page; "this machine": a page for callers on it, refused to others; "nothing": an answer
# without content (404, 405, or a redirect back).
EXCEPTIONS = {
    "api/schema/": "page",
    "api/docs/": "page",
    "accounts/login/": "page",
    "accounts/logout/": "nothing",
    "accounts/password/change/": "sign in",
    "accounts/inactive/": "page",
    "accounts/signup/": "page",
    "i18n/setlang/": "nothing",
    "healthz": "page",
    "readyz": "page",
    "metrics": "this machine",
    "^(?:api|dicom-web)/": "nothing",
    "^(?!static/|accounts/).*$": "sign in",
}

# A value for each argument of a route. Access is decided before any object but the project is looked up.
ARGUMENTS: dict[str, str] = {
    "slug": "breast",
    "digest": "0" * 64,
    "username": "nobody",
    "finding_type_id": "1",
    "token_id": "1",
    "number": "1",
    "model_id": "1",
    "frames": "1",
    "kind": "labels",
    # Of a root that `tests.rows` never uses: a study that is there by chance would be served, or fail for want of pixels.
    "study": "2.25.1",
    "series": "2.25.1.1",
    "instance": "2.25.1.1.1",
    **{
        name: str(uuid.UUID(int=1))
        for name in (
            "case_id",
            "reading_id",
            "run_id",
            "item_id",
            "job_id",
            "webhook_id",
            "delivery_id",
            "source_id",
            "export_id",
            "waiting_id",
        )
    },
}


@dataclass(frozen=True)
class Route:
    pattern: str
    view: Any

    @property
    def operations(self) -> dict[str, str]:
        return getattr(self.view, "operations", {})

    def path(self, **changed: str) -> str:
        values = ARGUMENTS | changed

        def value(match: re.Match[str]) -> str:
            name = match["name"]
            assert name in values, f"teach this test a value for <{name}> in {self.pattern}"
            return values[name]

        path = re.sub(r"\(\?P<(?P<name>\w+)>[^()]*\)", value, self.pattern)
        path = re.sub(r"<(?:\w+:)?(?P<name>\w+)>", value, path)
        return "/" + path.replace("^", "").replace("$", "").replace("\\", "")


def routes(patterns: list[Any] | None = None, prefix: str = "") -> Iterator[Route]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        here = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, here)
        else:
            assert isinstance(pattern, URLPattern)
            callback = pattern.callback
            yield Route(here, getattr(callback, "cls", None) or getattr(callback, "view_class", callback))


def operations() -> list[tuple[Route, str, str]]:
    return [(route, method, operation) for route in routes() for method, operation in route.operations.items()]


def test_every_route_has_its_rows_or_is_a_named_exception() -> None:
    without = [route.pattern for route in routes() if not route.operations and route.pattern not in EXCEPTIONS]
    assert without == []
    known = {route.pattern for route in routes()}
    assert set(EXCEPTIONS) <= known, "an exception whose route is gone"


def test_every_method_of_every_view_has_its_row() -> None:
    for route in routes():
        if not route.operations:
            continue
        answered = {method for method in METHODS if hasattr(route.view, method.lower())}
        assert answered == set(route.operations), route.pattern
        assert set(route.operations.values()) <= set(ACCESS), route.pattern


def test_every_row_of_the_table_has_its_route() -> None:
    used = {operation for _, _, operation in operations()}
    assert set(ACCESS) - used == set()


def test_a_project_route_belongs_to_the_members_of_that_project() -> None:
    from backend.projects.project_view import ProjectView

    for route in routes():
        if "<slug" in route.pattern:
            assert issubclass(route.view, ProjectView), route.pattern
            for operation in route.operations.values():
                assert not ACCESS[operation] & (PUBLIC | SIGNED_IN | ADMIN), operation


@pytest.fixture
def people(project, reader, reviewer, lead, outsider, make_person) -> dict[str, Any]:
    make_case(project)
    everybody = {"reader": reader, "reviewer": reviewer, "lead": lead, "outsider": outsider}
    everybody["admin"] = make_person("ada", is_superuser=True, is_staff=True)
    return everybody


def call(person: Any, method: str, path: str) -> Any:
    client = APIClient()
    if person is not None:
        client.force_login(person)
    client.raise_request_exception = True
    return client.generic(method, path, b"{}", content_type="application/json")


def is_outside(answer: Any) -> bool:
    return answer.status_code == 404 and answer.json().get("detail") == "No such project."


@pytest.mark.parametrize(("route", "method", "operation"), operations(), ids=lambda value: getattr(value, "pattern", value))
def test_who_may_and_who_may_not(route: Route, method: str, operation: str, people: dict[str, Any]) -> None:
    allowed = ACCESS[operation]
    path = route.path()
    anonymous = call(None, method, path)
    assert anonymous.status_code in ((401,) if allowed != PUBLIC else (200, 400, 404)), anonymous.status_code
    if "<slug" not in route.pattern:
        for name, role in (("outsider", "signed_in"), ("admin", "admin")):
            answer = call(people[name], method, path)
            may = bool({role, "signed_in"} & allowed)
            # A project is created by whom an administrator allowed to: a property of the person, not of a role.
            refused = answer.status_code == 403 and not (operation == "project.create" and name == "outsider")
            assert refused is not may, (name, answer.status_code)
        return
    for role in ("reader", "reviewer", "lead"):
        answer = call(people[role], method, path)
        if role in allowed:
            assert answer.status_code not in (401, 403), (role, answer.status_code)
            assert answer.status_code == 404 or answer.status_code < 500
            assert not (answer.status_code == 404 and is_outside(answer))
        else:
            assert answer.status_code == 403, (role, answer.status_code)
    for name in ("outsider", "admin"):
        foreign = call(people[name], method, path)
        missing = call(people[name], method, route.path(slug=MISSING))
        assert foreign.status_code == missing.status_code == 404
        assert foreign.content == missing.content, "an outsider cannot tell this project from one that is not there"
        assert is_outside(foreign)


@pytest.mark.parametrize(("route", "method", "operation"), operations(), ids=lambda value: getattr(value, "pattern", value))
def test_an_unsafe_request_from_another_site_is_refused(
    route: Route, method: str, operation: str, people: dict[str, Any]
) -> None:
    if method == "GET":
        return
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(people["lead"])
    answer = client.generic(method, route.path(), b"{}", content_type="application/json")
    assert (answer.status_code, "CSRF" in str(answer.content)) == (403, True)


@pytest.mark.parametrize(("pattern", "expected"), EXCEPTIONS.items())
@pytest.mark.django_db
def test_what_anybody_gets_outside_the_table(pattern: str, expected: str) -> None:
    path = {"^(?:api|dicom-web)/": "/api/v1/nothing/", "^(?!static/|accounts/).*$": "/p/breast/worklist"}.get(
        pattern, f"/{pattern}"
    )
    answer = Client().get(path)
    if expected == "page":
        assert answer.status_code in (200, 503), answer.status_code
    elif expected == "sign in":
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")
    elif expected == "this machine":
        assert answer.status_code == 200
        assert Client(REMOTE_ADDR="192.0.2.1").get(path).status_code in (401, 403, 404)
    else:
        assert answer.status_code in (302, 404, 405), answer.status_code
