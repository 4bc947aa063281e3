"""Reading files that are hostile, old, cut out, or no image at all."""

from __future__ import annotations

import gzip
import time
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from backend.dicom.prepare import PreparationSettings
from backend.dicom.read import read_dicom, sniffed_format
from backend.dicom.refusal import Refused
from tests.dicom.conftest import KEY, prepare_bytes

SETTINGS = PreparationSettings(key=KEY)


def refusal_of(data: bytes) -> str:
    with pytest.raises(Refused) as caught:
        prepare_bytes(data, SETTINGS)
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "The file is empty."),
        (b"file,finding\na.png,x\n", "Not a DICOM, PNG, JPEG, NIfTI, NRRD or MetaImage file."),
        (gzip.compress(b"x", mtime=0), "Not an image: a gzip archive: unpack it first."),
        (b"PK\x03\x04" + b"0" * 200, "Not an image: a zip archive inside another one: unpack it first."),
        (b"%PDF-1.7", "Not an image: a PDF document."),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 30, "Damaged: the picture cannot be decoded."),
    ],
)
def test_what_is_no_image_is_refused_by_name(data: bytes, reason: str):
    assert refusal_of(data) == reason


def test_a_file_without_preamble_is_read_when_it_starts_like_dicom(make_dicom, as_file):
    whole = as_file(make_dicom(np.zeros((4, 4), "u1")))
    assert sniffed_format(whole[132:]) == "dicom"
    assert read_dicom(BytesIO(whole[132:])).Rows == 4
    data_set_alone = whole[whole.index(b"\x08\0\x16\0UI") :]
    assert read_dicom(BytesIO(data_set_alone)).Rows == 4


def test_a_deflated_bomb_is_refused_before_it_bursts(make_dicom, as_file):
    dataset = make_dicom(np.zeros((4, 4), "u1"), "1.2.840.10008.1.2.1.99")
    whole = as_file(dataset)
    start = 132 + 12 + int.from_bytes(whole[140:144], "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(100)) + packer.flush()
    begun = time.process_time()
    assert refusal_of(whole[:start] + bomb) == "It unpacks to more than 64 MB, more than 200 times its size: a bomb."
    assert time.process_time() - begun < 5


def test_a_deflated_image_is_read(make_dicom, as_file):
    pixels = np.arange(64, dtype="u1").reshape(8, 8)
    prepared, _ = prepare_bytes(as_file(make_dicom(pixels, "1.2.840.10008.1.2.1.99")), SETTINGS)
    assert (prepared.instance["rows"], prepared.instance["columns"]) == (8, 8)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"Rows": 65535, "Columns": 65535}, "Too big: 65535×65535×1 pixels are 4095 MB unpacked, the limit is 1024 MB."),
        ({"NumberOfFrames": 999999}, None),
        ({"Rows": 0}, "Damaged: Rows is 0, which cannot be."),
        ({"SamplesPerPixel": 2}, "Pixels of 2 samples as MONOCHROME2 cannot be shown."),
        ({"BitsStored": 12}, "Damaged: Bits Stored is greater than Bits Allocated."),
        ({"Modality": "SR"}, "Not an image: a structured report (SR)."),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4"}, "Not an image: a segmentation (SEG), which marks other images."),
        ({"Rows": 40}, "The file ends too early: 160 bytes of pixels are due, 16 are there."),
    ],
)
def test_the_header_is_judged_before_any_pixel_is_decoded(make_dicom, as_file, attributes, reason):
    said = refusal_of(as_file(make_dicom(np.zeros((4, 4), "u1"), **attributes)))
    assert reason is None or said == reason


def test_a_codestream_of_another_size_than_the_header_is_refused(real_data: Path):
    data = (real_data / "dicom_corpus/wg04/CT1_J2KR.dcm").read_bytes()
    at = data.index(b"\xff\x4f\xff\x51") + 8
    assert "the compressed data 512×60000" in refusal_of(data[:at] + (60000).to_bytes(4, "big") + data[at + 4 :])
