"""SEG, SR and RTSTRUCT that are written here: read back by highdicom, dcmtk and our own reader, to the pixel."""

from __future__ import annotations

import io
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from backend.dicom.found import FindingSettings, FoundObject
from backend.dicom.marked import (
    Concept,
    MarkedLesion,
    MarkedMeasurement,
    MarkedReading,
    MeasuredValue,
    lesion_uid,
    source_frame,
)
from backend.dicom.object_reading import found_object
from backend.dicom.refusal import Refused
from backend.dicom.rtstruct_writing import structure_set
from backend.dicom.seg_writing import Overlapping, label_map, segmentation
from backend.dicom.sr_writing import measurement_report
from backend.geometry.contour import mask_outlines
from backend.geometry.patient import FramePlane, patient_to_image
from backend.geometry.rasterise import rasterise_outlines

ROWS, COLUMNS, SLICES = 7, 9, 4
NODULE = Concept("SCT", "27925004", "Nodule")
SETTINGS = FindingSettings(key="00" * 32)


def header(index: int, *, in_space: bool = True, frames: int = 0) -> Dataset:
    """The stored header of an oblique slice whose pixels are no squares."""
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", f"1.2.3.{index}"
    made.StudyInstanceUID, made.SeriesInstanceUID = "1.2.4", "1.2.5"
    made.Rows, made.Columns = ROWS, COLUMNS
    made.PatientID, made.PatientName = "P1", "Somebody"
    if frames:
        made.NumberOfFrames = frames
    if in_space:
        made.FrameOfReferenceUID = "1.2.6"
        made.ImageOrientationPatient = [0.8, 0.6, 0, -0.6, 0.8, 0]
        made.ImagePositionPatient = [10.5, -20.25, 30 + 2.5 * index]
        made.PixelSpacing = [0.7, 0.9]
    return made


def mark(kind: str, **more: object) -> MarkedLesion:
    return MarkedLesion(id=uuid.uuid4(), finding="Nodule", concept=NODULE, kind=kind, **more)  # type: ignore[arg-type]


def corner(row: int, column: int, source: int = 0) -> MarkedLesion:
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[row, column] = True
    return mark("mask", masks=[(source, mask)])


@pytest.fixture
def reading() -> Callable[..., MarkedReading]:
    def make(*lesions: MarkedLesion, **more: object) -> MarkedReading:
        sources = more.pop("sources", None) or [source_frame(header(index)) for index in range(SLICES)]
        values: dict[str, object] = {"reader": "Dr. Müller", "is_model": False} | more
        return MarkedReading(
            id=uuid.UUID(int=7), revision=2, when=datetime(2026, 1, 2, 3, 4, 5), sources=sources, lesions=lesions, **values
        )  # type: ignore[arg-type]

    return make


def as_bytes(dataset: Dataset) -> bytes:
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def read_back(dataset: Dataset) -> FoundObject:
    return found_object(as_bytes(dataset), SETTINGS)


def whole(found: FoundObject, number: int) -> dict[tuple[str, int], np.ndarray]:
    (one,) = [mark for mark in found.marks if mark.number == number]
    by_picture = {}
    for mask in one.masks:
        image = np.zeros((mask.plane.rows, mask.plane.columns), bool)
        rows, columns = mask.pixels.shape
        image[mask.corner[0] : mask.corner[0] + rows, mask.corner[1] : mask.corner[1] + columns] = mask.pixels
        by_picture[mask.sop_instance_uid, mask.frame] = image
    return by_picture


def test_a_corner_pixel_is_that_very_pixel_in_seg_sr_and_rtstruct(reading):
    corners = [corner(0, 0), corner(ROWS - 1, COLUMNS - 1, SLICES - 1), corner(0, COLUMNS - 1, 1)]
    made = reading(*corners)
    seg = read_back(segmentation(made, made.lesions))
    outlines = [[(index, mask_outlines(mask)) for index, mask in lesion.masks] for lesion in corners]
    structures = read_back(structure_set(made, outlines))
    for number, lesion in enumerate(corners, 1):
        ((index, mask),) = lesion.masks
        ((place, found),) = whole(seg, number).items()
        assert place == (f"1.2.3.{index}", 1) and np.array_equal(found, mask)
        (shape,) = structures.marks[number - 1].shapes
        given = header(index)
        plane = FramePlane(given.ImagePositionPatient, given.ImageOrientationPatient, given.PixelSpacing)
        flat, off = patient_to_image(shape.points, plane)
        assert np.abs(off).max() < 1e-9 and shape.sop_instance_uid == f"1.2.3.{index}"
        assert np.array_equal(rasterise_outlines([flat.tolist()], rows=ROWS, columns=COLUMNS), mask)
    point = mark("point", source=3, points=[[COLUMNS - 0.5, ROWS - 0.5]])
    (found_point,) = read_back(measurement_report(reading(point), {})).marks
    assert found_point.shapes[0].points == ((COLUMNS - 0.5, ROWS - 0.5),)
    assert found_point.shapes[0].sop_instance_uid == "1.2.3.3"


def test_overlapping_volumes_of_odd_width_are_what_highdicom_reads(reading, tmp_path):
    import highdicom

    noise = np.random.default_rng(1).random((3, SLICES, ROWS, COLUMNS)) > 0.5
    noise[1, 2] = False  # a gap
    lesions = [mark("mask", masks=list(enumerate(volume))) for volume in noise]
    (tmp_path / "seg.dcm").write_bytes(as_bytes(segmentation(reading(*lesions), lesions)))
    seg = highdicom.seg.segread(tmp_path / "seg.dcm")
    uids = [f"1.2.3.{index}" for index in range(SLICES)]
    array = seg.get_pixels_by_source_instance(uids, assert_missing_frames_are_empty=True)
    assert np.array_equal(np.moveaxis(array, -1, 0), noise) and seg.NumberOfFrames == 3 * SLICES - 1
    first = seg.get_segment_description(1)
    assert (first.tracking_uid, first.segmented_property_type.value) == (lesion_uid(lesions[0].id), "27925004")
    assert seg.get_volume(segment_numbers=[1]).spatial_shape == (SLICES, ROWS, COLUMNS)


@pytest.mark.parametrize("count", [3, 300])
def test_a_label_map_is_what_highdicom_reads(reading, tmp_path, count):
    import highdicom

    labels = np.random.default_rng(2).integers(0, count + 1, (SLICES, ROWS, COLUMNS))
    labels[2] = 0  # a gap
    labels[0, 0, 0] = count
    lesions = [mark("mask", masks=list(enumerate(labels == number))) for number in range(1, count + 1)]
    made = label_map(reading(*lesions), lesions)
    (tmp_path / "seg.dcm").write_bytes(as_bytes(made))
    seg = highdicom.seg.segread(tmp_path / "seg.dcm")
    assert seg.segmentation_type.value == "LABELMAP" and seg.BitsAllocated == (8 if count < 256 else 16)
    uids = [f"1.2.3.{index}" for index in range(SLICES)]
    array = seg.get_pixels_by_source_instance(uids, combine_segments=True, assert_missing_frames_are_empty=True)
    assert np.array_equal(array, labels) and seg.NumberOfFrames == SLICES - 1
    assert seg.get_segment_description(1).tracking_uid == lesion_uid(lesions[0].id)
    assert seg.get_volume(combine_segments=True).spatial_shape == (SLICES, ROWS, COLUMNS)
    found = read_back(made)
    for number in {int(one) for one in np.unique(labels)} - {0}:
        pictures = whole(found, number)
        for index in range(SLICES):
            assert np.array_equal(pictures.get((f"1.2.3.{index}", 1), np.zeros((ROWS, COLUMNS))), labels[index] == number)
    assert made.SOPInstanceUID != segmentation(reading(*lesions), lesions).SOPInstanceUID


def test_lesions_that_share_a_pixel_make_no_label_map(reading):
    lesions = [corner(1, 1), corner(1, 1)]
    with pytest.raises(Overlapping):
        label_map(reading(*lesions), lesions)


def test_pictures_without_a_place_and_frames_of_one_instance_are_marked_by_reference(reading):
    sources = [source_frame(header(0, in_space=False, frames=3), number) for number in (1, 2, 3)]
    lesions = [mark("mask", masks=[(2, np.eye(ROWS, COLUMNS, dtype=bool))])]
    made = segmentation(reading(*lesions, sources=sources), lesions)
    assert "FrameOfReferenceUID" not in made and list(whole(read_back(made), 1)) == [("1.2.3.0", 3)]
    with pytest.raises(Refused, match="do not say where they lie"):
        structure_set(reading(*lesions, sources=sources), [[(2, [[[0, 0], [1, 0], [1, 1]]])]])


def test_a_hole_and_every_kind_of_mark_survive_a_structure_set(reading):
    ring = np.ones((ROWS, COLUMNS), bool)
    ring[2:4, 3:6] = False
    box, outline = [[1, 1], [5, 1], [5, 4], [1, 4]], [[1.25, 1], [6, 2.125], [3, 5.5]]
    lesions = [mark("mask", masks=[(0, ring)]), mark("box"), mark("freehand"), mark("point")]
    outlines = [[(0, mask_outlines(ring))], [(1, [box])], [(2, [outline])], [(3, [[[0.5, 0.5]]])]]
    found = read_back(structure_set(reading(*lesions), outlines)).marks
    assert [(one.kind, len(one.shapes)) for one in found] == [("mask", 2), ("box", 1), ("freehand", 1), ("point", 1)]


def test_a_report_carries_marks_attributes_score_findings_and_its_author(reading, tmp_path):
    import highdicom

    attributes = {"Margin": "spiculated", "Length": "12.50"}
    lesions = [
        mark("box", points=[[1.5, 2.25], [5, 6]], attributes=attributes, units={"Length": "mm"}),
        mark("ellipse", points=[[1, 3], [7, 3], [4, 2], [4, 4]], score=0.875),
        mark("freehand", source=2, points=[[1.25, 1], [6, 2.125], [3, 5.5]]),
        corner(6, 8, 3),
    ]
    made = reading(*lesions, image_findings=[("Emphysema", None, True), ("Effusion", None, False)])
    seg = segmentation(made, lesions)
    report = measurement_report(made, {lesion.id: (seg, number) for number, lesion in enumerate(lesions, 1)})
    found = read_back(report)
    assert (found.reader, found.verdict) == ("Dr. Müller", "lesions")
    assert found.image_findings == {"Emphysema": True, "Effusion": False}
    assert [(one.kind, one.score, one.segment) for one in found.marks] == [
        ("box", None, None), ("", 0.875, None), ("freehand", None, None), ("", None, (seg.SOPInstanceUID, 4)),
    ]  # fmt: skip
    assert found.marks[0].attributes == attributes and found.marks[0].code == tuple(NODULE)
    assert found.marks[0].shapes[0].points == ((1.5, 2.25), (5.0, 2.25), (5.0, 6.0), (1.5, 6.0))
    (tmp_path / "sr.dcm").write_bytes(as_bytes(report))
    content = highdicom.sr.srread(tmp_path / "sr.dcm").content
    assert len(content.get_planar_roi_measurement_groups()) == 3
    assert len(content.get_volumetric_roi_measurement_groups()) == 1


def test_measurements_are_groups_whose_values_are_inferred_from_lines_on_their_images(reading, tmp_path):
    import highdicom

    def measured(source: int, *values: MeasuredValue, text: str = "") -> MarkedMeasurement:
        return MarkedMeasurement(uuid.uuid4(), source, values, text)

    line, across, corner_of = [[1.25, 1.5], [6.125, 4]], [[2, 5], [5, 2.5]], [[1, 1], [3.5, 5], [8, 1]]
    ellipse = [[1, 3], [7, 3], [4, 2], [4, 4]]
    measurements = [
        measured(1, MeasuredValue("length", 5.48, "mm", line), text="Aorta, descending"),
        measured(0, MeasuredValue("short axis", 3.0, "px", line), MeasuredValue("long axis", 3.9, "px", across)),
        measured(3, MeasuredValue("angle", 87.65432, "°", corner_of)),
        measured(2, MeasuredValue("area", 9.42, "mm²", ellipse), text="ROI"),
    ]
    made = reading(mark("point", points=[[1, 1]]), measurements=measurements)
    report = measurement_report(made, {})
    found = read_back(report)
    assert [(one.kind, one.text, one.sop_instance_uid) for one in found.measurements] == [
        ("length", "Aorta, descending", "1.2.3.1"), ("bidirectional", "", "1.2.3.0"), ("angle", "", "1.2.3.3"),
        ("roi", "ROI", "1.2.3.2"),
    ]  # fmt: skip
    for one, points in zip(found.measurements, (line, [*line, *across], corner_of, ellipse), strict=True):
        assert np.allclose(one.points, points, atol=1e-5)
    assert len(found.marks) == 1 and found.notes == () and set(found.images) == {f"1.2.3.{number}" for number in range(4)}
    referred = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert len(referred) == 4
    (tmp_path / "sr.dcm").write_bytes(as_bytes(report))
    content = highdicom.sr.srread(tmp_path / "sr.dcm").content
    groups = [one for one in content.get_image_measurement_groups() if one.get_measurements()]
    told = [(number.name, number.value, number.unit) for one in groups for number in one.get_measurements()]
    assert [(name.scheme_designator, name.value, value, unit.value) for name, value, unit in told] == [
        ("SCT", "410668003", 5.48, "mm"), ("SCT", "103340004", 3.0, "{pixels}"), ("SCT", "103339001", 3.9, "{pixels}"),
        ("SCT", "1483009", 87.6543, "deg"), ("SCT", "42798000", 9.42, "mm2"),
    ]  # fmt: skip
    assert [one.tracking_uid for one in groups] == [lesion_uid(one.id) for one in measurements]
    assert b"INFERRED FROM" in as_bytes(report)


def test_calipers_of_other_programs_are_measurements_and_other_lines_are_told(reading):
    values = [MeasuredValue("length", 5.0, "mm", [[1, 1], [5, 5]])]
    made = measurement_report(reading(measurements=[MarkedMeasurement(uuid.uuid4(), 0, values)]), {})
    group = next(one for one in made.ContentSequence if one.ValueType == "CONTAINER").ContentSequence[0]
    number = next(one for one in group.ContentSequence if one.ValueType == "NUM")
    # As one does that knows no spacing: no unit, which means pixels; and with no word that it is no lesion.
    unit = number.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0]
    unit.CodeValue, unit.CodeMeaning = "1", "px"
    group.ContentSequence = [one for one in group.ContentSequence if one.ValueType != "CODE"]
    assert [one.kind for one in read_back(made).measurements] == ["length"]
    unit.CodeValue, unit.CodeMeaning = "s", "second"
    assert read_back(made).measurements == () and "1 of its shapes are lines" in read_back(made).notes[0]


def test_no_lesion_and_a_model_are_told_in_a_report(reading):
    nothing = measurement_report(reading(verdict="no_lesion"), {})
    assert (read_back(nothing).verdict, read_back(nothing).evidence) == ("no_lesion", ("1.2.3.0",))
    # As versions before wrote it: a measurement group without a region.
    nothing.ContentSequence[-1].ConceptNameCodeSequence[0].CodingSchemeDesignator = "DCM"
    nothing.ContentSequence[-1].ConceptNameCodeSequence[0].CodeValue = "125007"
    assert read_back(nothing).verdict == "no_lesion"
    model = measurement_report(reading(mark("point", points=[[1, 1]]), is_model=True, reader="Net", version="4"), {})
    assert read_back(model).reader == "Net" and b"111001" in as_bytes(model)  # Algorithm Identification (TID 4019)


def test_one_revision_always_gives_the_same_objects_and_the_next_one_others(reading):
    lesions = [corner(0, 0)]
    made = reading(*lesions)
    once, twice = (as_bytes(segmentation(made, lesions)) for _ in range(2))
    assert once == twice
    assert as_bytes(measurement_report(made, {lesions[0].id: (segmentation(made, lesions), 1)})) == as_bytes(
        measurement_report(made, {lesions[0].id: (segmentation(made, lesions), 1)})
    )
    later = MarkedReading(**{**{f: getattr(made, f) for f in made.__dataclass_fields__}, "revision": 3})
    assert segmentation(later, lesions).SOPInstanceUID != segmentation(made, lesions).SOPInstanceUID
    assert segmentation(later, lesions).SeriesInstanceUID == segmentation(made, lesions).SeriesInstanceUID


@pytest.mark.skipif(shutil.which("dsrdump") is None, reason="dcmtk is not installed")
def test_dcmtk_reads_what_is_written(reading, tmp_path):
    lesions = [corner(0, 0), mark("polygon", points=[[1, 1], [5, 1], [5, 5]], masks=[(0, np.ones((ROWS, COLUMNS), bool))])]
    made = reading(*lesions)
    seg = segmentation(made, lesions)
    report = measurement_report(made, {lesion.id: (seg, number) for number, lesion in enumerate(lesions, 1)})
    structures = structure_set(made, [[(0, [[[0, 0], [1, 0], [1, 1]]])]] * 2)
    for name, dataset in (("seg", seg), ("sr", report), ("rt", structures)):
        (tmp_path / name).write_bytes(as_bytes(dataset))
        dumped = subprocess.run(["dcmdump", tmp_path / name], capture_output=True, text=True, timeout=60, check=True)
        assert "E:" not in dumped.stderr
    told = subprocess.run(["dsrdump", tmp_path / "sr"], capture_output=True, text=True, timeout=60, check=True)
    assert "E:" not in told.stderr and "NUM" not in told.stdout and "Nodule" in told.stdout


def test_a_real_ct_goes_out_and_comes_back_voxel_by_voxel_in_little_time(real_data: Path, reading):
    paths = sorted((real_data / "ct_nlst_101287/ct").glob("*.dcm"))
    sources = [source_frame(pydicom.dcmread(path, stop_before_pixels=True)) for path in paths]
    z, y, x = np.ogrid[0 : len(sources), 0:512, 0:512]
    body = (y - 256) ** 2 + (x - 256) ** 2 < 200**2 + 0 * z
    nodule = (z - 40) ** 2 * 16 + (y - 200) ** 2 + (x - 150) ** 2 < 30**2
    lesions = [mark("mask", masks=[(i, one) for i, one in enumerate(volume)]) for volume in (body, nodule)]
    started = time.process_time()
    data = as_bytes(segmentation(reading(*lesions, sources=sources), lesions))
    written = time.process_time()
    found = found_object(data, SETTINGS)
    seconds = (written - started, time.process_time() - written)
    uids = [str(source.header.SOPInstanceUID) for source in sources]
    for number, volume in enumerate((body, nodule), 1):
        masks = whole(found, number)
        assert {uid for uid, _ in masks} == {uids[index] for index in np.flatnonzero(volume.any(axis=(1, 2)))}
        assert all(np.array_equal(mask, volume[uids.index(uid)]) for (uid, _), mask in masks.items())
    print(f"{len(sources)} slices, {len(data)} bytes: {seconds[0]:.2f} CPU s to write, {seconds[1]:.2f} to read")
    assert max(seconds) < 4
