"""Many tabs, repeats and readers at once: nothing is lost, nothing is stored twice, nobody gets another's case."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from backend.projects.models import Assignment
from backend.readings.models import Lesion, Reading, ReadingRevision
from tests.rows import make_case

BASE = "/api/v1/projects/breast"
pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*tasks: Callable[[], Any]) -> list[Any]:
    """Run every task in a thread of its own, all starting together, and give back what each returned."""
    gate = threading.Barrier(len(tasks))

    def run(task: Callable[[], Any]) -> Any:
        try:
            gate.wait(30)
            return task()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return [future.result(120) for future in [pool.submit(run, task) for task in tasks]]


class Tab:
    """A browser tab that saves, and after a conflict takes the current reading and saves again."""

    def __init__(self, client: Any, room: dict[str, Any], name: str) -> None:
        self.client, self.name = client, name
        self.url, self.etag = f"{BASE}/readings/{room['reading']['id']}/", room["reading"]["etag"]
        self.instance = room["series"]["instances"][0]["sop_instance_uid"]
        self.conflicts = 0

    def lesion(self, finding_type: int, number: int) -> dict[str, Any]:
        return {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.name}-{number}")),
            "finding_type": finding_type,
            "kind": "box",
            "sop_instance_uid": self.instance,
            "points": [[number, number], [number + 5, number + 5]],
        }

    def mark(self, lesion: dict[str, Any]) -> None:
        for _ in range(500):
            change = {"revision_id": str(uuid.uuid4()), "lesions": {"upsert": [lesion]}}
            answer = self.client.put(self.url, change, format="json", headers={"If-Match": self.etag})
            if answer.status_code == 200:
                self.etag = answer.json()["etag"]
                return
            assert answer.status_code == 412, answer.content
            self.etag = answer.json()["current"]["etag"]
            self.conflicts += 1
        raise AssertionError("never got through")


@pytest.fixture
def case(project: Any) -> Any:
    project.blinded_share = 0.0
    project.save()
    return make_case(project)


def test_two_tabs_with_many_edits_lose_none(project, reader, case, as_person) -> None:
    edits = 25
    finding_type = project.finding_types.filter(scope="lesion").first().pk
    room = as_person(reader).post(f"{BASE}/cases/{case.pk}/open/").json()
    tabs = [Tab(as_person(reader), room, name) for name in ("left", "right")]

    def work(tab: Tab) -> None:
        for number in range(edits):
            tab.mark(tab.lesion(finding_type, number))

    at_once(*(lambda tab=tab: work(tab) for tab in tabs))
    reading = Reading.objects.get(case=case)
    assert Lesion.objects.filter(reading=reading).count() == 2 * edits
    assert reading.revision == ReadingRevision.objects.filter(reading=reading).count() == 2 * edits
    counts = [len(row.content["lesions"]) for row in ReadingRevision.objects.filter(reading=reading).order_by("number")]
    assert counts == list(range(1, 2 * edits + 1)), "each revision holds one mark more than the one before"


def test_twenty_parallel_repeats_of_one_save_are_one_save(project, reader, case, as_person) -> None:
    finding_type = project.finding_types.filter(scope="lesion").first().pk
    room = as_person(reader).post(f"{BASE}/cases/{case.pk}/open/").json()
    clients = [as_person(reader) for _ in range(20)]
    tab = Tab(clients[0], room, "only")
    change = {"revision_id": str(uuid.uuid4()), "lesions": {"upsert": [tab.lesion(finding_type, 1)]}, "comment": "once"}
    headers = {"If-Match": tab.etag}
    answers = at_once(*(lambda c=c: c.put(tab.url, change, format="json", headers=headers) for c in clients))
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert (ReadingRevision.objects.count(), Lesion.objects.count(), Reading.objects.get().revision) == (1, 1, 1)


def test_of_two_different_saves_on_one_etag_one_wins(reader, case, as_person) -> None:
    room = as_person(reader).post(f"{BASE}/cases/{case.pk}/open/").json()
    tabs = [Tab(as_person(reader), room, str(number)) for number in range(6)]

    def save(tab: Tab) -> Any:
        change = {"revision_id": str(uuid.uuid4()), "comment": tab.name}
        return tab.client.put(tab.url, change, format="json", headers={"If-Match": tab.etag})

    answers = at_once(*(lambda tab=tab: save(tab) for tab in tabs))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412, 412]
    [won] = [answer.json() for answer in answers if answer.status_code == 200]
    assert Reading.objects.get().comment == won["comment"]


def test_submitting_while_another_tab_saves_never_submits_what_was_not_seen(reader, case, as_person) -> None:
    room = as_person(reader).post(f"{BASE}/cases/{case.pk}/open/").json()
    saver, submitter = (Tab(as_person(reader), room, name) for name in ("saver", "submitter"))
    change = {"revision_id": str(uuid.uuid4()), "verdict": "no_lesion"}
    saved = saver.client.put(saver.url, change, format="json", headers={"If-Match": saver.etag})
    etag = saved.json()["etag"]
    late = {"revision_id": str(uuid.uuid4()), "comment": "one more thing"}
    answers = at_once(
        lambda: saver.client.put(saver.url, late, format="json", headers={"If-Match": etag}).status_code,
        lambda: submitter.client.post(f"{submitter.url}submit/", headers={"If-Match": etag}).status_code,
    )
    assert answers in ([200, 412], [409, 200])
    reading = Reading.objects.get()
    assert (reading.state, reading.comment) == (("draft", "one more thing") if answers[0] == 200 else ("submitted", ""))


def test_readers_who_ask_at_once_get_different_cases(project, case, make_person, as_person) -> None:
    from backend.projects.models import Membership

    for _ in range(7):
        make_case(project)
    readers = [make_person(f"reader{number}") for number in range(8)]
    for reader in readers:
        Membership.objects.create(project=project, user=reader, role="reader")
    clients = [as_person(reader) for reader in readers]
    answers = at_once(*(lambda c=c: c.post(f"{BASE}/worklist/next/", {}, format="json").json()["case"] for c in clients))
    assert None not in answers
    assert len(set(answers)) == 8
    assert Assignment.objects.count() == 8


def test_opening_a_case_in_many_tabs_makes_one_draft(reader, case, as_person) -> None:
    clients = [as_person(reader) for _ in range(8)]
    rooms = at_once(*(lambda c=c: c.post(f"{BASE}/cases/{case.pk}/open/").json() for c in clients))
    assert len({room["reading"]["id"] for room in rooms}) == 1
    assert (Assignment.objects.count(), Reading.objects.count()) == (1, 1)


def test_two_readers_who_submit_at_once_both_count(project, reader, second_reader, case, as_person) -> None:
    project.readings_wanted = 2
    project.save()
    desks = []
    for person in (reader, second_reader):
        client = as_person(person)
        room = client.post(f"{BASE}/cases/{case.pk}/open/").json()
        tab = Tab(client, room, person.username)
        change = {"revision_id": str(uuid.uuid4()), "verdict": "no_lesion"}
        tab.etag = client.put(tab.url, change, format="json", headers={"If-Match": tab.etag}).json()["etag"]
        desks.append(tab)
    codes = at_once(*(lambda t=t: t.client.post(f"{t.url}submit/", headers={"If-Match": t.etag}).status_code for t in desks))
    assert codes == [200, 200]
    case.refresh_from_db()
    assert (case.readings_submitted, case.is_open) == (2, False)
