"""Clients that we did not write: `dicomweb-client`, pydicom and MONAI against a live server."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from PIL import Image

from tests.dicomweb.stow import settle


@pytest.fixture
def dicomweb(live_server, reader, client):
    """The reader's DICOMweb client, signed in by session cookie."""
    client.force_login(reader)
    session = requests.Session()
    session.cookies.set("sessionid", client.cookies["sessionid"].value)
    return DICOMwebClient(f"{live_server.url}/dicom-web/breast", session=session)


@pytest.mark.django_db(transaction=True)
def test_a_ct_series_is_found_described_and_read_pixel_for_pixel(project, dicomweb, keep, real_data):
    files = sorted((real_data / "ct_nlst_101287" / "ct").glob("*.dcm"))[:6]
    originals = {dataset.SOPInstanceUID: dataset for dataset in map(pydicom.dcmread, files)}
    for dataset in originals.values():
        keep(project, dataset, case="series")
    (study,) = dicomweb.search_for_studies(search_filters={"ModalitiesInStudy": "CT"})
    study_uid = study["0020000D"]["Value"][0]
    (series,) = dicomweb.search_for_series(study_uid)
    series_uid = series["0020000E"]["Value"][0]
    found = dicomweb.search_for_instances(study_uid, series_uid, limit=4)
    assert len(found) == 4 and len(dicomweb.search_for_instances(study_uid, series_uid, limit=4, get_remaining=True)) == 6
    metadata = dicomweb.retrieve_series_metadata(study_uid, series_uid)
    positions = [item["00200032"]["Value"][2] for item in metadata]
    assert positions == sorted(positions) and len(metadata) == 6
    for header in metadata:
        uid = header["00080018"]["Value"][0]
        (raw,) = dicomweb.retrieve_instance_frames(
            study_uid, series_uid, uid, [1], media_types=("application/octet-stream",)
        )
        assert np.array_equal(np.frombuffer(raw, "<i2").reshape(512, 512), originals[uid].pixel_array)
        (encoded,) = dicomweb.retrieve_instance_frames(study_uid, series_uid, uid, [1])
        assert encoded[:2] == b"\xff\xd8" and len(encoded) < len(raw)
    rebuilt = dicomweb.retrieve_series(study_uid, series_uid)
    assert len(rebuilt) == 6
    for dataset in rebuilt:
        assert np.array_equal(dataset.pixel_array, originals[dataset.SOPInstanceUID].pixel_array)


@pytest.mark.django_db(transaction=True)
def test_the_client_gets_single_instances_and_rendered_ones(project, dicomweb, keep, example, url_of):
    original = example("CT_small.dcm")
    instance = keep(project, original)
    uids = original.StudyInstanceUID, original.SeriesInstanceUID, original.SOPInstanceUID
    assert np.array_equal(dicomweb.retrieve_instance(*uids).pixel_array, original.pixel_array)
    assert dicomweb.retrieve_instance_metadata(*uids)["00280010"]["Value"] == [instance.rows]
    assert dicomweb.retrieve_instance_rendered(*uids, media_types=("image/png",))[:8] == b"\x89PNG\r\n\x1a\n"
    assert dicomweb.retrieve_instance_rendered(*uids, media_types=("image/jpeg",))[:2] == b"\xff\xd8"
    assert dicomweb.search_for_studies(search_filters={"PatientID": "nobody"}) == []


@pytest.fixture
def sender(live_server, lead, client):
    """A lead's DICOMweb client, signed in by token."""
    from backend.accounts.services import create_token

    _, token = create_token(user=lead, name="script", scopes=["dicomweb"])
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    return DICOMwebClient(f"{live_server.url}/dicom-web/breast", session=session)


@pytest.mark.django_db(transaction=True)
def test_the_client_stores_a_series_and_reads_all_of_it_in_every_way(project, sender, real_data, tmp_path):
    project.unit = "series"
    project.save()
    files = sorted((real_data / "ct_nlst_101287" / "ct").glob("*.dcm"))[:5]
    originals = {dataset.SOPInstanceUID: dataset for dataset in map(pydicom.dcmread, files)}
    one = next(iter(originals.values()))
    told = sender.store_instances(list(originals.values()), study_instance_uid=one.StudyInstanceUID)
    assert {item.ReferencedSOPInstanceUID for item in told.ReferencedSOPSequence} == set(originals)
    assert "FailedSOPSequence" not in told
    settle()

    study, series = one.StudyInstanceUID, one.SeriesInstanceUID
    name = str(one.PatientName)
    assert len(sender.search_for_studies(search_filters={"PatientName": name.lower()})) == 1
    assert len(sender.search_for_studies(fuzzymatching=True, search_filters={"PatientName": f"{name[:4]}*"})) == 1
    assert len(sender.search_for_series(search_filters={"Modality": "CT"}, fields=["SliceThickness"])) == 1
    assert len(sender.search_for_instances(study, series)) == 5
    assert len(list(sender.iter_study(study))) == len(list(sender.iter_series(study, series))) == 5
    assert len(sender.retrieve_study_metadata(study)) == 5
    for dataset in sender.retrieve_series(study, series, media_types=(("application/dicom", "1.2.840.10008.1.2.5"),)):
        assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.5"
        assert np.array_equal(dataset.pixel_array, originals[dataset.SOPInstanceUID].pixel_array)
    uids = study, series, one.SOPInstanceUID
    (frame,) = sender.retrieve_instance_frames(*uids, [1], media_types=(("image/jp2", "1.2.840.10008.1.2.4.90"),))
    assert frame[:2] == b"\xff\x4f" or frame[4:8] == b"jP  "
    shown = sender.retrieve_instance_frames_rendered(*uids, [1], media_types=("image/png",), params={"viewport": "64,64"})
    assert Image.open(io.BytesIO(shown)).size == (64, 64)
    assert sender.retrieve_series_rendered(study, series, media_types=("image/jpeg",))[:2] == b"\xff\xd8"

    # What was retrieved is a series like any other for the loaders that people train with.
    for dataset in sender.retrieve_series(study, series):
        dataset.save_as(tmp_path / f"{dataset.SOPInstanceUID}.dcm")
    from monai.data import PydicomReader

    volume, meta = (reader := PydicomReader()).get_data(reader.read(str(tmp_path)))
    # MONAI begins with the highest slice, and its affine says so (RAS).
    ordered = sorted(originals.values(), key=lambda dataset: -float(dataset.ImagePositionPatient[2]))
    expected = np.stack([dataset.pixel_array * dataset.RescaleSlope + dataset.RescaleIntercept for dataset in ordered])
    assert np.array_equal(np.asarray(volume).T, expected)
    x, y, z = map(float, ordered[0].ImagePositionPatient)
    assert np.allclose(meta["affine"][:3, 3], [-x, -y, z])
