"""The worklist is narrowed by what its rows may tell, and leads give cases and take them back."""

from __future__ import annotations

import pytest
from django.utils import timezone

from backend.projects.models import Assignment
from backend.registry.models import Evaluation
from tests.rows import make_case, make_reading

BASE = "/api/v1/projects/breast"
pytestmark = pytest.mark.django_db


def names(client, query: str) -> list[str]:
    answer = client.get(f"{BASE}/worklist/?order=name&{query}").json()
    assert answer["total"] == len(answer["results"])
    return [row["name"] for row in answer["results"]]


def test_cases_are_found_by_score_finding_modality_and_date(reader, assisted, model, start, as_person) -> None:
    cases = [make_case(assisted) for _ in range(4)]
    make_reading(model, cases[0], scores=[0.9, 0.6])
    make_reading(model, cases[1], scores=[0.7, 0.4])
    make_reading(model, cases[2], scores=[0.4])
    mass, other = assisted.finding_types.filter(scope="lesion").order_by("position")
    tissue = assisted.finding_types.get(scope="image")
    client = as_person(reader)
    assert names(client, "score=0.65") == ["US-0001", "US-0002"]
    assert names(client, "score=0.3") == ["US-0001", "US-0002"], "what the version does not show has no score"
    assert names(client, f"finding={mass.pk}") == ["US-0001", "US-0002"] and names(client, f"finding={other.pk}") == []
    desk = start(reader, cases[3])
    desk.mark(desk.box(finding_type=other.pk), image_findings={str(tissue.pk): "present"})
    assert names(client, f"finding={other.pk}") == names(client, f"finding={tissue.pk}") == ["US-0004"]
    today = Assignment.objects.get(user=reader).changed_at.date()
    assert names(client, f"changed_from={today}&changed_to={today}") == ["US-0004"]
    assert names(client, "changed_to=2020-01-01") == []
    study = cases[1].series.study
    study.study_date = "20250317"
    study.save()
    assert names(client, "study_from=2025-03-01&study_to=2025-03-31") == ["US-0002"]
    assert names(client, "study_to=2025-03-31") == ["US-0002"], "without a date a case is in no period"
    cases[2].series.modality = "MG"
    cases[2].series.save()
    assert names(client, "modality=MG") == ["US-0003"]
    assert names(client, "modality=US&score=0.65&state=to_read") == ["US-0001", "US-0002"]
    ordered = client.get(f"{BASE}/worklist/?order=score").json()["results"]
    assert [row["top_score"] for row in ordered] == [0.9, 0.7, None, None]


def test_a_filter_tells_nothing_of_a_blinded_case(reader, assisted, model, as_person) -> None:
    assisted.blinded_share = 1.0
    assisted.save()
    make_reading(model, make_case(assisted), scores=[0.9])
    make_case(assisted)
    client = as_person(reader)
    mass = assisted.finding_types.filter(scope="lesion").first()
    assert names(client, "score=0") == names(client, f"finding={mass.pk}") == []
    ordered = client.get(f"{BASE}/worklist/?order=score").json()["results"]
    assert [row["name"] for row in ordered] == ["US-0001", "US-0002"]


def test_only_leads_filter_by_split_arm_and_reader(reader, lead, assisted, start, as_person) -> None:
    cases = [make_case(assisted, split=split) for split in ("POOL", "VALIDATION", "POOL")]
    start(reader, cases[2])
    client = as_person(lead)
    assert names(client, "split=VALIDATION") == names(client, "arm=blinded") == ["US-0002"]
    assert names(client, "reader=rita") == ["US-0003"]
    for query in ("split=POOL", "arm=blinded", "reader=rita"):
        assert as_person(reader).get(f"{BASE}/worklist/?{query}").status_code == 403


def test_a_lead_sees_who_has_what_and_gives_it_to_another(reader, second_reader, lead, assisted, start, as_person) -> None:
    first, case = make_case(assisted, priority=0.9), make_case(assisted, priority=0.1)
    start(second_reader, case)
    client = as_person(lead)
    held = {row["username"]: [one["name"] for one in row["held"]] for row in client.get(f"{BASE}/readers/").json()}
    assert held == {"rita": [], "sam": ["US-0002"], "lena": []}
    [row] = client.get(f"{BASE}/worklist/?reader=sam").json()["results"]
    assert [(one["username"], one["state"], bool(one["held_until"])) for one in row["readers"]] == [("sam", "opened", True)]
    assert client.post(f"{BASE}/cases/{case.pk}/give/", {"username": "otto"}, format="json").status_code == 400
    assert client.post(f"{BASE}/cases/{case.pk}/give/", {"username": "rita"}, format="json").status_code == 204
    held = {
        row["username"]: [(one["name"], one["given"]) for one in row["held"]]
        for row in client.get(f"{BASE}/readers/").json()
    }
    assert held == {"rita": [("US-0002", True)], "sam": [], "lena": []}
    mine = as_person(reader)
    assert mine.post(f"{BASE}/worklist/next/").json()["case"] == str(case.pk), "what was given comes before all others"
    assert "readers" not in mine.get(f"{BASE}/worklist/").json()["results"][0]
    assert [row["given"] for row in mine.get(f"{BASE}/worklist/?order=name").json()["results"]] == [False, True]
    given_until = Assignment.objects.get(user=reader).lease_expires_at
    desk = start(reader, case)
    desk.save(verdict="no_lesion")
    assert Assignment.objects.get(user=reader).lease_expires_at == given_until, "a save does not cut it short"
    desk.submit()
    assert mine.post(f"{BASE}/worklist/next/").json()["case"] == str(first.pk)
    refused = client.post(f"{BASE}/cases/{case.pk}/give/", {"username": "rita"}, format="json")
    assert refused.status_code == 400 and "read this case" in refused.content.decode()


def test_the_room_tells_the_false_positives_measured_on_validation(reader, case, predicted, start) -> None:
    assert start(reader, case).room["model"]["froc"] is None, "not measured is not known"
    curve = [[0.1, 0.5, 0.9], [0.8, 0.75, 0.6]]
    version = predicted.reader.model_version
    version.released_at = timezone.now()
    version.save()
    Evaluation.objects.create(
        model_version=version, split="HOLDOUT", metrics=[], curves={"froc": [[9, 1, 0.1]]}, n_cases=4, n_patients=4
    )
    Evaluation.objects.create(
        model_version=version, split="VALIDATION", metrics=[], curves={"froc": curve}, n_cases=48, n_patients=40
    )
    froc = start(reader, case).room["model"]["froc"]
    assert froc == {"n_cases": 48, "points": [[0.9, 0.1, 0.5], [0.6, 0.8, 0.75]]}
