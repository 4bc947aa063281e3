"""Values too long for the header are kept, named and served; files that are rebuilt hold them again."""

from __future__ import annotations

import io
import os

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from tests.dicom.conftest import as_file, make_dicom  # noqa: F401
from tests.dicomweb.answers import parts_of
from tests.dicomweb.stow import CONTENT_TYPE, body

pytestmark = pytest.mark.django_db
PROFILE, OVERLAY = os.urandom(200_001), os.urandom(150_000)


@pytest.fixture
def stored(project, lead, as_person, make_dicom, as_file):
    """An image with an ICC profile and a nested value beyond what a header holds, and the address of its instance."""
    dataset = make_dicom(np.random.default_rng(1).integers(0, 4000, (32, 40), dtype=np.uint16))
    dataset.ICCProfile = PROFILE + b"\0"
    item = Dataset()
    item.add_new("EncapsulatedDocument", "OB", OVERLAY)
    dataset.ReferencedImageSequence = [item]
    client = as_person(lead)
    answer = client.generic("POST", "/dicom-web/breast/studies", body(as_file(dataset)), content_type=CONTENT_TYPE)
    assert answer.status_code == 200
    return client, answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0].removeprefix("http://testserver")


def test_metadata_names_them_and_they_are_served_whole_in_parts_and_by_range(stored):
    client, url = stored
    (header,) = client.get(f"{url}/metadata").json()
    assert "InlineBinary" not in header["00282000"]
    profile, nested = header["00282000"]["BulkDataURI"], header["00081140"]["Value"][0]["00420011"]["BulkDataURI"]
    assert profile.startswith(f"http://testserver{url}/bulkdata/")
    assert client.get(profile, HTTP_ACCEPT="application/octet-stream").content == PROFILE + b"\0"
    ((_, part),) = parts_of(client.get(nested, HTTP_ACCEPT='multipart/related; type="application/octet-stream"'))
    assert part == OVERLAY
    for asked, expected in (("bytes=10-19", OVERLAY[10:20]), ("bytes=-5", OVERLAY[-5:]), ("bytes=149990-", OVERLAY[-10:])):
        piece = client.get(nested, HTTP_RANGE=asked, HTTP_ACCEPT="application/octet-stream")
        assert piece.status_code == 206 and piece.content == expected and piece["Content-Range"].endswith("/150000")
    assert client.get(nested, HTTP_RANGE="bytes=150000-", HTTP_ACCEPT="application/octet-stream").status_code == 416
    assert client.get(f"{url}/bulkdata/0-10").status_code == 404  # frames lie there, and no header names them so
    assert "00282000" not in client.get("/dicom-web/breast/instances?includefield=all").json()[0]


def test_a_file_that_is_rebuilt_holds_them(stored):
    client, url = stored
    rebuilt = pydicom.dcmread(io.BytesIO(client.get(url, HTTP_ACCEPT="application/dicom").getvalue()))
    assert rebuilt.ICCProfile == PROFILE + b"\0"
    assert rebuilt.ReferencedImageSequence[0].EncapsulatedDocument == OVERLAY
