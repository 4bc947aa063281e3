"""PNG and JPEG become Secondary Capture instances."""

from __future__ import annotations

import json
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from backend.dicom.header import frame_format
from backend.dicom.prepare import PreparationSettings
from backend.dicom.refusal import Refused
from backend.dicom.stored_frames import decoded_frame
from tests.dicom.conftest import KEY, prepare_bytes

NOISE = np.random.default_rng(1).integers(0, 256, (20, 30), dtype="u1")


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def stored(data: bytes, **settings: str):
    prepared, blob = prepare_bytes(data, PreparationSettings(key=KEY, modality="US", **settings))
    header = json.loads(prepared.instance["dicom_json"])
    return decoded_frame(blob, frame_format(header)), header, prepared, blob


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA"])
def test_a_grey_png_of_any_mode_stays_grey(mode: str):
    values = (NOISE // 2).astype("u1")
    frame, header, *_ = stored(saved(Image.fromarray(values).convert(mode)))
    assert np.array_equal(frame, values)
    assert header["00280004"]["Value"] == ["MONOCHROME2"]
    assert header["00080060"]["Value"] == ["US"]


def test_16_bit_grey_keeps_16_bits():
    values = np.arange(600, dtype=np.uint16).reshape(20, 30) * 109
    frame, header, *_ = stored(saved(Image.fromarray(values)))
    assert np.array_equal(frame, values)
    assert header["00280100"]["Value"] == [16]


def test_colour_is_stored_as_rgb_and_transparency_on_black():
    colours = np.dstack([NOISE, NOISE[::-1], NOISE[:, ::-1]])
    frame, *_ = stored(saved(Image.fromarray(colours)))
    assert np.array_equal(frame, colours)
    clear = Image.fromarray(np.dstack([colours, np.zeros_like(NOISE)]), "RGBA")
    frame, *_ = stored(saved(clear))
    assert not frame.any()


def test_names_follow_from_the_bytes_and_the_key():
    data = saved(Image.fromarray(NOISE))
    one, again = stored(data)[2], stored(data)[2]
    assert one == again
    assert one.instance["sop_instance_uid"].startswith("2.25.")
    other, _ = prepare_bytes(data, PreparationSettings(key="77" * 32))
    assert other.instance["sop_instance_uid"] != one.instance["sop_instance_uid"]


def test_a_baseline_jpeg_keeps_its_pixels_and_loses_its_exif():
    exif = Image.Exif()
    exif[0x013B] = "Dr. Planted Name"
    data = saved(Image.fromarray(NOISE), "JPEG", exif=exif, comment=b"Planted comment", quality=90) + b"Planted trailer"
    frame, header, prepared, blob = stored(data)
    assert prepared.instance["transfer_syntax_uid"] == "1.2.840.10008.1.2.4.50"
    assert b"Planted" not in blob
    assert np.array_equal(frame, np.asarray(Image.open(BytesIO(data))))


def test_a_colour_jpeg_decodes_to_what_pillow_shows():
    colours = np.dstack([np.full((16, 16), value, "u1") for value in (200, 40, 90)])
    data = saved(Image.fromarray(colours), "JPEG", quality=95)
    frame, header, *_ = stored(data)
    assert header["00280004"]["Value"] == ["YBR_FULL_422"]
    assert np.abs(frame.astype(int) - np.asarray(Image.open(BytesIO(data))).astype(int)).max() <= 2


def test_a_jpeg_that_lies_on_its_side_is_turned_and_a_progressive_one_recoded():
    exif = Image.Exif()
    exif[0x0112] = 6
    frame, _, prepared, _ = stored(saved(Image.fromarray(NOISE), "JPEG", exif=exif))
    assert frame.shape == (30, 20)
    assert prepared.instance["transfer_syntax_uid"] != "1.2.840.10008.1.2.4.50"
    _, _, prepared, _ = stored(saved(Image.fromarray(NOISE), "JPEG", progressive=True))
    assert prepared.instance["transfer_syntax_uid"] != "1.2.840.10008.1.2.4.50"


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_cut_picture_is_refused(kind: str):
    whole = saved(Image.fromarray(NOISE), kind)
    with pytest.raises(Refused):
        stored(whole[: len(whole) // 2])


def test_a_picture_for_which_the_memory_does_not_suffice_is_not_called_damaged(monkeypatch):
    def load(image: Image.Image) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    with pytest.raises(MemoryError):
        stored(saved(Image.fromarray(NOISE), "PNG"))


def test_a_patient_from_a_table_is_known_by_key_alone_after_basic_deidentification():
    data = saved(Image.fromarray(NOISE))
    _, header, prepared, _ = stored(data, patient_id="Meier 1960", deid_profile="basic")
    assert "Meier" not in json.dumps(header)
    assert prepared.patient_key == stored(saved(Image.fromarray(NOISE[::-1])), patient_id="Meier 1960")[2].patient_key


@pytest.mark.parametrize(
    ("mode", "width", "height", "reason"),
    [
        ("L", 60_000, 60_000, "Too big: 60000×60000 pixels, the limit is 64 million."),
        ("RGB", 8_000, 8_000, "Too big: 8000×8000 pixels, the limit is 25 million."),
        ("RGB", 5_000, 5_000, "It would unpack to 71 MB, [0-9]+ times its size: a bomb."),
    ],
)
def test_a_picture_that_claims_to_be_huge_is_refused_before_it_unpacks(mode, width, height, reason):
    data = saved(Image.new(mode, (4, 4)))
    chunk = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    lying = data[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]
    with pytest.raises(Refused, match=reason):
        stored(lying)
