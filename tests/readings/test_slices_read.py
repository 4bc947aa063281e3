"""A reading of a series says which of its slices were looked at."""

from __future__ import annotations

import pytest

from backend.readings.models import Reading, ReadingRevision
from backend.readings.past_readings import reading_at
from tests.rows import make_case

BASE = "/api/v1/projects/breast"
pytestmark = pytest.mark.django_db


@pytest.fixture
def series(assisted):
    assisted.unit = "series"
    assisted.save()
    return make_case(assisted, count=12)


def test_slices_that_were_seen_are_kept_with_the_reading_and_its_revisions(reader, series, start) -> None:
    desk = start(reader, series)
    assert desk.room["reading"]["slices_read"] is None
    desk.save(comment="begun at slice 4", slices_read=[[3, 5], [0, 0]])
    answer = desk.save(comment="went on", slices_read=[[6, 7]])
    assert answer.json()["slices_read"] == [[0, 0], [3, 7]]
    assert desk.save(comment="nothing new was seen").json()["slices_read"] == [[0, 0], [3, 7]]
    again = start(reader, series).room["reading"]
    assert again["slices_read"] == [[0, 0], [3, 7]]
    first = ReadingRevision.objects.get(reading=again["id"], number=1)
    assert first.content["slices_read"] == [[0, 0], [3, 5]]
    past = reading_at(Reading.objects.get(pk=again["id"]), 1)
    assert past is not None and past.slices_read == [[0, 0], [3, 5]]


def test_what_was_once_seen_stays_so_whichever_tab_saves_last(reader, series, start) -> None:
    one, other = start(reader, series), start(reader, series)
    one.save(comment="one", slices_read=[[0, 5]])
    stale = other.save(comment="other", slices_read=[[8, 11]])
    assert stale.status_code == 412 and stale.json()["current"]["slices_read"] == [[0, 5]]
    answer = other.save(etag=one.etag, comment="other", slices_read=[[8, 11]])
    assert answer.json()["slices_read"] == [[0, 5], [8, 11]]


def test_slices_stay_as_they_are_when_the_reading_is_submitted_and_opened_again(reader, series, start) -> None:
    desk = start(reader, series)
    desk.save(verdict="no_lesion", slices_read=[[0, 3]])
    assert desk.submit().json()["slices_read"] == [[0, 3]]
    assert desk.reopen().json()["slices_read"] == [[0, 3]]
    assert desk.save(comment="the rest", slices_read=[[4, 11]]).json()["slices_read"] == [[0, 11]]


@pytest.mark.parametrize("ranges", [[[0, 12]], [[5, 4]], [[0, 3], [12, 12]]])
def test_slices_that_the_series_does_not_have_are_refused_and_nothing_is_saved(reader, series, start, ranges) -> None:
    desk = start(reader, series)
    answer = desk.save(comment="x", slices_read=ranges)
    assert (answer.status_code, answer.json()["code"]) == (409, "slices_read")
    first, last = ranges[-1]
    assert answer.json()["detail"] == f"The case has 12 slices, 0 to 11: {first} to {last} are none of them."
    assert Reading.objects.get(case=series).comment == ""


@pytest.mark.parametrize("ranges", [[[-1, 3]], [[1]], [["a", 2]], [[0, 1, 2]], 7, None])
def test_what_is_no_range_of_slices_is_refused(reader, series, start, ranges) -> None:
    desk = start(reader, series)
    answer = desk.save(comment="x", slices_read=ranges)
    assert answer.status_code == 400 and Reading.objects.get(case=series).comment == ""


def test_a_reading_that_was_begun_without_saying_so_goes_on_speaking_of_all_slices(reader, series, start) -> None:
    desk = start(reader, series)
    desk.save(comment="begun before slices were recorded")
    assert desk.save(comment="and after", slices_read=[[0, 1]]).json()["slices_read"] is None
