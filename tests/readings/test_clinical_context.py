"""The clinic's words and prior readings: shown to who reads with them, kept back from who reads blind."""

from __future__ import annotations

import pytest

from backend.archive.models import Study
from backend.projects.models import ClinicalContext
from backend.readings.models import Reader
from tests.rows import make_case, make_model, make_reading

BASE = "/api/v1/projects/breast"
pytestmark = pytest.mark.django_db


def told(client, case) -> tuple[str, str]:
    context = client.get(f"{BASE}/cases/{case.pk}/").json()["case"]["context"]
    return context["indication"], context["report"]


def priors(client, case) -> list[dict]:
    answer = client.get(f"{BASE}/cases/{case.pk}/prior-readings/")
    assert answer.status_code == 200
    return answer.json()


def of_patient(case, date: str, patient: str = "p1"):
    Study.objects.filter(pk=case.series.study_id).update(patient_key=patient, study_date=date)
    return case


@pytest.fixture
def with_texts():
    def add(case):
        ClinicalContext.objects.create(case=case, indication="Lump since May", report="Spiculated mass")
        return case

    return add


def test_an_assisted_reader_is_told_indication_and_report(reader, case, with_texts, as_person) -> None:
    assert told(as_person(reader), case) == ("", "")
    assert told(as_person(reader), with_texts(case)) == ("Lump since May", "Spiculated mass")


@pytest.mark.parametrize("split", ["VALIDATION", "HOLDOUT", "POOL"])
def test_a_blinded_reader_is_told_the_indication_but_never_the_report(
    reader, project, with_texts, start, as_person, split: str
) -> None:
    project.blinded_share = 1.0
    project.save()
    case = with_texts(make_case(project, split=split))
    desk = start(reader, case)
    assert desk.room["case"]["context"]["indication"] == "Lump since May"
    desk.save(verdict="no_lesion")
    desk.submit()
    assert told(as_person(reader), case) == ("Lump since May", "")


def test_a_reviewer_is_told_the_report_of_a_blinded_case_after_submitting(
    reviewer, project, with_texts, start, as_person
) -> None:
    case = with_texts(make_case(project, split="VALIDATION"))
    desk = start(reviewer, case)
    assert told(as_person(reviewer), case)[1] == ""
    desk.save(verdict="no_lesion")
    desk.submit()
    assert told(as_person(reviewer), case)[1] == "Spiculated mass"


def test_the_report_waits_for_the_reveal_of_a_first_look(
    reader, assisted, predicted, case, with_texts, start, as_person
) -> None:
    assisted.first_look = True
    assisted.save()
    desk = start(reader, with_texts(case))
    assert told(as_person(reader), case) == ("Lump since May", "")
    desk.save(verdict="no_lesion")
    desk.client.post(f"{desk.url}reveal/", headers={"If-Match": desk.etag})
    assert told(as_person(reader), case) == ("Lump since May", "Spiculated mass")


def test_a_reader_sees_what_he_said_of_earlier_studies_and_nothing_of_others(
    reader, second_reader, reviewer, assisted, start, as_person
) -> None:
    now = of_patient(make_case(assisted), "20240510")
    before = of_patient(make_case(assisted), "20220101")
    undated = of_patient(make_case(assisted), "")
    later = of_patient(make_case(assisted), "20250101")
    stranger = of_patient(make_case(assisted), "20220101", "p2")
    for case in (before, undated, later, stranger):
        desk = start(reader, case)
        desk.mark(desk.box(), verdict="lesions", comment=f"seen {case.name}")
        desk.submit()
    draft = start(reader, of_patient(make_case(assisted), "20210101"))
    draft.save(comment="only begun")
    other = Reader.objects.create(project=assisted, kind="person", name="sam", user=second_reader)
    make_reading(other, before, scores=[None], comment="of another")
    make_reading(make_model(assisted), before, scores=[0.9])
    found = priors(as_person(reader), now)
    assert [(row["case"]["name"], row["study_date"], row["is_own"], row["verdict"]) for row in found] == [
        (before.name, "20220101", True, "lesions"),
        (undated.name, "", True, "lesions"),
    ]
    finding_type = assisted.finding_types.get(name="Benign mass").pk
    assert found[0]["lesions"] == [{"finding_type": finding_type, "count": 1}]
    names = {(row["reader"]["name"], row["comment"]) for row in priors(as_person(reviewer), now)}
    assert ("sam", "of another") in names and ("rita", f"seen {before.name}") in names
    assert not any(name.startswith("v") and name != "vera" for name, _ in names)


@pytest.mark.parametrize("split", ["VALIDATION", "HOLDOUT"])
def test_a_blinded_reading_tells_no_prior_reading_not_even_ones_own(reader, assisted, start, as_person, split: str) -> None:
    before = of_patient(make_case(assisted, split=split), "20220101")
    now = of_patient(make_case(assisted, split=split), "20240510")
    desk = start(reader, before)
    desk.save(verdict="no_lesion")
    desk.submit()
    assert priors(as_person(reader), now) == []
    desk = start(reader, now)
    assert priors(as_person(reader), now) == []
    desk.save(verdict="no_lesion")
    desk.submit()
    assert priors(as_person(reader), now) == []


def test_prior_readings_wait_for_the_reveal_of_a_first_look(reader, assisted, model, start, as_person) -> None:
    before, now = of_patient(make_case(assisted), "20220101"), of_patient(make_case(assisted), "20240510")
    desk = start(reader, before)
    desk.save(verdict="no_lesion")
    desk.submit()
    make_reading(model, now, scores=[0.9])
    assisted.first_look = True
    assisted.save()
    desk = start(reader, now)
    assert priors(as_person(reader), now) == []
    desk.save(verdict="no_lesion")
    desk.client.post(f"{desk.url}reveal/", headers={"If-Match": desk.etag})
    assert [row["case"]["name"] for row in priors(as_person(reader), now)] == [before.name]


def test_an_embargoed_prior_is_told_nobody(lead, assisted, as_person) -> None:
    now = of_patient(make_case(assisted), "20240510")
    before = of_patient(make_case(assisted, split="EMBARGOED"), "20220101")
    truth = Reader.objects.create(project=assisted, kind="imported", name="Truth")
    make_reading(truth, before, scores=[None])
    assert priors(as_person(lead), now) == []
