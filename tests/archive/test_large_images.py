"""The largest images that are taken in: neither taking them in nor drawing them takes a process 1 GB of memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels import get_encoder
from pydicom.uid import JPEG2000Lossless, RLELossless

from backend.archive.decode_child import DecodeChild
from backend.dicom.prepare import PreparationSettings
from backend.dicom.refusal import Refused
from tests.soak.limits import MOST_MEMORY, peak_memory

SETTINGS = PreparationSettings(key="5a" * 32, modality="DX")
LARGEST_SIDE = 8191  # of a square frame of 16 bits: just below 128 MB


@pytest.fixture
def write_raw(make_dicom, as_file, tmp_path):
    """A raw image whose pixels are a hole in the file: black, and as large as one likes."""

    def write(rows: int, columns: int, *, dtype: str = "<u2", **attributes: object) -> Path:
        colour = attributes.get("SamplesPerPixel") == 3
        dataset = make_dicom(np.zeros((1, 2, 3) if colour else (1, 2), dtype), Rows=rows, Columns=columns, **attributes)
        dataset.PixelData = b"\0\0"
        head = as_file(dataset)[:-6]
        length = rows * columns * int(dataset.get("NumberOfFrames", 1)) * np.dtype(dtype).itemsize * (3 if colour else 1)
        length += length % 2
        path = tmp_path / "large.dcm"
        with path.open("wb") as file:
            file.write(head + length.to_bytes(4, "little"))
            file.truncate(len(head) + 4 + length)
        return path

    return write


def peak_of_taking(path: Path) -> tuple[dict[str, object], int]:
    """What a child of its own makes of the file, and the most memory that it has held."""
    with DecodeChild() as own:
        prepared, blob = own.prepare(path, SETTINGS)
        assert blob.stat().st_size == sum(length for _, length in prepared.instance["frame_ranges"])
        return prepared.instance, peak_memory(own._process.pid)


def test_a_raw_file_of_many_frames_is_never_whole_in_memory(write_raw):
    instance, peak = peak_of_taking(write_raw(2400, 2100, NumberOfFrames=65))
    assert instance["number_of_frames"] == 65
    assert peak < 256 * 1024**2, peak


@pytest.mark.parametrize(
    "attributes",
    [
        {"rows": LARGEST_SIDE, "columns": LARGEST_SIDE},
        {"rows": 6600, "columns": 6600, "dtype": "u1", "SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_FULL"},
    ],
    ids=["grey", "YBR"],
)
def test_the_largest_raw_frame_is_taken_in_less_than_1_gb(write_raw, attributes):
    _, peak = peak_of_taking(write_raw(**attributes))
    assert peak < MOST_MEMORY, peak


def test_a_raw_frame_has_the_limit_that_a_packed_one_has(write_raw):
    with DecodeChild() as own, pytest.raises(Refused, match="one frame unpacks to 365 MB, the limit is 128 MB"):
        own.prepare(write_raw(14_000, 13_700), SETTINGS)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless], ids=["RLE", "JPEG 2000"])
def test_a_packed_mammogram_is_taken_in_less_than_1_gb(make_dicom, as_file, tmp_path, syntax):
    pixels = np.zeros((6000, 5000), "<u2")
    pixels[::300] = np.random.default_rng(0).integers(0, 4096, 5000)
    dataset = make_dicom(np.zeros((1, 1), "<u2"), syntax, Rows=6000, Columns=5000, BitsStored=12, HighBit=11)
    packed = get_encoder(syntax).encode(
        pixels.tobytes(), index=0, encoding_plugin="pylibjpeg", rows=6000, columns=5000, number_of_frames=1,
        samples_per_pixel=1, bits_allocated=16, bits_stored=12, pixel_representation=0,
        photometric_interpretation="MONOCHROME2",
    )  # fmt: skip
    dataset.PixelData = encapsulate([bytes(packed)])
    path = tmp_path / "packed.dcm"
    path.write_bytes(as_file(dataset))
    instance, peak = peak_of_taking(path)
    assert (instance["rows"], instance["columns"]) == (6000, 5000)
    assert peak < MOST_MEMORY, peak


_DRAW = """
import json, sys
from pathlib import Path
import django
django.setup()
from backend.archive.models import Instance
from backend.archive import rendering
from backend.archive.thumbnails import make_thumbnail
header, frame = sys.argv[1:]
rendering.get_range = lambda key, offset, length: open(key, "rb").read(length)
instance = Instance(dicom_json=header, frames_key=frame, frame_ranges=[[0, 1 << 30]])
pixels = rendering.render_frame(instance, 1)
for kind in ("image/png", "image/jpeg"):
    rendering.encode_image(pixels, kind)
make_thumbnail(pixels)
# Not ru_maxrss: that is never less than what the process had from which this one was begun.
(peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
print(peak.split()[1])
"""


def test_the_largest_frame_is_drawn_in_less_than_1_gb(tmp_path):
    frame = tmp_path / "frame"
    np.random.default_rng(0).integers(0, 4096, (LARGEST_SIDE, LARGEST_SIDE), dtype="<u2").tofile(frame)
    form = {"00280010": LARGEST_SIDE, "00280011": LARGEST_SIDE, "00280002": 1, "00280100": 16, "00280101": 16}
    header = {tag: {"vr": "US", "Value": [value]} for tag, value in (form | {"00280103": 0}).items()}
    header |= {
        "00083002": {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]},
        "00280004": {"vr": "CS", "Value": ["MONOCHROME1"]},
    }
    asked = [sys.executable, "-c", _DRAW, json.dumps(header), str(frame)]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=True)
    assert int(done.stdout.split()[-1]) * 1024 < MOST_MEMORY, done.stdout
