"""What all DICOMweb answers share: problems, CORS, validators."""

from __future__ import annotations

import json

import pytest

from tests.dicomweb.answers import datasets_of_xml, parts_of

STUDIES = "/dicom-web/breast/studies"
ORIGIN = "https://viewer.example"


def test_a_problem_says_what_and_why(project, reader, as_person):
    answer = as_person(reader).get(f"{STUDIES}/1.2.3/metadata")
    assert answer.status_code == 404 and answer["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "No such study, series or instance in this project.",
    }


def test_no_other_page_may_read_anything_unless_configured(project, reader, as_person, client):
    for answer in (as_person(reader).get(STUDIES, HTTP_ORIGIN=ORIGIN), client.options(STUDIES, HTTP_ORIGIN=ORIGIN)):
        assert not [name for name in answer.headers if name.startswith("Access-Control")]


def test_pages_of_a_configured_origin_may_read_with_a_token_and_never_with_a_cookie(
    project, reader, as_person, client, settings
):
    settings.DICOMWEB_ORIGINS = [ORIGIN]
    asked = client.options(STUDIES, HTTP_ORIGIN=ORIGIN, HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET")
    assert asked.status_code == 204 and asked["Access-Control-Allow-Origin"] == ORIGIN
    assert "Authorization" in asked["Access-Control-Allow-Headers"] and "POST" in asked["Access-Control-Allow-Methods"]
    for answer in (as_person(reader).get(STUDIES, HTTP_ORIGIN=ORIGIN), client.get(STUDIES, HTTP_ORIGIN=ORIGIN)):
        assert answer["Access-Control-Allow-Origin"] == ORIGIN and "Origin" in answer["Vary"]
        assert "Warning" in answer["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer
    other = as_person(reader).get(STUDIES, HTTP_ORIGIN="https://other.example")
    assert "Access-Control-Allow-Origin" not in other and "Origin" in other["Vary"]


@pytest.mark.parametrize("tail", ["/metadata", "", "/rendered", "/thumbnail", "/frames/1"])
def test_an_emptied_database_never_gives_an_etag_again(project, reader, as_person, keep, example, url_of, tail):
    """Row numbers are given again; what a browser holds of one patient must not pass for another's."""
    from backend.archive.models import Instance
    from backend.projects.models import Case

    client, etags = as_person(reader), []
    for name in ("CT_small.dcm", "MR_small.dcm"):
        dataset = example(name)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = "1.2.7", "1.2.7.1", "1.2.7.1.1"
        instance = keep(project, dataset)
        etags.append(client.get(url_of(project, instance, tail=tail))["ETag"])
        assert client.get(url_of(project, instance, tail=tail), HTTP_IF_NONE_MATCH=etags[-1]).status_code == 304
        Case.objects.all().delete()
        Instance.objects.all().delete()
    assert etags[0] != etags[1]


def test_metadata_as_xml_holds_every_attribute(project, reader, as_person, keep, example, url_of):
    instance = keep(project, example("CT_small.dcm"))
    accept = 'multipart/related; type="application/dicom+xml"'
    answer = as_person(reader).get(url_of(project, instance, "series", "/metadata"), HTTP_ACCEPT=accept)
    ((head, body),) = parts_of(answer)
    assert b"Content-Type: application/dicom+xml" in head
    header, document = json.loads(instance.dicom_json), datasets_of_xml(body)
    assert document.keys() == header.keys()
    assert document["00080018"] == [instance.sop_instance_uid]
    assert list(map(float, document["00280030"])) == header["00280030"]["Value"]
    assert b'<PersonName number="1"><Alphabetic><FamilyName>CompressedSamples</FamilyName>' in body
    assert b'privateCreator="' in body


def test_what_xml_cannot_say_is_left_out(project, reader, as_person, keep, example, url_of):
    dataset = example("CT_small.dcm")
    dataset.StudyDescription = 'a\x01<b> & "c"'
    instance = keep(project, dataset)
    accept = 'multipart/related; type="application/dicom+xml"'
    answer = as_person(reader).get(url_of(project, instance, tail="/metadata"), HTTP_ACCEPT=accept)
    assert datasets_of_xml(parts_of(answer)[0][1])["00081030"] == ['a<b> & "c"']


_LOSSY = 'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.50'
_JPEG_LOSSLESS = 'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.70'
_HTJ2K = 'multipart/related; type="image/jphc"; transfer-syntax=1.2.840.10008.1.2.4.201'


@pytest.mark.parametrize(
    ("method", "level", "tail", "accept", "status"),
    [
        ("options", "", "/", "*/*", 404),
        ("options", "", "", "*/*", 404),
        ("get", "", "/workitems", "*/*", 404),
        ("get", "study", "/pixeldata", "*/*", 404),
        ("get", "series", "/pixeldata", "*/*", 404),
        ("get", "series", "/bulkdata", "*/*", 404),
        ("get", "instance", "/bulkdata", "*/*", 404),
        ("delete", "study", "", "*/*", 405),
        ("delete", "instance", "", "*/*", 405),
        ("get", "instance", "/rendered", "image/gif", 406),
        ("get", "instance", "/rendered", "image/jp2", 406),
        ("get", "instance", "/rendered", "video/mp4", 406),
        ("get", "instance", "/thumbnail", "image/gif", 406),
        ("get", "instance", "/frames/1", _LOSSY, 406),
        ("get", "instance", "/frames/1", _JPEG_LOSSLESS, 406),
        ("get", "instance", "/frames/1", _HTJ2K, 406),
        ("get", "instance", "", _JPEG_LOSSLESS.replace("image/jpeg", "application/dicom"), 406),
        ("get", "instance", "/rendered?annotation=patient", "image/png", 400),
        ("get", "instance", "/rendered?iccprofile=srgb", "image/png", 400),
    ],
)
def test_what_is_not_offered_is_answered_as_the_conformance_statement_says(
    project, lead, as_person, keep, example, url_of, method, level, tail, accept, status
):
    instance = keep(project, example("CT_small.dcm"))
    url = url_of(project, instance, level, tail) if level else f"/dicom-web/{project.slug}{tail}"
    assert getattr(as_person(lead), method)(url, HTTP_ACCEPT=accept).status_code == status


@pytest.mark.parametrize("kind", ["application/dicom+json", "application/dicom+xml"])
def test_metadata_with_bulk_data_are_not_taken(project, lead, as_person, kind):
    body = f"--b\r\nContent-Type: {kind}\r\n\r\n[]\r\n--b--\r\n".encode()
    answer = as_person(lead).post(STUDIES, data=body, content_type=f'multipart/related; type="{kind}"; boundary=b')
    assert answer.status_code == 415


def test_wado_uri_is_not_offered(project, lead, as_person):
    assert as_person(lead).get(f"/dicom-web/{project.slug}?requestType=WADO&objectUID=1.2.3").status_code == 404
