"""QIDO-RS matches names, times, requests and coded strings as PS3.4 C.2.2.2 and PS3.18 10.6 have it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pydicom.dataset import Dataset


def requested(step: str, procedure: str) -> Dataset:
    item = Dataset()
    item.ScheduledProcedureStepID, item.RequestedProcedureID = step, procedure
    return item


@pytest.fixture
def studies(project, keep, example):
    """A CT of Yamada and an MR of Doe, each with all that a search may ask for."""
    ct = example("CT_small.dcm")
    ct.SpecificCharacterSet = "ISO_IR 192"
    ct.PatientName, ct.PatientID, ct.PatientBirthDate = "Yamada^Tarou=山田^太郎=やまだ^たろう", "CT-1", "19500102"
    ct.StudyTime, ct.StudyDate, ct.ReferringPhysicianName, ct.StudyID = "101530.25", "20200115", "Who^Doctor", "S_1"
    ct.TimezoneOffsetFromUTC = "+0900"
    ct.PerformedProcedureStepStartDate, ct.PerformedProcedureStepStartTime = "20200115", "1016"
    ct.RequestAttributesSequence = [requested("STEP1", "RP1"), requested("STEP2", "RP_2")]
    mr = example("MR_small.dcm")
    mr.PatientName, mr.PatientID, mr.StudyTime, mr.StudyDate = "Doe^Jane^^", "MR-1", "235959", "20210301"
    mr.RequestAttributesSequence = [requested("STEP12", "RP12")]
    return keep(project, ct), keep(project, mr)


@pytest.fixture
def get(reader, as_person):
    return lambda path, **headers: as_person(reader).get(f"/dicom-web/breast/{path}", **headers)


@pytest.fixture
def patients(get, studies):
    """Patients found by a query."""

    def find(path: str) -> list[str]:
        answer = get(path)
        assert answer.status_code in (200, 204), answer.content
        return [found["00100020"]["Value"][0] for found in answer.json()] if answer.status_code == 200 else []

    return find


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("studies?PatientName=Doe^Jane", ["MR-1"]),
        ("studies?PatientName=doe^jane^", ["MR-1"]),
        ("studies?PatientName=Doe", []),
        ("studies?PatientName=doe*", ["MR-1"]),
        ("studies?PatientName=*a*", ["CT-1", "MR-1"]),
        ("studies?PatientName=Yamada^Tarou", ["CT-1"]),
        ("studies?PatientName=山田^太郎", ["CT-1"]),
        ("studies?PatientName=やまだ*", ["CT-1"]),
        ("studies?PatientName=Yamada^Tarou=山田^太郎", ["CT-1"]),
        ("studies?PatientName=%3F*=山田*", ["CT-1", "MR-1"]),
        ("studies?PatientBirthDate=19500102", ["CT-1"]),
        ("studies?PatientBirthDate=-19991231", ["CT-1"]),
        ("studies?ReferringPhysicianName=who*", ["CT-1"]),
        ("studies?StudyID=S_*", ["CT-1"]),
        ("studies?StudyTime=101530.25", ["CT-1"]),
        ("studies?StudyTime=1015", ["CT-1"]),
        ("studies?StudyTime=10-11", ["CT-1"]),
        ("studies?StudyTime=1016-", ["MR-1"]),
        ("studies?StudyTime=-1015", ["CT-1"]),
        ("studies?StudyTime=-235959", ["CT-1", "MR-1"]),
        ("studies?StudyDate=20200101-20201231&StudyTime=10:15-10:16", ["CT-1"]),
        ("studies?ModalitiesInStudy=C*", ["CT-1"]),
        ("studies?ModalitiesInStudy=m%3F\\CT", ["CT-1", "MR-1"]),
        ("studies?Modality=C*", ["CT-1"]),
        ("series?Modality=C*,US", ["CT-1"]),
        ("series?PerformedProcedureStepStartDate=20200115&PerformedProcedureStepStartTime=10-11", ["CT-1"]),
        ("series?RequestAttributesSequence.ScheduledProcedureStepID=STEP1", ["CT-1"]),
        ("series?00400275.00400009=STEP2", ["CT-1"]),
        ("series?00400275.00400009=STEP*", ["CT-1", "MR-1"]),
        ("series?00400275.00401001=RP_2", ["CT-1"]),
        ("instances?00400275.00401001=RP12&PatientName=doe*", ["MR-1"]),
        ("studies?PatientName=**", ["CT-1", "MR-1"]),
    ],
)
def test_matches(patients, query, found):
    assert patients(query) == found


def test_all_required_attributes_are_returned(studies, get):
    """PS3.18 Tables 10.6.3-3, -4 and -5."""
    study = get("studies?PatientID=CT-1").json()[0]
    of_study = "00080005 00080020 00080030 00080050 00080056 00080061 00080090 00080201 00081190 00100010 00100020 "
    of_study += "00100030 00100040 0020000D 00200010 00201206 00201208"
    assert set(of_study.split()) <= study.keys()
    assert study["00100010"]["Value"] == [
        {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}
    ]
    assert study["00080201"]["Value"] == ["+0900"] and study["00080030"]["Value"] == ["101530.25"]
    series = get("series?PatientID=CT-1").json()[0]
    of_series = "00080005 00080060 00080201 0008103E 00081190 0020000E 00200011 00201209 00400244 00400245 00400275"
    assert set(of_series.split()) <= series.keys()
    steps = [item["00400009"]["Value"][0] for item in series["00400275"]["Value"]]
    assert steps == ["STEP1", "STEP2"] and series["00400275"]["Value"][0]["00401001"]["Value"] == ["RP1"]
    instance = get("instances?PatientID=CT-1").json()[0]
    of_instance = "00080005 00080016 00080018 00080056 00080201 00081190 00200013 00280008 00280010 00280011 00280100"
    assert set(of_instance.split()) <= instance.keys()


def test_the_total_is_told_where_it_is_known_and_counted_on_request(studies, get):
    assert get("studies")["X-Total-Count"] == "2"
    assert get("studies?limit=1&offset=1")["X-Total-Count"] == "2"
    assert "X-Total-Count" not in get("studies?limit=1")
    first = get("studies?limit=1", HTTP_PREFER="count=exact")
    assert first["X-Total-Count"] == "2" and first["Preference-Applied"] == "count=exact"
    assert "additional results" in first["Warning"]
    assert get("instances?limit=1&Modality=MR", HTTP_PREFER="count=exact")["X-Total-Count"] == "1"
    assert get("studies?PatientID=x", HTTP_PREFER="count=exact")["X-Total-Count"] == "0"


def test_what_is_not_done_is_said_in_the_standards_words(studies, get):
    answer = get("studies?fuzzymatching=true&PatientName=doe*")
    assert 'Only literal matching has been performed."' in answer["Warning"] and len(answer.json()) == 1
    assert "emptyvaluematching" in get("studies?emptyvaluematching=true")["Warning"]
    assert "Warning" not in get("studies?fuzzymatching=false")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("StudyTime=noon", 400),
        ("StudyTime=10-11-12", 400),
        ("fuzzymatching=maybe", 400),
        ("00400275.Nonsense=1", 400),
        ("includefield=00400275.Nonsense", 400),
        (f"StudyInstanceUID={','.join(['1.2'] * 501)}", 413),
    ],
)
def test_bad_queries_are_refused_with_the_reason(studies, get, query, status):
    answer = get(f"studies?{query}")
    assert answer.status_code == status and answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status and problem["title"] and problem["detail"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the plan of PostgreSQL follows its statistics")
def test_a_name_is_found_by_an_index(studies, get):
    with CaptureQueriesContext(connection) as asked:
        get("studies?PatientName=doe^jane")
    found = next(one["sql"] for one in asked.captured_queries if "LIMIT" in one["sql"] and "archive_study" in one["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {found}")
        plan = [row[-1] for row in cursor.fetchall()]
    assert any("USING INDEX study_patient_name" in step for step in plan), plan


def test_names_are_read_from_columns_without_opening_headers(studies, get):
    with CaptureQueriesContext(connection) as asked:
        get("studies")
    assert not any("dicom_json" in one["sql"] for one in asked.captured_queries)


def test_what_was_stored_before_there_were_columns_is_found_after_the_migration(studies, patients):
    from importlib import import_module

    from django.apps import apps

    from backend.archive.models import Series, Study

    blank = {"patient_name": "", "patient_name_other": "", "study_time": "", "patient_birth_date": ""}
    before = list(Study.objects.order_by("pk").values()), list(Series.objects.order_by("pk").values())
    Study.objects.update(**blank, referring_physician_name="", timezone_offset_from_utc="")
    Series.objects.update(scheduled_procedure_step_ids="", requested_procedure_ids="")
    assert patients("studies?PatientName=doe*") == []
    import_module("backend.archive.migrations.0003_searched_attributes").fill(apps, None)
    assert (list(Study.objects.order_by("pk").values()), list(Series.objects.order_by("pk").values())) == before
    assert patients("studies?PatientName=doe*") == ["MR-1"]
