"""The table of who is who: sealed at the door, opened for one lead with the right, every look in the trail."""

from __future__ import annotations

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from backend.archive.ingest import ingest_file
from backend.archive.models import Identity, Study
from backend.audit.models import Event
from backend.dicom.refusal import Refused
from backend.projects.models import Membership

LOOK = "/api/v1/projects/breast/identities/look-up/"
WHY = "an incidental finding has to be told"
pytestmark = pytest.mark.django_db


@pytest.fixture
def known(project, child, make_dicom, as_file, tmp_path, settings):
    """A patient brought into an archive that keeps a table; gives the pseudonym."""
    settings.REIDENTIFICATION_KEY = "a key of this server"
    archive = project.archive
    archive.deid_profile, archive.keeps_identities = "basic", True
    archive.save()
    path = tmp_path / "file.dcm"
    path.write_bytes(as_file(make_dicom(np.zeros((4, 4), "u1"), PatientID="MRN-4711", StudyDate="20240229")))
    ingest_file(archive=archive, child=child, path=path, modality="CT")
    return Study.objects.get().patient_id


def test_a_pseudonym_is_looked_up_with_a_reason_and_the_look_is_kept(known, lead, as_person):
    call_command("grant_reidentification", lead.get_username(), "--project", "breast")
    api = as_person(lead)
    answer = api.post(LOOK, {"pseudonym": known, "reason": WHY}, format="json")
    (found,) = answer.json()["results"]
    assert (found["patient_id"], found["patient_name"], found["study_date"]) == ("MRN-4711", "Doe^Jane", "20240229")
    assert found["sop_instance_uid"] == "1.2.3.4.5" != found["stored_sop_instance_uid"]
    event = Event.objects.get(verb="identity.looked_up")
    assert (event.actor, event.object_id, event.detail["reason"]) == (lead.get_username(), known, WHY)
    assert api.post(LOOK, {"pseudonym": known, "reason": "short"}, format="json").status_code == 400
    assert api.post(LOOK, {"pseudonym": "P000000000000000", "reason": WHY}, format="json").json() == {"results": []}
    assert Event.objects.filter(verb="identity.looked_up").count() == 2
    whole = api.post("/api/v1/projects/breast/identities/export/", {"reason": WHY}, format="json")
    assert len(whole.json()["results"]) == 1


def test_a_lead_without_the_right_finds_no_table(known, lead, reviewer, as_person):
    assert as_person(lead).post(LOOK, {"pseudonym": known, "reason": WHY}, format="json").status_code == 404
    with pytest.raises(CommandError, match="no lead"):
        call_command("grant_reidentification", reviewer.get_username(), "--project", "breast")


def test_who_ceases_to_be_lead_loses_the_right(known, project, lead, make_person):
    from backend.projects.services import set_member

    second = make_person("second-lead")
    set_member(project=project, username="second-lead", role="lead", by=lead)
    call_command("grant_reidentification", "second-lead", "--project", "breast")
    set_member(project=project, username="second-lead", role="reader", by=lead)
    set_member(project=project, username="second-lead", role="lead", by=lead)
    assert not Membership.objects.get(user=second).may_reidentify


def test_the_database_holds_nothing_readable(known):
    sealed = bytes(Identity.objects.get().sealed)
    assert b"MRN" not in sealed and b"Doe" not in sealed and b"1.2.3.4.5" not in sealed


def test_another_key_opens_nothing(known, lead, as_person, settings):
    call_command("grant_reidentification", lead.get_username(), "--project", "breast")
    settings.REIDENTIFICATION_KEY = "another key"
    answer = as_person(lead).post(LOOK, {"pseudonym": known, "reason": WHY}, format="json")
    assert answer.status_code == 400 and "another key" in answer.json()["detail"]


def test_an_archive_without_its_key_takes_nothing_in(known, project, child, picture, settings):
    settings.REIDENTIFICATION_KEY = ""
    with pytest.raises(Refused, match="lacks the key"):
        ingest_file(archive=project.archive, child=child, path=picture(), modality="US")


def test_no_table_is_kept_unless_asked_for(project, child, make_dicom, as_file, tmp_path):
    project.archive.deid_profile = "basic"
    project.archive.save()
    path = tmp_path / "file.dcm"
    path.write_bytes(as_file(make_dicom(np.zeros((4, 4), "u1"))))
    ingest_file(archive=project.archive, child=child, path=path, modality="CT")
    assert not Identity.objects.exists()


TABLE = "/api/v1/projects/breast/identities/"


@pytest.fixture
def cleaned(project, settings):
    """An archive that de-identifies and keeps no table, on a server with a key."""
    settings.REIDENTIFICATION_KEY = "a key of this server"
    project.archive.deid_profile = "basic"
    project.archive.save()
    return project.archive


def test_a_lead_with_the_right_has_the_table_kept_and_the_switch_is_in_the_trail(cleaned, lead, as_person):
    call_command("grant_reidentification", lead.get_username(), "--project", "breast")
    api = as_person(lead)
    answer = api.put(TABLE, {"keeps": True, "reason": WHY}, format="json")
    assert answer.json() == {"keeps": True, "deidentifies": True, "has_key": True, "may_reidentify": True}
    cleaned.refresh_from_db()
    assert cleaned.keeps_identities
    assert Event.objects.get(verb="identity.table_switched").detail == {"keeps": True, "reason": WHY}


def test_a_lead_without_the_right_sees_the_state_and_switches_nothing(cleaned, lead, as_person):
    api = as_person(lead)
    assert api.get(TABLE).json()["may_reidentify"] is False
    assert api.put(TABLE, {"keeps": True, "reason": WHY}, format="json").status_code == 404
    cleaned.refresh_from_db()
    assert not cleaned.keeps_identities


@pytest.mark.parametrize(("profile", "key"), [("none", "a key"), ("basic", "")])
def test_no_table_is_promised_where_none_can_be_kept(cleaned, lead, as_person, settings, profile, key):
    call_command("grant_reidentification", lead.get_username(), "--project", "breast")
    settings.REIDENTIFICATION_KEY, cleaned.deid_profile = key, profile
    cleaned.save()
    assert as_person(lead).put(TABLE, {"keeps": True, "reason": WHY}, format="json").status_code == 400
    cleaned.refresh_from_db()
    assert not cleaned.keeps_identities


@pytest.mark.parametrize("key", ["a key", ""])
def test_who_makes_a_project_learns_whether_a_table_can_be_kept_and_chooses(make_person, as_person, settings, key):
    settings.REIDENTIFICATION_KEY = key
    api = as_person(make_person("fay", may_create_projects=True))
    assert api.get("/api/v1/me/").json()["can_keep_identities"] is bool(key)
    wanted = {"name": "Lung", "deid_profile": "basic", "keeps_identities": True}
    answer = api.post("/api/v1/projects/", wanted, format="json")
    if not key:
        assert answer.status_code == 400 and "no key" in answer.content.decode()
        return
    made = answer.json()
    assert made["archive"]["keeps_identities"] and not made["may_reidentify"]
    assert Event.objects.get(verb="project.created").detail["keeps_identities"] is True
    assert api.get(f"/api/v1/projects/{made['slug']}/identities/").json()["may_reidentify"] is False
