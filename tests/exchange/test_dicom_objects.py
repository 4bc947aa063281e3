"""SEG, SR and RTSTRUCT of other programs, imported among their images: the geometry they should have, or the reason."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import numpy as np
import pydicom
import pytest

from backend.exchange.export_selection import case_frames, lesion_masks
from backend.exchange.models import ImportItem, PendingReading
from backend.projects.models import Case
from backend.readings.models import Lesion, Reading

pytestmark = pytest.mark.django_db


@pytest.fixture
def bring(real_data: Path, tmp_path: Path, import_folder: Callable[..., str]) -> Callable[..., str]:
    """Imports files and folders of the collection of DICOM objects into a project of series."""

    def run(*parts: str, deid: str = "none") -> str:
        base = tmp_path / "given"
        for part in parts:
            given = real_data / "dicom_objects" / part
            if given.is_dir():
                shutil.copytree(given, base / part)
            else:
                (base / part).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(given, base / part)
        return import_folder(base, "--unit", "series", "--modality", "CT", "--deid", deid)

    return run


def pixels(lesion: Lesion) -> dict[str, np.ndarray]:
    """The lesion's pixels by SOP Instance UID; of images of one frame."""
    return {frame.sop_instance_uid: mask for frame, mask in lesion_masks(lesion, case_frames(lesion.reading.case))}


def volume(lesion: Lesion) -> np.ndarray:
    """The lesion in the whole grid of its case, in reading order."""
    frames = case_frames(lesion.reading.case)
    whole = np.zeros((len(frames), frames[0].rows, frames[0].columns), dtype=bool)
    for frame, mask in lesion_masks(lesion, frames):
        whole[frame.index] = mask
    return whole


def test_overlapping_segments_are_lesions_of_one_reading_of_their_algorithm(bring):
    printed = bring("dcmqi/segmentations/ct-3slice", "dcmqi/segmentations/partial_overlaps.dcm")
    assert "Not an image" not in printed and "1 readings made" in printed
    (reading,) = Reading.objects.all()
    assert (reading.reader.name, reading.reader.kind, reading.state, reading.label_kind) == (
        "Slicer", "imported", "submitted", "full",
    )  # fmt: skip
    sizes = {lesion.finding_type.name: int(volume(lesion).sum()) for lesion in reading.lesions.all()}
    assert sizes == {"GREEN": 9602, "ORANGE": 11888, "PURPLE": 10743, "LIGHT_BLUE": 6693, "DARK_BLUE": 4713}
    assert reading.lesions.get(finding_type__name="GREEN").finding_type.code_value == "85756007"


def test_odd_widths_are_the_volume_that_dcmqi_made_of_them(real_data, bring):
    import nrrd

    bring("dcmqi/segmentations/23x38x3/image", "dcmqi/segmentations/23x38x3/seg/label.seg")
    data, _ = nrrd.read(str(real_data / "dicom_objects/dcmqi/segmentations/23x38x3/nrrd/label.nrrd"))
    assert np.array_equal(volume(Lesion.objects.get()), np.transpose(data, (2, 1, 0)) > 0)


def test_a_segmentation_waits_for_its_images_and_is_attached_when_they_come(real_data, bring, import_folder, tmp_path):
    seg, images = "dcmqi/segmentations/liver.dcm", "dcmqi/segmentations/ct-3slice"
    bring("dcmqi/segmentations/23x38x3/image/IMG0001.dcm", seg)
    (waiting,) = PendingReading.objects.all()
    assert waiting.reader == "SlicerEditor" and not Reading.objects.exists()
    import_folder(real_data / "dicom_objects" / images)
    assert not PendingReading.objects.exists()
    assert int(volume(Lesion.objects.get()).sum()) == 107098


def test_what_waits_names_nobody_where_the_archive_de_identifies(real_data, bring, import_folder):
    from backend.archive.store import get_object

    seg = "dcmqi/segmentations/24x38x3/seg/label.seg"
    bring("dcmqi/segmentations/23x38x3/image/IMG0001.dcm", seg, deid="basic")
    (waiting,) = PendingReading.objects.all()
    given = pydicom.dcmread(real_data / "dicom_objects" / seg)
    kept = b"".join(get_object(key) for key in waiting.files.values()) + str(waiting.content).encode()
    for secret in ("John", "Doe", str(given.SOPInstanceUID), str(given.FrameOfReferenceUID), str(given.StudyInstanceUID)):
        assert secret.encode() not in kept
    assert "Doe" not in waiting.reader and waiting.reader.startswith("Reader ")
    import_folder(real_data / "dicom_objects/dcmqi/segmentations/24x38x3/image")
    (lesion,) = Lesion.objects.all()
    assert (lesion.finding_type.name, int(volume(lesion).sum())) == ("Liver", 315)


def test_a_segmentation_with_dangling_references_and_its_report_wait_together(bring):
    bring("dcmqi/sr-example", "highdicom/ct_image.dcm", "highdicom/sm_image.dcm", "highdicom/seg_image_sm_dots.dcm")
    (waiting,) = PendingReading.objects.all()
    assert (waiting.format, waiting.reader, len(waiting.files)) == ("dicom_sr", "User2", 2)
    assert ImportItem.objects.get(name__endswith="rwvm.dcm").reason == "Not an image: a real world value mapping."
    tiles = ImportItem.objects.get(name__endswith="sm_dots.dcm")
    assert tiles.reason == "It marks tiles of a whole-slide microscopy image; such images cannot be read here."


def test_circles_of_a_report_are_ellipses_with_what_was_measured_and_twice_is_once(
    real_data, bring, import_folder, tmp_path
):
    import highdicom

    bring("highdicom/ct_image.dcm", "highdicom/sr_document.dcm")
    import_folder(tmp_path / "given")
    report = highdicom.sr.srread(real_data / "dicom_objects/highdicom/sr_document.dcm")
    centre, edge = report.content.get_planar_roi_measurement_groups()[0].roi.value
    (lesion,) = Lesion.objects.all()
    radius = np.hypot(*(edge - centre))
    assert (lesion.reading.reader.name, lesion.finding_type.name, lesion.kind) == ("Foo", "Spinal cord", "ellipse")
    assert lesion.points == [
        [centre[0] - radius, centre[1]], [centre[0] + radius, centre[1]],
        [centre[0], centre[1] - radius], [centre[0], centre[1] + radius],
    ]  # fmt: skip
    assert lesion.attributes["Area of defined region (cm2)"] == "1.7"
    assert lesion.attributes["Finding site"] == "Cervico-thoracic spine, Vertebral foramen"


@pytest.fixture
def calipers(real_data: Path, tmp_path: Path) -> Callable[..., None]:
    """Places among what is brought a report of another program with a caliper on the CT image, and with a box or without."""

    def place(*, with_box: bool) -> None:
        from datetime import datetime

        from backend.dicom.marked import MarkedLesion, MarkedMeasurement, MarkedReading, MeasuredValue, source_frame
        from backend.dicom.sr_writing import measurement_report

        header = pydicom.dcmread(real_data / "dicom_objects/highdicom/ct_image.dcm", stop_before_pixels=True)
        value = MeasuredValue("length", 12.5, "mm", [[10.25, 20.5], [30.125, 40]])
        box = MarkedLesion(id=uuid4(), finding="Nodule", concept=None, kind="box", points=[[5, 5], [9, 9]])
        report = measurement_report(
            MarkedReading(
                id=uuid4(), revision=1, reader="Other", is_model=False, when=datetime(2026, 1, 2),
                sources=[source_frame(header)], lesions=[box] if with_box else [],
                measurements=[MarkedMeasurement(uuid4(), 0, [value], "Aorta")],
            ),
            {},
        )  # fmt: skip
        # Only we tell a verdict.
        report.ContentSequence = report.ContentSequence[:-1]
        (tmp_path / "given").mkdir(exist_ok=True)
        report.save_as(tmp_path / "given/sr.dcm", enforce_file_format=True)

    return place


def test_a_report_that_only_measures_says_nothing_of_lesions(bring, calipers):
    from backend.learning.selectors import labels

    calipers(with_box=False)
    bring("highdicom/ct_image.dcm")
    (reading,) = Reading.objects.all()
    (measured,) = reading.measurements
    assert (measured["kind"], measured["text"], measured["points"]) == ("length", "Aorta", [[10.25, 20.5], [30.125, 40.0]])
    assert measured["sop_instance_uid"] == case_frames(reading.case)[0].sop_instance_uid
    assert (reading.verdict, reading.label_kind) == ("deferred", "image") and reading.case.is_open
    assert not labels(reading.case.project, reading.case.split).exists()


def test_a_caliper_beside_a_lesion_takes_nothing_from_what_is_said_of_lesions(bring, calipers):
    calipers(with_box=True)
    bring("highdicom/ct_image.dcm")
    (reading,) = Reading.objects.all()
    assert (reading.verdict, reading.label_kind) == ("lesions", "full")
    assert [one["kind"] for one in reading.measurements] == ["length"] and reading.lesions.get().kind == "box"


@pytest.fixture
def in_space(real_data: Path, import_folder: Callable[..., str], tmp_path: Path) -> Callable[..., str]:
    """Imports real slices of a tilted MR series with a report of highdicom (Comprehensive 3D) that measures in the patient:
    groups of (name, unit, points as (column, row, slice))."""
    import highdicom as hd
    from highdicom import sr
    from pydicom.sr.codedict import codes

    folder = real_data / "dicom_objects/prostatex_0207"
    series = pydicom.dcmread(folder / "sr_scoord3d_points.dcm").PertinentOtherEvidenceSequence[0].ReferencedSeriesSequence[0]
    files = {path: pydicom.dcmread(path) for path in sorted(folder.glob("*/*.dcm"))}
    slices = {path: one for path, one in files.items() if one.SeriesInstanceUID == series.SeriesInstanceUID}

    def place(at) -> list[float]:
        column, row, number = at
        one = in_order(slices.values())[int(number)]
        after = in_order(slices.values())[int(number) + 1]
        (down, across), turn = one.PixelSpacing, np.array(one.ImageOrientationPatient, float)
        step = np.array(after.ImagePositionPatient, float) - np.array(one.ImagePositionPatient, float)
        at_mm = np.array(one.ImagePositionPatient, float) + (number - int(number)) * step
        return list(at_mm + (column - 0.5) * across * turn[:3] + (row - 0.5) * down * turn[3:])

    def measured(name, unit, points):
        line = sr.CoordinatesForMeasurement3D(
            graphic_type=sr.GraphicTypeValues3D.POLYLINE, graphic_data=np.array([place(one) for one in points]),
            frame_of_reference_uid=next(iter(slices.values())).FrameOfReferenceUID,
        )  # fmt: skip
        return sr.Measurement(name=name, value=12.5, unit=unit, referenced_coordinates=[line])

    def bring(*groups) -> str:
        people = sr.ObserverContext(
            observer_type=codes.DCM.Device,
            observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(uid=hd.UID()),
        )
        parts = [
            sr.MeasurementsAndQualitativeEvaluations(
                tracking_identifier=sr.TrackingIdentifier(uid=hd.UID(), identifier=f"{number}"),
                finding_type=codes.SCT.Nodule,
                measurements=[measured(*one) for one in group],
            )
            for number, group in enumerate(groups)
        ]
        report = sr.MeasurementReport(
            observation_context=sr.ObservationContext(observer_person_context=people),
            procedure_reported=codes.LN.MRIUnspecifiedBodyRegion,
            imaging_measurements=parts,
        )
        written = sr.Comprehensive3DSR(
            evidence=list(slices.values()), content=report, series_instance_uid=hd.UID(), series_number=9,
            sop_instance_uid=hd.UID(), instance_number=1, manufacturer="Other",
        )  # fmt: skip
        base = tmp_path / "measured"
        base.mkdir()
        for number, path in enumerate(slices):
            shutil.copy(path, base / f"{number:03d}.dcm")
        written.save_as(base / "report.dcm")
        return import_folder(base, "--unit", "series", "--modality", "MR", "--deid", "basic")

    return bring


def in_order(slices):
    """By their place along the normal, as a case's pictures are."""
    first = next(iter(slices))
    turn = np.array(first.ImageOrientationPatient, float)
    normal = np.cross(turn[:3], turn[3:])
    return sorted(slices, key=lambda one: float(np.array(one.ImagePositionPatient, float) @ normal))


def mm_length():
    from pydicom.sr.codedict import codes

    return codes.SCT.Length, codes.UCUM.Millimeter


def test_calipers_in_space_lie_on_their_slices(in_space):
    from pydicom.sr.codedict import codes

    length, mm = mm_length()
    axes = [(codes.SCT.LongAxis, mm, [(50, 60, 2), (90.5, 61.25, 2)]), (codes.SCT.ShortAxis, mm, [(70, 50, 2), (71, 72, 2)])]
    angle = (
        codes.SCT.Angle,
        codes.UCUM.Degree,
        [(10, 10, 4), (40, 10, 4), (40, 50, 4)],
    )
    in_space([(length, mm, [(20.25, 30.5, 3), (44.5, 31.75, 3)])], axes, [angle])
    (reading,) = Reading.objects.all()
    frames = [frame.sop_instance_uid for frame in case_frames(reading.case)]
    found = {one["kind"]: (frames.index(one["sop_instance_uid"]), np.array(one["points"])) for one in reading.measurements}
    due = {
        "length": (3, [(20.25, 30.5), (44.5, 31.75)]),
        "bidirectional": (2, [(50, 60), (90.5, 61.25), (70, 50), (71, 72)]),
        "angle": (4, [(10, 10), (40, 10), (40, 50)]),
    }
    assert {kind: index for kind, (index, _) in found.items()} == {kind: index for kind, (index, _) in due.items()}
    assert all(np.abs(found[kind][1] - np.array(points)).max() < 0.01 for kind, (_, points) in due.items())
    assert (reading.verdict, reading.label_kind, reading.lesions.count()) == ("deferred", "image", 0)


def test_two_diameters_on_two_slices_are_two_lengths(in_space):
    from pydicom.sr.codedict import codes

    _, mm = mm_length()
    in_space([(codes.SCT.LongAxis, mm, [(50, 60, 2), (90, 61, 2)]), (codes.SCT.ShortAxis, mm, [(70, 50, 4), (71, 72, 4)])])
    (reading,) = Reading.objects.all()
    frames = [frame.sop_instance_uid for frame in case_frames(reading.case)]
    assert sorted((one["kind"], frames.index(one["sop_instance_uid"])) for one in reading.measurements) == [
        ("length", 2), ("length", 4),
    ]  # fmt: skip


@pytest.mark.parametrize("points", [[(20, 30, 2), (44, 31, 5)], [(20, 30, 2), (24, 31, 2.4)], [(20, 30, 2), (4000, 31, 2)]])
def test_a_caliper_across_slices_or_beside_them_is_left_out_and_told(in_space, points):
    length, mm = mm_length()
    printed = in_space([(length, mm, points)], [(length, mm, [(20, 30, 3), (44, 31, 3)])])
    assert "1 of its measurements lie across slices or beside them" in printed
    (reading,) = Reading.objects.all()
    (one,) = reading.measurements
    assert one["sop_instance_uid"] == case_frames(reading.case)[3].sop_instance_uid


def test_a_report_whose_only_caliper_lies_across_slices_says_nothing(in_space):
    length, mm = mm_length()
    printed = in_space([(length, mm, [(20, 30, 2), (44, 31, 5)])])
    assert "1 of its measurements lie across slices or beside them" in printed
    assert not Reading.objects.exists()


def test_a_report_with_a_region_beside_all_images_is_refused_whole(bring):
    printed = bring("highdicom/ct_image.dcm", "highdicom/sr_document_with_multiple_groups.dcm")
    reason = "Vertebra: A region lies where no picture of its frame of reference does."
    assert ImportItem.objects.get(name__contains="multiple").reason == reason and reason in printed
    assert not Reading.objects.exists()


def test_points_in_space_lie_on_the_slices_of_the_series_that_the_report_names(real_data, bring):
    bring("prostatex_0207")
    folder = real_data / "dicom_objects/prostatex_0207"
    report = pydicom.dcmread(folder / "sr_scoord3d_points.dcm")
    evidence = report.PertinentOtherEvidenceSequence[0].ReferencedSeriesSequence[0]
    (reading,) = Reading.objects.all()
    headers = {}
    for path in folder.glob("*/*.dcm"):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        headers[str(header.SOPInstanceUID)] = header
    assert reading.case.series.series_instance_uid == evidence.SeriesInstanceUID
    points = [(-0.783829987, 30.9580002, -29.05820084), (-4.6487298, 39.4623985, -42.5733986)]
    for lesion, due in zip(reading.lesions.order_by("created_at", "id"), points, strict=True):
        header = headers[lesion.instance.sop_instance_uid]
        row, column = np.array(header.ImageOrientationPatient[:3]), np.array(header.ImageOrientationPatient[3:])
        (x, y), spacing = lesion.points[0], header.PixelSpacing
        on_slice = np.array(header.ImagePositionPatient) + (x - 0.5) * row * spacing[1] + (y - 0.5) * column * spacing[0]
        off = np.array(due) - on_slice
        normal = np.cross(row, column)
        assert np.linalg.norm(off - (off @ normal) * normal) < 0.001
        assert abs(off @ normal) <= float(header.SpacingBetweenSlices if "SpacingBetweenSlices" in header else 4) / 2


def test_an_ellipse_in_space_is_an_ellipse_on_its_slice(real_data, bring, import_folder, tmp_path):
    bring("prostatex_0207")
    folder = real_data / "dicom_objects/prostatex_0207"
    known = Reading.objects.get().case
    report = pydicom.dcmread(folder / "sr_scoord3d_points.dcm")
    slices = [pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(folder.glob("*/*.dcm"))]
    header = [one for one in slices if one.SeriesInstanceUID == known.series.series_instance_uid][5]
    row, column = np.array(header.ImageOrientationPatient[:3]), np.array(header.ImageOrientationPatient[3:])
    centre = np.array(header.ImagePositionPatient) + 40.3 * row + 50.1 * column
    ends = [
        centre - 7 * (row + column),
        centre + 7 * (row + column),
        centre - 3 * (row - column),
        centre + 3 * (row - column),
    ]
    item = shapes_of(report)[0]
    item.GraphicType, item.GraphicData = "ELLIPSE", [float(value) for end in ends for value in end]
    report.SOPInstanceUID = report.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.8.498.77"
    (tmp_path / "more").mkdir()
    report.save_as(tmp_path / "more" / "ellipse.dcm")
    Reading.objects.all().delete()
    import_folder(tmp_path / "more")
    lesion = Lesion.objects.get(kind="ellipse")
    assert lesion.instance.sop_instance_uid == header.SOPInstanceUID
    (down, across), found = header.PixelSpacing, np.array(lesion.points)
    offset = (found[:, :1] - 0.5) * across * row + (found[:, 1:] - 0.5) * down * column
    assert np.abs(np.array(header.ImagePositionPatient) + offset - ends).max() < 0.01


def shapes_of(item):
    """The regions in space of a report, in its order."""
    found = [item] if item.get("ValueType") == "SCOORD3D" else []
    return found + [shape for part in item.get("ContentSequence", []) for shape in shapes_of(part)]


def test_contours_of_a_structure_set_are_pixels_and_an_inner_contour_is_a_hole(real_data, bring):
    bring("rt_utils/ct_1.dcm", "rt_utils/ct_2.dcm", "rt_utils/rt.dcm")
    (lesion,) = Lesion.objects.all()
    given = pydicom.dcmread(real_data / "dicom_objects/rt_utils/rt.dcm")
    image = pydicom.dcmread(real_data / "dicom_objects/rt_utils/ct_1.dcm", stop_before_pixels=True)
    column, row = np.meshgrid(np.arange(512) + 1e-6, np.arange(512) + 1e-6)  # a centre on an edge counts to its right
    x = image.ImagePositionPatient[0] + column * image.PixelSpacing[1]
    y = image.ImagePositionPatient[1] + row * image.PixelSpacing[0]
    inside = np.zeros((512, 512), dtype=bool)
    for contour in given.ROIContourSequence[0].ContourSequence:
        corners = np.array(contour.ContourData, dtype=float).reshape(-1, 3)[:, :2]
        for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            with np.errstate(divide="ignore", invalid="ignore"):
                inside ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    ((uid, mask),) = pixels(lesion).items()
    assert uid == image.SOPInstanceUID and np.array_equal(mask, inside)
    assert lesion.finding_type.name == "ROI-1" and lesion.reading.reader.name == "Imported labels"


def test_structure_sets_with_contours_on_absent_slices_wait(bring):
    bring("rt_utils")
    waiting = PendingReading.objects.order_by("source").values_list("format", "source")
    assert list(waiting) == [("dicom_rtstruct", f"rt_utils/{name}_reference_rt.dcm") for name in ("invalid", "non_existent")]
    assert Reading.objects.count() == 1


def test_boxes_of_a_report_on_a_real_ct_are_boxes_on_their_slices(real_data, import_folder, tmp_path):
    source, base = real_data / "ct_nlst_101287", tmp_path / "nlst"
    report = pydicom.dcmread(source / "sr_lesion_boxes.dcm")
    wanted = {str(one.ReferencedSOPInstanceUID) for one in report.CurrentRequestedProcedureEvidenceSequence[0]
              .ReferencedSeriesSequence[0].ReferencedSOPSequence}  # fmt: skip
    base.mkdir()
    for path in [source / "sr_lesion_boxes.dcm", *(source / "ct").glob("*.dcm")]:
        if path.parent.name != "ct" or str(pydicom.dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID) in wanted:
            shutil.copy(path, base)
    import_folder(base, "--unit", "series", "--modality", "CT")
    reading = Reading.objects.get()
    lesions = list(reading.lesions.order_by("instance__position"))
    assert [lesion.kind for lesion in lesions] == ["box"] * 8 and Case.objects.count() == 1
    assert {lesion.instance.sop_instance_uid for lesion in lesions} == wanted
    assert [271.587708, 289.49057] in [[pytest.approx(v, abs=1e-4) for v in lesion.points[0]] for lesion in lesions]
