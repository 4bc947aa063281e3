"""What SEG, SR and RTSTRUCT objects of other programs say, beside what highdicom and dcmqi read of them."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest

from backend.dicom.found import FindingSettings, FoundMark, FoundObject, decoded_object, encoded_object
from backend.dicom.object_reading import HEAD_BYTES, found_object, object_modality, object_uid
from backend.dicom.refusal import Refused

SETTINGS = FindingSettings(key="00" * 32)
DEIDENTIFIED = FindingSettings(key="00" * 32, deid_profile="basic")

SEGMENTATIONS = {
    "dcmqi/segmentations/liver.dcm": ("SlicerEditor", 107098),
    "dcmqi/segmentations/partial_overlaps.dcm": ("Slicer", 43639),
    "dcmqi/segmentations/23x38x3/seg/label.seg": ("Doe John", 322),
    "dcmqi/segmentations/24x38x3/seg/label.seg": ("Doe John", 315),
    "dcmqi/segmentations/sparse-labelmap-noppv.dcm": ("Doe John", 630),
    "dcmqi/segmentations/sparse-labelmap-ppv5.dcm": ("Doe John", 630),
    "dcmqi/sr-example/seg.dcm": ("User2", 795),
    "highdicom/seg_image_cr_binary.dcm": ("test", 151),
    "highdicom/seg_image_ct_binary.dcm": ("test", 638),
    "highdicom/seg_image_ct_binary_fractional.dcm": ("test", 638),
    "highdicom/seg_image_ct_true_fractional.dcm": ("test", 638),
    "highdicom/seg_image_ct_binary_overlap.dcm": ("test", 80),
    "highdicom/seg_image_ct_binary_single_frame.dcm": ("test", 1832),
}


@pytest.fixture
def objects(real_data: Path) -> Path:
    return real_data / "dicom_objects"


def found(path: Path, settings: FindingSettings = SETTINGS) -> FoundObject:
    read = found_object(path.read_bytes(), settings)
    again = decoded_object(encoded_object(read))
    assert encoded_object(again) == encoded_object(read)  # what leaves the child is what was read
    return again


def pixels(mark: FoundMark) -> dict[str, np.ndarray]:
    by_uid: dict[str, np.ndarray] = {}
    for mask in mark.masks:
        whole = by_uid.setdefault(mask.sop_instance_uid, np.zeros((mask.plane.rows, mask.plane.columns), dtype=bool))
        rows, columns = mask.pixels.shape
        whole[mask.corner[0] : mask.corner[0] + rows, mask.corner[1] : mask.corner[1] + columns] |= mask.pixels
    return by_uid


def by_highdicom(path: Path) -> dict[int, dict[str, np.ndarray]]:
    """Pixels by segment and SOP Instance UID."""
    import highdicom

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seg = highdicom.seg.segread(path)
        uids = list(dict.fromkeys(str(one[2]) for one in seg.get_source_image_uids()))
        numbers = [number for number in seg.segment_numbers if number != 0]
        array = seg.get_pixels_by_source_instance(
            uids, segment_numbers=numbers, ignore_spatial_locations=True, assert_missing_frames_are_empty=True,
            rescale_fractional=seg.SegmentationType == "FRACTIONAL",
        )  # fmt: skip
    return {number: {uid: array[i, ..., k] >= 0.5 for i, uid in enumerate(uids)} for k, number in enumerate(numbers)}


@pytest.mark.parametrize("name", SEGMENTATIONS)
def test_segments_mark_the_pixels_that_highdicom_reads(objects, name):
    reader, marked = SEGMENTATIONS[name]
    read, expected = found(objects / name), by_highdicom(objects / name)
    assert read.reader == reader and {mark.number for mark in read.marks} == set(expected)
    for mark in read.marks:
        due = {uid: mask for uid, mask in expected[mark.number].items() if mask.any()}
        own = pixels(mark)
        assert set(own) == set(due) and all(np.array_equal(own[uid], due[uid]) for uid in due)
    assert sum(int(mask.pixels.sum()) for mark in read.marks for mask in mark.masks) == marked


@pytest.mark.parametrize(
    ("seg", "equivalent"),
    [
        ("liver.dcm", "liver_seg.nrrd"),
        ("23x38x3/seg/label.seg", "23x38x3/nrrd/label.nrrd"),
        ("24x38x3/seg/label.seg", "24x38x3/nrrd/label.nrrd"),
        ("sparse-labelmap-noppv.dcm", "sparse_labelmap_noppv_seg.nrrd"),
        ("sparse-labelmap-ppv5.dcm", "sparse_labelmap_ppv5_seg.nrrd"),
    ],
)
def test_a_segmentation_is_the_volume_that_dcmqi_made_of_it(objects, seg, equivalent):
    import nrrd

    folder = objects / "dcmqi/segmentations"
    data, _ = nrrd.read(str(folder / equivalent))
    expected = np.transpose(data, (2, 1, 0)) == np.unique(data)[1]
    (mark,) = found(folder / seg).marks
    masks = sorted(pixels(mark).items(), key=lambda one: mark_position(mark, one[0]))
    assert np.array_equal(np.array([mask for _, mask in masks]), expected[expected.any(axis=(1, 2))])


def mark_position(mark: FoundMark, uid: str) -> float:
    return next(mask.plane.position[2] for mask in mark.masks if mask.sop_instance_uid == uid)


def test_a_probability_map_is_scored_by_the_mean_of_what_it_marks(objects):
    (mark,) = found(objects / "highdicom/seg_image_ct_true_fractional.dcm").marks
    assert mark.score == pytest.approx(128 / 255, abs=1e-6)
    higher = FindingSettings(key="00" * 32, threshold=0.6)
    assert not found(objects / "highdicom/seg_image_ct_true_fractional.dcm", higher).marks


@pytest.mark.parametrize(
    "name", ["control", "control_labelmap", "control_labelmap_palette_color", "dots", "dots_tiled_full", "numbers"]
)
def test_a_segmentation_of_slide_tiles_is_refused_as_such(objects, name):
    with pytest.raises(Refused, match="tiles of a whole-slide microscopy image"):
        found(objects / f"highdicom/seg_image_sm_{name}.dcm")


def test_a_report_tells_who_observed_what_was_found_and_what_was_left_out(objects):
    read = found(objects / "highdicom/sr_document_with_multiple_groups.dcm")
    assert read.reader == "Doe John" and [mark.finding for mark in read.marks] == ["Nodule", "Vertebra"]
    nodule = read.marks[0]
    assert nodule.code == ("SCT", "27925004", "Nodule") and nodule.shapes[0].graphic == "CIRCLE"
    assert nodule.attributes["Diameter (mm)"] == 10.0 and nodule.attributes["Finding site"] == "Lung"
    assert read.notes == (
        "1 of its shapes are lines or bodies, not areas, points or measurements, and were not read.",
        "1 of its measurement groups have no region and were not read.",
    )


def test_where_an_archive_de_identifies_no_name_and_no_free_text_is_kept(objects):
    seg = found(objects / "dcmqi/segmentations/partial_overlaps.dcm", DEIDENTIFIED)
    assert "GREEN" not in str(seg.marks) and all(mark.finding == mark.code[2] for mark in seg.marks)
    report = found(objects / "highdicom/sr_document_with_multiple_groups.dcm", DEIDENTIFIED)
    assert report.reader.startswith("Reader ") and "Doe" not in str(report)
    same = found(objects / "dcmqi/segmentations/23x38x3/seg/label.seg", DEIDENTIFIED).reader
    other = found(objects / "highdicom/seg_image_cr_binary.dcm", DEIDENTIFIED).reader
    assert same == report.reader != other  # both are Doe^John's
    structures = found(objects / "rt_utils/rt.dcm", DEIDENTIFIED)
    assert [mark.finding for mark in structures.marks] == ["Region of interest"] and "ROI-1" not in str(structures)


def test_an_object_is_known_by_its_first_bytes_and_an_image_that_refers_to_one_is_none(objects):
    for path in objects.rglob("*"):
        if not path.is_file():
            continue
        head = path.read_bytes()[:HEAD_BYTES]
        given = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        wanted = {"SEG": "SEG", "SR": "SR", "RTSTRUCT": "RTSTRUCT"}.get(str(given.get("Modality")), "")
        assert object_modality(head) == wanted, path
        if wanted:
            assert object_uid(head) == given.SOPInstanceUID


def test_damaged_objects_are_refused_with_a_reason(objects):
    path = objects / "dcmqi/segmentations/liver.dcm"

    def with_(**changes: object) -> bytes:
        from io import BytesIO

        dataset = pydicom.dcmread(path)
        for keyword, value in changes.items():
            setattr(dataset, keyword, value)
        stream = BytesIO()
        dataset.save_as(stream)
        return stream.getvalue()

    for changes, reason in (
        ({"NumberOfFrames": 4}, "Damaged: it has 4 frames and says of 3 what they are."),
        ({"PixelData": b"\0\0"}, "The file ends too early: 98304 bytes of pixels are due, 2 are there."),
        ({"SegmentationType": "OTHER"}, "Its Segmentation Type OTHER is not known."),
        ({"SegmentSequence": []}, "Damaged: it describes no segment."),
        ({"BitsAllocated": 16}, "A BINARY segmentation of 16 bits a pixel is not known."),
    ):
        with pytest.raises(Refused) as refusal:
            found_object(with_(**changes), SETTINGS)
        assert str(refusal.value) == reason


@pytest.mark.filterwarnings("ignore")
def test_no_mutant_of_an_object_does_more_than_be_read_or_refused(objects):
    """Whatever broken values raise is caught in the child; nothing hangs, and what is read can be sent on."""
    random = np.random.default_rng(5)
    names = ["highdicom/seg_image_ct_binary_overlap.dcm", "highdicom/sr_document.dcm", "rt_utils/rt.dcm"]
    outcomes = {"read": 0, "refused": 0}
    for name in names:
        given = np.frombuffer((objects / name).read_bytes(), dtype=np.uint8)
        for _ in range(20):
            data = given.copy()
            places = random.integers(132, data.size, size=random.integers(1, 12))
            data[places] = random.integers(0, 256, size=places.size)
            if random.random() < 0.3:
                data = data[: random.integers(200, data.size)]
            try:
                decoded_object(encoded_object(found_object(data.tobytes(), SETTINGS)))
                outcomes["read"] += 1
            except Exception:  # noqa: BLE001 the child answers every exception with a refusal
                outcomes["refused"] += 1
    assert outcomes["read"] > 5 and outcomes["refused"] > 5
