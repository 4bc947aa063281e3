"""What OHIF 3.13 asks for when it opens a study, word for word as seen on the wire."""

from __future__ import annotations

import pytest

FRAME = "multipart/related; type=application/octet-stream; transfer-syntax=*"
STUDY_FIELDS = "includefield=00081030%2C00080060%2C00080090%2C00100030"
PAGE = f"limit=101&offset=0&fuzzymatching=false&{STUDY_FIELDS}"

# Without these OHIF shows nothing, sorts wrongly, or measures in pixels.
IMAGE = ("00080016", "00280004", "00280010", "00280011", "00280100", "00280103")
NEEDED = (*IMAGE, "00200032", "00200037", "00280030")


@pytest.fixture
def ask(project, reader, as_person):
    """A GET below the project's DICOMweb root, as the reader."""
    client = as_person(reader)
    return lambda path, accept="application/dicom+json": client.get(f"/dicom-web/{project.slug}/{path}", HTTP_ACCEPT=accept)


@pytest.fixture
def series(project, keep, example):
    """Two slices of one CT series that is a case."""
    first, second = example("CT_small.dcm"), example("CT_small.dcm")
    second.SOPInstanceUID = f"{first.SOPInstanceUID}.2"
    second.ImagePositionPatient = [*first.ImagePositionPatient[:2], float(first.ImagePositionPatient[2]) + 5]
    return [keep(project, dataset, case="series") for dataset in (first, second)]


def value(result, tag):
    return result[tag]["Value"][0]


def test_the_study_list_shows_who_what_and_how_many(ask, series):
    (study,) = ask(f"studies?{PAGE}").json()
    assert value(study, "00100010")["Alphabetic"] and value(study, "00100020") and value(study, "00080020")
    assert value(study, "00080061") == "CT" and value(study, "00201208") == 2


def test_the_study_list_is_filtered_by_number_date_and_modality_while_one_types(ask, series):
    study = series[0].series.study
    assert len(ask(f"studies?00100020=*{study.patient_id[:3]}*&{PAGE}").json()) == 1
    assert len(ask(f"studies?StudyDate={study.study_date}-{study.study_date}&{PAGE}").json()) == 1
    assert len(ask(f"studies?ModalitiesInStudy=CT&{PAGE}").json()) == 1
    assert ask(f"studies?ModalitiesInStudy=MR&{PAGE}").status_code == 204


def test_an_opened_study_is_found_with_its_series_and_headers(ask, series):
    study, uid = series[0].series.study.study_instance_uid, series[0].series.series_instance_uid
    (found,) = ask(f"studies?{PAGE}&StudyInstanceUID={study}").json()
    assert value(found, "0020000D") == study
    (listed,) = ask(f"studies/{study}/series?includefield=00080021%2C00080031%2C0008103E%2C00200011").json()
    assert value(listed, "0020000E") == uid and value(listed, "00080060") == "CT" and value(listed, "00201209") == 2
    headers = ask(f"studies/{study}/series/{uid}/metadata").json()
    assert [value(header, "00080018") for header in headers] == [one.sop_instance_uid for one in series]
    for header in headers:
        assert not [tag for tag in NEEDED if not header[tag]["Value"]]


def test_frames_come_as_they_are_stored_for_the_header_that_the_image_loader_sends(ask, series):
    study, uid = series[0].series.study.study_instance_uid, series[0].series.series_instance_uid
    answer = ask(f"studies/{study}/series/{uid}/instances/{series[0].sop_instance_uid}/frames/1", FRAME)
    assert answer.status_code == 200 and answer["Content-Type"].startswith("multipart/related")
    assert f"transfer-syntax={series[0].transfer_syntax_uid}".encode() in answer.content[:300]


@pytest.mark.parametrize("level", ["", "/series/{series}", "/series/{series}/instances/{instance}"])
def test_thumbnails_are_had_in_every_way_that_ohif_can_be_set_to(ask, series, level):
    path = f"studies/{series[0].series.study.study_instance_uid}" + level.format(
        series=series[0].series.series_instance_uid, instance=series[0].sop_instance_uid
    )
    for accept in ("image/jpeg", "*/*"):
        answer = ask(f"{path}/thumbnail", accept)
        assert answer.status_code == 200 and answer.content[:2] == b"\xff\xd8"
