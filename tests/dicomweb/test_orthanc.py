"""Studies go both ways between this product and a real Orthanc, over DICOMweb as its plugin speaks it."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest

from backend.accounts.services import create_token
from backend.archive.models import Instance
from tests.dicomweb.stow import settle

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def peer(orthanc, web_process, lead):
    """Orthanc, which knows this server under the name `overread` by a lead's token."""
    _, token = create_token(user=lead, name="orthanc", scopes=["dicomweb"])
    orthanc.know_dicomweb("overread", f"{web_process}/dicom-web/breast", token)
    return orthanc


@pytest.fixture
def slices(real_data) -> list[bytes]:
    """A few slices of a real CT, one of them uncompressed."""
    files = [path.read_bytes() for path in sorted((real_data / "ct_nlst_101287" / "ct").glob("*.dcm"))[:12]]
    raw = pydicom.dcmread(io.BytesIO(files[0]))
    raw.decompress(generate_instance_uid=False)
    out = io.BytesIO()
    raw.save_as(out)
    return [out.getvalue(), *files[1:]]


def datasets_of(peer) -> dict[str, pydicom.Dataset]:
    files = [peer.call("GET", f"/instances/{key}/file") for key in peer.call("GET", "/instances")]
    return {dataset.SOPInstanceUID: dataset for dataset in map(pydicom.dcmread, map(io.BytesIO, files))}


def test_orthanc_sends_a_study_and_takes_it_back(project, peer, slices):
    project.unit = "series"
    project.save()
    sent = {dataset.SOPInstanceUID: dataset for dataset in map(pydicom.dcmread, map(io.BytesIO, slices))}
    for file in slices:
        peer.store(file)
    (study,) = peer.call("GET", "/studies")
    told = peer.call("POST", "/dicom-web/servers/overread/stow", {"Resources": [study], "Synchronous": True})
    assert int(told["InstancesCount"]) == len(sent), told
    assert set(Instance.objects.values_list("sop_instance_uid", flat=True)) == set(sent)
    settle()
    uid = next(iter(sent.values())).StudyInstanceUID
    (found,) = peer.call(
        "POST", "/dicom-web/servers/overread/qido", {"Uri": "/studies", "Arguments": {"StudyInstanceUID": uid}}
    )
    assert found["0020000D"]["Value"] == uid and found["00080061"]["Value"] == "CT"
    # Gone there, and fetched again from here: every pixel and the place of every slice is what it was.
    peer.call("DELETE", f"/studies/{study}")
    assert peer.call("GET", "/instances") == []
    peer.call("POST", "/dicom-web/servers/overread/retrieve", {"Resources": [{"Study": uid}], "Synchronous": True})
    back = datasets_of(peer)
    assert set(back) == set(sent)
    for key, dataset in back.items():
        assert np.array_equal(dataset.pixel_array, sent[key].pixel_array)
        assert dataset.ImagePositionPatient == sent[key].ImagePositionPatient
        assert dataset.file_meta.TransferSyntaxUID == sent[key].file_meta.TransferSyntaxUID
