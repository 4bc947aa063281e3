"""A second person agrees: who may, of what, what it says and when it counts."""

from __future__ import annotations

import uuid

import pytest

from backend.audit.models import Event
from backend.projects.models import Membership
from backend.readings.models import Reader
from backend.review.models import Review
from backend.webhooks.models import Delivery
from backend.webhooks.services import create_webhook
from tests.rows import make_case, make_reading

pytestmark = pytest.mark.django_db


def test_agreeing_is_kept_and_told_in_the_row(desk, done, case) -> None:
    answer = desk.decide(done, comment="Well seen.")
    assert answer.status_code == 200, answer.json()
    row = answer.json()
    assert (row["reading"], row["revision"], row["case"]["id"]) == (str(done.pk), done.revision, str(case.pk))
    assert (row["case"]["name"], row["case"]["number"], row["case"]["modality"]) == (case.name, case.number, "US")
    assert row["case"]["thumbnail"].endswith(f"/cases/{case.pk}/thumbnail/")
    assert (row["reader"], row["arm"]) == ({"username": "rita", "name": "rita"}, "assisted")
    assert (row["verdict"], row["n_lesions"], row["may_send_back"]) == ("lesions", 1, True)
    review = row["review"]
    assert (review["decision"], review["comment"], review["is_mine"], review["replacement"]) == (
        "agreed",
        "Well seen.",
        True,
        None,
    )
    assert review["reviewer"] == {"username": "vera", "name": "vera"}
    done.refresh_from_db()
    assert done.state == "submitted", "to agree changes nothing in the reading"


def test_agreeing_again_returns_the_first_answer(desk, done) -> None:
    first, again = desk.decide(done, comment="first"), desk.decide(done, comment="again")
    assert first.json() == again.json()
    assert Review.objects.count() == 1
    assert Event.objects.filter(verb="reading.reviewed").count() == 1


def test_repeating_a_decision_tells_nothing_of_what_may_not_be_seen_any_more(desk, done) -> None:
    assert desk.decide(done).status_code == 200
    revision = done.revision
    done.way.reopen()
    done.way.save(comment="not yet told")
    for decision in ("agreed", "sent_back"):
        assert desk.decide(done, decision, revision=revision, comment="x").status_code == 404
    done.way.submit()
    assert desk.decide(done, revision=revision).json()["code"] == "stale"


def test_a_decision_on_another_revision_is_stale(desk, done) -> None:
    answer = desk.decide(done, revision=done.revision - 1)
    assert (answer.status_code, answer.json()["code"]) == (409, "stale")
    assert not Review.objects.exists()


def test_a_review_no_longer_counts_once_the_reading_has_changed(desk, done) -> None:
    desk.decide(done)
    assert desk.queue()["counts"] == {"waiting": 0, "reviewed": 1, "sent_back": 0}
    assert done.way.reopen().status_code == 200
    assert desk.queue()["counts"]["reviewed"] == 0, "a draft is its reader's"
    assert done.way.submit().status_code == 200
    (row,) = desk.rows()
    assert (row["reading"], row["review"]) == (str(done.pk), None)


def test_what_was_agreed_may_be_sent_back_instead(desk, done) -> None:
    desk.decide(done)
    assert desk.send_back(done).status_code == 200
    assert [one.decision for one in Review.objects.all()] == ["sent_back"]


def test_two_reviewers_decide_for_themselves(desk, desk_of, lead, done) -> None:
    desk.decide(done)
    assert desk_of(lead).decide(done).status_code == 200
    assert Review.objects.count() == 2
    (row,) = desk.rows(state="reviewed")
    assert row["review"]["is_mine"], "the own one before others'"


def test_nobody_reviews_a_reading_of_his_own(desk, reviewer, case, hand_in) -> None:
    own = hand_in(reviewer, case)
    assert desk.decide(own).status_code == desk.edit(own).status_code == 404
    assert desk.rows() == []


def test_a_draft_is_not_there(desk, reader, start, case) -> None:
    from backend.readings.models import Reading

    draft = start(reader, case)
    draft.save(verdict="no_lesion")
    assert desk.decide(Reading.objects.get()).status_code == 404


@pytest.mark.parametrize("kind", ["imported", "consensus"])
def test_only_persons_readings_are_reviewed(desk, project, kind: str) -> None:
    case = make_case(project, is_open=False)
    project.blinded_share = 0.0
    project.save()
    reading = make_reading(Reader.objects.create(project=project, kind=kind, name="truth"), case)
    assert desk.decide(reading).status_code == 404
    assert desk.rows() == []


def test_a_reading_of_an_embargoed_case_is_not_there(desk_of, lead, done, case) -> None:
    from backend.projects.models import Case

    Case.objects.filter(pk=case.pk).update(split="EMBARGOED", is_open=False)
    desk = desk_of(lead)
    assert desk.decide(done).status_code == 404
    assert desk.queue()["counts"] == {"waiting": 0, "reviewed": 0, "sent_back": 0}


def test_a_case_that_the_reviewer_still_has_to_read_is_not_there(
    assisted, desk, reader, reviewer, case, hand_in, start
) -> None:
    assisted.readings_wanted = 2
    assisted.save()
    done = hand_in(reader, case)
    assert desk.decide(done).status_code == desk.edit(done).status_code == 404
    assert desk.rows() == desk.rows(case=str(case.pk)) == []
    own = start(reviewer, case)
    own.save(verdict="no_lesion")
    assert desk.decide(done).status_code == desk.edit(done).status_code == 404, "begun"
    own.submit()
    assert desk.decide(done).status_code == 200


def test_a_blinded_case_is_not_there_before_the_own_reading(project, desk, reader, reviewer, hand_in) -> None:
    case = make_case(project, split="VALIDATION")
    done = hand_in(reader, case)
    assert desk.decide(done).status_code == 404
    assert desk.rows() == []
    hand_in(reviewer, case)
    assert desk.decide(done).status_code == 200
    (row,) = desk.rows(state="reviewed")
    assert (row["arm"], row["may_send_back"]) == ("blinded", False)


def test_a_reader_may_not_review(desk_of, second_reader, done) -> None:
    desk = desk_of(second_reader)
    assert desk.decide(done).status_code == desk.edit(done).status_code == 403
    assert desk.client.get("/api/v1/projects/breast/reviews/").status_code == 403


def test_a_reading_of_another_project_is_not_there(desk, reader, reviewer, hand_in, done) -> None:
    from backend.projects.models import Project

    other = Project.objects.create(slug="lung", name="Lung", archive=done.case.project.archive)
    Membership.objects.create(project=other, user=reviewer, role="lead")
    body = {"reading": str(done.pk), "revision": done.revision, "decision": "agreed"}
    assert desk.client.post("/api/v1/projects/lung/reviews/", body, format="json").status_code == 404
    assert desk.client.post("/api/v1/projects/lung/reviews/edit/", body, format="json").status_code == 404


def test_no_reading_of_that_id_is_404(desk) -> None:
    body = {"reading": str(uuid.uuid4()), "revision": 1, "decision": "agreed"}
    answer = desk.client.post("/api/v1/projects/breast/reviews/", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_only_the_two_decisions_can_be_posted(desk, done) -> None:
    assert desk.decide(done, "edited").status_code == 400
    assert desk.decide(done, "approved").status_code == 400


def test_whoever_listens_is_told_ids_and_the_decision(settings, project, lead, desk, done) -> None:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    create_webhook(project=project, by=lead, url="http://127.0.0.1:9/hook", events=["reading.reviewed"])
    desk.decide(done, comment="Well seen.")
    (delivery,) = Delivery.objects.all()
    assert delivery.payload["type"] == "reading.reviewed"
    assert delivery.payload["data"] == {"reading": str(done.pk), "case": str(done.case_id), "decision": "agreed"}
    told = Event.objects.get(verb="reading.reviewed")
    assert told.detail == {"decision": "agreed", "case": done.case.name, "revision": done.revision}
    assert told.actor == "vera"
