"""A reader, a reviewer and another reviewer at one reading at the same moment: one of them comes too late, and is told."""

from __future__ import annotations

import pytest

from backend.readings.models import Reading, ReadingRevision
from backend.review.models import Review
from tests.readings.test_concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_taking_back_and_submitting_an_edit_never_both_succeed(done, edited) -> None:
    reopened, submitted = at_once(done.way.reopen, edited.submit)
    assert sorted((reopened.status_code, submitted.status_code)) == [200, 409]
    late = submitted if reopened.status_code == 200 else reopened
    assert late.json()["code"] == ("stale" if late is submitted else "edited")


def test_sending_back_and_taking_back_make_one_draft(desk, done) -> None:
    before = done.revision
    answers = at_once(lambda: desk.send_back(done, revision=before), done.way.reopen)
    assert {answer.status_code for answer in answers} <= {200, 404, 409}
    done.refresh_from_db()
    assert (done.state, done.revision) == ("draft", before + 1)
    assert ReadingRevision.objects.filter(reading=done, number__gt=before).count() == 1


def test_one_decision_many_times_is_one_review(desk, done) -> None:
    revision = done.revision
    answers = at_once(*[lambda: desk.decide(done, revision=revision)] * 8)
    assert {answer.status_code for answer in answers} == {200}
    assert Review.objects.count() == 1


def test_one_edit_begun_in_many_tabs_is_one_draft(desk, done) -> None:
    revision = done.revision
    answers = at_once(*[lambda: desk.edit(done, revision=revision)] * 8)
    assert {answer.status_code for answer in answers} == {200}, [answer.content for answer in answers]
    assert (Review.objects.count(), Reading.objects.count()) == (1, 2)
    own = Reading.objects.exclude(pk=done.pk).get()
    assert (own.revision, own.lesions.count()) == (1, 1)
