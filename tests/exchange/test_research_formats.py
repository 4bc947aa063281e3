"""Formats as other programs read and write them: pycocotools, nibabel, pynrrd; and what hostile files do."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.exchange import phantoms

pytestmark = pytest.mark.django_db


@pytest.fixture
def series(tmp_path, make_dicom, as_file, make_person):
    """A tilted series that was read, and its lead."""
    from backend.projects.models import Membership

    project = phantoms.make_project(unit="series", deid="none")
    phantoms.write_images(tmp_path / "given", make_dicom, as_file, slices=phantoms.SLICES)
    phantoms.read_cases(project, phantoms.import_images(project, tmp_path / "given"))
    lead = make_person("lena")
    Membership.objects.create(project=project, user=lead, role="lead")
    return project, lead


def exported(series, name: str, folder: Path, **more) -> Path:
    """A folder with the files of an export."""
    from backend.archive.store import get_object
    from backend.exchange.export_runs import ExportOrder, export_now

    project, lead = series
    run = export_now(project=project, by=lead, order=ExportOrder(format=name, **more))
    zipfile.ZipFile(io.BytesIO(get_object(run.key))).extractall(folder)
    return folder


def masks_of(project, reader: str = "LIDC 1"):
    """Every lesion of a reader in order, as arrays [frame, row, column]."""
    from backend.exchange.export_selection import case_frames, lesion_masks
    from backend.readings.models import Lesion

    found = []
    for lesion in Lesion.objects.filter(reading__reader__name=reader, reading__case__project=project).order_by("created_at"):
        volume = np.zeros((phantoms.SLICES, phantoms.ROWS, phantoms.COLUMNS), bool)
        for frame, mask in lesion_masks(lesion, case_frames(lesion.reading.case)):
            volume[frame.index] = mask
        found.append((lesion, volume))
    return found


@pytest.mark.parametrize("form", ["rle", "polygon"])
def test_pycocotools_sees_the_pixels_that_were_marked(series, tmp_path, form):
    from pycocotools.coco import COCO

    folder = exported(series, "coco", tmp_path / "out", options={"segmentation": form})
    coco = COCO(str(folder / "annotations.json"))
    expected = {str(lesion.pk): volume for lesion, volume in masks_of(series[0])}
    seen = {key: np.zeros_like(volume) for key, volume in expected.items()}
    for annotation in coco.loadAnns(coco.getAnnIds()):
        if annotation["lesion_id"] in seen:
            index = coco.loadImgs(annotation["image_id"])[0]["index"]
            seen[annotation["lesion_id"]][index] = coco.annToMask(annotation)
    for key, volume in expected.items():
        assert np.array_equal(seen[key], volume), key


def test_nifti_lies_where_dicom_says_and_holds_its_values(series, tmp_path, make_dicom):
    import nibabel
    from pydicom import dcmread

    folder = exported(series, "nifti", tmp_path / "out", pictures=True)
    image = nibabel.load(folder / "images" / "CT-0001.nii.gz")
    assert image.shape == (phantoms.COLUMNS, phantoms.ROWS, phantoms.SLICES)
    slices = [dcmread(path) for path in sorted((tmp_path / "given").iterdir())]
    for index in (0, phantoms.SLICES - 1):
        # Position of the last pixel's centre by PS3.3 C.7.6.2.1.1, then LPS to RAS.
        header = slices[index]
        across, down = np.array(phantoms.TILT[:3]), np.array(phantoms.TILT[3:])
        place = np.array(header.ImagePositionPatient, float)
        place = place + across * 0.9 * (phantoms.COLUMNS - 1) + down * 0.7 * (phantoms.ROWS - 1)
        ras = nibabel.affines.apply_affine(image.affine, [phantoms.COLUMNS - 1, phantoms.ROWS - 1, index])
        assert ras == pytest.approx([-place[0], -place[1], place[2]], abs=1e-3)
        assert np.array_equal(np.asarray(image.dataobj)[:, :, index].T, header.pixel_array)
    told = json.loads((folder / "readings.json").read_text())["readings"]
    expected = {str(lesion.pk): volume for lesion, volume in masks_of(series[0])}
    for mask in next(one for one in told if one["reader"] == "LIDC 1")["masks"]:
        found = np.asarray(nibabel.load(folder / mask["path"]).dataobj).transpose(2, 1, 0) > 0
        assert np.array_equal(found, expected[mask["lesion_id"]]), mask["path"]


def import_readings(project, path: Path, *options: str) -> str:
    from django.core.management import call_command

    out = io.StringIO()
    call_command("import_readings", str(path), "--project", project.slug, *options, stdout=out)
    return out.getvalue()


def lesions_by(project, reader: str) -> dict[str, np.ndarray]:
    return {lesion.finding_type.name: volume for lesion, volume in masks_of(project, reader)}


def test_a_nifti_of_another_program_is_turned_not_resampled(series, tmp_path):
    import nibabel

    project, _ = series
    folder = exported(series, "nifti", tmp_path / "out")
    told = json.loads((folder / "readings.json").read_text())["readings"]
    path = folder / next(one for one in told if one["reader"] == "LIDC 1")["masks"][-1]["path"]
    original = nibabel.load(path)
    # Another order and direction of axes, and only the part that is marked.
    turned = original.slicer[20:48, 10:30, 1:].as_reoriented([[2, -1], [0, 1], [1, -1]])
    assert turned.shape == (20, phantoms.SLICES - 1, 28)
    mine = tmp_path / "foreign"
    mine.mkdir()
    nibabel.save(turned, mine / "CT-0001_seg.nii.gz")
    assert "1 readings made" in import_readings(
        project, mine, "--reader", "Slicer", "--option", "apart=no", "--option", "labels=1:Cyst"
    )
    expected = masks_of(project)[-1][1]
    assert np.array_equal(lesions_by(project, "Slicer")["Cyst"], expected)
    # Half a voxel aside there is nothing to turn.
    moved = original.affine.copy()
    moved[:3, 3] += moved[:3, 0] / 2
    nibabel.save(nibabel.Nifti1Image(np.asarray(original.dataobj), moved), mine / "CT-0001_seg.nii.gz")
    assert "lie between those of CT-0001" in import_readings(project, mine, "--reader", "Other")


def test_a_slicer_segmentation_keeps_names_codes_and_layers(series, tmp_path):
    import nrrd

    project, _ = series
    affine = np.array(project.cases.get().series.affine)
    layers = np.zeros((2, phantoms.COLUMNS, phantoms.ROWS, phantoms.SLICES), np.uint8)
    layers[0, 5:9, 3:7, 1:3] = 1
    layers[1, 7:12, 3:5, 2] = 1
    layers[1, 52, 36, 4] = 2
    header = {
        "space": "left-posterior-superior",
        "space directions": np.array([[np.nan] * 3, affine[:3, 2], affine[:3, 1], affine[:3, 0]]),
        "space origin": affine[:3, 3],
        "kinds": ["list", "domain", "domain", "domain"],
        "Segment0_Name": "Nodule of Slicer",
        "Segment0_LabelValue": "1",
        "Segment0_Layer": "0",
        "Segment0_Tags": "TerminologyEntry:Category~SCT^49755003^Abnormal~SCT^27925004^Nodule~^^~Anatomic~^^~^^|",
        "Segment1_Name": "Node",
        "Segment1_LabelValue": "1",
        "Segment1_Layer": "1",
        "Segment2_Name": "Corner",
        "Segment2_LabelValue": "2",
        "Segment2_Layer": "1",
    }
    path = tmp_path / "CT-0001.seg.nrrd"
    nrrd.write(str(path), layers, header)
    assert "1 readings made" in import_readings(project, path, "--reader", "Slicer")
    found = lesions_by(project, "Slicer")
    # The code leads to the type that has it, whatever the segment is called.
    assert set(found) == {"Nodule", "Node", "Corner"}
    assert np.array_equal(found["Nodule"], layers[0].transpose(2, 1, 0) == 1)
    assert np.array_equal(found["Node"], layers[1].transpose(2, 1, 0) == 1)
    assert found["Corner"][4, 36, 52] and found["Corner"].sum() == 1


def test_a_partly_read_series_says_in_every_own_field_which_slices_were_looked_at(series, tmp_path):
    import csv

    from backend.readings.models import Reading

    Reading.objects.filter(reader__name="LIDC 1").update(slices_read=[[0, 2], [4, 4]])
    lists = {"coco": "annotations.json", "nifti": "readings.json", "masks": "masks.json"}
    for name, file in lists.items():
        folder = exported(series, name, tmp_path / name)
        for document in (folder / file, folder / "manifest.json"):
            told = [one["slices_read"] for one in json.loads(document.read_text())["readings"]]
            assert [[0, 2], [4, 4]] in told and None in told, document
    rows = list(csv.DictReader((exported(series, "table", tmp_path / "table") / "lesions.csv").open()))
    assert {row["slices_read"] for row in rows if row["reader"] == "LIDC 1"} == {"[[0, 2], [4, 4]]"}
    assert {row["slices_read"] for row in rows if row["reader"] != "LIDC 1"} == {""}


@pytest.fixture
def shorter(series, tmp_path, make_dicom, as_file):
    """Another project with the same series, of which the last two slices are missing."""
    project = phantoms.make_project(unit="series", deid="none", slug="shorter")
    phantoms.write_images(tmp_path / "shorter", make_dicom, as_file, slices=phantoms.SLICES - 2)
    phantoms.import_images(project, tmp_path / "shorter")
    return project


@pytest.mark.parametrize("name", ["coco", "nifti", "masks", "table"])
def test_slices_that_were_looked_at_are_never_laid_on_a_series_of_other_length(series, shorter, tmp_path, name):
    from backend.readings.models import Reading

    own = Reading.objects.filter(reader__name="Ärztin Nr. 2")  # its marks lie on the first slice
    own.update(slices_read=[[0, 1]])
    text = import_readings(shorter, exported(series, name, tmp_path / "partly"))
    assert "which slices of a series of 5 were looked at, and the case has 3" in text
    assert not own.filter(case__project=shorter).exists()
    own.update(slices_read=[[0, 4]])
    import_readings(shorter, exported(series, name, tmp_path / "all"))
    assert [one.slices_read for one in own.filter(case__project=shorter)] == [None]


@pytest.mark.parametrize("told", ["all", [[0]], [[2, 1]], [[-1, 2]], [[0, 1.5]], {"0": 1}])
def test_what_is_said_of_slices_must_be_ranges(series, tmp_path, told):
    project, _ = series
    folder = exported(series, "coco", tmp_path / "out")
    document = json.loads((folder / "annotations.json").read_text())
    for reading in document["readings"]:
        reading["slices_read"] = told
    for reader in document["readers"]:
        reader["name"] += " again"
    (folder / "annotations.json").write_text(json.dumps(document))
    text = import_readings(project, folder / "annotations.json")
    assert "is no list of ranges [first, last]" in text
    assert not project.readers.filter(name__endswith=" again").exists()


def test_the_table_is_safe_in_a_spreadsheet(series, tmp_path):
    from backend.projects.models import FindingType

    project, _ = series
    FindingType.objects.filter(project=project, name="Mass, other").update(name="=HYPERLINK(1)")
    text = (exported(series, "table", tmp_path / "out") / "lesions.csv").read_text()
    assert "'=HYPERLINK(1)" in text and ",=HYPERLINK" not in text and "\n=" not in text


def test_yolo_and_voc_of_other_programs_are_read_by_file_names(series, tmp_path):
    project, _ = series
    yolo = tmp_path / "yolo"
    (yolo / "labels" / "train").mkdir(parents=True)
    (yolo / "data.yaml").write_text("names: [Cyst, Stone]\n")
    (yolo / "labels" / "train" / "image-1-2.txt").write_text("1 0.5 0.5 0.2 0.4\n0 0 0 1 0 1 1 0 1\n")
    (yolo / "labels" / "train" / "image-1-3.txt").write_text("7 0.5 0.5 0.2 0.4\n")
    told = import_readings(project, yolo, "--reader", "Yolo")
    assert "1 readings made" in told and "names class 7" in told
    stone, cyst = (lesion for lesion, _ in sorted(masks_of(project, "Yolo"), key=lambda one: one[0].kind))
    assert (stone.kind, stone.finding_type.name, cyst.kind) == ("box", "Stone", "polygon")
    width, height = phantoms.COLUMNS, phantoms.ROWS
    assert np.allclose(stone.points, [[0.4 * width, 0.3 * height], [0.6 * width, 0.7 * height]])
    assert stone.instance.sop_instance_uid.endswith(".1.2")
    voc = tmp_path / "a.xml"
    box = "<bndbox><xmin>1</xmin><ymin>3</ymin><xmax>53</xmax><ymax>4</ymax></bndbox>"
    size = "<size><width>53</width><height>37</height><depth>1</depth></size>"
    voc.write_text(
        f"<annotation><filename>image-1-4.dcm</filename>{size}<object><name>Cyst</name>{box}</object></annotation>"
    )
    import_readings(project, voc, "--reader", "Voc")
    ((lesion, _),) = masks_of(project, "Voc")
    assert lesion.points == [[0, 2], [53, 4]] and lesion.instance.sop_instance_uid.endswith(".1.4")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", b'{"images": [], "annotations": [{"image_id": 1}], "categories": []}', "does not list"),
        ("a.json", b'{"images": 5, "annotations": [], "categories": []}', "no list of objects"),
        ("a.json", b'{"images": [[[[, "annotations", "categories"', "no JSON document"),
        ("CT-0001.nii.gz", b"\x1f\x8b\x08\0garbage", "damaged"),
        ("CT-0001.nii", b"\x5c\x01\0\0" + b"\xff" * 400, "no NIfTI file"),
        ("CT-0001.nrrd", b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 99999 99999 99999\nencoding: raw\n\n", "voxels"),
        (
            "CT-0001.nrrd",
            b"NRRD0004\ntype: uchar\ndimension: 1\nsizes: 3\ndata file: /etc/passwd\n\n",
            "another",
        ),
        (
            "a.xml",
            b'<!DOCTYPE a [<!ENTITY b "bb">]><annotation><size/><filename>&b;</filename></annotation>',
            "declares entities",
        ),
    ],
)
def test_damaged_and_hostile_files_are_refused_with_the_reason(series, tmp_path, name, content, reason):
    path = tmp_path / name
    path.write_bytes(content)
    told = import_readings(series[0], path)
    assert f"{name}: " in told and reason in told, told
