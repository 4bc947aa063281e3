"""Who reads tells the leads of a name in an image; a lead blanks it, or looks and says that there is none."""

from __future__ import annotations

import pytest
from django.utils import timezone

from backend.audit.models import Event
from backend.projects.burnt_in_services import close_blanked_reports
from backend.projects.models import BurntInReport, Project
from backend.projects.selectors import case_instances
from tests.rows import make_case

REPORTS = "/api/v1/projects/breast/burnt-in-reports/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def case(project):
    return make_case(project)


@pytest.fixture
def report(as_person):
    """Reports an image of a case as somebody; the answer's status."""

    def report(person, case, frame=1, url=REPORTS) -> int:
        uid = case_instances(case).last().sop_instance_uid
        return as_person(person).post(url, {"sop_instance_uid": uid, "frame": frame}, format="json").status_code

    return report


def dismiss(client, case, **body):
    return client.post(f"/api/v1/projects/breast/cases/{case.pk}/burnt-in-reports/dismiss/", body, format="json")


def test_a_reader_tells_the_leads_of_a_name_and_the_leads_alone(project, reader, lead, as_person, case, report) -> None:
    project.blinded_share = 1.0
    project.save()
    assert report(reader, case) == 204
    (told,) = as_person(lead).get(REPORTS).json()
    image = case_instances(case).get()
    expected = {"case": str(case.pk), "name": case.name, "sop_instance_uid": image.sop_instance_uid, "frame": 1}
    assert {name: told[name] for name in expected} == expected
    assert told["reported_by"] == reader.shown_name
    assert as_person(reader).get(REPORTS).status_code == 403
    event = Event.objects.get(verb="burnt_in.reported")
    assert (event.actor, event.object_id) == (reader.username, str(case.pk))
    row = as_person(lead).get("/api/v1/projects/breast/worklist/").json()["results"][0]
    assert row["burnt_in"] == 1
    assert "burnt_in" not in as_person(reader).get("/api/v1/projects/breast/worklist/").json()["results"][0]


def test_the_same_report_once_more_changes_nothing_and_another_person_is_heard_too(
    reader, reviewer, lead, as_person, case, report
) -> None:
    assert [report(reader, case), report(reader, case), report(reviewer, case), report(lead, case)] == [204] * 4
    assert len(as_person(lead).get(REPORTS).json()) == 3
    assert Event.objects.filter(verb="burnt_in.reported").count() == 3


def test_leads_filter_by_what_was_reported_and_nobody_else(project, reader, lead, as_person, case, report) -> None:
    make_case(project)
    report(reader, case)
    url = "/api/v1/projects/breast/worklist/?burnt_in=reported"
    answer = as_person(lead).get(url).json()
    assert (answer["total"], [row["id"] for row in answer["results"]]) == (1, [str(case.pk)])
    assert as_person(reader).get(url).status_code == 403


def test_a_lead_who_sees_no_name_says_why_and_the_report_is_closed(reader, lead, as_person, case, report) -> None:
    report(reader, case)
    assert dismiss(as_person(lead), case).status_code == dismiss(as_person(lead), case, reason=" ").status_code == 400
    assert dismiss(as_person(reader), case, reason="No").status_code == 403
    assert len(as_person(lead).get(REPORTS).json()) == 1
    assert dismiss(as_person(lead), case, reason="A device's name").status_code == 204
    assert as_person(lead).get(REPORTS).json() == []
    row = BurntInReport.objects.get()
    assert (row.outcome, row.closed_by) == ("dismissed", lead)
    assert Event.objects.get(verb="burnt_in.dismissed").detail == {"reports": 1, "reason": "A device's name"}
    # Seen again it is told again.
    assert report(reader, case) == 204 and len(as_person(lead).get(REPORTS).json()) == 1


def test_blanking_closes_the_reports_of_these_images_in_every_project(project, reader, lead, report, as_person) -> None:
    project.unit = "series"
    project.save()
    case = make_case(project, count=3)
    twin = Project.objects.create(
        slug="twin", name="Twin", modality="US", unit="series", archive=project.archive, synthetic=True
    )
    shown = twin.cases.create(series=case.series, number=1, name="US-0001", split="POOL", group_key="g")
    first, _, last = case_instances(case)
    for one in (case, shown):
        BurntInReport.objects.create(case=one, instance=last, frame=1, reported_by=reader)
    BurntInReport.objects.create(case=case, instance=first, frame=1, reported_by=reader)
    close_blanked_reports(instances=[last.pk], ordered_at=timezone.now(), by=lead)
    assert [one.instance_id for one in BurntInReport.objects.filter(closed_at=None)] == [first.pk]
    assert set(BurntInReport.objects.exclude(closed_at=None).values_list("outcome", flat=True)) == {"blanked"}
    events = Event.objects.filter(verb="burnt_in.blanked")
    assert {(one.project_id, one.object_id) for one in events} == {(one.project_id, str(one.pk)) for one in (case, shown)}
    assert not events.filter(actor=lead.username).exists()


@pytest.mark.parametrize("given", [{"sop_instance_uid": "1.2.3"}, {"frame": 9}, {"sop_instance_uid": ""}, {"frame": 0}])
def test_what_is_no_image_of_the_project_cannot_be_reported(reader, as_person, case, given) -> None:
    body = {"sop_instance_uid": case_instances(case).get().sop_instance_uid, "frame": 1} | given
    assert as_person(reader).post(REPORTS, body, format="json").status_code in (400, 404)
    assert not BurntInReport.objects.exists()


def test_an_image_of_another_project_is_not_there(project, reader, outsider, as_person, case, report) -> None:
    other = Project.objects.create(slug="other", name="Other", modality="US", archive=project.archive)
    other.memberships.create(user=outsider, role="reader")
    url = "/api/v1/projects/other/burnt-in-reports/"
    assert report(outsider, case, url=url) == 404
    assert not BurntInReport.objects.exists()


def test_an_embargoed_case_is_there_for_leads_alone(project, reader, lead, report) -> None:
    case = make_case(project, split="EMBARGOED")
    assert (report(reader, case), report(lead, case)) == (404, 204)
