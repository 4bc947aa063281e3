"""Agreeing with edits: a reading of the reviewer's own that begins from the reviewed one and takes its place."""

from __future__ import annotations

import hashlib
import uuid

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backend.audit.models import Event
from backend.geometry.rle import encode_mask
from backend.projects.models import Assignment
from backend.readings.models import Decision, Reading
from backend.readings.selectors import readings_visible_to, superseded
from backend.review.models import Review
from backend.webhooks.models import Delivery
from backend.webhooks.services import create_webhook
from tests.readings.conftest import BASE
from tests.rows import make_case

pytestmark = pytest.mark.django_db


def is_superseded(reading) -> bool:
    return Reading.objects.filter(superseded(), pk=reading.pk).exists()


def sent(lesion: dict, **change) -> dict:
    """A stored lesion as the page sends it back."""
    kept = ("id", "finding_type", "kind", "sop_instance_uid", "frame", "points", "attributes", "origin", "origin_lesion")
    return {**{name: lesion[name] for name in kept}, "mask": lesion["mask"], **change}


def test_an_edit_begins_with_all_that_the_reader_found(desk, reader, reviewer, case, start, hand_in) -> None:
    finding = str(case.project.finding_types.get(scope="image").pk)
    measured = {
        "id": str(uuid.uuid4()),
        "kind": "length",
        "sop_instance_uid": case.instance.sop_instance_uid,
        "frame": 1,
        "points": [[1, 1], [5, 5]],
        "text": "",
    }
    done = hand_in(reader, case, image_findings={finding: "present"}, measurements=[measured], comment="mine")
    answer = desk.edit(done)
    assert answer.status_code == 200, answer.json()
    own = Reading.objects.get(pk=answer.json()["reading"])
    assert (answer.json()["case"], own.reader.user, own.state) == (str(case.pk), reviewer, "draft")
    assert (own.revises_id, own.revises_revision, own.started_from_id) == (done.pk, done.revision, None)
    room = start(reviewer, case).room["reading"]
    assert (room["id"], room["verdict"], room["comment"]) == (str(own.pk), "lesions", "")
    assert room["image_findings"] == {finding: "present"}
    assert [one["points"] for one in room["measurements"]] == [[[1.0, 1.0], [5.0, 5.0]]]
    assert room["revises"] == {"reading": str(done.pk), "reader": {"name": "rita"}, "revision": done.revision}
    (lesion,), original = room["lesions"], done.lesions.get()
    assert lesion["id"] != str(original.pk)
    assert (lesion["origin"], lesion["origin_lesion"], lesion["moved_pixels"]) == ("reviewed", str(original.pk), 0.0)
    assert (lesion["points"], lesion["kind"]) == (original.points, original.kind)
    assert Assignment.objects.get(user=reviewer).state == "in_progress"
    assert Event.objects.get(verb="reading.edit_begun").detail["of"] == str(done.pk)


def test_beginning_again_returns_the_same_draft(desk, done, edited) -> None:
    edited.save(comment="worked on")
    first = Reading.objects.get(pk=edited.room["reading"]["id"])
    again = desk.edit(done)
    assert (again.status_code, again.json()["reading"]) == (200, str(first.pk))
    assert Reading.objects.get(pk=first.pk).revision == first.revision
    assert Review.objects.count() == Event.objects.filter(verb="reading.edit_begun").count() == 1


def test_no_finding_of_the_model_has_to_be_decided_in_an_edit(desk, model, predicted, reader, reviewer, case, start) -> None:
    way = start(reader, case)
    shown = [one["id"] for one in way.room["model"]["findings"]]
    rejected = [{"predicted": one, "kind": "rejected", "threshold": 0.5} for one in shown]
    way.mark(way.box(), verdict="lesions", decisions={"upsert": rejected})
    assert way.submit().status_code == 200
    desk.edit(Reading.objects.get(pk=way.room["reading"]["id"]))
    edit = start(reviewer, case)
    assert (edit.room["model"], edit.room["reading"]["decisions"]) == (None, [])
    (row,) = desk.client.get(f"{BASE}/worklist/").json()["results"]
    assert (row["state"], row["n_decided"]) == ("in_progress", None)
    assert edit.submit().status_code == 200
    assert Decision.objects.filter(reading=edit.room["reading"]["id"]).count() == 0


def test_no_first_look_is_asked_for_in_an_edit(assisted, desk, reader, reviewer, case, start) -> None:
    assisted.first_look = True
    assisted.save()
    way = start(reader, case)
    way.mark(way.box(), verdict="lesions")
    way.client.post(f"{way.url}reveal/", headers={"If-Match": way.etag})
    way.etag = way.client.get(f"{BASE}/cases/{case.pk}/").json()["reading"]["etag"]
    assert way.submit().status_code == 200
    desk.edit(Reading.objects.get(pk=way.room["reading"]["id"]))
    edit = start(reviewer, case)
    assert not edit.room["first_look"]
    assert edit.submit().status_code == 200


def test_a_moved_lesion_keeps_its_origin_and_says_how_far(done, edited) -> None:
    (lesion,) = edited.room["reading"]["lesions"]
    answer = edited.mark(sent(lesion, points=[[13, 14], [33, 29]]), edited.box([50, 50], [60, 60]))
    assert answer.status_code == 200, answer.json()
    moved, drawn = answer.json()["lesions"]
    assert (moved["origin"], moved["origin_lesion"], moved["moved_pixels"]) == ("reviewed", lesion["origin_lesion"], 5.0)
    assert (drawn["origin"], drawn["origin_lesion"]) == ("drawn", None)


def test_a_removed_lesion_may_come_back(done, edited) -> None:
    (lesion,) = edited.room["reading"]["lesions"]
    assert edited.save(lesions={"remove": [lesion["id"]]}).json()["lesions"] == []
    (back,) = edited.mark(sent(lesion)).json()["lesions"]
    assert (back["origin"], back["origin_lesion"]) == ("reviewed", lesion["origin_lesion"])


def test_a_lesion_whose_original_is_gone_can_still_be_saved(done, edited) -> None:
    (lesion,) = edited.room["reading"]["lesions"]
    original = done.lesions.get()
    assert done.way.reopen().status_code == 200
    assert done.way.save(lesions={"remove": [str(original.pk)]}).status_code == 200
    answer = edited.mark(sent(lesion, points=[[13, 14], [33, 29]]))
    assert answer.status_code == 200, answer.json()
    assert [one["origin"] for one in answer.json()["lesions"]] == ["reviewed"]


def test_only_an_edit_has_reviewed_lesions(reader, second_reader, done, case, start, assisted, edited) -> None:
    (lesion,) = edited.room["reading"]["lesions"]
    wrong = edited.mark(edited.box(origin="reviewed", origin_lesion=str(uuid.uuid4())))
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_lesions")
    wrong = edited.mark(edited.box(origin="reviewed", origin_lesion=None))
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_lesions")
    other = start(second_reader, make_case(assisted))
    wrong = other.mark(other.box(origin="reviewed", origin_lesion=lesion["origin_lesion"]))
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_lesions")


def test_a_mask_is_shared_by_its_digest(desk, reader, reviewer, second_reader, case, start, as_person) -> None:
    blob = encode_mask(np.ones((1, 4, 4), bool))
    digest = hashlib.sha256(blob).hexdigest()
    way = start(reader, case)
    way.client.put(f"{BASE}/blobs/{digest}/", blob, content_type="application/octet-stream")
    mask = {"origin": [0, 0, 0], "shape": [1, 4, 4], "digest": digest}
    way.mark(way.box(kind="mask", points=[], mask=mask), verdict="lesions")
    way.submit()
    desk.edit(Reading.objects.get(pk=way.room["reading"]["id"]))
    edit = start(reviewer, case)
    (lesion,) = edit.room["reading"]["lesions"]
    assert lesion["mask"] == mask
    assert desk.client.get(f"{BASE}/blobs/{digest}/").status_code == 200
    assert as_person(second_reader).get(f"{BASE}/blobs/{digest}/").status_code == 404


def test_the_edited_reading_stays_in_sight_of_its_editor(desk, done, edited, reviewer, case) -> None:
    room = desk.client.get(f"{BASE}/cases/{case.pk}/").json()
    assert [other["id"] for other in room["others"]] == [str(done.pk)]
    edited.save(comment="on")
    assert readings_visible_to(reviewer, case).filter(pk=done.pk).exists()
    done.way.reopen()
    assert not readings_visible_to(reviewer, case).filter(pk=done.pk).exists(), "a draft is its reader's"


def test_a_submitted_edit_takes_the_place(desk, done, edited, case) -> None:
    assert not is_superseded(done)
    assert edited.submit().status_code == 200
    assert is_superseded(done)
    case.refresh_from_db()
    assert (case.readings_submitted, case.is_open) == (1, False)
    (row,) = desk.rows(state="reviewed")
    review = row["review"]
    assert (review["decision"], review["is_mine"], row["may_send_back"]) == ("edited", True, False)
    assert review["replacement"] == {"reading": edited.room["reading"]["id"], "case": str(case.pk), "state": "submitted"}
    told = Event.objects.get(verb="reading.reviewed")
    assert told.detail == {"decision": "edited", "case": case.name, "revision": done.revision}
    assert told.object_id == str(done.pk)


def test_a_submitted_edit_is_announced_as_a_review_of_the_other(settings, project, lead, done, edited, case) -> None:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    events = ["reading.reviewed", "reading.submitted"]
    create_webhook(project=project, by=lead, url="http://127.0.0.1:9/hook", events=events)
    edited.submit()
    told = {one.event: one.payload["data"] for one in Delivery.objects.all()}
    assert told == {
        "reading.submitted": {"reading": edited.room["reading"]["id"], "case": str(case.pk)},
        "reading.reviewed": {"reading": str(done.pk), "case": str(case.pk), "decision": "edited"},
    }


def test_until_an_edit_is_submitted_the_reading_waits(desk, done, edited) -> None:
    (row,) = desk.rows()
    assert (row["review"]["decision"], row["review"]["replacement"]["state"]) == ("edited", "draft")
    assert not Event.objects.filter(verb="reading.reviewed").exists()


def test_a_reopened_edit_gives_the_place_back_until_it_is_submitted_anew(desk, done, edited, case) -> None:
    edited.submit()
    assert edited.reopen().status_code == 200
    assert not is_superseded(done)
    assert desk.queue()["counts"]["waiting"] == 1
    case.refresh_from_db()
    assert (case.readings_submitted, case.is_open) == (1, False), "the reader's counts again"
    assert edited.submit().status_code == 200
    assert is_superseded(done)


def test_an_edit_of_a_reading_that_changed_meanwhile_is_refused(desk, done, edited) -> None:
    done.way.reopen()
    refused = edited.submit()
    assert (refused.status_code, refused.json()["code"]) == (409, "stale")
    done.way.save(verdict="lesions", comment="second thoughts")
    assert done.way.submit().status_code == 200
    refused = edited.submit()
    assert (refused.status_code, refused.json()["code"]) == (409, "stale")
    assert not is_superseded(done)


def test_an_edit_may_begin_anew_from_the_changed_reading(desk, done, edited, start, reviewer, case) -> None:
    edited.mark(edited.box([50, 50], [60, 60]))
    done.way.reopen()
    done.way.mark(done.way.box([40, 40], [44, 44]))
    done.way.submit()
    answer = desk.edit(done)
    assert (answer.status_code, answer.json()["reading"]) == (200, edited.room["reading"]["id"])
    anew = start(reviewer, case)
    assert len(anew.room["reading"]["lesions"]) == 2
    assert {one["origin"] for one in anew.room["reading"]["lesions"]} == {"reviewed"}
    assert anew.submit().status_code == 200
    assert is_superseded(done)


def test_an_edit_of_a_stale_revision_does_not_begin(desk, done) -> None:
    answer = desk.edit(done, revision=done.revision - 1)
    assert (answer.status_code, answer.json()["code"]) == (409, "stale")
    assert Reading.objects.count() == 1


def test_who_has_a_reading_of_his_own_agrees_or_sends_back(assisted, desk, reader, reviewer, case, hand_in) -> None:
    assisted.readings_wanted = 2
    assisted.save()
    done = hand_in(reader, case)
    hand_in(reviewer, case)
    answer = desk.edit(done)
    assert (answer.status_code, answer.json()["code"]) == (409, "own_reading")
    assert desk.decide(done).status_code == 200
    assert desk.send_back(done).status_code == 200


def test_a_draft_opened_but_not_begun_becomes_the_edit(
    desk, model, predicted, done_beside_model, reviewer, case, start
) -> None:
    looked = start(reviewer, case)
    assert Reading.objects.get(pk=looked.room["reading"]["id"]).started_from is not None
    assert desk.edit(done_beside_model).status_code == 200
    own = Reading.objects.get(pk=looked.room["reading"]["id"])
    assert (own.revises_id, own.started_from_id) == (done_beside_model.pk, None)
    start(reviewer, case)
    own.refresh_from_db()
    assert own.started_from_id is None, "opening the room does not start it from the model again"


@pytest.fixture
def done_beside_model(predicted, reader, case, start):
    way = start(reader, case)
    rejected = [{"predicted": one["id"], "kind": "rejected", "threshold": 0.5} for one in way.room["model"]["findings"]]
    way.mark(way.box(), verdict="lesions", decisions={"upsert": rejected})
    assert way.submit().status_code == 200
    return Reading.objects.get(pk=way.room["reading"]["id"])


def test_another_decision_puts_the_edit_aside(desk, done, edited, reviewer, case, start) -> None:
    edited.save(comment="worked on")
    draft = Reading.objects.get(pk=edited.room["reading"]["id"])
    assert desk.decide(done).status_code == 200
    draft.refresh_from_db()
    assert (draft.state, draft.revises_id, draft.revises_revision, draft.comment) == ("draft", done.pk, None, "worked on")
    assert Assignment.objects.get(user=reviewer, case=case).state == "opened"
    refused = edited.submit()
    assert (refused.status_code, refused.json()["code"]) == (409, "stale")
    assert Event.objects.filter(verb="reading.edit_put_aside").count() == 1
    (row,) = desk.rows(state="reviewed")
    assert (row["review"]["decision"], row["may_send_back"]) == ("agreed", True)
    # And again: an edit that begins anew, and one that the reader gets back instead.
    assert desk.edit(done).json()["reading"] == str(draft.pk)
    assert desk.send_back(done).status_code == 200
    done.refresh_from_db()
    assert (done.state, done.sent_back_by) == ("draft", reviewer)


def test_no_edit_begins_and_nobody_agrees_where_another_has_taken_the_place(desk_of, lead, done, edited) -> None:
    desk = desk_of(lead)
    assert desk.decide(done).status_code == 200
    edited.submit()
    (row,) = [row for row in desk.rows(state="reviewed") if row["reading"] == str(done.pk)]
    assert (row["review"]["decision"], row["review"]["is_mine"]) == ("edited", False)
    for answer in (desk.edit(done), desk.send_back(done)):
        assert (answer.status_code, answer.json()["code"]) == (409, "edited")


def test_who_is_no_reviewer_any_more_takes_no_place(project, reviewer, done, edited) -> None:
    project.memberships.filter(user=reviewer).update(role="reader")
    refused = edited.submit()
    assert (refused.status_code, refused.json()["code"]) == (409, "no_reviewer")
    assert not is_superseded(done)


def test_a_blinded_reading_is_not_taken_back_whether_its_edit_is_submitted_or_not(desk, done, edited) -> None:
    Assignment.objects.filter(user=done.reader.user, case=done.case).update(arm="blinded")
    for act in (lambda: None, edited.submit, edited.reopen):
        act()
        refused = done.way.reopen()
        assert (refused.status_code, refused.json()["code"]) == (409, "blinded")


def test_what_was_agreed_may_be_edited_instead(desk, done) -> None:
    desk.decide(done)
    assert desk.edit(done).status_code == 200
    assert [one.decision for one in Review.objects.all()] == ["edited"]
    assert desk.queue()["counts"] == {"waiting": 1, "reviewed": 0, "sent_back": 0}


def test_the_reader_does_not_reopen_what_was_edited(done, edited) -> None:
    edited.submit()
    refused = done.way.reopen()
    assert (refused.status_code, refused.json()["code"]) == (409, "edited")
    edited.reopen()
    assert done.way.reopen().status_code == 200, "while the edit is a draft it is the reader's again"


def test_another_sends_no_edited_reading_back(desk_of, lead, done, edited) -> None:
    edited.submit()
    refused = desk_of(lead).send_back(done)
    assert (refused.status_code, refused.json()["code"]) == (409, "edited")


def test_an_edit_waits_for_nobody_but_another_may_review_it(desk_of, lead, done, edited) -> None:
    edited.submit()
    desk = desk_of(lead)
    assert desk.rows() == []
    assert desk.decide(Reading.objects.get(pk=edited.room["reading"]["id"])).status_code == 200


def test_of_two_edits_the_first_that_is_submitted_has_the_place(desk_of, lead, case, start, done, edited) -> None:
    assert desk_of(lead).edit(done).status_code == 200
    others = start(lead, case)
    assert edited.submit().status_code == 200
    refused = others.submit()
    assert (refused.status_code, refused.json()["code"]) == (409, "edited")
    assert list(done.edits.filter(state="submitted")) == [Reading.objects.get(pk=edited.room["reading"]["id"])]


def test_saving_an_ordinary_reading_costs_no_query_more(reader, case, start) -> None:
    """What edits need is asked of edits alone."""
    way = start(reader, case)
    way.mark(way.box())
    with CaptureQueriesContext(
        connection,
    ) as captured:
        way.save(verdict="lesions")
    assert not [one for one in captured if 'revises_id" =' in one["sql"] or 'sent_back_by" ON' in one["sql"]]


def test_an_edit_begins_with_the_slices_that_the_reader_had_seen(desk, reader, reviewer, assisted, start, hand_in) -> None:
    assisted.unit = "series"
    assisted.save()
    series = make_case(assisted, count=12)
    done = hand_in(reader, series, slices_read=[[0, 4]])
    assert desk.edit(done).status_code == 200
    edit = start(reviewer, series)
    assert edit.room["reading"]["slices_read"] == [[0, 4]]
    assert edit.save(comment="looked on", slices_read=[[5, 7]]).json()["slices_read"] == [[0, 7]]
    done.refresh_from_db()
    assert done.slices_read == [[0, 4]]
