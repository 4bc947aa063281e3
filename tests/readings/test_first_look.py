"""First look first: the model is kept back until the reader has marked on his own, and both looks stay apart."""

from __future__ import annotations

import pytest

from backend.projects.models import Assignment
from backend.readings.models import Lesion, ReadingRevision
from tests.rows import make_case, make_reading

BASE = "/api/v1/projects/breast"
pytestmark = pytest.mark.django_db


@pytest.fixture
def first_look(assisted):
    assisted.first_look = True
    assisted.save()
    return assisted


def reveal(desk):
    return desk._seen(desk.client.post(f"{desk.url}reveal/", headers={"If-Match": desk.etag}))


def room(desk):
    return desk.client.get(f"{BASE}/cases/{desk.case.pk}/").json()


def test_the_model_is_shown_only_after_the_reveal(reader, first_look, case, predicted, start) -> None:
    desk = start(reader, case)
    assert (desk.room["arm"], desk.room["first_look"], desk.room["model"]) == ("assisted", True, None)
    desk.mark(desk.box(), verdict="lesions")
    assert reveal(desk).status_code == 200
    seen = room(desk)
    assert not seen["first_look"] and len(seen["model"]["findings"]) == 3
    assert seen["reading"]["revealed_at"] and seen["reading"]["etag"] == desk.etag
    again = desk.client.post(f"{BASE}/cases/{case.pk}/open/").json()
    assert len(again["model"]["findings"]) == 3, "once revealed, always shown"


def test_a_reveal_asks_for_a_verdict_and_the_newest_version(reader, first_look, case, predicted, start) -> None:
    desk = start(reader, case)
    assert reveal(desk).json()["code"] == "no_verdict"
    stale = desk.etag
    desk.save(verdict="deferred", verdict_reason="later")
    assert reveal(desk).json()["code"] == "no_verdict"
    desk.save(verdict="no_lesion", verdict_reason="")
    refused = desk.client.post(f"{desk.url}reveal/", headers={"If-Match": stale})
    assert refused.status_code == 412 and room(desk)["model"] is None
    first = reveal(desk)
    assert reveal(desk).json() == first.json(), "repeating it changes nothing"


def test_a_reading_is_not_submitted_before_the_reveal_but_may_be_put_off(reader, first_look, case, predicted, start) -> None:
    desk = start(reader, case)
    desk.save(verdict="no_lesion")
    assert desk.submit().json()["code"] == "not_revealed"
    desk.save(verdict="deferred", verdict_reason="later")
    assert desk.submit().status_code == 200
    desk.save(verdict="no_lesion", verdict_reason="")
    reveal(desk)
    assert desk.submit().json()["code"] == "undecided"


def test_what_was_marked_before_and_after_the_reveal_is_kept_apart(
    reader, lead, first_look, case, predicted, start, as_person
) -> None:
    desk = start(reader, case)
    kept, moved, removed = (desk.box([number * 10, 0], [number * 10 + 8, 8]) for number in range(3))
    desk.mark(kept, moved, removed, verdict="lesions")
    reveal(desk)
    late = desk.box([50, 50], [60, 60])
    desk.mark(late, {**moved, "points": [[20, 20], [30, 30]]})
    desk.save(lesions={"remove": [removed["id"]]})
    looks = {str(lesion.pk): lesion.look for lesion in Lesion.objects.filter(reading__reader__user=reader)}
    assert looks == {kept["id"]: "first", moved["id"]: "changed", late["id"]: "second"}
    desk.mark(removed, moved)
    looks = {str(lesion.pk): lesion.look for lesion in Lesion.objects.filter(reading__reader__user=reader)}
    assert looks == {**dict.fromkeys((kept["id"], moved["id"], removed["id"]), "first"), late["id"]: "second"}
    revealed = ReadingRevision.objects.get(reading__reader__user=reader, number=room(desk)["reading"]["revealed_revision"])
    assert {lesion["id"] for lesion in revealed.content["lesions"]} == {kept["id"], moved["id"], removed["id"]}

    decisions = [
        {"predicted": found["id"], "kind": "rejected", "threshold": 0.5, "at_seconds": at}
        for found, at in zip(room(desk)["model"]["findings"], (10, 14, 30), strict=True)
    ]
    desk.save(decisions={"upsert": decisions})
    assert desk.submit().status_code == 200
    coco = b"".join(as_person(lead).get(f"{BASE}/exports/coco/").streaming_content).decode()
    assert coco.count('"look":"first"') == 3 and coco.count('"look":"second"') == 1
    pace = as_person(reader).get(f"{BASE}/worklist/pace/").json()
    assert pace["looks"] == {"first": 3, "changed": 0, "second": 1}
    assert pace["decision_seconds"] == 10, "10, 4 and 16 seconds"


def test_a_draft_that_has_seen_the_model_goes_on_when_the_project_asks_for_a_first_look(
    reader, assisted, case, predicted, start
) -> None:
    desk = start(reader, case)
    desk.mark(desk.box(), verdict="lesions")
    assisted.first_look = True
    assisted.save()
    seen = room(desk)
    assert not seen["first_look"] and seen["model"] is not None
    assert reveal(desk).json()["code"] == "no_first_look"


def test_the_list_tells_nothing_of_a_case_that_waits_for_its_first_look(
    reader, reviewer, first_look, case, predicted, start, as_person
) -> None:
    client = as_person(reader)
    [row] = client.get(f"{BASE}/worklist/").json()["results"]
    assert (row["first_look"], row["reason"], row["top_score"], row["n_findings"]) == (True, None, None, None)
    finding = predicted.lesions.first().finding_type_id
    for query in ("score=0.1", f"finding={finding}"):
        assert client.get(f"{BASE}/worklist/?{query}").json()["total"] == 0
    desk = start(reader, case)
    desk.save(verdict="no_lesion")
    reveal(desk)
    [row] = client.get(f"{BASE}/worklist/").json()["results"]
    assert (row["first_look"], row["top_score"]) == (False, 0.9)
    for query in ("score=0.1", f"finding={finding}"):
        assert client.get(f"{BASE}/worklist/?{query}").json()["total"] == 1
    assert room(start(reviewer, case))["model"] is None, "each reader has a first look of his own"


def test_blinded_cases_stay_blinded_and_know_no_reveal(reader, first_look, start) -> None:
    case = make_case(first_look, split="VALIDATION")
    desk = start(reader, case)
    assert (desk.room["arm"], desk.room["first_look"]) == ("blinded", False)
    desk.save(verdict="no_lesion")
    assert reveal(desk).json()["code"] == "no_first_look"
    assert desk.submit().status_code == 200
    assert Assignment.objects.get(user=reader).state == "submitted"


def test_a_reveal_without_a_model_leads_to_a_reading_without_one(reader, first_look, case, start, model) -> None:
    desk = start(reader, case)
    desk.save(verdict="no_lesion")
    assert reveal(desk).status_code == 200
    assert room(desk)["model"] is None and not room(desk)["first_look"]
    assert desk.submit().status_code == 200
    make_reading(model, case, scores=[0.9])
    assert room(desk)["reading"]["state"] == "submitted"
