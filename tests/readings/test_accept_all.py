"""Accepting all findings at once is an act of its own: only where the lead allows it, and only of what is shown."""

from __future__ import annotations

import uuid

import pytest

from backend.audit.models import Event
from backend.readings.models import Decision
from tests.readings.test_submitting import decide, take_over
from tests.rows import make_case, make_reading

BASE = "/api/v1/projects/breast"
pytestmark = pytest.mark.django_db


@pytest.fixture
def allowed(assisted):
    """The project, in which the lead allows to accept all."""
    assisted.accept_all = True
    assisted.save()
    return assisted


def accept(desk, findings, times, **more):
    """Take these findings over in one save, each at its time."""
    kept = [take_over(finding) for finding in findings]
    decisions = [
        decide(desk, finding, "accepted", lesion, at_seconds=at, **more)
        for finding, lesion, at in zip(findings, kept, times, strict=True)
    ]
    return desk.save(lesions={"upsert": kept}, decisions={"upsert": decisions}, verdict="lesions")


def shown(desk) -> list[dict]:
    return desk.room["model"]["findings"]


def test_all_at_once_is_refused_unless_the_lead_allows_it(reader, case, predicted, start) -> None:
    desk = start(reader, case)
    refused = accept(desk, shown(desk), (5, 5, 5), at_once=True)
    assert (refused.status_code, refused.json()["code"]) == (409, "accept_all")
    assert not Decision.objects.exists()
    assert desk.save(comment="").json()["lesions"] == []


def test_all_at_once_is_stored_as_such_and_told_in_the_audit(reader, allowed, case, predicted, start) -> None:
    desk = start(reader, case)
    answer = accept(desk, shown(desk), (5, 5, 5), at_once=True)
    assert answer.status_code == 200, answer.content
    assert [(one["kind"], one["at_once"], one["at_seconds"]) for one in answer.json()["decisions"]] == [
        ("accepted", True, 5.0)
    ] * 3
    assert Event.objects.filter(verb="reading.saved").latest("pk").detail["accepted_at_once"] == 3
    assert desk.submit().status_code == 200


@pytest.mark.parametrize("times", [(5, 5, 9), (None, 5, 9), (5, 5.05, 9), (None, None, None)])
@pytest.mark.parametrize("allows", [True, False])
def test_many_taken_over_at_one_time_are_refused_whatever_they_call_themselves(
    reader, assisted, case, predicted, start, times, allows: bool
) -> None:
    """What is not said to be one command is held to be many decisions, and people make one at a time."""
    assisted.accept_all = allows
    assisted.save()
    desk = start(reader, case)
    refused = accept(desk, shown(desk), times)
    assert (refused.status_code, refused.json()["code"]) == (409, "accept_all")
    assert not Decision.objects.exists()


def test_decisions_made_one_by_one_may_come_in_one_save(reader, case, predicted, start) -> None:
    """After a time without network they do."""
    desk = start(reader, case)
    answer = accept(desk, shown(desk), (9.5, 3.0, 4.1))
    assert answer.status_code == 200, answer.content
    assert {one["at_once"] for one in answer.json()["decisions"]} == {False}


def test_what_is_stored_may_be_sent_again_beside_new_decisions(reader, case, predicted, start) -> None:
    desk = start(reader, case)
    kept = [take_over(finding) for finding in shown(desk)]
    each = [decide(desk, finding, "accepted", lesion) for finding, lesion in zip(shown(desk), kept, strict=True)]
    for lesion, decision in zip(kept[:2], each[:2], strict=True):
        assert (
            desk.save(lesions={"upsert": [lesion]}, decisions={"upsert": [decision]}, verdict="lesions").status_code == 200
        )
    last = desk.save(lesions={"upsert": kept}, decisions={"upsert": each})
    assert last.status_code == 200, last.content


def test_all_at_once_takes_nothing_below_the_threshold_in_force(reader, allowed, case, predicted, start) -> None:
    desk = start(reader, case)
    refused = accept(desk, shown(desk), (5, 5, 5), at_once=True, threshold=0.85)
    assert refused.status_code == 200, "decide() says 0.5, which all of them reach"
    kept = take_over(shown(desk)[1])
    hidden = {**decide(desk, shown(desk)[1], "accepted", kept, at_once=True), "threshold": 0.85}
    refused = desk.save(lesions={"upsert": [kept]}, decisions={"upsert": [hidden]})
    assert (refused.status_code, refused.json()["code"]) == (400, "not_shown")


def test_a_rejection_is_never_one_of_many(reader, allowed, case, predicted, start) -> None:
    desk = start(reader, case)
    refused = desk.save(decisions={"upsert": [decide(desk, shown(desk)[0], "rejected", at_once=True)]})
    assert (refused.status_code, refused.json()["code"]) == (400, "decision")


@pytest.mark.parametrize("split", ["POOL", "VALIDATION", "HOLDOUT"])
def test_a_blinded_reader_accepts_nothing_even_where_all_is_allowed(reader, allowed, model, start, split: str) -> None:
    allowed.blinded_share = 1.0
    allowed.save()
    case = make_case(allowed, split=split)
    found = make_reading(model, case, scores=[0.9, 0.8])
    refused = save_planted(start(reader, case), found)
    assert (refused.status_code, refused.json()["code"]) == (400, "not_shown")


def test_nothing_is_accepted_before_the_reveal_even_where_all_is_allowed(reader, allowed, case, predicted, start) -> None:
    allowed.first_look = True
    allowed.save()
    desk = start(reader, case)
    refused = save_planted(desk, predicted)
    assert (refused.status_code, refused.json()["code"]) == (400, "not_shown")
    desk.save(verdict="no_lesion")
    desk.client.post(f"{desk.url}reveal/", headers={"If-Match": desk.etag})
    room = desk.client.get(f"{BASE}/cases/{case.pk}/").json()
    desk.etag = room["reading"]["etag"]
    answer = accept(desk, room["model"]["findings"], (5, 5, 5), at_once=True)
    assert answer.status_code == 200, answer.content


def save_planted(desk, found):
    """Say of a model's findings, known from elsewhere, that all of them are accepted at once."""
    own = [desk.box() for _ in found.lesions.all()]
    decisions = [
        {"predicted": str(lesion.pk), "kind": "accepted", "lesion": mine["id"], "threshold": 0.5, "at_once": True}
        for lesion, mine in zip(found.lesions.all(), own, strict=True)
    ]
    return desk.save(lesions={"upsert": own}, decisions={"upsert": decisions}, revision_id=str(uuid.uuid4()))


def test_one_command_is_one_decision_in_the_readers_pace(reader, allowed, model, start, as_person) -> None:
    times = [((10, 10, 10), {"at_once": True}), ((4, 6, 16), {})]
    for when, more in times:
        case = make_case(allowed)
        make_reading(model, case, scores=[0.9, 0.8, 0.7])
        desk = start(reader, case)
        assert accept(desk, shown(desk), when, **more).status_code == 200
    pace = as_person(reader).get(f"{BASE}/worklist/pace/").json()
    assert pace["decision_seconds"] == 7, "the median of 10, 4, 2 and 10 seconds"


def test_what_was_accepted_at_once_stays_editable_when_the_lead_forbids_it_since(
    reader, allowed, case, predicted, start
) -> None:
    desk = start(reader, case)
    kept = [take_over(finding) for finding in shown(desk)]
    each = [
        decide(desk, finding, "accepted", mine, at_seconds=5, at_once=True)
        for finding, mine in zip(shown(desk), kept, strict=True)
    ]
    assert desk.save(lesions={"upsert": kept[:2]}, decisions={"upsert": each[:2]}, verdict="lesions").status_code == 200
    allowed.accept_all = False
    allowed.save()
    moved = {**kept[0], "origin": "edited", "points": [[1, 1], [9, 9]]}
    edited = {**each[0], "kind": "edited"}
    answer = desk.save(lesions={"upsert": [moved]}, decisions={"upsert": [edited]})
    assert answer.status_code == 200, answer.content
    refused = desk.save(lesions={"upsert": [kept[2]]}, decisions={"upsert": [each[2]]})
    assert (refused.status_code, refused.json()["code"]) == (409, "accept_all"), (
        "this one was not stored while it was allowed"
    )


def test_after_a_refusal_the_rest_is_saved_without_what_was_taken_at_once(reader, assisted, case, predicted, start) -> None:
    """What the page's "put them back to undecided" sends: an edited one is a decision of its own."""
    desk = start(reader, case)
    first, second, third = shown(desk)
    own = [take_over(first), take_over(second), desk.box([50, 10], [60, 20])]
    by_hand = decide(desk, first, "edited", own[0], at_seconds=9)
    at_once = decide(desk, second, "accepted", own[1], at_seconds=5, at_once=True)
    change = {"lesions": {"upsert": own}, "decisions": {"upsert": [by_hand, at_once]}, "verdict": "lesions"}
    assert desk.save(**change).json()["code"] == "accept_all"
    change = {"lesions": {"upsert": [own[0], own[2]]}, "decisions": {"upsert": [by_hand]}, "verdict": "lesions"}
    answer = desk.save(**change)
    assert answer.status_code == 200, answer.content
    assert len(answer.json()["lesions"]) == 2
