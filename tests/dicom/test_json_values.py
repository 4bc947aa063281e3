"""Elements are translated to DICOM JSON as they lie in the file, and say what pydicom says of them."""

from __future__ import annotations

import json
import random
import struct
from io import BytesIO
from pathlib import Path

import pydicom.data
import pytest
from pydicom.dataset import Dataset

from backend.dicom import header
from backend.dicom.header import BulkData, stored_header
from backend.dicom.read import read_dicom
from backend.dicom.stored_frames import FrameFormat

_FORM = FrameFormat("1.2.840.10008.1.2.1", 4, 4, 1, 16, 12, 0, "MONOCHROME2")
_MUTANTS = 150
_FOLDER = Path(pydicom.data.__file__).parent


def _both(data: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str] | None:
    """The stored header as it is made, and as pydicom alone makes it; None of what is no data set."""
    try:
        ours = stored_header(read_dicom(BytesIO(data)), _FORM, 1, bulk=BulkData(0))[1]
    except Exception:  # noqa: BLE001 damaged files raise all kinds, in the child too
        return None
    with monkeypatch.context() as patched:
        patched.setattr(header, "raw_json", lambda *_: None)
        return ours, stored_header(read_dicom(BytesIO(data)), _FORM, 1, bulk=BulkData(0))[1]


def test_headers_of_pydicoms_own_files_are_what_pydicom_makes_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    for path in sorted(_FOLDER.rglob("*.dcm")):
        told = _both(path.read_bytes(), monkeypatch) if path.stat().st_size < 200_000 else None
        if told is not None:
            assert told[0] == told[1], path.name
            compared += 1
    assert compared > 50


def test_headers_of_many_makers_are_what_pydicom_makes_of_them(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    for path in sorted((real_data / "dicom_corpus").rglob("*")):
        if not path.is_file() or path.stat().st_size > 1_000_000 or path.suffix == ".csv":
            continue
        told = _both(path.read_bytes(), monkeypatch)
        if told is not None:
            assert told[0] == told[1], path.name
            compared += 1
    assert compared > 100


def test_damaged_headers_are_what_pydicom_makes_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(5)
    originals = [(_FOLDER / "test_files" / name).read_bytes()[:6000] for name in ("CT_small.dcm", "rtplan.dcm")]
    compared = 0
    for _ in range(_MUTANTS):
        data = bytearray(draw.choice(originals))
        for _ in range(draw.randint(1, 12)):
            data[draw.randrange(300, len(data))] = draw.choice((0, 0x20, 0x5C, 0x3D, 0x1B, 0xE4, draw.randrange(256)))
        told = _both(bytes(data), monkeypatch)
        if told is not None:
            assert told[0] == told[1]
            compared += 1
    assert compared > _MUTANTS // 2


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        ("DS", b"1.50\\-2e3 "), ("DS", b" 7"), ("DS", b"1\\\\2"), ("DS", b"1e999 "), ("DS", b"NaN "), ("DS", b"1_0 "),
        ("IS", b" +12\\-3 "), ("IS", b"1.0 "), ("IS", b"9007199254740993"), ("IS", b"  "), ("IS", b"1\\ "),
        ("PN", b"A^B=\\=C "), ("PN", b"== "), ("PN", b"A=B=C=D "), ("PN", b"\xe4^B "), ("PN", b"A\0\0 "),
        ("LO", b" a \\b \0"), ("LO", b"\\ "), ("LO", b"\x1b$Ba"), ("LT", b"one\\two  "), ("ST", b"  "),
        ("AE", b" A \0"), ("CS", b"A \\ B"), ("CS", b"\\"), ("DA", b"2020 \0"), ("TM", b"\xff\xff"),
        ("UI", b"1.2\\ 3.4\0"), ("UI", b"\0\0"), ("UR", b"http://a \t"), ("US", b"\1\0\2\0"), ("US", b"\1\0\2"),
        ("FL", struct.pack("<2f", 1.1, float("nan"))), ("FD", struct.pack("<d", -0.0)), ("SV", struct.pack("<q", -5)),
        ("OB", b"\0\1\2"), ("OW", b""), ("UN", b"abcd"), ("AT", b"\x10\0\x20\0"), ("OF", b"\0" * 100_000),
    ],
)  # fmt: skip
@pytest.mark.parametrize("charset", [b"", b"ISO_IR 192", b"ISO 2022 IR 13\\ISO 2022 IR 87", b"no such"])
def test_single_values_are_what_pydicom_makes_of_them(
    vr: str, value: bytes, charset: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def element(tag: tuple[int, int], vr: str, value: bytes) -> bytes:
        is_long = vr in ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")
        length = struct.pack("<HL" if is_long else "<H", *((0, len(value)) if is_long else (len(value),)))
        return struct.pack("<HH", *tag) + vr.encode() + length + value

    item = element((9, 0x10), "LO", b"TEST") + element((9, 0x1001), vr, value)
    sequence = struct.pack("<HHL", 0xFFFE, 0xE000, len(item)) + item
    body = element((8, 5), "CS", charset + b" " * (len(charset) % 2)) + element((8, 0x16), "UI", b"1.2.3.4\0")
    body += element((8, 0x1140), "SQ", sequence) + item + element((0x18, 0x50), "DS", b"1 ")
    told = _both(b"\0" * 128 + b"DICM" + element((2, 0x10), "UI", b"1.2.840.10008.1.2.1\0") + body, monkeypatch)
    assert told is not None
    assert told[0] == told[1]
    assert json.loads(told[0])["00180050"]["Value"] == [1.0]


def test_an_items_unusable_value_takes_nothing_else_of_its_sequence_along() -> None:
    item, dataset = Dataset(), Dataset()
    item.CodeValue, item.PixelSpacing = "T-1", ["1", "2"]
    dataset.AnatomicRegionSequence = [item]
    item["PixelSpacing"]._value = ["1", ""]
    told = json.loads(stored_header(dataset, _FORM, 1)[1])["00082218"]["Value"]
    assert [sorted(one) for one in told] == [["00080100"]]
