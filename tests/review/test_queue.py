"""The queue: which readings wait, page by page, and that no list shows more than the reading room."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backend.projects.models import Assignment, Case
from backend.readings.models import Reader, Reading
from backend.readings.selectors import cases_judged_by, judged_cases
from backend.readings.services import person_reader
from backend.review.selectors import PAGE
from tests.rows import make_case, make_reading

pytestmark = pytest.mark.django_db


@pytest.fixture
def many(assisted, reader, second_reader):
    """Two pages of readings, by turns of two readers, the first the oldest."""
    made = []
    for number in range(PAGE + 5):
        user = (reader, second_reader)[number % 2]
        case = make_case(assisted, is_open=False, readings_submitted=1)
        Assignment.objects.create(case=case, user=user, arm="assisted", arm_probability=1.0, state="submitted")
        at = timezone.now() - timedelta(hours=100 - number)
        reading = make_reading(person_reader(project=assisted, user=user), case, submitted_at=at, revision=1)
        made.append(reading)
    return made


def test_waiting_ones_come_oldest_first_page_by_page(desk, many) -> None:
    first = desk.queue()
    assert [row["reading"] for row in first["results"]] == [str(one.pk) for one in many[:PAGE]]
    assert first["counts"] == {"waiting": len(many), "reviewed": 0, "sent_back": 0}
    desk.decide(many[3])
    second = desk.queue(cursor=first["next"])
    assert [row["reading"] for row in second["results"]] == [str(one.pk) for one in many[PAGE:]]
    assert second["next"] is None


def test_reviewed_ones_come_newest_first(desk, many) -> None:
    for reading in many:
        desk.decide(reading)
    first = desk.queue(state="reviewed")
    expected = [str(one.pk) for one in reversed(many)]
    assert [row["reading"] for row in first["results"]] == expected[:PAGE]
    assert [row["reading"] for row in desk.rows(state="reviewed", cursor=first["next"])] == expected[PAGE:]


def test_an_edit_stands_where_it_was_submitted_not_where_it_began(
    desk, edited, done, assisted, second_reader, hand_in
) -> None:
    other = hand_in(second_reader, make_case(assisted))
    desk.decide(other)
    assert edited.submit().status_code == 200
    rows = desk.rows(state="reviewed")
    assert [row["reading"] for row in rows] == [str(done.pk), str(other.pk)]
    assert rows[0]["review"]["decided_at"] > rows[1]["review"]["decided_at"]


def test_a_reader_narrows_the_list(desk, many) -> None:
    queue = desk.queue(reader="sam")
    assert {row["reader"]["username"] for row in queue["results"]} == {"sam"}
    assert queue["readers"] == [{"username": "rita", "name": "rita"}, {"username": "sam", "name": "sam"}]
    assert desk.rows(reader="nobody") == []


def test_readings_of_one_time_are_neither_lost_nor_told_twice(desk, many) -> None:
    Reading.objects.update(submitted_at=timezone.now())
    first = desk.queue()
    rows = first["results"] + desk.rows(cursor=first["next"])
    assert len({row["reading"] for row in rows}) == len(rows) == len(many)


@pytest.mark.parametrize("cursor", ["x", "1", "1.2", "99999999999999999.00000000000000000000000000000000"])
def test_a_cursor_that_is_none_is_no_error_of_the_server(desk, many, cursor: str) -> None:
    answer = desk.client.get("/api/v1/projects/breast/reviews/", {"cursor": cursor})
    assert answer.status_code in (200, 400)


def test_an_unknown_state_is_refused(desk) -> None:
    assert desk.client.get("/api/v1/projects/breast/reviews/", {"state": "done"}).status_code == 400


def test_a_page_costs_the_same_whatever_its_length(desk, many) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            desk.queue()
        return len(captured)

    long = queries()
    Reading.objects.exclude(pk__in=[one.pk for one in many[:2]]).update(state="draft")
    assert queries() == long


def test_a_case_tells_all_its_readings_whatever_their_state(desk, assisted, case, reader, second_reader, hand_in) -> None:
    first, second = hand_in(reader, case), hand_in(second_reader, case)
    desk.decide(first)
    rows = {row["reading"]: row["review"] for row in desk.rows(case=str(case.pk))}
    assert set(rows) == {str(first.pk), str(second.pk)}
    assert (rows[str(first.pk)]["decision"], rows[str(second.pk)]) == ("agreed", None)
    desk.send_back(second)
    assert len(desk.rows(case=str(case.pk))) == 2
    assert desk.rows(case=str(make_case(assisted).pk)) == []


@pytest.mark.parametrize("person", ["reader", "reviewer", "lead"])
@pytest.mark.parametrize("first_look", [True, False])
def test_the_list_judges_exactly_the_cases_of_the_reading_room(project, person, first_look, request) -> None:
    """Every combination of split, arm, openness, assignment and own reading: the database says what the room says."""
    user = request.getfixturevalue(person)
    project.first_look, project.blinded_share = first_look, 0.5
    project.save()
    own = Reader.objects.create(project=project, kind="person", name="own", user=user)
    for split in ("POOL", "VALIDATION"):
        for is_open in (True, False):
            for state in (None, "opened", "in_progress", "submitted", "deferred"):
                for arm in ("assisted", "blinded") if split == "POOL" else ("blinded",):
                    for revision in (None, 0, 1):
                        case = make_case(project, split=split, is_open=is_open)
                        if state is not None:
                            Assignment.objects.create(case=case, user=user, arm=arm, arm_probability=0.5, state=state)
                        if revision is not None or state == "submitted":
                            kept = "submitted" if state == "submitted" else "draft"
                            make_reading(own, case, state=kept, revision=revision or 0)
    cases = list(Case.objects.filter(project=project))
    role = {"reader": "reader", "reviewer": "reviewer", "lead": "lead"}[person]
    expected = cases_judged_by(project, user, role=role, cases=cases)
    assert set(judged_cases(project, user, role=role).values_list("pk", flat=True)) == expected
    assert bool(expected) == (person != "reader")
