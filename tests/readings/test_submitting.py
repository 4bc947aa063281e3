"""A reading counts once it is submitted, and it can only be submitted when it is complete."""

from __future__ import annotations

import uuid

import pytest

from backend.audit.models import Event
from backend.projects.models import Assignment, Case
from backend.readings.models import Decision, Reading
from tests.rows import make_case, make_model, make_reading

BASE = "/api/v1/projects/breast"
pytestmark = pytest.mark.django_db


def decide(desk, finding: dict, kind: str, lesion: dict | None = None, **more) -> dict:
    return {
        **more,
        "predicted": finding["id"],
        "kind": kind,
        "reason": "vessel" if kind == "rejected" else "",
        "lesion": lesion["id"] if lesion else None,
        "threshold": 0.5,
    }


def take_over(finding: dict, **change) -> dict:
    """A model's finding as the reader's own lesion."""
    names = ("finding_type", "kind", "sop_instance_uid", "frame", "points", "attributes")
    own = {name: finding[name] for name in names}
    return {**own, "id": str(uuid.uuid4()), "origin": "accepted", "origin_lesion": finding["id"], **change}


def test_a_submitted_reading_closes_the_case(reader, case, start) -> None:
    desk = start(reader, case)
    desk.mark(desk.box(), verdict="lesions", active_seconds=41)
    answer = desk.submit()
    assert answer.status_code == 200, answer.content
    assert answer.json()["state"] == "submitted"
    case.refresh_from_db()
    assert (case.readings_submitted, case.is_open) == (1, False)
    assignment = Assignment.objects.get(case=case, user=reader)
    assert (assignment.state, assignment.lease_expires_at, assignment.active_seconds) == ("submitted", None, 41)
    assert Event.objects.filter(verb="reading.submitted").count() == 1
    late = desk.save(comment="one more thing")
    assert (late.status_code, late.json()["code"]) == (409, "submitted")
    assert desk.client.get(f"{BASE}/cases/{case.pk}/").json()["readonly"] == "submitted"


def test_a_case_that_wants_two_readings_stays_open_after_one(reader, second_reader, assisted, case, start) -> None:
    assisted.readings_wanted = 2
    assisted.save()
    for person, is_open in ((reader, True), (second_reader, False)):
        desk = start(person, case)
        desk.save(verdict="no_lesion")
        assert desk.submit().status_code == 200
        assert Case.objects.get(pk=case.pk).is_open is is_open


def test_submitting_twice_is_one_submission(reader, case, start) -> None:
    desk = start(reader, case)
    desk.save(verdict="no_lesion")
    etag = desk.etag
    first = desk.submit()
    assert desk.submit(etag=etag).json() == first.json()
    assert Event.objects.filter(verb="reading.submitted").count() == 1
    assert desk.submit(etag='"0-nothing"').json()["code"] == "submitted"


def test_submitting_something_stale_is_refused(reader, case, start) -> None:
    desk = start(reader, case)
    desk.save(verdict="no_lesion")
    old = desk.etag
    desk.mark(desk.box(), verdict="lesions")
    answer = desk.submit(etag=old)
    assert (answer.status_code, answer.json()["current"]["verdict"]) == (412, "lesions")
    assert desk.client.post(f"{desk.url}submit/").status_code == 428


@pytest.mark.parametrize(
    ("marks", "change", "code"),
    [
        (0, {}, "no_verdict"),
        (1, {}, "no_verdict"),
        (0, {"verdict": "lesions"}, "nothing_marked"),
        (1, {"verdict": "no_lesion"}, "lesions_present"),
        (1, {"verdict": "not_readable", "verdict_reason": "dark"}, "lesions_present"),
        (0, {"verdict": "not_readable"}, "no_reason"),
        (0, {"verdict": "deferred", "verdict_reason": " "}, "no_reason"),
    ],
)
def test_a_verdict_that_does_not_fit_is_refused(reader, case, start, marks, change, code) -> None:
    desk = start(reader, case)
    desk.save(lesions={"upsert": [desk.box() for _ in range(marks)]}, **change)
    answer = desk.submit()
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert Reading.objects.get(case=case).state == "draft"


def test_a_lesion_without_a_required_attribute_keeps_the_reading_a_draft(reader, case, project, start) -> None:
    margin = {"name": "Margin", "values": ["sharp", "blurred"], "required": True}
    depth = {"name": "Depth", "values": ["near", "far"]}
    project.finding_types.filter(name="Benign mass").update(attributes=[depth, margin])
    desk = start(reader, case)
    complete, bare = desk.box(attributes={"Margin": "sharp"}), desk.box(attributes={"Depth": "far"})
    desk.mark(complete, bare, verdict="lesions")
    answer = desk.submit()
    assert (answer.status_code, answer.json()["code"]) == (409, "attribute_missing")
    assert answer.json()["detail"] == "Benign mass: Margin is required and not said yet."
    assert answer.json()["lesions"] == {bare["id"]: ["Margin"]}
    # Putting the case off asks for nothing but a reason.
    desk.save(verdict="deferred", verdict_reason="ask for prior")
    assert desk.submit().status_code == 200
    desk = start(reader, case)
    desk.mark({**bare, "attributes": {"Margin": "blurred"}}, verdict="lesions")
    assert desk.submit().status_code == 200


def test_a_positive_image_finding_is_enough_for_the_verdict_lesions(reader, case, project, start) -> None:
    desk = start(reader, case)
    image_type = project.finding_types.get(scope="image")
    desk.save(verdict="lesions", image_findings={str(image_type.pk): "present"})
    assert desk.submit().status_code == 200


def test_a_deferred_case_keeps_its_draft_and_leaves_the_queue(reader, case, start, as_person) -> None:
    desk = start(reader, case)
    desk.mark(desk.box(), verdict="deferred", verdict_reason="ask for prior")
    answer = desk.submit()
    assert (answer.status_code, answer.json()["state"]) == (200, "draft")
    assert Assignment.objects.get(case=case).state == "deferred"
    client = as_person(reader)
    assert client.post(f"{BASE}/worklist/next/", {}, format="json").json() == {"case": None}
    row = client.get(f"{BASE}/worklist/?state=deferred").json()["results"][0]
    assert (row["id"], row["note"]) == (str(case.pk), "ask for prior")
    desk = start(reader, case)
    assert desk.room["reading"]["lesions"] != []
    desk.save(verdict="lesions", verdict_reason="")
    assert desk.submit().json()["state"] == "submitted"


def test_not_readable_counts_as_a_reading(reader, case, start) -> None:
    desk = start(reader, case)
    desk.save(verdict="not_readable", verdict_reason="shadow over half of the image")
    assert desk.submit().status_code == 200
    assert Case.objects.get(pk=case.pk).is_open is False


def test_a_reopened_reading_is_a_draft_again_and_the_case_is_open(reader, case, start) -> None:
    desk = start(reader, case)
    desk.save(verdict="no_lesion")
    desk.submit()
    assert desk.reopen().json()["state"] == "draft"
    assert Case.objects.get(pk=case.pk).is_open is True
    assert Assignment.objects.get(case=case).state == "in_progress"
    desk.mark(desk.box(), verdict="lesions")
    assert desk.submit().json()["state"] == "submitted"
    history = [row["content"]["state"] for row in desk.client.get(f"{desk.url}revisions/").json()]
    assert history == ["submitted", "draft", "draft", "submitted", "draft"]


def test_every_finding_that_was_shown_has_to_be_decided(reader, case, predicted, start) -> None:
    desk = start(reader, case)
    first, second, third = desk.room["model"]["findings"]
    assert [first["score"], second["score"], third["score"]] == [0.9, 0.8, 0.5], "0.3 is below the threshold of 0.5"
    kept, edited = take_over(first), take_over(second, origin="edited", points=[[13, 4], [23, 14]])
    answer = desk.save(
        lesions={"upsert": [kept, edited]},
        decisions={
            "upsert": [
                decide(desk, first, "accepted", kept, at_seconds=4.2),
                decide(desk, second, "edited", edited, at_seconds=9),
            ]
        },
        verdict="lesions",
    )
    assert answer.status_code == 200, answer.content
    stored = {lesion["id"]: lesion for lesion in answer.json()["lesions"]}
    assert (stored[kept["id"]]["origin_score"], stored[kept["id"]]["moved_pixels"]) == (0.9, 0.0)
    assert (stored[edited["id"]]["origin_score"], stored[edited["id"]]["moved_pixels"]) == (0.8, 5.0)
    refused = desk.submit()
    assert (refused.status_code, refused.json()["code"], refused.json()["undecided"]) == (409, "undecided", [third["id"]])
    desk.save(decisions={"upsert": [decide(desk, third, "rejected")]})
    assert desk.submit().status_code == 200
    assert sorted(Decision.objects.values_list("kind", flat=True)) == ["accepted", "edited", "rejected"]


def test_a_decision_can_be_taken_back_and_changed(reader, case, predicted, start) -> None:
    desk = start(reader, case)
    first = desk.room["model"]["findings"][0]
    desk.save(decisions={"upsert": [decide(desk, first, "rejected")]})
    kept = take_over(first)
    desk.save(lesions={"upsert": [kept]}, decisions={"upsert": [decide(desk, first, "accepted", kept)]})
    assert [decision["kind"] for decision in desk.save(comment="").json()["decisions"]] == ["accepted"]
    desk.save(decisions={"remove": [first["id"]]})
    assert desk.save(comment="").json()["decisions"] == []


def test_an_accepted_finding_whose_lesion_is_gone_is_undecided_again(reader, case, predicted, start) -> None:
    desk = start(reader, case)
    findings = desk.room["model"]["findings"]
    kept = take_over(findings[0])
    rejected = [decide(desk, finding, "rejected") for finding in findings[1:]]
    decisions = {"upsert": [decide(desk, findings[0], "accepted", kept), *rejected]}
    desk.save(lesions={"upsert": [kept]}, decisions=decisions)
    desk.save(lesions={"remove": [kept["id"]]}, verdict="no_lesion")
    assert desk.submit().json()["undecided"] == [findings[0]["id"]]


def test_what_the_readers_own_threshold_hid_was_not_shown(reader, case, predicted, start) -> None:
    desk = start(reader, case)
    desk.save(verdict="no_lesion", display_threshold=0.85)
    assert desk.submit().json()["undecided"] == [desk.room["model"]["findings"][0]["id"]]


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        ({"kind": "accepted"}, "decision"),
        ({"kind": "rejected", "lesion": "kept"}, "decision"),
        ({"kind": "rejected", "predicted": str(uuid.uuid4())}, "not_shown"),
    ],
)
def test_a_decision_on_nothing_is_refused(reader, case, predicted, start, decision, code) -> None:
    desk = start(reader, case)
    kept = desk.box()
    desk.mark(kept)
    finding = desk.room["model"]["findings"][0]
    given = {"predicted": finding["id"], "threshold": 0.5, **decision}
    given["lesion"] = kept["id"] if decision.get("lesion") else None
    answer = desk.save(decisions={"upsert": [given]})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_findings_below_the_threshold_can_be_neither_accepted_nor_rejected(reader, case, predicted, start) -> None:
    desk = start(reader, case)
    low = predicted.lesions.get(score=0.3)
    answer = desk.save(decisions={"upsert": [{"predicted": str(low.pk), "kind": "rejected", "threshold": 0.5}]})
    assert answer.json()["code"] == "not_shown"


def test_a_model_promoted_in_mid_reading_asks_for_no_decision(reader, case, assisted, start) -> None:
    desk = start(reader, case)
    desk.save(verdict="no_lesion")
    make_reading(make_model(assisted), case, scores=[0.9])
    assert desk.client.get(f"{BASE}/cases/{case.pk}/").json()["model"] is None
    assert desk.submit().status_code == 200


def test_a_draft_keeps_the_model_it_began_with(reader, case, predicted, model, assisted, start) -> None:
    desk = start(reader, case)
    finding = desk.room["model"]["findings"][0]
    desk.save(decisions={"upsert": [decide(desk, finding, "rejected")]})
    model.model_version.state = "kept"
    model.model_version.save()
    newer = make_model(assisted, number=2)
    make_reading(newer, case, scores=[0.7])
    again = start(reader, case)
    assert again.room["model"]["version"] == 1
    untouched = make_case(assisted)
    make_reading(newer, untouched, scores=[0.7])
    assert start(reader, untouched).room["model"]["version"] == 2
