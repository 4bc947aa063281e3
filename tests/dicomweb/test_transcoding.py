"""Frames and files in the transfer syntax that a caller asks for: the same values in every one."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from tests.dicom.conftest import make_dicom  # noqa: F401
from tests.dicomweb.answers import parts_of

RAW, JPEG_LS, JPEG_2000, RLE = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.5",
)
TYPES = {JPEG_LS: "image/jls", JPEG_2000: "image/jp2", RLE: "image/dicom-rle"}
STORED = ["CT_small.dcm", "MR_small_jpeg_ls_lossless.dcm", "JPEG2000.dcm", "examples_rgb_color.dcm", "SC_rgb_jpeg_dcmtk.dcm"]


@pytest.fixture
def get(reader, as_person):
    return lambda url, accept="", **headers: as_person(reader).get(url, HTTP_ACCEPT=accept, **headers)


def decoded(frame: bytes, syntax: str, like: pydicom.Dataset) -> np.ndarray:
    values = like.pixel_array
    if syntax == RAW:
        return np.frombuffer(frame, values.dtype, count=values.size).reshape(values.shape)
    decoder = get_decoder(UID(syntax))
    found, _ = decoder.as_array(
        encapsulate([frame], has_bot=False),
        index=0,
        rows=like.Rows,
        columns=like.Columns,
        number_of_frames=1,
        samples_per_pixel=like.SamplesPerPixel,
        bits_allocated=like.BitsAllocated,
        bits_stored=like.BitsAllocated if like.PixelRepresentation else like.BitsStored,
        pixel_representation=like.PixelRepresentation,
        photometric_interpretation="RGB" if like.SamplesPerPixel == 3 else like.PhotometricInterpretation,
        planar_configuration=0,
        pixel_keyword="PixelData",
    )
    return found


@pytest.mark.parametrize("name", STORED)
def test_every_syntax_holds_the_same_values(project, keep, example, url_of, get, name):
    original = example(name)
    instance = keep(project, original)
    frame, file = url_of(project, instance, tail="/frames/1"), url_of(project, instance)
    raw = get(frame, "application/octet-stream").content
    expected = decoded(raw, RAW, original)
    for syntax, media_type in TYPES.items():
        ((head, body),) = parts_of(get(frame, f'multipart/related; type="{media_type}"; transfer-syntax={syntax}'))
        assert f"Content-Type: {media_type}; transfer-syntax={syntax}".encode() in head
        assert np.array_equal(decoded(body, syntax, original), expected), syntax
        bare = get(file, f"application/dicom; transfer-syntax={syntax}")
        whole = pydicom.dcmread(io.BytesIO(bare.getvalue()))
        assert whole.file_meta.TransferSyntaxUID == syntax and np.array_equal(whole.pixel_array, expected), syntax


def test_what_is_stored_is_preferred_where_the_caller_likes_several_as_much(project, keep, example, url_of, get):
    frame = url_of(project, keep(project, example("MR_small_jpeg_ls_lossless.dcm")), tail="/frames/1")
    both = f"application/octet-stream; transfer-syntax={RAW}, image/jls"
    assert get(frame, both)["Content-Type"].startswith("image/jls")
    assert get(frame, f"{both};q=0.5")["Content-Type"] == f"application/octet-stream; transfer-syntax={RAW}"
    assert get(frame, "image/jp2;q=0.2, image/dicom-rle;q=0.9")["Content-Type"] == f"image/dicom-rle; transfer-syntax={RLE}"
    assert get(frame, "image/*")["Content-Type"].startswith("image/jls")


@pytest.mark.parametrize(
    "accept",
    [
        "image/jphc",
        'multipart/related; type="image/jpeg"',
        "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.70",
        'multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.90',
    ],
)
def test_what_cannot_be_made_is_406_with_what_can(project, keep, example, url_of, get, accept):
    answer = get(url_of(project, keep(project, example("CT_small.dcm")), tail="/frames/1"), accept)
    assert answer.status_code == 406 and "image/jls" in answer.json()["detail"]


def test_all_frames_are_had_at_once_and_streamed(project, keep, make_dicom, url_of, get):
    pixels = np.random.default_rng(1).integers(-2000, 2000, (5, 16, 18), dtype=np.int16)
    instance = keep(project, make_dicom(pixels))
    answer = get(url_of(project, instance, tail="/pixeldata"), 'multipart/related; type="image/jls"')
    assert answer.streaming and answer["ETag"]
    parts = parts_of(answer)
    found = [decoded(body, JPEG_LS, make_dicom(pixels[0])) for _, body in parts]
    assert np.array_equal(np.stack(found), pixels)
    again = get(
        url_of(project, instance, tail="/pixeldata"),
        'multipart/related; type="image/jls"',
        HTTP_IF_NONE_MATCH=answer["ETag"],
    )
    assert again.status_code == 304


def test_a_series_comes_as_a_zip_archive(project, keep, example, url_of, get):
    dataset = example("CT_small.dcm")
    instance = keep(project, dataset, case="series")
    dataset.SOPInstanceUID += ".2"
    keep(project, dataset, case="series")
    answer = get(url_of(project, instance, "series"), "application/zip; transfer-syntax=*")
    assert answer["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.testzip() is None and len(archive.namelist()) == 2
    for name in archive.namelist():
        assert np.array_equal(pydicom.dcmread(io.BytesIO(archive.read(name))).pixel_array, dataset.pixel_array)


def test_a_study_of_two_kinds_is_sent_in_one_syntax(project, keep, example, url_of, get):
    first = example("MR_small_jpeg_ls_lossless.dcm")
    instance = keep(project, first)
    second = example("JPEG2000.dcm")
    second.StudyInstanceUID = first.StudyInstanceUID
    keep(project, second)
    accept = 'multipart/related; type="application/dicom"; transfer-syntax={}'
    for syntax in (RLE, RAW):
        parts = parts_of(get(url_of(project, instance, "study"), accept.format(syntax)))
        assert {pydicom.dcmread(io.BytesIO(body)).file_meta.TransferSyntaxUID for _, body in parts} == {syntax}
    stored = parts_of(get(url_of(project, instance, "study"), accept.format("*")))
    assert len({pydicom.dcmread(io.BytesIO(body)).file_meta.TransferSyntaxUID for _, body in stored}) == 2
    assert get(url_of(project, instance, "study"), accept.format("1.2.3")).status_code == 406
    assert get(url_of(project, instance, "study"), "application/dicom").status_code == 406


def test_who_waits_too_long_for_a_core_is_told_to_come_again(project, keep, example, url_of, get, monkeypatch):
    from backend.archive import transcoding

    monkeypatch.setattr(transcoding, "WAIT_SECONDS", 0.01)
    held = [transcoding._slots.acquire(blocking=False) for _ in range(8)]
    try:
        frame = url_of(project, keep(project, example("MR_small_jpeg_ls_lossless.dcm")), tail="/frames/1")
        busy = get(frame, "image/dicom-rle")
        assert busy.status_code == 503 and busy["Retry-After"]
        assert get(frame, "image/jls").status_code == 200  # what is stored needs no core
    finally:
        for one in held:
            if one:
                transcoding._slots.release()
