"""Readings that a lead has published, as clients that we did not write find, fetch and read them."""

from __future__ import annotations

import highdicom
import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient

from backend.dicom.whole_object import whole_object
from tests.dicom.conftest import as_file, make_dicom  # noqa: F401
from tests.exchange import phantoms
from tests.exchange.published import publish

SEG, SR, RTSTRUCT = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.481.3"


@pytest.fixture
def read(db, tmp_path, make_dicom, as_file, make_person):
    """A tilted series of 37 × 53 pixels (1,961 bits: no whole bytes) with two readings, and its lead."""
    from backend.projects.models import Membership

    project = phantoms.make_project(unit="series", deid="basic")
    phantoms.write_images(tmp_path / "given", make_dicom, as_file, slices=phantoms.SLICES)
    phantoms.read_cases(project, phantoms.import_images(project, tmp_path / "given"))
    lead = make_person("lena")
    Membership.objects.create(project=project, user=lead, role="lead")
    return project, lead


def client_of(live_server, user) -> DICOMwebClient:
    from backend.accounts.services import create_token

    _, token = create_token(user=user, name="script", scopes=["dicomweb"])
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    return DICOMwebClient(f"{live_server.url}/dicom-web/phantom", session=session)


def expected_masks(reading) -> list[np.ndarray]:
    """Every lesion of a reading as voxels [slices, rows, columns]."""
    from backend.exchange.export_selection import case_frames, lesion_masks

    frames = case_frames(reading.case)
    found = []
    for lesion in reading.lesions.order_by("created_at", "id"):
        volume = np.zeros((len(frames), phantoms.ROWS, phantoms.COLUMNS), bool)
        for frame, mask in lesion_masks(lesion, frames):
            volume[frame.index] = mask
        found.append(volume)
    return found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("segmentation_type", ["binary", "labelmap"])
def test_a_published_segmentation_is_searched_fetched_and_read_voxel_for_voxel(read, live_server, segmentation_type):
    from backend.readings.models import Reading

    project, lead = read
    publish(project, lead, segmentation_type=segmentation_type)
    web = client_of(live_server, lead)
    (study,) = web.search_for_studies(search_filters={"ModalitiesInStudy": "SEG"})
    assert sorted(study["00080061"]["Value"]) == ["CT", "SEG"]
    assert study["00201208"]["Value"] == [phantoms.SLICES + 2] and study["00201206"]["Value"] == [3]
    uid = study["0020000D"]["Value"][0]
    series = web.search_for_series(uid, search_filters={"Modality": "SEG"})
    assert len(series) == 2 and all(one["00201209"]["Value"] == [1] for one in series)
    readings = {one.reader.name: one for one in Reading.objects.filter(case__project=project)}
    sources = [instance.sop_instance_uid for instance in readings["LIDC 1"].case.series.instances.order_by("position")]
    for one in series:
        (found,) = web.search_for_instances(uid, one["0020000E"]["Value"][0])
        assert found["00280010"]["Value"] == [phantoms.ROWS] and found["00280100"]["Value"][0] in (1, 8)
        uids = uid, one["0020000E"]["Value"][0], found["00080018"]["Value"][0]
        dataset = web.retrieve_instance(*uids)
        seg = highdicom.seg.Segmentation.from_dataset(dataset)
        expected = expected_masks(readings[one["0008103E"]["Value"][0].removeprefix("Segmentation: ")])
        voxels = seg.get_pixels_by_source_instance(
            sources, assert_missing_frames_are_empty=True, ignore_spatial_locations=False
        )
        for number, volume in enumerate(expected, 1):
            assert np.array_equal(voxels[..., number - 1].astype(bool), volume), number
        frames(web, uids, dataset)
        (header,) = web.retrieve_series_metadata(*uids[:2])
        assert len(header["52009230"]["Value"]) == dataset.NumberOfFrames and "7FE00010" not in header
    # All of the study at once, in an encoding that no segmentation can have: images in it, segmentations as they are.
    everything = web.retrieve_study(uid, media_types=(("application/dicom", "1.2.840.10008.1.2.5"),))
    syntaxes = {(one.Modality, one.file_meta.TransferSyntaxUID) for one in everything}
    assert syntaxes == {("CT", "1.2.840.10008.1.2.5"), ("SEG", "1.2.840.10008.1.2.1")}


def frames(web: DICOMwebClient, uids: tuple[str, ...], dataset: pydicom.Dataset) -> None:
    """Each frame alone begins with its first pixel, whole or in a list."""
    numbers = list(range(1, int(dataset.NumberOfFrames) + 1))
    arrays = dataset.pixel_array.reshape(len(numbers), phantoms.ROWS, phantoms.COLUMNS)
    for number, data in zip(numbers, web.retrieve_instance_frames(*uids, numbers), strict=True):
        one = np.frombuffer(data, np.uint8)
        bits = np.unpackbits(one, bitorder="little")[: arrays[0].size] if dataset.BitsAllocated == 1 else one
        assert np.array_equal(bits.reshape(arrays[0].shape), arrays[number - 1])


@pytest.mark.django_db
def test_reports_and_structure_sets_have_no_pixels_and_images_stay_what_a_series_shows(read, as_person):
    project, lead = read
    for form in ("dicom_sr", "dicom_rtstruct"):
        publish(project, lead, form)
    client, root = as_person(lead), "/dicom-web/phantom"
    rows = client.get(f"{root}/instances?includefield=all").json()
    kinds = {row["00080016"]["Value"][0]: row for row in rows}
    assert {SEG, SR, RTSTRUCT} < set(kinds)
    for kind in (SR, RTSTRUCT):
        assert not [tag for tag in ("00280010", "00280011", "00280008", "00280100") if "Value" in kinds[kind].get(tag, {})]
        url = kinds[kind]["00081190"]["Value"][0].removeprefix("http://testserver")
        answer = client.get(url, HTTP_ACCEPT="application/dicom")
        assert answer.status_code == 200 and answer["Cache-Control"] == "private, no-cache"
        assert pydicom.dcmread(as_stream(answer.getvalue())).SOPClassUID == kind
        assert client.get(url, HTTP_ACCEPT='application/dicom; transfer-syntax="1.2.840.10008.1.2.5"').status_code == 406
        assert client.get(f"{url}/frames/1").status_code == client.get(f"{url}/rendered").status_code == 404
        assert client.get(f"{url}/thumbnail").status_code == 404
    study = rows[0]["0020000D"]["Value"][0]
    assert client.get(f"{root}/studies/{study}/thumbnail").status_code == 200
    one = kinds[SEG]["00081190"]["Value"][0].removeprefix("http://testserver")
    refused = client.get(f"{one}/frames/1", HTTP_ACCEPT='multipart/related; type="image/dicom-rle"')
    assert refused.status_code == 406, refused.content
    assert client.get(one, HTTP_ACCEPT="application/zip").status_code == 200


def as_stream(data: bytes):
    from io import BytesIO

    return BytesIO(data)


def test_frames_that_fill_whole_bytes_lie_in_the_file_itself(tmp_path):
    from pydicom.uid import ExplicitVRLittleEndian

    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = SEG, "1.2.3"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel, dataset.BitsAllocated, dataset.NumberOfFrames = 4, 4, 1, 1, 3
    dataset.PixelData = bytes(range(6))
    dataset["PixelData"].VR = "OB"
    dataset.save_as(tmp_path / "seg.dcm", enforce_file_format=True)
    data = (tmp_path / "seg.dcm").read_bytes()
    found = whole_object(data)
    assert found.blob == data and [data[start : start + size] for start, size in found.frame_ranges] == [
        b"\0\1", b"\2\3", b"\4\5",
    ]  # fmt: skip
