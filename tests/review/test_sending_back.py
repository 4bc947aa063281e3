"""A reading goes back to its reader with a comment, and is his draft again."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from backend.audit.models import Event
from backend.projects.models import Assignment, Membership
from backend.readings.models import Reading, ReadingRevision
from backend.review.models import Review
from tests.readings.conftest import BASE
from tests.rows import make_case

pytestmark = pytest.mark.django_db
COMMENT = "A lesion is missing."


def test_a_reading_sent_back_is_its_readers_draft_again(desk, done, reader, reviewer, case) -> None:
    before = done.revision
    answer = desk.send_back(done, COMMENT)
    assert answer.status_code == 200, answer.json()
    done.refresh_from_db()
    assert (done.state, done.submitted_at, done.revision) == ("draft", None, before + 1)
    assert (done.sent_back_comment, done.sent_back_by) == (COMMENT, reviewer)
    assert ReadingRevision.objects.get(reading=done, number=done.revision).author == reviewer
    assignment = Assignment.objects.get(user=reader)
    assert (assignment.state, assignment.submitted_at) == ("in_progress", None)
    assert assignment.lease_expires_at > timezone.now() + timedelta(days=6)
    case.refresh_from_db()
    assert (case.readings_submitted, case.is_open) == (0, True)
    told = Event.objects.get(verb="reading.reviewed").detail
    assert told == {"decision": "sent_back", "case": case.name, "revision": before}


def test_the_row_says_what_was_sent_back(desk, done) -> None:
    before = done.revision
    row = desk.send_back(done, COMMENT).json()
    assert (row["revision"], row["n_lesions"], row["verdict"], row["submitted_at"]) == (before, 1, "lesions", None)
    assert (row["review"]["decision"], row["review"]["comment"], row["may_send_back"]) == ("sent_back", COMMENT, False)


def test_what_the_reader_does_since_is_not_told(desk, done) -> None:
    desk.send_back(done)
    done.way.etag = done.way.client.get(f"{BASE}/cases/{done.case_id}/").json()["reading"]["etag"]
    assert done.way.mark(done.way.box([40, 40], [50, 50]), verdict="no_lesion").status_code == 200
    (row,) = desk.rows(state="sent_back")
    assert (row["verdict"], row["n_lesions"]) == ("lesions", 1)


def test_sending_back_again_returns_the_first_answer(desk, done) -> None:
    before = done.revision
    first = desk.send_back(done, COMMENT)
    again = desk.send_back(done, "other words", revision=before)
    assert again.status_code == 200
    assert first.json() == again.json()
    assert Review.objects.count() == 1


@pytest.mark.parametrize("comment", [None, "", "   ", "x" * 501])
def test_sending_back_asks_for_a_comment(desk, done, comment) -> None:
    more = {} if comment is None else {"comment": comment}
    assert desk.decide(done, "sent_back", **more).status_code == 400


def test_the_reader_sees_why_and_by_whom_in_worklist_and_room(desk, done, reader, case, as_person, start) -> None:
    desk.send_back(done, COMMENT)
    told = {"comment": COMMENT, "by": "vera"}
    (row,) = as_person(reader).get(f"{BASE}/worklist/").json()["results"]
    assert (row["sent_back"], row["state"]) == (told, "in_progress")
    assert start(reader, case).room["reading"]["sent_back"] == told
    assert as_person(reader).get(f"{BASE}/worklist/pace/").json()["continue"]["sent_back"] == told


def test_others_do_not_see_it(desk, done, second_reader, case, as_person, start) -> None:
    desk.send_back(done, COMMENT)
    assert as_person(second_reader).get(f"{BASE}/worklist/").json()["results"][0]["sent_back"] is None
    assert COMMENT not in str(start(second_reader, case).room)


def test_submitting_again_ends_it(desk, done, reader, start, as_person) -> None:
    desk.send_back(done)
    way = start(reader, done.case)
    assert way.submit().status_code == 200
    done.refresh_from_db()
    assert (done.state, done.sent_back_comment, done.sent_back_by) == ("submitted", "", None)
    assert Assignment.objects.get(user=reader).sent_back_at is None
    assert as_person(reader).get(f"{BASE}/worklist/").json()["results"][0]["sent_back"] is None
    assert desk.queue()["counts"] == {"waiting": 1, "reviewed": 0, "sent_back": 0}


def test_a_case_sent_back_is_met_before_all_others(desk, assisted, done, reader, as_person) -> None:
    for _ in range(3):
        make_case(assisted, priority=1.0)
    client = as_person(reader)
    other = client.post(f"{BASE}/worklist/next/", {}, format="json").json()["case"]
    assert other != str(done.case_id)
    desk.send_back(done)
    assert client.post(f"{BASE}/worklist/next/", {}, format="json").json()["case"] == str(done.case_id)
    after = client.post(f"{BASE}/worklist/next/", {"after": str(done.case_id)}, format="json").json()["case"]
    assert after not in (None, str(done.case_id))
    room = client.post(f"{BASE}/cases/{other}/open/").json()
    begun = {"revision_id": str(uuid.uuid4()), "verdict": "no_lesion"}
    url, etag = f"{BASE}/readings/{room['reading']['id']}/", room["reading"]["etag"]
    assert client.put(url, begun, format="json", headers={"If-Match": etag}).status_code == 200
    rows = client.get(f"{BASE}/worklist/?state=in_progress").json()["results"]
    assert [row["id"] for row in rows] == [str(done.case_id), other], "although the other has the higher priority"


def test_a_walk_comes_past_what_was_sent_back(desk, assisted, reader, hand_in, as_person) -> None:
    cases = [make_case(assisted) for _ in range(3)]
    for case in cases[:2]:
        assert desk.send_back(hand_in(reader, case)).status_code == 200
    client, met, after = as_person(reader), [], None
    for _ in range(3):
        after = client.post(f"{BASE}/worklist/next/", {"after": after} if after else {}, format="json").json()["case"]
        met.append(after)
    assert set(met) == {str(case.pk) for case in cases} and met[2] == str(cases[2].pk)


def test_what_is_changed_after_it_was_sent_back_is_no_second_look(
    desk, assisted, model, predicted, reader, case, start
) -> None:
    assisted.first_look = True
    assisted.save()
    way = start(reader, case)
    way.mark(way.box(), verdict="lesions")
    assert way.client.post(f"{way.url}reveal/", headers={"If-Match": way.etag}).status_code == 200
    way = start(reader, case)
    shown = [one["id"] for one in way.room["model"]["findings"]]
    way.save(decisions={"upsert": [{"predicted": one, "kind": "rejected", "threshold": 0.5} for one in shown]})
    assert way.submit().status_code == 200
    done = Reading.objects.get(pk=way.room["reading"]["id"])
    desk.send_back(done)
    way = start(reader, case)
    way.mark(way.box([20, 20], [30, 30]))
    assert way.submit().status_code == 200
    assert sorted(done.lesions.values_list("look", flat=True)) == ["", "first"]


def test_nobody_else_is_given_a_case_that_was_sent_back(desk, done, second_reader, as_person) -> None:
    desk.send_back(done)
    assert as_person(second_reader).post(f"{BASE}/worklist/next/", {}, format="json").json()["case"] is None


def test_a_case_sent_back_is_met_although_it_wants_no_more_readings(
    assisted, desk, done, reader, second_reader, hand_in, as_person
) -> None:
    hand_in(second_reader, done.case)
    desk.send_back(done)
    done.case.refresh_from_db()
    assert not done.case.is_open
    assert as_person(reader).post(f"{BASE}/worklist/next/", {}, format="json").json()["case"] == str(done.case_id)


def test_a_blinded_reading_is_never_sent_back(project, desk, reader, reviewer, hand_in) -> None:
    case = make_case(project, split="VALIDATION")
    done = hand_in(reader, case)
    hand_in(reviewer, case)
    answer = desk.send_back(done)
    assert (answer.status_code, answer.json()["code"]) == (409, "blinded")
    done.refresh_from_db()
    assert (done.state, done.sent_back_comment) == ("submitted", "")
    assert not Review.objects.exists()


def test_a_reading_is_not_sent_back_to_who_has_left(desk, done, reader) -> None:
    Membership.objects.filter(user=reader).delete()
    answer = desk.send_back(done)
    assert (answer.status_code, answer.json()["code"]) == (409, "left")


def test_a_stale_revision_is_not_sent_back(desk, done) -> None:
    answer = desk.send_back(done, revision=done.revision + 1)
    assert (answer.status_code, answer.json()["code"]) == (409, "stale")
    assert Reading.objects.get().state == "submitted"


def test_who_sent_it_back_finds_it_although_the_case_is_open_again(desk, desk_of, lead, done) -> None:
    desk.send_back(done)
    assert [row["reading"] for row in desk.rows(state="sent_back")] == [str(done.pk)]
    assert desk.queue()["counts"] == {"waiting": 0, "reviewed": 0, "sent_back": 1}
    assert desk_of(lead).queue()["counts"] == {"waiting": 0, "reviewed": 0, "sent_back": 0}, "the lead has to read it"
