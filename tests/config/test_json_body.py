"""What a request's JSON may be, and what every other body is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from backend.config.json_body import MAX_JSON_BYTES

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/projects/breast/webhooks/"
GOOD = b'{"name": "a", "url": "https://example.org/", "events": ["round.finished"]}'


@pytest.mark.parametrize(
    ("body", "kind", "status", "told"),
    [
        (b"[" * 200_000, "application/json", 400, "nested too deeply"),
        (b'{"name": ' * 90_000, "application/json", 400, "nested too deeply"),
        (b'{"name": NaN}', "application/json", 400, "no JSON"),
        (b'{"name": 1e999}', "application/json", 400, "no JSON"),
        (b'{"name": ' + b"9" * 5_000 + b"}", "application/json", 400, "no JSON"),
        (b'{"na\\u0000me": 1}', "application/json", 400, "U+0000"),
        (b'{"events": [["\\udc80"]]}', "application/json", 400, "surrogate"),
        (b'{"name": "\xff"}', "application/json", 400, "not UTF-8"),
        (b'{"name": ', "application/json", 400, "line 1, column 10"),
        (b" " * (MAX_JSON_BYTES + 1), "application/json", 413, "at most"),
        (GOOD.decode().encode("utf-16"), "application/json; charset=utf-16", 415, "UTF-8"),
        (GOOD, "application/json; charset=unicode_escape", 415, "UTF-8"),
        (GOOD, "application/json; charset=idna", 415, "UTF-8"),
    ],
    ids=[
        "deep list",
        "deep object",
        "NaN",
        "infinity",
        "digits",
        "nul",
        "surrogate",
        "byte",
        "end",
        "length",
        "utf-16",
        "escapes",
        "idna",
    ],
)
def test_a_body_that_is_no_json_is_told_what_is_wrong(
    project: Any, lead: Any, as_person: Callable[..., Any], body: bytes, kind: str, status: int, told: str
) -> None:
    answer = as_person(lead).generic("POST", ADDRESS, body, content_type=kind)
    assert answer.status_code == status and told in answer.json()["detail"]


def test_pairs_of_surrogates_and_escaped_backslashes_are_text(
    project: Any, lead: Any, as_person: Callable[..., Any]
) -> None:
    name = b'"\\ud83e\\udec1 \\\\u0000 \xf0\x9f\xab\x81"'
    answer = as_person(lead).generic("PATCH", "/api/v1/projects/breast/", b'{"name": %b}' % name, "application/json")
    assert answer.status_code == 200 and answer.json()["name"] == "\U0001fac1 \\u0000 \U0001fac1"


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=UTF-8"])
def test_json_in_utf_8_is_taken(project: Any, lead: Any, as_person: Callable[..., Any], kind: str) -> None:
    answer = as_person(lead).generic("POST", ADDRESS, b"\xef\xbb\xbf" + GOOD, content_type=kind)
    assert answer.status_code != 415 and "no JSON" not in str(answer.content)
