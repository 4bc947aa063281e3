"""NIfTI, NRRD and MetaImage volumes become multi-frame instances: every voxel, where it lies, and no text of the file."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path

import nrrd
import numpy as np
import pytest

from backend.dicom.display import modality_values
from backend.dicom.header import frame_format, values
from backend.dicom.prepare import PreparationSettings
from backend.dicom.refusal import Held, Refused
from backend.dicom.stored_frames import decoded_frame
from backend.dicom.volume_image import LOOKS_LIKE_LABELS
from backend.dicom.volumes import frame_plane, grid_affine
from tests.dicom.conftest import KEY, prepare_bytes
from tests.dicom.volume_files import metaimage, nifti, nrrd_file

SHAPE = (34, 30, 6)
NOISE = np.random.default_rng(5).integers(-1024, 3000, SHAPE).astype(np.int16)
PLAIN = np.array([[0.7, 0, 0, -20], [0, 0.9, 0, -30], [0, 0, 2.5, 40], [0, 0, 0, 1.0]])
WRITERS = {
    "nii.gz": nifti,
    "nii": lambda voxels, affine: nifti(voxels, affine, packed=False),
    "nrrd": nrrd_file,
    "raw nrrd": lambda voxels, affine: nrrd_file(voxels, affine, encoding="raw"),
    "bzip2 nrrd": lambda voxels, affine: nrrd_file(voxels, affine, encoding="bzip2"),
    "mha": metaimage,
    "packed mha": lambda voxels, affine: metaimage(voxels, affine, packed=True),
}


def turned(order: tuple[int, int, int], signs: tuple[int, int, int], tilt: float = 0.0) -> np.ndarray:
    """An affine whose index axes run along the patient axes of `order`, with these signs, all turned by `tilt` radians."""
    affine = np.eye(4)
    for axis, (patient, sign, step) in enumerate(zip(order, signs, (0.7, 0.9, 2.5), strict=True)):
        affine[:3, axis] = np.eye(3)[patient] * sign * step
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    about_z = np.array([[np.cos(tilt), -np.sin(tilt), 0], [np.sin(tilt), np.cos(tilt), 0], [0, 0, 1]])
    affine[:3, :3] = about_z @ about_x @ affine[:3, :3]
    affine[:3, 3] = (-20, -30, 40)
    return affine


def stored(data: bytes, **settings):
    """What is stored of a volume: its values [frame, row, column], the affine of these to LPS, its header, its rows."""
    prepared, blob = prepare_bytes(data, PreparationSettings(key=KEY, **{"modality": "CT", **settings}))
    header = json.loads(prepared.instance["dicom_json"])
    form = frame_format(header)
    frames = [decoded_frame(blob[at : at + length], form) for at, length in prepared.instance["frame_ranges"]]
    planes = [frame_plane(header, number + 1) for number in range(len(frames))]
    affine = grid_affine(planes) if all(planes) else None
    return np.stack([modality_values(frame, header) for frame in frames]), affine, header, prepared


def is_where_it_was(found: np.ndarray, affine, voxels: np.ndarray, theirs: np.ndarray) -> bool:
    """Whether every voxel [i, j, k] is found at the very place to which its own affine takes it."""
    to_ours = np.linalg.inv(np.array(affine)) @ theirs
    indices = np.stack(np.meshgrid(*map(np.arange, voxels.shape), indexing="ij"), axis=-1)
    places = indices @ to_ours[:3, :3].T + to_ours[:3, 3]
    at = np.rint(places).astype(int)
    assert np.abs(places - at).max() < 1e-4
    return bool(np.array_equal(found[at[..., 0], at[..., 1], at[..., 2]], voxels))


def refusal_of(data: bytes, **settings) -> str:
    with pytest.raises(Refused) as refused:
        stored(data, **settings)
    return str(refused.value)


@pytest.mark.parametrize("written", WRITERS)
def test_every_voxel_keeps_its_value_and_its_place(written: str):
    found, affine, header, prepared = stored(WRITERS[written](NOISE, PLAIN))
    assert found.shape == SHAPE[::-1]
    assert np.array_equal(found, NOISE.transpose(2, 1, 0))
    assert is_where_it_was(found, affine, NOISE, PLAIN)
    assert values(header, "RescaleIntercept") == [float(NOISE.min())] and values(header, "RescaleType") == ["HU"]
    assert prepared.series["modality"] == "CT" and prepared.instance["number_of_frames"] == SHAPE[2]
    assert prepared.series["frame_of_reference_uid"]
    assert prepared.instance["pixel_spacing"] == pytest.approx([0.9, 0.7])


@pytest.mark.parametrize("tilt", [0.0, 0.2])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (1, -1, -1), (-1, 1, -1)])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (0, 2, 1), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
def test_a_volume_is_hung_as_radiologists_do_and_stays_where_it_is(order, signs, tilt: float):
    theirs = turned(order, signs, tilt)
    found, affine, header, _ = stored(nrrd_file(NOISE, theirs))
    assert is_where_it_was(found, affine, NOISE, theirs)
    plane = frame_plane(header)
    across, down = np.array(plane.along_row), np.array(plane.along_column)
    # Axial: left to the right, back down. Coronal: left to the right, feet down. Sagittal: back to the right, feet down.
    hung = {2: ((0, 1), (1, 1)), 1: ((0, 1), (2, -1)), 0: ((1, 1), (2, -1))}[order[2]]
    for direction, (axis, sign) in zip((across, down), hung, strict=True):
        assert int(np.abs(direction).argmax()) == axis and np.sign(direction[axis]) == sign
    assert np.linalg.det(np.array(affine)[:3, [2, 1, 0]]) > 0


def test_ras_of_nifti_and_lps_of_the_others_are_one_place():
    places = [stored(WRITERS[name](NOISE, turned((0, 1, 2), (-1, -1, 1), 0.1)))[1] for name in ("nii.gz", "nrrd", "mha")]
    assert np.allclose(places[0], places[1], atol=1e-5) and np.allclose(places[1], places[2], atol=1e-9)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "i4", "u4", "i8", "f4", "f8"])
def test_whole_values_of_any_type_are_kept_exactly(dtype: str):
    info = (-1024, 3000) if dtype[0] in "if" and dtype != "i1" else (0, 250) if dtype != "i1" else (-100, 100)
    voxels = np.random.default_rng(1).integers(*info, SHAPE).astype(dtype)
    found, *_, prepared = stored(nrrd_file(voxels, PLAIN))
    assert np.array_equal(found.transpose(2, 1, 0), voxels)
    assert "00082111" not in prepared.instance["dicom_json"]  # nothing was lost, so nothing is said to be derived


def test_byte_order_is_the_files():
    found, *_ = stored(nifti(NOISE.astype(">i2"), PLAIN))
    assert np.array_equal(found.transpose(2, 1, 0), NOISE)


def test_a_slope_of_the_file_is_the_rescale_slope():
    found, _, header, _ = stored(nifti(NOISE, PLAIN, slope=(0.5, -10.0)))
    assert np.array_equal(found.transpose(2, 1, 0), NOISE * 0.5 - 10)
    assert values(header, "RescaleSlope") == [0.5]


def test_other_floats_are_rounded_to_even_steps_and_that_is_said():
    voxels = (np.random.default_rng(2).random(SHAPE) * 7 - 2).astype(np.float32)
    found, _, header, _ = stored(nifti(voxels, PLAIN), modality="MR")
    step = values(header, "RescaleSlope")[0]
    assert step == pytest.approx(7 / 65535, rel=0.01)
    assert np.abs(found.transpose(2, 1, 0) - voxels).max() <= step / 2 * 1.01
    assert values(header, "DerivationDescription") == [f"Floating point values rounded to 65,536 even steps of {step:g}"]
    assert values(header, "RescaleType") == ["US"]


def test_whole_values_of_more_than_16_bits_are_rounded_and_that_is_said():
    voxels = np.random.default_rng(2).integers(0, 5_000_000, SHAPE).astype(np.int32)
    found, _, header, _ = stored(nrrd_file(voxels, PLAIN), modality="PT")
    assert np.abs(found.transpose(2, 1, 0) - voxels).max() <= 5_000_000 / 65535 * 0.51
    assert values(header, "DerivationDescription")[0].startswith("Whole values rounded to 65,536 even steps of")


def test_a_far_value_that_would_flatten_all_others_is_refused():
    voxels = np.random.default_rng(2).random((40, 40, 6)).astype(np.float32)
    voxels[0, 0, 0] = -1e9
    assert "16 bits cannot hold both" in refusal_of(nifti(voxels, PLAIN))


def test_values_that_are_no_numbers_are_refused():
    voxels = NOISE.astype(np.float32)
    voxels[3, 3, 3] = np.nan
    assert refusal_of(nifti(voxels, PLAIN)).startswith("Its values are not all numbers")


def test_a_volume_that_lies_nowhere_keeps_its_order_and_has_no_place():
    found, affine, header, prepared = stored(nifti(NOISE, None))
    assert np.array_equal(found, NOISE.transpose(2, 1, 0)) and affine is None
    assert prepared.series["frame_of_reference_uid"] == "" and prepared.instance["pixel_spacing"] == [2.0, 1.0]
    assert "00200032" not in prepared.instance["dicom_json"]


def test_one_slice_is_a_volume():
    found, affine, *_ = stored(nifti(NOISE[:, :, :1], PLAIN))
    assert found.shape == (1, 30, 34) and affine is not None


def test_a_sheared_volume_is_refused():
    sheared = PLAIN.copy()
    sheared[0, 2] = 0.4
    for written in ("nii.gz", "nrrd", "mha"):
        assert refusal_of(WRITERS[written](NOISE, sheared)) == (
            "Its axes are not at right angles (it is sheared). Nothing is resampled here."
        )


def test_what_looks_like_a_mask_is_refused_unless_somebody_says_that_it_is_an_image():
    mask = np.zeros(SHAPE, dtype=np.uint8)
    mask[2:8, 2:8, 1:4] = 1
    regions = np.kron(np.arange(60).reshape(5, 4, 3), np.ones((7, 9, 2))).astype(np.int16)
    for labels in (mask, mask.astype(np.float32), regions):
        assert refusal_of(nifti(labels, PLAIN)) == LOOKS_LIKE_LABELS
    found, *_ = stored(nifti(mask, PLAIN), volume={"is_image": True})
    assert np.array_equal(found.transpose(2, 1, 0), mask)
    assert refusal_of(nrrd_file(NOISE, PLAIN, Segment0_ID="Segment_1")) == LOOKS_LIKE_LABELS


@pytest.mark.parametrize("deid", ["none", "basic"])
def test_no_text_of_the_file_survives(deid: str):
    name = "Doe^Jane 1950-03-04"
    files = [
        nifti(NOISE, PLAIN, descrip=name.encode(), aux_file=b"Doe Jane", intent_name=b"DoeJane", db_name=b"Doe"),
        nrrd_file(NOISE, PLAIN, PatientName=name, content=name, **{"DICOM.PatientID": "4711-Doe"}),
        metaimage(NOISE, PLAIN, Comment=name, PatientName=name, Name=name, AcquisitionDate="19500304"),
    ]
    for data in files:
        *_, prepared = stored(data, deid_profile=deid)
        told = json.dumps([prepared.study, prepared.series, prepared.instance, prepared.sent, prepared.original])
        for word in ("Doe", "Jane", "1950-03", "19500304", "4711-Doe"):
            assert word not in told, word


def test_names_follow_from_the_bytes_or_from_what_the_import_knows():
    *_, first = stored(nifti(NOISE, PLAIN))
    *_, again = stored(nifti(NOISE, PLAIN))
    *_, other = stored(nifti(NOISE + 1, PLAIN))
    assert first.sent == again.sent and not set(first.sent.values()) & set(other.sent.values()) - {
        first.sent["sop_class_uid"]
    }
    series = "1.3.6.1.4.1.14519.5.2.1.6279.6001.1055"
    *_, named = stored(nifti(NOISE, PLAIN), volume={"series_uid": series})
    assert named.series["series_instance_uid"] == series
    channels = [
        stored(nifti(NOISE + number, PLAIN), volume={"study": "run case", "number": number + 1, "description": "T2"})[3]
        for number in range(2)
    ]
    assert len({one.study["study_instance_uid"] for one in channels}) == 1
    assert len({one.series["frame_of_reference_uid"] for one in channels}) == 1
    assert [one.series["series_number"] for one in channels] == [1, 2]


def test_a_volume_of_grey_values_is_no_screen_capture_and_others_are_looked_at():
    clean = {"deid_profile": "basic", "deid_options": ("clean_pixels",)}
    stored(nifti(NOISE, PLAIN), **clean)
    with pytest.raises(Held):
        stored(nifti(NOISE, PLAIN), modality="US", **clean)


def with_bytes(data: bytes, at: int, form: str, *new: object) -> bytes:
    return data[:at] + struct.pack(form, *new) + data[at + struct.calcsize(form) :]


PLAIN_NIFTI = nifti(NOISE, PLAIN, packed=False)
HOSTILE = {
    "cut": (PLAIN_NIFTI[:-500], "The file ends too early: 12240 bytes of voxels are due, 11740 are there."),
    "cut header": (PLAIN_NIFTI[:200], "The file ends too early: its header is not whole."),
    "cut gzip": (nifti(NOISE, PLAIN)[:-400], "The file ends too early: 12240 bytes of voxels are due."),
    "damaged gzip": (with_bytes(nifti(NOISE, PLAIN), 600, "<16B", *[255] * 16), "Damaged: its packed"),
    "huge": (with_bytes(PLAIN_NIFTI, 40, "<4h", 3, 32767, 32767, 3000), "Too big: 32767×32767×3000 voxels are"),
    "many slices": (with_bytes(PLAIN_NIFTI, 40, "<4h", 3, 10, 10, 32767), "Too big: it has 32767 slices"),
    "bomb": (nifti(np.zeros((600, 600, 400), np.int16), PLAIN), "It would unpack to 274 MB"),
    "no extents": (with_bytes(PLAIN_NIFTI, 40, "<4h", 3, 0, 10, 6), "Damaged: its header names no extents of a volume."),
    "negative": (with_bytes(PLAIN_NIFTI, 40, "<4h", 3, -4, 10, 6), "Damaged: its header names no extents of a volume."),
    "unknown type": (with_bytes(PLAIN_NIFTI, 70, "<h", 999), "Damaged: its voxels are of no type that NIfTI knows."),
    "complex": (nifti(NOISE.astype(np.complex64), PLAIN), "Its voxels are of a type that no image has."),
    "rgb": (with_bytes(PLAIN_NIFTI, 70, "<2h", 128, 24), "Its voxels are colours; a volume of grey values is read."),
    "4D": (nifti(np.stack([NOISE, NOISE], axis=-1), PLAIN), "It has 4 dimensions (34×30×6×2), a series in time"),
    "5D": (nifti(np.zeros((4, 4, 4, 1, 3), "i2"), PLAIN), "It has 5 dimensions (4×4×4×1×3)"),
    "far voxels": (with_bytes(PLAIN_NIFTI, 108, "<f", 1e9), "The file ends too early"),
    "no place": (with_bytes(PLAIN_NIFTI, 280, "<12f", *[0.0] * 12), "Damaged: it does not lie in space"),
    "pair": (with_bytes(PLAIN_NIFTI, 344, "<4s", b"ni1\0"), "It is a NIfTI or Analyze header alone"),
    "metres": (with_bytes(PLAIN_NIFTI, 123, "<B", 1), "Its lengths are in meters; save it in millimetres."),
    "nrrd huge": (nrrd_file(NOISE, PLAIN).replace(b"sizes: 34 30 6", b"sizes: 60000 60000 600"), "Too big: 60000×60000×600"),
    "nrrd cut": (nrrd_file(NOISE, PLAIN, encoding="raw")[:-10], "The file ends too early: 12240 bytes of voxels are due"),
    "nrrd no header": (b"NRRD0005\ntype: short\n", "The file ends too early: its header is not whole."),
    "nrrd nonsense": (b"NRRD0005\ntype: short\nsizes: a b\n\n", "Damaged: its NRRD header contradicts itself."),
    "nrrd type": (nrrd_file(NOISE, PLAIN).replace(b"type: int16", b"type: block"), "Its voxels are of a type"),
    "nrrd text": (nrrd_file(NOISE, PLAIN, encoding="ascii"), "Its voxels are written as text"),
    "nrrd elsewhere": (b"NRRD0005\ndata file: /etc/passwd\n\n", "Its voxels lie in another file"),
    "nrrd space": (
        nrrd_file(NOISE, PLAIN).replace(b"space: left-posterior-superior", b"space: scanner-xyz"), "It lies in a space",
    ),
    "meta elsewhere": (metaimage(NOISE, PLAIN, voxel_file="../../etc/passwd"), "Its voxels lie in another file"),
    "meta type": (metaimage(NOISE, PLAIN).replace(b"MET_SHORT", b"MET_OTHER"), "Its voxels are of a type"),
    "meta vectors": (metaimage(NOISE, PLAIN, ElementNumberOfChannels="3"), "Its voxels are colours or vectors"),
    "meta 4D": (metaimage(np.stack([NOISE, NOISE], axis=-1), None), "It has 4 dimensions (34×30×6×2)"),
    "meta huge": (metaimage(NOISE, PLAIN).replace(b"= 34 30 6", b"= 14000 10000 600"), "Too big: 14000×10000×600"),
    "meta absurd": (metaimage(NOISE, PLAIN).replace(b"= 34 30 6", b"= 34 30 " + b"9" * 400), "Damaged: its header names no"),
    "meta cut": (metaimage(NOISE, PLAIN)[:-1], "The file ends too early: 12240 bytes of voxels are due, 12239 are there."),
    "meta nonsense": (metaimage(NOISE, PLAIN).replace(b"NDims = 3", b"NDims = x"), "Damaged: its MetaImage header"),
    "meta no end": (b"ObjectType = Image\nNDims = 3\n", "The file ends too early: its header is not whole."),
}  # fmt: skip


@pytest.mark.parametrize("damage", HOSTILE)
def test_a_hostile_volume_gets_one_clear_sentence(damage: str):
    data, reason = HOSTILE[damage]
    assert refusal_of(data).startswith(reason)


def test_a_gzip_archive_of_something_else_is_no_volume():
    assert refusal_of(gzip.compress(b"x" * 5000)) == "Not an image: a gzip archive: unpack it first."


@pytest.mark.parametrize("name", ["lung1", "lung2", "brain1"])
def test_a_real_volume_keeps_every_voxel(name: str, real_data: Path):
    path = real_data / "volumes_pyradiomics" / f"{name}_image.nrrd"
    voxels, header = nrrd.read(str(path), index_order="F")
    theirs = np.eye(4)
    theirs[:3, :3], theirs[:3, 3] = np.array(header["space directions"]).T, header["space origin"]
    found, affine, *_ = stored(path.read_bytes(), modality="MR" if name == "brain1" else "CT")
    assert is_where_it_was(found, affine, voxels, theirs)
    assert refusal_of((path.parent / f"{name}_label.nrrd").read_bytes()) == LOOKS_LIKE_LABELS
