"""QIDO-RS: matching, paging, what is returned and what never is."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.dicomweb.answers import datasets_of_xml, parts_of


@pytest.fixture
def studies(project, keep, example):
    """A CT study of two slices read as a series, an MR study, and a US study that is no case."""
    ct = example("CT_small.dcm")
    ct.StudyDate, ct.PatientID, ct.AccessionNumber, ct.StudyDescription = "20200115", "PAT-1", "A_1", "Chest 100%"
    first = keep(project, ct, case="series")
    ct.SOPInstanceUID += ".2"
    keep(project, ct, case="series")
    mr = example("MR_small.dcm")
    mr.StudyDate, mr.PatientID, mr.AccessionNumber, mr.StudyDescription = "20210301", "PAT-2", "AX1", "Brain"
    second = keep(project, mr)
    mr.SOPInstanceUID += ".5"
    keep(project, mr, case=None)
    hidden = example("MR_small_jpeg_ls_lossless.dcm")
    hidden.StudyInstanceUID, hidden.PatientID = "1.2.3.99", "PAT-3"
    keep(project, hidden, case=None)
    return first, second


@pytest.fixture
def search(reader, as_person):
    """Patients found by a query below the project's root."""

    def find(path: str) -> list[dict]:
        answer = as_person(reader).get(f"/dicom-web/breast/{path}", HTTP_ACCEPT="application/dicom+json")
        assert answer.status_code in (200, 204), answer.content
        return answer.json() if answer.status_code == 200 else []

    return find


def patients(results: list[dict]) -> list[str]:
    return [result["00100020"]["Value"][0] for result in results]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["PAT-1", "PAT-2"]),
        ("PatientID=PAT-2", ["PAT-2"]),
        ("00100020=PAT-1", ["PAT-1"]),
        ("PatientID=pat*", ["PAT-1", "PAT-2"]),
        ("PatientID=P%3FT-2", ["PAT-2"]),
        ("PatientID=PAT", []),
        ("PatientID=*", ["PAT-1", "PAT-2"]),
        ("AccessionNumber=A_*", ["PAT-1"]),
        ("StudyDescription=*100%25", ["PAT-1"]),
        ("StudyDate=20200115", ["PAT-1"]),
        ("StudyDate=20200116-", ["PAT-2"]),
        ("StudyDate=-20200115", ["PAT-1"]),
        ("StudyDate=20200101-20211231", ["PAT-1", "PAT-2"]),
        ("ModalitiesInStudy=CT", ["PAT-1"]),
        ("ModalitiesInStudy=MR,CT", ["PAT-1", "PAT-2"]),
        ("ModalitiesInStudy=US", []),
        ("Modality=MR", ["PAT-2"]),
        ("ModalitiesInStudy=CT&PatientID=PAT-2", []),
        ("limit=1", ["PAT-1"]),
        ("limit=1&offset=1", ["PAT-2"]),
        ("offset=5", []),
        ("limit=0", []),
        ("StudyInstanceUID=1.2.3.99", []),
    ],
)
def test_studies_match(studies, search, query, found):
    assert patients(search(f"studies?{query}")) == found


def test_study_instance_uids_match_as_a_list(studies, search):
    first, second = (instance.series.study.study_instance_uid for instance in studies)
    assert patients(search(f"studies?StudyInstanceUID={first},{second}")) == ["PAT-1", "PAT-2"]
    assert patients(search(f"studies?0020000D={second}%5C1.2.3")) == ["PAT-2"]


def test_counts_hold_only_what_the_project_shows(studies, search):
    ct, mr = search("studies")
    assert (ct["00201206"]["Value"], ct["00201208"]["Value"], ct["00080061"]["Value"]) == ([1], [2], ["CT"])
    assert (mr["00201206"]["Value"], mr["00201208"]["Value"]) == ([1], [1])


def test_every_level_is_searched_alone_and_below_its_parents(studies, search):
    first, _ = studies
    study, series = first.series.study.study_instance_uid, first.series.series_instance_uid
    assert len(search("series")) == 2
    assert [item["0020000E"]["Value"] for item in search(f"studies/{study}/series")] == [[series]]
    assert len(search("instances")) == 3
    assert len(search(f"studies/{study}/instances")) == 2
    below = search(f"studies/{study}/series/{series}/instances")
    assert {item["00080018"]["Value"][0] for item in below} == {first.sop_instance_uid, first.sop_instance_uid + ".2"}
    assert search("studies/1.2.3.99/series") == search("studies/1.2.3.99/instances") == []


def test_results_carry_what_the_standard_asks_for(studies, search):
    (study,) = search("studies?PatientID=PAT-1")
    for tag in ("00080020", "00080030", "00080056", "00080061", "00100010", "00100020", "0020000D", "00200010", "00201206"):
        assert tag in study, tag
    assert study["00081190"]["Value"][0].endswith(f"/dicom-web/breast/studies/{study['0020000D']['Value'][0]}")
    series = search("series?Modality=CT")[0]
    assert series["00201209"]["Value"] == [2] and series["00080060"]["vr"] == "CS"
    instance = search("instances?Modality=MR")[0]
    assert instance["00280010"] == {"vr": "US", "Value": [64]} and instance["00080016"]["Value"]


def test_includefield_adds_what_the_header_holds(studies, search):
    assert "00280030" not in search("instances?Modality=CT")[0]
    assert search("instances?Modality=CT&includefield=PixelSpacing")[0]["00280030"]["Value"] == [0.661468, 0.661468]
    assert search("instances?Modality=CT&includefield=00280030,SliceThickness")[0]["00180050"]["Value"] == [5.0]
    assert "00180060" in search("instances?Modality=CT&includefield=all")[0]
    assert "00080090" in search("studies?includefield=ReferringPhysicianName&PatientID=PAT-1")[0]


def test_includefield_all_adds_what_describes_the_level_and_what_lies_above(project, keep, example, search):
    ct = example("CT_small.dcm")
    ct.PatientWeight, ct.AdmittingDiagnosesDescription, ct.OperatorsName, ct.StationName = 71.5, "Cough", "Ray^X", "CT01"
    keep(project, ct)
    (study,), (series,), (instance,) = (search(f"{level}?includefield=all") for level in ("studies", "series", "instances"))
    of_study, of_series, of_instance = (
        ("00101030", "00081080"),
        ("00081070", "00081010"),
        ("00180050", "00180060", "00280030"),
    )
    assert study["00101030"]["Value"] == [71.5] and study["00081080"]["Value"] == ["Cough"]
    assert series["00081070"]["Value"] == [{"Alphabetic": "Ray^X"}] and series["00081010"]["Value"] == ["CT01"]
    assert set(of_study) < set(study) and not set(of_series + of_instance) & set(study)
    assert set(of_study + of_series) < set(series) and not set(of_instance) & set(series)
    assert set(of_study + of_series + of_instance) < set(instance)
    assert list(study) == sorted(study) and list(series) == sorted(series)
    plain, named = search("studies")[0], search("studies?includefield=PatientWeight")[0]
    assert "00101030" not in plain and named == dict(sorted((plain | {"00101030": study["00101030"]}).items()))
    both = search("studies?includefield=all&includefield=SliceThickness")[0]
    assert both == dict(sorted((study | {"00180050": instance["00180050"]}).items()))


@pytest.mark.parametrize(
    "query",
    [
        "Nonsense=1",
        "includefield=Nonsense",
        "StudyDate=yesterday",
        "StudyDate=2020011520200116",
        "limit=-1",
        "limit=x",
        "series/../x=1",
        "user__password=x",
    ],
)
def test_a_query_that_means_nothing_is_refused(studies, reader, as_person, query):
    assert as_person(reader).get(f"/dicom-web/breast/studies?{query}").status_code == 400


def test_what_cannot_be_matched_is_said_in_a_warning(studies, reader, as_person):
    answer = as_person(reader).get("/dicom-web/breast/studies?PatientSize=1.7&limit=1&fuzzymatching=true")
    assert answer.status_code == 200
    assert answer["Warning"].count("299 ") == 3 and "PatientSize" in answer["Warning"]
    assert "fuzzymatching parameter is not supported. Only literal matching" in answer["Warning"]


def test_an_empty_search_is_204(studies, reader, as_person):
    answer = as_person(reader).get("/dicom-web/breast/studies?PatientID=nobody")
    assert answer.status_code == 204 and not answer.content


def test_xml_says_what_json_says(studies, reader, as_person, search):
    accept = 'multipart/related; type="application/dicom+xml"'
    answer = as_person(reader).get("/dicom-web/breast/studies", HTTP_ACCEPT=accept)
    assert answer["Content-Type"].startswith(f"{accept}; boundary=")
    found = [datasets_of_xml(body) for _, body in parts_of(answer)]
    for document, dataset in zip(found, search("studies"), strict=True):
        assert document["0020000D"] == dataset["0020000D"]["Value"] and document["00100020"] == dataset["00100020"]["Value"]
        assert document.keys() == dataset.keys()
    assert as_person(reader).get("/dicom-web/breast/studies", HTTP_ACCEPT="text/html").status_code == 406


@pytest.mark.parametrize("path", ["studies", "series", "instances"])
def test_an_outsider_searches_in_vain(studies, outsider, as_person, path):
    client = as_person(outsider)
    here, nowhere = client.get(f"/dicom-web/breast/{path}"), client.get(f"/dicom-web/no-such/{path}")
    assert here.status_code == nowhere.status_code == 404 and here.content == nowhere.content


@pytest.mark.parametrize("path", ["studies", "series", "instances?includefield=all"])
def test_the_number_of_queries_does_not_grow_with_the_results(
    project, reader, as_person, keep, example, django_assert_max_num_queries, path
):
    dataset = example("CT_small.dcm")
    for number in range(6):
        dataset.StudyInstanceUID = dataset.SeriesInstanceUID = dataset.SOPInstanceUID = f"1.2.3.{number}"
        keep(project, dataset)
    client = as_person(reader)
    with django_assert_max_num_queries(6):
        assert len(client.get(f"/dicom-web/breast/{path}").json()) == 6


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the plan of PostgreSQL follows its statistics")
@pytest.mark.parametrize(
    ("query", "index"), [("PatientID=PAT-1", "study_patient_id"), ("AccessionNumber=A1", "study_accession")]
)
def test_a_patient_is_found_by_an_index_and_not_by_looking_through_the_archive(studies, search, query, index):
    with CaptureQueriesContext(connection) as asked:
        search(f"studies?{query}")
    found = next(one["sql"] for one in asked.captured_queries if "LIMIT" in one["sql"] and "archive_study" in one["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {found}")
        plan = [row[-1] for row in cursor.fetchall()]
    assert any(f"USING INDEX {index}" in step for step in plan), plan


def test_modality_and_modalities_in_study_must_both_be_satisfied(studies, search):
    assert patients(search("studies?ModalitiesInStudy=CT,MR&Modality=CT")) == ["PAT-1"]
    assert patients(search("studies?ModalitiesInStudy=MR&Modality=CT")) == []
    assert len(search("series?ModalitiesInStudy=CT")) == 1 and len(search("instances?ModalitiesInStudy=CT")) == 2


def test_what_a_value_holds_stays_a_value(studies, search):
    assert patients(search("studies?PatientID={values}")) == patients(search("studies?PatientID=%25s' OR 1=1 --")) == []
    assert patients(search("studies?PatientID=%25(project)s*")) == []


def test_a_value_with_a_nul_character_is_refused(studies, reader, as_person):
    assert as_person(reader).get("/dicom-web/breast/studies?PatientID=A%00*").status_code == 400


def test_attributes_come_in_ascending_order(studies, search):
    for results in (search("studies"), search("series"), search("instances?includefield=all")):
        assert all(list(result) == sorted(result) for result in results)


def test_embargoed_cases_are_found_by_leads_alone(studies, project, search, lead, as_person):
    from backend.projects.models import Case

    Case.objects.filter(project=project, series__modality="MR").update(split="EMBARGOED")
    assert patients(search("studies")) == ["PAT-1"] and len(search("series")) == 1 and len(search("instances")) == 2
    assert len(as_person(lead).get("/dicom-web/breast/studies").json()) == 2


def test_a_search_costs_no_more_queries_for_more_studies(studies, project, keep, example, search):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        search("studies")
    for number in range(5):
        more = example("MR_small.dcm")
        more.StudyInstanceUID, more.SeriesInstanceUID = f"1.2.4.{number}", f"1.2.4.{number}.1"
        keep(project, more)
    with CaptureQueriesContext(connection) as many:
        assert len(search("studies")) == 7
    assert len(many) == len(few)
