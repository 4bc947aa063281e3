"""What is told of a file that cannot be used: numbers and the standard's own words, nothing that can name a person."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from backend.dicom.file_facts import file_facts, uid_name


@pytest.fixture
def ct(make_dicom):
    made = make_dicom(np.zeros((64, 48), "u2"))
    made.Modality = "CT"
    return made


def test_a_header_is_told_also_where_the_pixels_are_cut_off(ct, as_file):
    told = {
        "format": "dicom", "modality": "CT", "sop_class_uid": str(ct.SOPClassUID), "rows": 64, "columns": 48,
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
    }  # fmt: skip
    data = as_file(ct)
    assert file_facts(BytesIO(data)) == file_facts(BytesIO(data[:-3000])) == told
    assert uid_name(told["transfer_syntax_uid"]) == "Explicit VR Little Endian" and uid_name("1.2.3") == ""


@pytest.mark.parametrize(
    ("keyword", "value", "fact"),
    [
        ("Modality", "QUISENBERRY", "modality"),
        ("SOPClassUID", "1.3.6.1.4.1.99.19570424", "sop_class_uid"),
        ("SOPClassUID", "1.2.840.10008.1.2.1", "sop_class_uid"),  # a transfer syntax in its place
        ("Rows", 0, "rows"),
        ("NumberOfFrames", -3, "frames"),
    ],
)
def test_what_the_standard_does_not_have_is_not_told(ct, as_file, keyword, value, fact):
    setattr(ct, keyword, value)
    told = file_facts(BytesIO(as_file(ct)))
    assert fact not in told and told["columns"] == 48


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_of_a_picture_its_size_is_told(kind):
    out = BytesIO()
    Image.new("L", (40, 30)).save(out, kind)
    assert file_facts(BytesIO(out.getvalue()[:-4])) == {"format": kind.lower(), "rows": 30, "columns": 40}


def test_of_what_is_no_image_nothing_is_told():
    assert file_facts(BytesIO(b"Thaddeus Quisenberry, 1961-02-03")) == {}
    assert file_facts(BytesIO(b"\x89PNG\r\n\x1a\nbroken")) == {"format": "png"}
