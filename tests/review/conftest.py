"""A finished reading and a reviewer at it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.readings.conftest import BASE, Reading, assisted, case, model, predicted, start

__all__ = ["BASE", "assisted", "case", "model", "predicted", "start"]


class Desk:
    """A reviewer at work: lists, decides, begins edits."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def queue(self, **query: Any) -> Any:
        return self.client.get(f"{BASE}/reviews/", query).json()

    def rows(self, **query: Any) -> list[dict[str, Any]]:
        return self.queue(**query)["results"]

    def decide(self, reading: Any, decision: str = "agreed", *, revision: int | None = None, **more: Any) -> Any:
        body = {"reading": str(reading.pk), "revision": self._revision(reading, revision), "decision": decision, **more}
        return self.client.post(f"{BASE}/reviews/", body, format="json")

    def send_back(self, reading: Any, comment: str = "A lesion is missing.", **more: Any) -> Any:
        return self.decide(reading, "sent_back", comment=comment, **more)

    def edit(self, reading: Any, *, revision: int | None = None) -> Any:
        body = {"reading": str(reading.pk), "revision": self._revision(reading, revision)}
        return self.client.post(f"{BASE}/reviews/edit/", body, format="json")

    @staticmethod
    def _revision(reading: Any, revision: int | None) -> int:
        if revision is not None:
            return revision
        reading.refresh_from_db()
        return reading.revision


@pytest.fixture
def desk(as_person, reviewer) -> Desk:
    return Desk(as_person(reviewer))


@pytest.fixture
def desk_of(as_person):
    return lambda person: Desk(as_person(person))


@pytest.fixture
def hand_in(start):
    """Somebody reads a case: one box, submitted; returns the stored reading, with the reader's way as `.way`."""
    from backend.readings.models import Reading as Stored

    def read(person: Any, case: Any, *, lesion: bool = True, **change: Any) -> Any:
        way: Reading = start(person, case)
        if lesion:
            change = {"verdict": "lesions", **change}
            assert way.mark(way.box(), **change).status_code == 200
        else:
            assert way.save(**{"verdict": "no_lesion", **change}).status_code == 200
        answer = way.submit()
        assert answer.status_code == 200, answer.json()
        stored = Stored.objects.get(pk=way.room["reading"]["id"])
        stored.way = way
        return stored

    return read


@pytest.fixture
def done(reader, case, hand_in) -> Any:
    """Rita's submitted reading of an assisted case, which wants no more."""
    return hand_in(reader, case)


@pytest.fixture
def edited(desk, done, start, reviewer, case):
    """The reviewer's draft that edits it: his way through the API."""
    assert desk.edit(done).status_code == 200
    return start(reviewer, case)


def new_id() -> str:
    return str(uuid.uuid4())
