"""WADO-RS: metadata, frames and whole instances."""

from __future__ import annotations

import gzip
import io
import json

import numpy as np
import pydicom
import pytest

from backend.archive.selectors import pixels_version
from tests.dicomweb.answers import parts_of

ANY_SYNTAX = "multipart/related; type=application/octet-stream; transfer-syntax=*"


def test_metadata_is_the_stored_header(project, reader, as_person, keep, example, url_of):
    instance = keep(project, example("CT_small.dcm"))
    client = as_person(reader)
    for level in ("study", "series", "instance"):
        answer = client.get(url_of(project, instance, level, "/metadata"), HTTP_ACCEPT="application/dicom+json")
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/dicom+json"
        assert answer.json() == [json.loads(instance.dicom_json)]


def test_metadata_is_compressed_for_callers_that_can_and_not_sent_twice(project, reader, as_person, keep, example, url_of):
    instance = keep(project, example("CT_small.dcm"))
    client, url = as_person(reader), url_of(project, instance, "series", "/metadata")
    answer = client.get(url, HTTP_ACCEPT_ENCODING="gzip, br")
    assert answer["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(answer.content)) == [json.loads(instance.dicom_json)]
    assert "Accept-Encoding" in answer["Vary"] and "private" in answer["Cache-Control"]
    again = client.get(url, HTTP_ACCEPT_ENCODING="gzip, br", HTTP_IF_NONE_MATCH=answer["ETag"])
    assert again.status_code == 304 and not again.content


def test_a_series_that_grows_gets_another_etag(project, reader, as_person, keep, example, url_of):
    dataset = example("CT_small.dcm")
    instance = keep(project, dataset, case="series")
    client, url = as_person(reader), url_of(project, instance, "series", "/metadata")
    before = client.get(url)["ETag"]
    dataset.SOPInstanceUID += ".2"
    dataset.ImagePositionPatient[2] = -500
    keep(project, dataset, case="series")
    answer = client.get(url, HTTP_IF_NONE_MATCH=before)
    assert answer.status_code == 200
    assert [item["00080018"]["Value"][0][-2:] for item in answer.json()] == [".2", instance.sop_instance_uid[-2:]]


def test_a_frame_comes_as_one_part_with_its_transfer_syntax(project, reader, as_person, keep, example, url_of):
    dataset = example("CT_small.dcm")
    instance = keep(project, dataset)
    answer = as_person(reader).get(url_of(project, instance, tail="/frames/1"), HTTP_ACCEPT=ANY_SYNTAX)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith('multipart/related; type="application/octet-stream"; boundary=')
    ((head, body),) = parts_of(answer)
    assert b"Content-Type: application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1" in head
    assert body == dataset.PixelData
    # Whoever names the pixels may keep them for good; else a part may be blanked one day, and who holds them asks again.
    assert answer["Cache-Control"] == "private, no-cache"
    named = url_of(project, instance, tail=f"/frames/1?pixels={pixels_version(instance.frames_key)}")
    kept = as_person(reader).get(named, HTTP_ACCEPT=ANY_SYNTAX)
    assert "private" in kept["Cache-Control"] and "immutable" in kept["Cache-Control"]
    other = as_person(reader).get(url_of(project, instance, tail="/frames/1?pixels=0"), HTTP_ACCEPT=ANY_SYNTAX)
    assert other["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("name", "syntax", "media_type"),
    [
        ("JPEG2000.dcm", "1.2.840.10008.1.2.4.91", "image/jp2"),
        ("MR_small_jpeg_ls_lossless.dcm", "1.2.840.10008.1.2.4.80", "image/jls"),
        ("SC_rgb_jpeg_dcmtk.dcm", "1.2.840.10008.1.2.4.50", "image/jpeg"),
    ],
)
def test_compressed_frames_are_sent_as_they_lie(project, reader, as_person, keep, example, url_of, name, syntax, media_type):
    instance = keep(project, example(name))
    client, url = as_person(reader), url_of(project, instance, tail="/frames/1")
    stored = client.get(url, HTTP_ACCEPT=ANY_SYNTAX)
    ((head, body),) = parts_of(stored)
    assert f"Content-Type: application/octet-stream; transfer-syntax={syntax}".encode() in head
    typed = client.get(url, HTTP_ACCEPT=f'multipart/related; type="{media_type}"')
    ((typed_head, typed_body),) = parts_of(typed)
    assert f"Content-Type: {media_type}; transfer-syntax={syntax}".encode() in typed_head
    assert typed_body == body
    bare = client.get(url, HTTP_ACCEPT=media_type)
    assert bare["Content-Type"] == f"{media_type}; transfer-syntax={syntax}" and bare.content == body


def test_a_caller_that_names_no_syntax_gets_uncompressed_frames(project, reader, as_person, keep, example, url_of):
    dataset = example("MR_small_jpeg_ls_lossless.dcm")
    instance = keep(project, dataset)
    url = url_of(project, instance, tail="/frames/1")
    answer = as_person(reader).get(url, HTTP_ACCEPT='multipart/related; type="application/octet-stream"')
    ((head, body),) = parts_of(answer)
    assert b"transfer-syntax=1.2.840.10008.1.2.1\r\n" in head
    assert np.array_equal(np.frombuffer(body, "<i2").reshape(dataset.Rows, dataset.Columns), dataset.pixel_array)


def test_several_frames_come_in_the_order_asked(project, reader, as_person, keep, example, url_of):
    dataset = example("rtdose.dcm")
    instance = keep(project, dataset)
    answer = as_person(reader).get(url_of(project, instance, tail="/frames/3,1"), HTTP_ACCEPT=ANY_SYNTAX)
    bodies = [np.frombuffer(body, "<u4").reshape(10, 10) for _, body in parts_of(answer)]
    assert np.array_equal(bodies[0], dataset.pixel_array[2]) and np.array_equal(bodies[1], dataset.pixel_array[0])


@pytest.mark.parametrize(
    ("frames", "status"), [("2", 404), ("0", 404), ("x", 400), ("1,,1", 400), ("-1", 400), ("9" * 9, 400)]
)
def test_frames_that_are_not_there_are_refused(project, reader, as_person, keep, example, url_of, frames, status):
    instance = keep(project, example("CT_small.dcm"))
    assert as_person(reader).get(url_of(project, instance, tail=f"/frames/{frames}")).status_code == status


def test_a_frame_already_held_is_not_sent_again(project, reader, as_person, keep, example, url_of):
    instance = keep(project, example("CT_small.dcm"))
    client, url = as_person(reader), url_of(project, instance, tail="/frames/1")
    etag = client.get(url, HTTP_ACCEPT=ANY_SYNTAX)["ETag"]
    assert client.get(url, HTTP_ACCEPT=ANY_SYNTAX, HTTP_IF_NONE_MATCH=etag).status_code == 304


@pytest.mark.parametrize("tail", ["/metadata", "/frames/1", "", "/rendered", "/thumbnail"])
def test_other_types_are_refused_clearly(project, reader, as_person, keep, example, url_of, tail):
    instance = keep(project, example("CT_small.dcm"))
    for accept in ("video/mp4", "text/html", "image/jpeg;q=0"):
        answer = as_person(reader).get(url_of(project, instance, tail=tail), HTTP_ACCEPT=accept)
        assert answer.status_code == 406
        assert "Available here" in answer.json()["detail"]


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small_jpeg_ls_lossless.dcm", "JPEG2000.dcm", "rtdose.dcm", "examples_palette.dcm"]
)
def test_a_whole_instance_can_be_had_back_as_a_file(project, reader, as_person, keep, example, url_of, name):
    original = example(name)
    instance = keep(project, original)
    client, url = as_person(reader), url_of(project, instance)
    ((head, body),) = parts_of(client.get(url, HTTP_ACCEPT='multipart/related; type="application/dicom"; transfer-syntax=*'))
    rebuilt = pydicom.dcmread(io.BytesIO(body))
    assert f"transfer-syntax={original.file_meta.TransferSyntaxUID}".encode() in head
    assert rebuilt.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
    assert np.array_equal(rebuilt.pixel_array, original.pixel_array)
    assert rebuilt.SOPInstanceUID == original.SOPInstanceUID
    bare = client.get(url, HTTP_ACCEPT="application/dicom")
    uncompressed = pydicom.dcmread(io.BytesIO(bare.getvalue()))
    assert not uncompressed.file_meta.TransferSyntaxUID.is_encapsulated
    assert np.array_equal(uncompressed.pixel_array, original.pixel_array)


def test_a_series_and_a_study_stream_all_their_instances(project, reader, as_person, keep, example, url_of):
    dataset = example("CT_small.dcm")
    instance = keep(project, dataset, case="series")
    dataset.SOPInstanceUID += ".7"
    keep(project, dataset, case="series")
    for level in ("series", "study"):
        parts = parts_of(as_person(reader).get(url_of(project, instance, level)))
        uids = {pydicom.dcmread(io.BytesIO(body)).SOPInstanceUID for _, body in parts}
        assert uids == {instance.sop_instance_uid, dataset.SOPInstanceUID}


TAILS = ["/metadata", "/frames/1", "", "/rendered", "/thumbnail", "/frames/1/rendered"]


@pytest.mark.parametrize("tail", TAILS)
def test_instances_that_are_no_case_of_the_project_do_not_exist(project, reader, as_person, keep, example, url_of, tail):
    dataset = example("CT_small.dcm")
    keep(project, dataset)
    dataset.SOPInstanceUID += ".9"
    hidden = keep(project, dataset, case=None)
    assert as_person(reader).get(url_of(project, hidden, tail=tail)).status_code == 404


@pytest.mark.parametrize("tail", TAILS)
def test_an_outsider_gets_the_answer_of_a_missing_project(project, outsider, as_person, keep, example, url_of, tail):
    url = url_of(project, keep(project, example("CT_small.dcm")), tail=tail)
    refused = as_person(outsider).get(url)
    missing = as_person(outsider).get(url.replace("/breast/", "/no-such/"))
    assert refused.status_code == missing.status_code == 404
    assert refused.content == missing.content


def test_a_stranger_is_told_to_sign_in(project, client, keep, example, url_of):
    assert client.get(url_of(project, keep(project, example("CT_small.dcm")), tail="/frames/1")).status_code in (401, 403)


def test_a_frame_costs_the_same_few_queries_whatever_the_series(
    project, reader, as_person, keep, example, url_of, django_assert_max_num_queries
):
    dataset = example("CT_small.dcm")
    uid = dataset.SOPInstanceUID
    for number in range(5):
        dataset.SOPInstanceUID = f"{uid}.{number}"
        instance = keep(project, dataset, case="series")
    client = as_person(reader)
    frame, metadata = url_of(project, instance, tail="/frames/1"), url_of(project, instance, "series", "/metadata")
    client.get(metadata)  # The first retrieval of an hour is written into the audit trail.
    with django_assert_max_num_queries(4):
        client.get(frame)
    with django_assert_max_num_queries(6):
        assert len(client.get(metadata).json()) == 5


def test_an_embargoed_case_is_there_for_leads_alone(project, reader, lead, as_person, keep, example, url_of):
    from backend.projects.models import Case

    url = url_of(project, keep(project, example("CT_small.dcm")), tail="/frames/1")
    Case.objects.update(split="EMBARGOED", is_open=False)
    assert as_person(reader).get(url).status_code == 404
    assert as_person(lead).get(url).status_code == 200
    assert as_person(reader).get("/dicom-web/breast/studies").status_code == 204
    assert len(as_person(lead).get("/dicom-web/breast/instances").json()) == 1
