"""DICOM files are rebuilt piece by piece: whole on the wire, never in memory; and are byte for byte what pydicom writes."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEG2000Lossless

from backend.archive import part10 as subject
from backend.archive.ingest import ingest_file
from backend.archive.models import Instance
from backend.archive.part10 import part10
from backend.archive.store import delete_object, get_range

pytestmark = pytest.mark.django_db
_MB = 1024**2


@pytest.fixture
def stored(project, child, as_file, tmp_path):
    """Takes a dataset in and gives its instance."""

    def take(dataset) -> Instance:
        path = tmp_path / "in.dcm"
        path.write_bytes(as_file(dataset))
        return ingest_file(archive=project.archive, child=child, path=path, modality="CT").instance

    return take


def frames_of(instance: Instance) -> list[bytes]:
    return [get_range(instance.frames_key, *place) for place in instance.frame_ranges]


@pytest.mark.parametrize("frames", [1, 3])
def test_a_raw_image_has_its_frames_one_after_the_other_padded_to_an_even_length(stored, make_dicom, frames):
    pixels = np.arange(frames * 5 * 7, dtype=np.uint8).reshape(frames, 5, 7)
    made = make_dicom(pixels[0] if frames == 1 else pixels, **({"NumberOfFrames": 3} if frames == 3 else {}))
    rebuilt = part10(stored(made))
    whole = b"".join(rebuilt.pieces)
    assert len(whole) == rebuilt.size
    read = dcmread(io.BytesIO(whole))
    assert np.array_equal(read.pixel_array, pixels[0] if frames == 1 else pixels)
    assert len(read.PixelData) % 2 == 0 and read["PixelData"].VR == "OB"


def test_encapsulated_frames_are_what_pydicom_makes_of_them(stored, make_dicom, real_data):
    made = make_dicom(np.arange(64 * 64, dtype="<u2").reshape(1, 64, 64).repeat(3, 0) % 4096, NumberOfFrames=3)
    made.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg")
    instance = stored(made)
    rebuilt = part10(instance)
    whole = b"".join(rebuilt.pieces)
    assert len(whole) == rebuilt.size
    read = dcmread(io.BytesIO(whole))
    assert read.PixelData == encapsulate(frames_of(instance)) and read["PixelData"].is_undefined_length


def test_frames_beyond_32_bits_get_the_extended_offset_table(stored, make_dicom, monkeypatch):
    made = make_dicom(np.arange(64 * 64, dtype="<u2").reshape(1, 64, 64).repeat(3, 0) % 4096, NumberOfFrames=3)
    made.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg")
    instance = stored(made)
    monkeypatch.setattr(subject, "_TABLE_LIMIT", 10)
    rebuilt = part10(instance)
    whole = b"".join(rebuilt.pieces)
    assert len(whole) == rebuilt.size
    read = dcmread(io.BytesIO(whole))
    table = read.ExtendedOffsetTable, read.ExtendedOffsetTableLengths
    found = list(generate_frames(read.PixelData, number_of_frames=3, extended_offsets=table))
    assert [one[: len(frame)] for one, frame in zip(found, frames_of(instance), strict=True)] == frames_of(instance)


def test_what_stands_behind_the_pixels_stays_behind_them(stored, make_dicom):
    made = make_dicom(np.arange(64, dtype="<u2").reshape(8, 8))
    instance = stored(made)
    header = json.loads(instance.dicom_json) | {"FFFCFFFC": {"vr": "OB", "InlineBinary": "AAAAAA=="}}
    instance.dicom_json = json.dumps(header)
    rebuilt = part10(instance)
    whole = b"".join(rebuilt.pieces)
    assert len(whole) == rebuilt.size
    read = dcmread(io.BytesIO(whole))
    assert [element.tag for element in read][-2:] == [0x7FE00010, 0xFFFCFFFC]
    assert isinstance(read[0xFFFCFFFC], DataElement) and np.array_equal(read.pixel_array, made.pixel_array)


def test_a_file_whose_frames_are_gone_is_told_before_its_first_byte(stored, make_dicom):
    instance = stored(make_dicom(np.arange(64, dtype="<u2").reshape(8, 8)))
    delete_object(instance.frames_key)
    with pytest.raises(FileNotFoundError):
        part10(instance)


_REBUILD = """
import json, os, sys
from pathlib import Path
import django
django.setup()
from backend.archive import store
from backend.archive.models import Instance
from backend.archive.part10 import part10

FRAME, FRAMES, encapsulated = 2000 * 1500 * 2, 100, sys.argv[1] == "encapsulated"
key = "frames/large/pixels"
path = Path(store._file(key))
path.parent.mkdir(parents=True, exist_ok=True)
with path.open("wb") as file:
    file.truncate(FRAME * FRAMES)
syntax = "1.2.840.10008.1.2.4.90" if encapsulated else "1.2.840.10008.1.2.1"
header = {tag: {"vr": "US", "Value": [value]} for tag, value in (
    ("00280010", 2000), ("00280011", 1500), ("00280002", 1), ("00280100", 16), ("00280101", 16), ("00280103", 0))}
header |= {"00083002": {"vr": "UI", "Value": [syntax]}, "00280008": {"vr": "IS", "Value": [FRAMES]},
           "00280004": {"vr": "CS", "Value": ["MONOCHROME2"]}}
instance = Instance(dicom_json=json.dumps(header), frames_key=key, transfer_syntax_uid=syntax, sop_instance_uid="1.2.3",
                    sop_class_uid="1.2.840.10008.5.1.4.1.1.2", frame_ranges=[[n * FRAME, FRAME] for n in range(FRAMES)])

def told(name):
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name + ":")]
    return int(line.split()[1])

# Of this process alone, from here on; ru_maxrss would be no less than its parent's.
Path("/proc/self/clear_refs").write_text("5")
before = told("VmRSS")
rebuilt = part10(instance)
written = sum(len(piece) for piece in rebuilt.pieces)
path.unlink()
print(json.dumps({"size": rebuilt.size, "written": written, "growth": (told("VmHWM") - before) * 1024}))
"""


@pytest.mark.parametrize("kind", ["raw", "encapsulated"])
def test_a_file_of_600_mb_is_rebuilt_in_a_few_megabytes(kind):
    asked = [sys.executable, "-c", _REBUILD, kind]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["written"] == found["size"] > 600_000_000
    assert found["growth"] < 24 * _MB, found
