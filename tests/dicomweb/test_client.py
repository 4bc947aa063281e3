"""A client that we did not write: `dicomweb-client` against a live server."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient


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
