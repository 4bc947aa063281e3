"""What else of the patient is told beside a case: earlier images, no findings, nothing embargoed, nothing of strangers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend.archive.models import Series, Study
from backend.dicom.projection import known_side, projection_of
from tests.rows import make_case, make_instances, make_reading

BASE = "/api/v1/projects/breast"
pytestmark = pytest.mark.django_db


def of_patient(case: Any, patient: str, date: str = "") -> Any:
    Study.objects.filter(pk=case.series.study_id).update(patient_key=patient, study_date=date)
    return case


@pytest.fixture
def related(reader, as_person):
    """Ask as a reader."""

    def ask(case: Any, person: Any = reader) -> Any:
        return as_person(person).get(f"{BASE}/cases/{case.pk}/related/").json()

    return ask


def named(document: Any) -> list[tuple[str, str, list[str]]]:
    return [(study["relation"], study["date"], [case["name"] for case in study["cases"]]) for study in document["studies"]]


def test_earlier_studies_of_the_patient_are_told_newest_first_and_later_ones_are_not(assisted, related) -> None:
    case = of_patient(make_case(assisted), "anna", "20200501")
    oldest = of_patient(make_case(assisted), "anna", "20150101")
    older = of_patient(make_case(assisted), "anna", "20190101")
    undated = of_patient(make_case(assisted), "anna")
    of_patient(make_case(assisted), "anna", "20210101")
    of_patient(make_case(assisted), "berta", "20190101")
    assert named(related(case)) == [
        ("prior", "20190101", [older.name]),
        ("prior", "20150101", [oldest.name]),
        ("undated", "", [undated.name]),
    ]


def test_without_a_patient_there_are_no_priors_only_the_rest_of_the_study(assisted, related) -> None:
    case, stranger = make_case(assisted), make_case(assisted)
    of_patient(case, "", "20200101")
    of_patient(stranger, "", "20190101")
    beside = make_case(assisted)
    Series.objects.filter(pk=beside.series_id).update(study=case.series.study)
    assert named(related(case)) == [("this", "20200101", [beside.name])]


def test_embargoed_images_other_projects_and_other_archives_are_never_told(assisted, related, lead) -> None:
    from backend.archive.models import Archive
    from backend.projects.models import Project

    case = of_patient(make_case(assisted), "anna", "20200501")
    of_patient(make_case(assisted, split="EMBARGOED"), "anna", "20190101")
    archive = Archive.objects.create(slug="other", name="Other")
    elsewhere = Project.objects.create(slug="other", name="Other", modality="US", unit="image", archive=archive)
    of_patient(make_case(elsewhere), "anna", "20190101")
    unread = make_instances(assisted)[0]
    Study.objects.filter(pk=unread.series.study_id).update(patient_key="anna", study_date="20180101")
    assert named(related(case)) == [] and named(related(case, lead)) == []


def test_a_prior_brings_images_and_no_word_of_what_was_found(assisted, model, related) -> None:
    case = of_patient(make_case(assisted), "anna", "20200501")
    prior = of_patient(make_case(assisted, frames=3), "anna", "20190101")
    make_reading(model, prior, scores=[0.8231479])
    document = related(case)
    [told] = document["studies"][0]["cases"]
    assert told["id"] == str(prior.pk) and told["n_frames"] == 3
    assert told["series"]["instances"][0]["sop_instance_uid"] == prior.instance.sop_instance_uid
    assert set(told) == {
        "id", "name", "modality", "description", "body_part", "laterality", "view", "n_frames", "series",
    }  # fmt: skip
    assert "0.8231479" not in json.dumps(document)


def test_a_series_is_told_in_reading_order(assisted, related) -> None:
    assisted.unit = "series"
    assisted.save()
    case = of_patient(make_case(assisted), "anna", "20200501")
    prior = of_patient(make_case(assisted, count=3), "anna", "20190101")
    last, *_ = prior.series.instances.order_by("instance_number")
    last.position = 9.0
    last.save()
    [told] = related(case)["studies"][0]["cases"]
    numbers = [one["sop_instance_uid"].rpartition(".")[2] for one in told["series"]["instances"]]
    assert numbers == ["2", "3", "1"]


def test_side_and_view_of_mammograms_are_told(assisted, related) -> None:
    case = make_case(assisted)
    Series.objects.filter(pk=case.series_id).update(modality="MG")
    case.instance.dicom_json = json.dumps(
        {"00200062": {"vr": "CS", "Value": ["R"]}, "00185101": {"vr": "CS", "Value": ["MLO"]}}
    )
    case.instance.save()
    document = related(case)
    assert (document["laterality"], document["view"]) == ("R", "MLO")


def test_the_view_is_also_read_from_its_code_and_the_side_from_shared_groups() -> None:
    code = {"00080100": {"vr": "SH", "Value": ["399162004"]}}
    anatomy = {"00209072": {"vr": "CS", "Value": ["L"]}}
    header = {
        "00540220": {"vr": "SQ", "Value": [code]},
        "52009229": {"vr": "SQ", "Value": [{"00209071": {"vr": "SQ", "Value": [anatomy]}}]},
    }
    assert projection_of(header) == ("L", "CC")
    assert projection_of({}) == ("", "")
    assert known_side("U") == "" and known_side("r") == "R", "an unpaired part of the body has no side"
