"""The first UIDs of a data set are found in each transfer syntax, and what is no data set is told from one."""

from __future__ import annotations

from io import BytesIO

import pytest
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from backend.dicom.leading_uids import NotADataset, leading_uids

IMPLICIT, EXPLICIT, BIG, DEFLATED = (f"1.2.840.10008.1.2{tail}" for tail in ("", ".1", ".2", ".1.99"))


def encoded(syntax: str, **values: str) -> bytes:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.PatientID = "P"
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = syntax != BIG, syntax == IMPLICIT
    write_dataset(out, dataset)
    return out.getvalue()


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
def test_the_uids_are_found(syntax: str) -> None:
    data = encoded(syntax, SOPClassUID="1.2.3", SOPInstanceUID="1.2.3.4", InstanceCreationDate="20240101")
    assert leading_uids(data, syntax, is_whole=True) == ("1.2.3", "1.2.3.4")
    assert leading_uids(data[:30], syntax, is_whole=False) is None
    with pytest.raises(NotADataset):
        leading_uids(data[:30], syntax, is_whole=True)
    assert leading_uids(data, DEFLATED, is_whole=True) is None


@pytest.mark.parametrize(
    "data",
    [
        encoded(EXPLICIT, SOPClassUID="1.2.3"),
        encoded(EXPLICIT, SOPInstanceUID="1.2.3"),
        encoded(IMPLICIT, SOPClassUID="1.2.3", SOPInstanceUID="1.2.3.4"),
        b"\xff" * 100,
        b"GET / HTTP/1.1\r\n\r\n",
        BytesIO().getvalue(),
    ],
)
def test_what_is_no_explicit_little_endian_data_set_is_told(data: bytes) -> None:
    with pytest.raises(NotADataset):
        leading_uids(data, EXPLICIT, is_whole=True)
