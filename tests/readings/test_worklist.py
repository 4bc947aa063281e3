"""The worklist tells each reader what that reader may know, in an order that tells nothing more."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backend.accounts.models import User
from backend.archive.models import Archive
from backend.projects.arms import arm_of
from backend.projects.models import DRAW_MODULUS, Assignment, Case, Project
from backend.projects.priority_services import CasePriority, write_priorities
from backend.projects.reading_order import open_cases_in_order
from tests.rows import make_case, make_model, make_reading

BASE = "/api/v1/projects/breast"
pytestmark = pytest.mark.django_db


def listed(client, query: str = "") -> list[str]:
    return [row["name"] for row in client.get(f"{BASE}/worklist/?{query}").json()["results"]]


def test_cases_come_by_priority_and_then_by_number(reader, assisted, as_person) -> None:
    for priority in (0.1, 0.9, 0.5, 0.9):
        make_case(assisted, priority=priority)
    client = as_person(reader)
    assert listed(client) == ["US-0002", "US-0004", "US-0003", "US-0001"]
    assert listed(client, "state=to_read") == ["US-0002", "US-0004", "US-0003", "US-0001"]
    assert listed(client, "order=name") == ["US-0001", "US-0002", "US-0003", "US-0004"]
    assert listed(client, "offset=1&limit=2") == ["US-0004", "US-0003"]
    assert listed(client, "search=0003") == ["US-0003"]


def test_the_counts_follow_the_readers_own_states(reader, second_reader, assisted, start, as_person) -> None:
    cases = [make_case(assisted) for _ in range(6)]
    make_case(assisted, split="EMBARGOED")
    begun, deferred, done = (start(reader, case) for case in cases[:3])
    begun.save(comment="half way")
    deferred.save(verdict="deferred", verdict_reason="ask for prior")
    deferred.submit()
    done.save(verdict="no_lesion")
    done.submit()
    start(reader, cases[3])
    others = start(second_reader, cases[4])
    others.save(verdict="no_lesion")
    others.submit()
    client = as_person(reader)
    page = client.get(f"{BASE}/worklist/?order=name").json()
    assert page["counts"] == {"all": 6, "to_read": 2, "in_progress": 1, "submitted": 2, "deferred": 1}
    states = [row["state"] for row in page["results"]]
    assert states == ["in_progress", "deferred", "submitted", "to_read", "submitted", "to_read"]
    for state in ("to_read", "in_progress", "submitted", "deferred"):
        narrowed = client.get(f"{BASE}/worklist/?state={state}").json()
        assert narrowed["total"] == len(narrowed["results"]) == page["counts"][state]
        assert {row["state"] for row in narrowed["results"]} == {state}


def test_a_row_tells_what_the_serving_model_found(reader, case, predicted, start, as_person) -> None:
    client = as_person(reader)
    [row] = client.get(f"{BASE}/worklist/").json()["results"]
    assert (row["top_score"], row["n_findings"], row["blinded"], row["reason"]["kind"]) == (0.9, 3, False, "random")
    assert row["thumbnail"] == f"{BASE}/cases/{case.pk}/thumbnail/"
    assert not {"split", "arm", "source_name"} & set(row)
    desk = start(reader, case)
    finding = desk.room["model"]["findings"][0]
    desk.save(decisions={"upsert": [{"predicted": finding["id"], "kind": "rejected", "threshold": 0.5}]})
    [row] = client.get(f"{BASE}/worklist/").json()["results"]
    assert (row["state"], row["n_decided"]) == ("in_progress", 1)


def test_leads_see_split_and_source_and_can_search_by_it(lead, reader, assisted, as_person) -> None:
    make_case(assisted, source_name="benign (12).png")
    make_case(assisted, split="HOLDOUT", source_name="malignant (3).png")
    rows = as_person(lead).get(f"{BASE}/worklist/?order=name").json()["results"]
    assert [(row["split"], row["arm"], row["source_name"]) for row in rows] == [
        ("POOL", "assisted", "benign (12).png"),
        ("HOLDOUT", "blinded", "malignant (3).png"),
    ]
    assert listed(as_person(lead), "search=malignant") == ["US-0002"]
    assert listed(as_person(reader), "search=malignant") == []


@pytest.mark.parametrize("query", ["state=mine", "order=split", "order=-priority", "limit=201", "offset=-1", "limit=x"])
def test_only_what_the_list_offers_can_be_asked_for(reader, as_person, query: str) -> None:
    assert as_person(reader).get(f"{BASE}/worklist/?{query}").status_code == 400


def test_the_arm_listed_is_the_arm_opened(reader, project, start, as_person) -> None:
    project.blinded_share = 0.5
    project.save()
    for number in range(24):
        make_case(project, split=("POOL", "POOL", "VALIDATION", "HOLDOUT")[number % 4])
    rows = as_person(reader).get(f"{BASE}/worklist/").json()["results"]
    for row in rows:
        case = Case.objects.get(pk=row["id"])
        assert row["blinded"] is (arm_of(project, case, reader).arm == "blinded")
        assert start(reader, case).room["arm"] == ("blinded" if row["blinded"] else "assisted")
    pool = Assignment.objects.filter(case__split="POOL")
    assert {row.arm for row in pool} == {"assisted", "blinded"}
    assert {row.arm_probability for row in pool} == {0.5}
    held_out = Assignment.objects.exclude(case__split="POOL")
    assert {(row.arm, row.arm_probability) for row in held_out} == {("blinded", 1.0)}


def test_arms_are_drawn_with_the_share_of_the_project_and_anew_for_each_reader() -> None:
    project = Project(blinded_share=0.3, split_key="a secret")
    numbers = random.Random(0)
    cases = [Case(split="POOL", draw=numbers.randrange(DRAW_MODULUS)) for _ in range(2000)]
    drawn = [[arm_of(project, case, user).arm == "blinded" for case in cases] for user in (User(pk=1), User(pk=2))]
    for blinded in drawn:
        assert 0.25 < sum(blinded) / len(blinded) < 0.35
    both = sum(one and other for one, other in zip(*drawn, strict=True)) / len(cases)
    assert 0.06 < both < 0.12, "two readers' arms are independent"


def test_a_blinded_row_stands_where_its_priority_does_not_put_it(reader, project, as_person) -> None:
    """The place in the list depends on the blind priority alone: changing the priority moves nothing."""
    project.blinded_share = 1.0
    project.save()
    for number in range(6):
        make_case(
            project, split=("POOL", "VALIDATION")[number % 2], priority=number / 10, blind_priority=(number * 7 % 6) / 10
        )
    client = as_person(reader)
    for query in ("", "state=to_read"):
        before = listed(client, query)
        Case.objects.filter(number=1).update(priority=99.0)
        assert listed(client, query) == before
        Case.objects.filter(number=1).update(priority=0.0)
    assert before == ["US-0006", "US-0005", "US-0004", "US-0003", "US-0002", "US-0001"]


def test_walking_the_indexes_and_sorting_the_project_give_one_order(reader, project, monkeypatch, as_person) -> None:
    project.blinded_share = 0.4
    project.save()
    for number in range(30):
        split = ("POOL", "POOL", "VALIDATION")[number % 3]
        make_case(project, split=split, priority=(number * 11 % 30) / 30, blind_priority=(number * 7 % 30) / 30)
    client = as_person(reader)
    for query in ("state=to_read", "state=all"):
        walked = [listed(client, f"{query}&limit=7&offset={offset}") for offset in range(0, 30, 7)]
        monkeypatch.setattr("backend.readings.worklist_selectors.WALKED", 0)
        assert [listed(client, f"{query}&limit=7&offset={offset}") for offset in range(0, 30, 7)] == walked
        monkeypatch.undo()
    assert sum(walked, []) == [
        Case.objects.get(pk=place.case_id).name for place in open_cases_in_order(project=project, user=reader, count=99)
    ]


def test_a_page_after_a_known_row_is_the_page_at_its_offset(reader, project, start, as_person) -> None:
    project.blinded_share = 0.4
    project.save()
    for number in range(30):
        split = ("POOL", "POOL", "VALIDATION")[number % 3]
        # Equal priorities, too: then the number decides.
        make_case(project, split=split, priority=(number * 11 % 7) / 7, blind_priority=(number * 7 % 5) / 5)
    start(reader, Case.objects.get(number=9)).save(comment="begun")
    client = as_person(reader)
    for state, size in (("to_read", 29), ("all", 30)):
        rows = client.get(f"{BASE}/worklist/?state={state}&limit=200").json()["results"]
        assert len(rows) == size
        for offset in range(1, size):
            query = f"state={state}&limit=7&offset={offset}"
            by_row = listed(client, f"{query}&past={rows[offset - 1]['id']}")
            assert by_row == listed(client, query) == [row["name"] for row in rows[offset : offset + 7]]


def test_going_on_after_a_row_misses_none_when_rows_above_have_gone(reader, assisted, start, as_person) -> None:
    cases = [make_case(assisted, priority=1 - number / 10) for number in range(9)]
    client = as_person(reader)
    first = listed(client, "state=to_read&limit=3")
    start(reader, cases[0]).save(comment="begun")
    names = [case.name for case in cases]
    assert first == names[:3]
    assert listed(client, "state=to_read&limit=3&offset=3") == names[4:7], "by the offset one is missed"
    assert listed(client, f"state=to_read&limit=3&offset=3&past={cases[2].pk}") == names[3:6]
    gone = uuid.uuid4()
    assert listed(client, f"state=to_read&limit=3&offset=3&past={gone}") == names[4:7], "an unknown row says nothing"
    assert listed(client, f"state=to_read&order=name&limit=3&offset=3&past={cases[2].pk}") == names[4:7]
    assert client.get(f"{BASE}/worklist/?past=x").status_code == 400


def test_a_ranking_gives_blinded_readers_places_that_tell_nothing(project) -> None:
    cases = [make_case(project, split=("POOL", "POOL", "VALIDATION", "HOLDOUT")[number % 4]) for number in range(40)]
    pool = [case for case in cases if case.split == "POOL"]
    ranking = [CasePriority(case.pk, 1.0 - at / 20, "uncertain", {"detail": "edge"}) for at, case in enumerate(pool)]
    write_priorities(project=project, priorities=ranking, seed=3)
    given = {row.priority for row in ranking}
    stored = {case.pk: case for case in Case.objects.all()}
    assert [stored[row.case_id].priority for row in ranking] == [row.priority for row in ranking]
    assert {case.blind_priority for case in stored.values()} <= given
    assert all(case.priority == case.blind_priority for case in stored.values() if case.split != "POOL")
    moved = sum(stored[row.case_id].blind_priority != row.priority for row in ranking)
    assert moved > 10
    with pytest.raises(ValueError):
        write_priorities(project=project, priorities=[CasePriority(cases[2].pk, 1.0, "likely")], seed=0)


def test_next_leases_the_best_case_that_nobody_else_holds(reader, second_reader, assisted, start, as_person) -> None:
    low, high, middle = (make_case(assisted, priority=priority) for priority in (0.1, 0.9, 0.5))
    make_case(assisted, split="EMBARGOED", priority=5.0)
    rita, sam = as_person(reader), as_person(second_reader)
    assert rita.post(f"{BASE}/worklist/next/", {}, format="json").json() == {"case": str(high.pk)}
    assert sam.post(f"{BASE}/worklist/next/", {}, format="json").json() == {"case": str(middle.pk)}
    again = rita.post(f"{BASE}/worklist/next/", {"after": str(high.pk)}, format="json")
    assert again.json() == {"case": str(low.pk)}
    rows = {row["name"]: row["leased_by"] for row in sam.get(f"{BASE}/worklist/").json()["results"]}
    assert rows == {"US-0002": "rita", "US-0003": None, "US-0001": "rita"}
    Assignment.objects.filter(user=reader).update(lease_expires_at=timezone.now() - timedelta(minutes=1))
    free = sam.post(f"{BASE}/worklist/next/", {"after": str(middle.pk)}, format="json")
    assert free.json() == {"case": str(high.pk)}


def test_next_passes_over_what_the_reader_has_begun(reader, assisted, start, as_person) -> None:
    cases = [make_case(assisted, priority=1 - number / 10) for number in range(3)]
    desk = start(reader, cases[0])
    desk.save(comment="begun")
    client = as_person(reader)
    assert client.post(f"{BASE}/worklist/next/", {}, format="json").json() == {"case": str(cases[1].pk)}
    desk.save(verdict="no_lesion")
    desk.submit()
    desk.client.post(f"{BASE}/cases/{cases[1].pk}/open/")
    assert client.post(f"{BASE}/worklist/next/", {}, format="json").json() == {"case": str(cases[1].pk)}


def test_next_says_when_nothing_is_left(reader, assisted, as_person) -> None:
    assert as_person(reader).post(f"{BASE}/worklist/next/", {}, format="json").json() == {"case": None}


def test_the_lead_can_free_a_case(reader, second_reader, lead, case, start, as_person) -> None:
    start(reader, case)
    sam = as_person(second_reader)
    assert sam.post(f"{BASE}/worklist/next/", {}, format="json").json() == {"case": None}
    assert sam.post(f"{BASE}/cases/{case.pk}/release/").status_code == 403
    assert as_person(lead).post(f"{BASE}/cases/{case.pk}/release/").status_code == 204
    assert sam.post(f"{BASE}/worklist/next/", {}, format="json").json() == {"case": str(case.pk)}


def test_a_case_that_another_holds_is_opened_read_only(reader, second_reader, case, start) -> None:
    start(reader, case)
    room = start(second_reader, case).room
    assert (room["readonly"], room["lease"]) == ("leased", {"expires_at": None, "held_by": "rita"})


def test_an_embargoed_case_is_there_for_leads_alone(reader, lead, assisted, as_person) -> None:
    case = make_case(assisted, split="EMBARGOED")
    assert as_person(reader).get(f"{BASE}/cases/{case.pk}/").status_code == 404
    assert as_person(reader).post(f"{BASE}/cases/{case.pk}/open/").status_code == 404
    room = as_person(lead).post(f"{BASE}/cases/{case.pk}/open/").json()
    assert (room["readonly"], room["reading"]) == ("embargoed", None)
    assert not Assignment.objects.exists()


def test_the_pace_counts_todays_cases_and_their_seconds(reader, assisted, model, start, as_person) -> None:
    for seconds in (30, 40, 50, 60, 70):
        desk = start(reader, make_case(assisted))
        desk.save(verdict="no_lesion", active_seconds=seconds)
        desk.submit()
    shown = make_case(assisted)
    make_reading(model, shown, scores=[0.9])
    desk = start(reader, shown)
    finding = desk.room["model"]["findings"][0]
    desk.save(decisions={"upsert": [{"predicted": finding["id"], "kind": "rejected", "threshold": 0.5}]})
    make_case(assisted)
    pace = as_person(reader).get(f"{BASE}/worklist/pace/").json()
    assert (pace["today"], pace["submitted"], pace["total"]) == (5, 5, 7)
    assert (pace["low_seconds"], pace["median_seconds"], pace["high_seconds"]) == (40, 50, 60)
    assert len(pace["days"]) == 14
    assert pace["days"][-1] == {"date": timezone.now().date().isoformat(), "count": 5}
    assert pace["decisions"] == {"accepted": 0, "edited": 0, "rejected": 1}
    assert (pace["continue"]["id"], pace["continue"]["n_decided"]) == (str(shown.pk), 1)


def test_the_pace_of_who_has_read_nothing_has_no_median(reader, as_person) -> None:
    pace = as_person(reader).get(f"{BASE}/worklist/pace/").json()
    assert (pace["today"], pace["median_seconds"], pace["continue"]) == (0, None, None)


def test_the_room_names_the_cases_to_come(reader, assisted, start) -> None:
    cases = [make_case(assisted, priority=1 - number / 10) for number in range(5)]
    coming = start(reader, cases[0]).room["next"]
    assert [row["id"] for row in coming] == [str(case.pk) for case in cases[1:4]]
    assert not Assignment.objects.exclude(case=cases[0]).exists()


def test_a_page_takes_as_many_queries_whatever_its_length(
    reader, assisted, model, as_person, django_assert_max_num_queries
) -> None:
    for _ in range(12):
        make_reading(model, make_case(assisted), scores=[0.9, 0.4])
    client = as_person(reader)
    client.get(f"{BASE}/worklist/")
    for query in ("limit=1", "limit=12", "limit=12&state=to_read"):
        with django_assert_max_num_queries(14):
            client.get(f"{BASE}/worklist/?{query}")


def test_a_case_of_another_project_is_not_there(reader, assisted, as_person) -> None:
    archive = Archive.objects.create(slug="other", name="Other")
    foreign = make_case(Project.objects.create(slug="other", name="Other", archive=archive))
    make_model(assisted)
    client = as_person(reader)
    missing = client.get(f"{BASE}/cases/{uuid.uuid4()}/")
    assert client.get(f"{BASE}/cases/{foreign.pk}/").json() == missing.json()
    assert missing.status_code == 404


def test_opening_a_case_and_the_pace_take_a_bounded_number_of_queries(
    reader, assisted, model, start, as_person, django_assert_max_num_queries
) -> None:
    for number in range(8):
        case = make_case(assisted)
        found = make_reading(model, case, scores=[0.9, 0.4])
        desk = start(reader, case)
        finding = {"predicted": str(found.lesions.get(score=0.9).pk), "kind": "rejected", "threshold": 0.5, "at_seconds": 3}
        desk.save(decisions={"upsert": [finding]}, verdict="no_lesion")
        if number < 6:
            desk.submit()
    client = as_person(reader)
    client.get(f"{BASE}/worklist/pace/")
    with django_assert_max_num_queries(19):
        assert client.post(f"{BASE}/cases/{case.pk}/open/").status_code == 200
    with django_assert_max_num_queries(18):
        assert client.get(f"{BASE}/worklist/pace/").json()["decision_seconds"] == 3


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the plan of PostgreSQL follows its statistics")
def test_the_order_by_score_reads_scores_from_an_index_and_no_lesions_row(reader, assisted, model, as_person) -> None:
    case = make_case(assisted)
    make_reading(model, case, scores=[0.9, 0.4])
    with CaptureQueriesContext(connection) as asked:
        as_person(reader).get(f"{BASE}/worklist/?order=score")
    ordered = next(query["sql"] for query in asked.captured_queries if "NULLS LAST" in query["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {ordered}")
        plan = [row[-1] for row in cursor.fetchall()]
    assert any("USING COVERING INDEX lesion_reading_score" in step for step in plan), plan
