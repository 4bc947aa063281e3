"""Inside a model looks only who may see what the model found in the case."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from backend.inspection.services import order_inspection, store_inspection
from backend.jobs.models import Job
from backend.projects.models import Project
from tests.rows import make_case, make_model, make_reading

pytestmark = pytest.mark.django_db
PROJECT = "/api/v1/projects/breast"


def base(case: Any, number: int = 1) -> str:
    return f"{PROJECT}/models/{number}/inspections/{case.pk}/"


def answers(client: Any, case: Any, number: int = 1) -> set[int]:
    """What each operation answers; that there is something to see is seen to before."""
    url = base(case, number)
    return {client.get(url).status_code, client.get(f"{url}pictures/").status_code, client.post(url).status_code}


SEEN, REFUSED = {200, 202}, {404}


@pytest.fixture
def serving(project: Project) -> Any:
    Project.objects.filter(pk=project.pk).update(blinded_share=0.0)
    project.refresh_from_db()
    return make_model(project)


def looked(model: Any, case: Any, lead: Any) -> Any:
    """Give the case the model's reading, and a finished look inside."""
    make_reading(model, case, scores=[0.8])
    inspection = order_inspection(version=model.model_version, case=case, frame=1, by=lead)
    store_inspection(inspection=inspection, document={"targets": []}, pictures=b"planted")
    return case


def submit(client: Any, case: Any) -> None:
    opened = client.post(f"{PROJECT}/cases/{case.pk}/open/").json()
    url = f"{PROJECT}/readings/{opened['reading']['id']}/"
    change = {"revision_id": str(uuid.uuid4()), "verdict": "no_lesion"}
    saved = client.put(url, change, format="json", headers={"If-Match": opened["reading"]["etag"]})
    done = client.post(f"{url}submit/", headers={"If-Match": saved.json()["etag"]})
    assert done.status_code == 200, done.content


@pytest.mark.parametrize("who", ["reader", "reviewer", "lead"])
def test_in_the_assisted_arm_everybody_looks(request, serving, project, lead, as_person, who: str) -> None:
    case = looked(serving, make_case(project), lead)
    assert answers(as_person(request.getfixturevalue(who)), case) == SEEN


@pytest.mark.parametrize("who", ["reader", "reviewer", "lead"])
def test_in_the_blinded_arm_nobody_looks_and_nothing_is_ordered(request, serving, project, lead, as_person, who) -> None:
    project.blinded_share = 1.0
    project.save()
    case = looked(serving, make_case(project), lead)
    before = Job.objects.count()
    assert answers(as_person(request.getfixturevalue(who)), case) == REFUSED
    assert Job.objects.count() == before


@pytest.mark.parametrize(("who", "expected"), [("reader", REFUSED), ("reviewer", SEEN), ("lead", SEEN)])
def test_after_a_blinded_reading_only_who_may_then_see_the_model_looks(
    request, serving, project, lead, as_person, who: str, expected: set[int]
) -> None:
    """A reader may reopen, so nothing is told to him even then."""
    project.blinded_share = 1.0
    project.save()
    case = looked(serving, make_case(project), lead)
    client = as_person(request.getfixturevalue(who))
    submit(client, case)
    assert answers(client, case) == expected


def test_validation_is_looked_into_by_a_lead_who_has_read_it_and_by_nobody_else(
    serving, project, reader, reviewer, lead, as_person
) -> None:
    project.readings_wanted = 3
    project.save()
    case = looked(serving, make_case(project, split="VALIDATION"), lead)
    assert answers(as_person(lead), case) == REFUSED
    submit(as_person(lead), case)
    assert answers(as_person(lead), case) == SEEN
    assert answers(as_person(reader), case) == REFUSED


@pytest.mark.parametrize("split", ["HOLDOUT", "EMBARGOED"])
@pytest.mark.parametrize("who", ["reader", "reviewer", "lead"])
def test_holdout_and_embargoed_cases_are_looked_into_by_nobody_ever(
    request, serving, project, lead, as_person, who: str, split: str
) -> None:
    case = looked(serving, make_case(project, split=split), lead)
    client = as_person(request.getfixturevalue(who))
    assert answers(client, case) == REFUSED
    if split == "HOLDOUT":
        submit(client, case)
        assert answers(client, case) == REFUSED


def test_before_the_reveal_of_a_first_look_nobody_looks(serving, project, reader, lead, as_person) -> None:
    project.first_look = True
    project.save()
    case = looked(serving, make_case(project), lead)
    assert answers(as_person(reader), case) == REFUSED
    assert answers(as_person(lead), case) == REFUSED


def test_a_version_that_a_reader_is_not_shown_is_for_leads(serving, project, reader, lead, as_person) -> None:
    case = looked(serving, make_case(project), lead)
    kept = make_model(project, state="kept", number=2)
    looked(kept, case, lead)
    assert answers(as_person(reader), case, 2) == REFUSED
    assert answers(as_person(lead), case, 2) == SEEN
    unread = make_case(project)
    assert answers(as_person(reader), unread) == REFUSED, "the version has not read it"


def test_the_refusal_does_not_tell_why(serving, project, reader, lead, as_person) -> None:
    project.blinded_share = 1.0
    project.save()
    cases = [looked(serving, make_case(project, split=split), lead) for split in ("POOL", "VALIDATION", "HOLDOUT")]
    client = as_person(reader)
    told = {client.get(base(case)).content for case in cases} | {client.get(base(cases[0], 99)).content}
    assert len(told) == 1


def test_lesions_to_ask_about_are_those_that_the_caller_may_see(
    serving, project, reader, second_reader, lead, as_person
) -> None:
    from backend.readings.models import Reader

    version = serving.model_version
    version.finding_type_ids = {"types": list(project.finding_types.filter(scope="lesion").values_list("pk", flat=True))}
    version.save()
    case = looked(serving, make_case(project), lead)
    made = {}
    for person in (reader, second_reader):
        own = Reader.objects.create(project=project, kind="person", name=person.username, user=person)
        made[person.username] = make_reading(own, case, scores=[None], state="draft").lesions.get()
    client = as_person(reader)
    assert [one["id"] for one in client.get(base(case)).json()["lesions"]] == [str(made["rita"].pk)]
    assert client.post(f"{base(case)}?lesion={made['rita'].pk}").status_code == 202
    for url in (base(case), f"{base(case)}pictures/"):
        assert client.get(f"{url}?lesion={made['sam'].pk}").status_code == 404


def test_the_list_of_cases_leaves_out_what_the_lead_is_still_to_read_blinded(serving, project, lead, as_person) -> None:
    shown, unread = make_case(project), make_case(project, split="VALIDATION")
    make_case(project, split="HOLDOUT")
    listed = as_person(lead).get(f"{PROJECT}/inspection-cases/").json()
    assert [one["id"] for one in listed["cases"]] == [str(shown.pk)]
    assert (listed["total"], listed["hidden"]) == (1, 1), "the one of HOLDOUT is not even counted"
    assert as_person(lead).get(f"{PROJECT}/inspection-cases/?search={unread.name}").json()["total"] == 0


def test_an_image_that_the_case_does_not_have_is_not_there(serving, project, reader, lead, as_person) -> None:
    case = looked(serving, make_case(project), lead)
    assert as_person(reader).get(f"{base(case)}?frame=2").status_code == 404
    assert as_person(reader).get(f"{base(case)}?frame=0").status_code == 400
