"""A reading whose place a reviewer's edit has taken teaches nothing, the edit does."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from backend.learning.models import Inquiry, Round, Snapshot, SnapshotItem
from backend.learning.reading_times import reading_times
from backend.learning.second_look import second_look
from backend.learning.selectors import labels, new_labels, snapshot_readings, truth
from backend.readings.models import Reader, Reading
from backend.readings.services import person_reader
from tests.rows import make_case, make_edit, make_reading

pytestmark = pytest.mark.django_db


@pytest.fixture
def done(project, reader) -> Any:
    project.blinded_share = 0
    project.save()
    case = make_case(project, is_open=False)
    submitted = timezone.now()
    return make_reading(person_reader(project=project, user=reader), case, scores=[None], revision=2, submitted_at=submitted)


@pytest.fixture
def vera(project, reviewer) -> Reader:
    return person_reader(project=project, user=reviewer)


def test_only_the_edit_is_a_label(project, done, vera) -> None:
    assert list(labels(project, "POOL")) == [done]
    edit = make_edit(done, vera)
    assert list(labels(project, "POOL")) == truth(project, "POOL") == [edit]
    assert new_labels(project) == 1


def test_the_original_is_a_label_while_the_edit_is_a_draft_or_edits_another_revision(project, done, vera) -> None:
    edit = make_edit(done, vera, state="draft")
    assert list(labels(project, "POOL")) == [done]
    Reading.objects.filter(pk=edit.pk).update(state="submitted", revises_revision=done.revision - 1)
    assert set(labels(project, "POOL")) == {done, edit}


def test_a_round_that_goes_on_learns_from_what_its_snapshot_froze_whoever_edits_it_meanwhile(project, done, vera) -> None:
    snapshot = Snapshot.objects.create(project=project, hash="0" * 64, vocabulary_version=1)
    SnapshotItem.objects.create(snapshot=snapshot, case=done.case, reading=done, revision=done.revision)
    round_ = Round(project=project, number=1, snapshot=snapshot)
    assert snapshot_readings(round_) == [done]
    make_edit(done, vera)
    assert snapshot_readings(round_) == [done]


def test_the_second_look_lists_no_label_that_is_none(project, done, vera, lead) -> None:
    doubted = {
        "case": str(done.case_id),
        "reading": str(done.pk),
        "revision": 2,
        "doubt": 0.9,
        "labelled": None,
        "instead": 1,
    }
    answer = {"n_labels": 1, "n_patients": 1, "labels": [doubted]}
    Inquiry.objects.create(project=project, kind="labels", answer=answer, answered_at=timezone.now())
    assert len(second_look(project=project, user=lead, role="lead")["doubts"]["cases"]) == 1
    make_edit(done, vera)
    doubts = second_look(project=project, user=lead, role="lead")["doubts"]
    assert (doubts["cases"], doubts["changed"]) == ([], 1)


def test_near_duplicates_are_compared_by_the_edit(project, done, vera, lead) -> None:
    twin = make_case(project, group=done.case.group_key, is_open=False)
    for case in (done.case, twin):
        case.instance.dhash = "0" * 64
        case.instance.save()
    make_reading(Reader.objects.create(project=project, kind="imported", name="truth"), twin, scores=[None])
    assert second_look(project=project, user=lead, role="lead")["pairs"] == []
    edit = make_edit(done, vera, scores=[])
    Reading.objects.filter(pk=edit.pk).update(verdict="no_lesion")
    assert len(second_look(project=project, user=lead, role="lead")["pairs"]) == 1


def test_how_long_people_read_is_not_told_by_edits(project, done, vera) -> None:
    Reading.objects.filter(pk=done.pk).update(active_seconds=60)
    edit = make_edit(done, vera)
    Reading.objects.filter(pk=edit.pk).update(active_seconds=5)
    assert [seconds for *_, seconds in reading_times(project)] == [60]
