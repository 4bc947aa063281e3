"""Frames are stored without loss, in encodings that browsers decode."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels import pixel_array
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from backend.dicom.header import frame_format
from backend.dicom.prepare import PreparationSettings
from backend.dicom.refusal import Refused
from backend.dicom.stored_frames import STORED_TRANSFER_SYNTAXES, decoded_frame
from tests.dicom.conftest import KEY, prepare_bytes

SETTINGS = PreparationSettings(key=KEY, modality="US")
RAW, JPEG_LS = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.80"

# What `index.csv` calls decodable and is no image to read.
NO_IMAGES = {
    "pydicom_bundled/liver_1frame.dcm",
    "pydicom_bundled/liver_expb_1frame.dcm",
    "pydicom_bundled/rtdose.dcm",
    "pydicom_bundled/rtdose_expb.dcm",
    "pydicom_bundled/rtdose_expb_1frame.dcm",
    "pydicom_bundled/rtdose_rle.dcm",
    "pydicom_bundled/rtdose_rle_1frame.dcm",
    "pydicom_data/liver.dcm",
    "pydicom_data/liver_nonbyte_aligned.dcm",
    "pydicom_data/parametric_map_float.dcm",
}
# Beyond the index: 12-bit JPEG (progressive, too) through GDCM itself, and a file that names no transfer syntax.
ALSO_DECODED = {
    "cornerstone3d/CTImage.dcm_JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55.dcm",
    "cornerstone3d/CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm",
    "pydicom_bundled/JPEG-lossy.dcm",
    "pydicom_data/OT-PAL-8-face.dcm",
    "wg04/MR1_JPLY.dcm",
    "wg04/RG3_JPLY.dcm",
    "wg04/XA1_JPLY.dcm",
}


def stored_arrays(data: bytes) -> tuple[list[np.ndarray], dict]:
    prepared, blob = prepare_bytes(data, SETTINGS)
    header = json.loads(prepared.instance["dicom_json"])
    form = frame_format(header)
    assert form.transfer_syntax_uid == prepared.instance["transfer_syntax_uid"]
    frames = [decoded_frame(blob[start : start + length], form) for start, length in prepared.instance["frame_ranges"]]
    assert sum(length for _, length in prepared.instance["frame_ranges"]) == len(blob)
    return frames, header


@pytest.mark.parametrize("dtype", ["u1", "<u2", "<i2"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_grey_values_come_back_as_they_were(make_dicom, as_file, dtype, photometric):
    info = np.iinfo(dtype)
    pixels = np.linspace(info.min, info.max, 7 * 9).astype(dtype).reshape(7, 9)
    (frame,), header = stored_arrays(as_file(make_dicom(pixels, PhotometricInterpretation=photometric)))
    assert np.array_equal(frame, pixels)
    assert header["00280004"]["Value"] == [photometric]


def test_signed_values_of_fewer_bits_show_their_sign_to_every_viewer(make_dicom, as_file):
    wanted = np.array([[-2048, -1, 0, 2047]], dtype="<i2")
    unextended = (wanted & 0x0FFF).astype("<i2")
    (frame,), header = stored_arrays(as_file(make_dicom(unextended, BitsStored=12, HighBit=11)))
    assert np.array_equal(frame, wanted)
    assert header["00280101"]["Value"] == [16]


def test_overlay_bits_in_unused_pixel_bits_are_not_stored(make_dicom, as_file):
    values = np.array([[1, 4095]], dtype="<u2")
    prepared, blob = prepare_bytes(as_file(make_dicom(values | 0xF000, BitsStored=12, HighBit=11)), SETTINGS)
    assert np.frombuffer(blob, "<u2").tolist() == [1, 4095]


def test_a_multi_frame_has_a_byte_range_per_frame(make_dicom, as_file):
    pixels = np.arange(5 * 6 * 4, dtype="<u2").reshape(5, 6, 4)
    frames, header = stored_arrays(as_file(make_dicom(pixels)))
    assert len(frames) == 5
    assert all(np.array_equal(frame, given) for frame, given in zip(frames, pixels, strict=True))
    assert header["00280008"]["Value"] == [5]


def test_colour_by_plane_becomes_colour_by_pixel(make_dicom, as_file):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype="u1")
    dataset = make_dicom(pixels, PlanarConfiguration=1)
    dataset.PixelData = pixels.transpose(2, 0, 1).tobytes()
    (frame,), header = stored_arrays(as_file(dataset))
    assert np.array_equal(frame, pixels)
    assert header["00280006"]["Value"] == [0]


def test_a_palette_is_applied_because_browsers_cannot(make_dicom, as_file):
    dataset = make_dicom(np.array([[0, 1], [2, 3]], dtype="u1"), PhotometricInterpretation="PALETTE COLOR")
    tables = {"Red": [0, 255, 10, 7], "Green": [1, 2, 3, 4], "Blue": [9, 8, 255, 0]}
    for colour, table in tables.items():
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [4, 0, 16])
        setattr(dataset, f"{colour}PaletteColorLookupTableData", (np.array(table, "<u2") * 257).tobytes())
    (frame,), header = stored_arrays(as_file(dataset))
    assert frame.reshape(4, 3).T.tolist() == list(tables.values())
    assert "00281201" not in header
    assert header["00082111"]["Value"] == ["Palette applied"]


def test_colour_of_16_bits_is_stored_in_8_and_says_so(make_dicom, as_file):
    pixels = np.array([[[0, 256, 65535]]], dtype="<u2")
    (frame,), header = stored_arrays(as_file(make_dicom(pixels)))
    assert frame.tolist() == [[[0, 1, 255]]]
    assert header["00082111"]["Value"] == ["Colour reduced to 8 bits"]


def test_grey_of_32_bits_is_refused(make_dicom, as_file):
    with pytest.raises(Refused, match="32 bits; up to 16"):
        prepare_bytes(as_file(make_dicom(np.zeros((2, 2), "<u4"))), SETTINGS)


def test_run_lengths_are_recoded_and_jpeg_ls_is_kept(make_dicom, as_file):
    pixels = np.repeat(np.arange(64, dtype="<u2"), 64).reshape(64, 64)
    dataset = make_dicom(pixels)
    dataset.compress(RLELossless, generate_instance_uid=False)
    (frame,), header = stored_arrays(as_file(dataset))
    assert np.array_equal(frame, pixels)
    assert header["00083002"]["Value"] == [JPEG_LS]
    dataset = make_dicom(pixels, BitsStored=12, HighBit=11)
    dataset.compress(JPEGLSLossless, generate_instance_uid=False)
    sent = as_file(dataset)
    _, blob = prepare_bytes(sent, SETTINGS)
    assert blob.rstrip(b"\0") in sent


def test_missing_frames_are_noticed(make_dicom, as_file):
    dataset = make_dicom(np.zeros((3, 8, 8), "<u2"))
    dataset.compress(JPEGLSLossless, generate_instance_uid=False)
    dataset.NumberOfFrames = 4
    with pytest.raises(Refused, match="4 frames are due, 3 are there"):
        prepare_bytes(as_file(dataset), SETTINGS)


def test_a_broken_codestream_is_refused_in_a_readers_words(make_dicom, as_file):
    dataset = make_dicom(np.zeros((8, 8), "<u2"), JPEGLSLossless)
    dataset.PixelData = encapsulate([b"\xff\xd8\xff\xf7"])
    dataset["PixelData"].is_undefined_length = True
    with pytest.raises(Refused, match="the compressed pixels end too early"):
        prepare_bytes(as_file(dataset), SETTINGS)


@pytest.mark.slow
def test_the_whole_corpus_decodes_as_its_index_says_and_is_stored_without_loss(real_data: Path):
    corpus = real_data / "dicom_corpus"
    for row in csv.DictReader((corpus / "index.csv").open()):
        name, data = row["file"], (corpus / row["file"]).read_bytes()
        due = (row["decode"] == "ok" and name not in NO_IMAGES) or name in ALSO_DECODED
        try:
            frames, header = stored_arrays(data)
        except Refused as refusal:
            assert not due, (name, str(refusal))
            assert len(str(refusal)) < 200 and str(refusal).endswith("."), name
            continue
        assert due, name
        assert header["00083002"]["Value"][0] in STORED_TRANSFER_SYNTAXES, name
        if row["decode"] == "ok" and row["SamplesPerPixel"] == "1" and row["PhotometricInterpretation"].startswith("MONO"):
            low, high = (float(end) for end in row["range"].split(".."))
            values = np.array(frames)
            assert abs(values.min() - low) <= 1 and abs(values.max() - high) <= 1, name  # lossy decoders differ by one


def test_lossless_images_of_the_corpus_equal_what_pydicom_reads(real_data: Path):
    for name in ("wg04/CT1_J2KR.dcm", "pydicom_data/emri_small_big_endian.dcm", "pydicom_data/JPEG-LL.dcm"):
        path = real_data / "dicom_corpus" / name
        frames, _ = stored_arrays(path.read_bytes())
        read = pixel_array(path)
        assert np.array_equal(np.array(frames).squeeze(), np.asarray(read, dtype=frames[0].dtype).squeeze()), name


@pytest.mark.parametrize(
    "process", ["6_8TransferSyntax_1.2.840.10008.1.2.4.53", "10_12TransferSyntax_1.2.840.10008.1.2.4.55"]
)
def test_a_progressive_jpeg_has_the_values_of_the_sequential_one(real_data, process):
    folder = real_data / "dicom_corpus/cornerstone3d"
    names = (process, "2_4TransferSyntax_1.2.840.10008.1.2.4.51")
    progressive, sequential = (
        stored_arrays((folder / f"CTImage.dcm_JPEGProcess{name}.dcm").read_bytes())[0][0] for name in names
    )
    assert np.array_equal(progressive, sequential)


@pytest.mark.parametrize(
    ("rows", "frames", "reason"),
    [(1000, 900, "It would unpack to 858 MB, [0-9]+ times its size: a bomb."), (20_000, 1, "to 381 MB, [0-9]+ times")],
)
def test_frames_that_unpack_without_measure_are_refused_before_any_decoder_sees_them(
    make_dicom, as_file, rows, frames, reason
):
    dataset = make_dicom(np.zeros((4, 4), "u1"), RLELossless, Rows=rows, Columns=rows, NumberOfFrames=frames)
    dataset.PixelData = encapsulate([b"\1\0\0\0\x40" + bytes(59) + b"\x81\0"] * frames)
    with pytest.raises(Refused, match=reason):
        prepare_bytes(as_file(dataset), SETTINGS)


@pytest.mark.parametrize(("syntax", "side", "limit"), [(RLELossless, 10_000, 80), (JPEG2000Lossless, 8400, 64)])
def test_one_packed_frame_has_the_limit_of_its_decoder(make_dicom, as_file, syntax, side, limit):
    dataset = make_dicom(np.zeros((4, 4), "u1"), syntax, Rows=side, Columns=side)
    dataset.PixelData = encapsulate([b"\1\0\0\0\x40" + bytes(1_000_059)])
    with pytest.raises(Refused, match=f"one frame unpacks to {side**2 >> 20} MB, the limit is {limit} MB"):
        prepare_bytes(as_file(dataset), SETTINGS)
