"""`manage.py import_images`: folders and zips, with masks, boxes and labels; twice is once."""

from __future__ import annotations

import csv
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError
from PIL import Image

from backend.archive.models import Instance, Series
from backend.archive.store import get_object
from backend.archive.thumbnails import thumbnail_key
from backend.exchange.models import ImportItem, ImportRun
from backend.geometry.rle import blob_key, decode_mask
from backend.projects.models import Case, FindingType, Project
from backend.readings.models import Lesion, Reading

pytestmark = pytest.mark.django_db


def test_a_folder_becomes_cases_and_every_refused_file_is_told(project, folder, import_folder):
    base = folder(a_png=None, sub__b_png=None, notes_csv=b"x,y", empty_png=b"", broken_png=b"\x89PNG\r\n\x1a\nxx")
    printed = import_folder(base)
    assert "notes.csv: Not a DICOM, PNG, JPEG, NIfTI, NRRD or MetaImage file." in printed
    assert "empty.png: The file is empty." in printed
    assert "broken.png: Damaged: the picture's header cannot be read." in printed
    assert "2 imported" in printed and "3 refused" in printed
    assert list(Case.objects.order_by("number").values_list("name", "source_name")) == [
        ("US-0001", "a.png"),
        ("US-0002", "sub/b.png"),
    ]
    assert all(0 <= value < 1 for value in Case.objects.values_list("priority", flat=True))
    assert not (base / "a.png").is_symlink() and (base / "a.png").exists()  # the given folder is left alone


def test_every_case_has_its_thumbnail_before_a_page_asks_for_it(project, folder, import_folder):
    import_folder(folder(a_png=None, b_png=None))
    for case in Case.objects.all():
        shown = case.instance
        key = thumbnail_key(frames_key=shown.frames_key, received_digest=shown.received_digest)
        assert get_object(key).startswith(b"\xff\xd8")


def test_a_case_that_cannot_be_drawn_small_is_still_imported(project, folder, import_folder, monkeypatch):
    def broken(instance: Instance) -> bytes:
        raise ValueError("no window")

    monkeypatch.setattr("backend.exchange.importing.thumbnail_of", broken)
    assert "1 imported" in import_folder(folder(a_png=None))
    assert ImportRun.objects.get().state == "done"


def test_importing_twice_changes_nothing(project, folder, import_folder):
    base = folder(a_png=None, b_png=None)
    import_folder(base)
    before = list(Case.objects.order_by("number").values())
    printed = import_folder(base)
    assert "0 imported" in printed and "2 already here" in printed
    assert list(Case.objects.order_by("number").values()) == before
    assert Instance.objects.count() == 2
    reasons = set(ImportItem.objects.filter(run=ImportRun.objects.first()).values_list("reason", flat=True))
    assert reasons == {"Already here as US-0001.", "Already here as US-0002."}


def test_another_project_of_the_archive_gets_cases_of_the_same_instances(project, folder, import_folder):
    base = folder(a_png=None)
    import_folder(base)
    Project.objects.create(slug="second", name="Second", modality="US", archive=project.archive)
    assert "1 imported" in import_folder(base, project="second")
    assert Instance.objects.count() == 1
    assert Case.objects.count() == 2


def test_the_same_image_twice_in_one_folder_is_one_case(project, folder, import_folder):
    base = folder(a_png=None)
    shutil.copy(base / "a.png", base / "copy.png")
    assert "1 imported" in (printed := import_folder(base)) and "1 already here" in printed
    assert ImportItem.objects.get(name="copy.png").reason == "Already here as US-0001."


def test_nothing_usable_is_an_error(project, folder, import_folder):
    with pytest.raises(CommandError, match="Nothing could be used"):
        import_folder(folder(notes_csv=b"x"))
    with pytest.raises(CommandError, match="no file or folder"):
        import_folder(Path("/nowhere/at/all"))


def test_a_new_project_is_made_with_its_archive(db, folder, import_folder):
    import_folder(folder(a_png=None), "--name", "Hands", "--modality", "CR", "--deid", "basic", project="hands")
    made = Project.objects.get(slug="hands")
    assert (made.name, made.modality, made.unit, made.archive.deid_profile) == ("Hands", "CR", "image", "basic")
    assert Case.objects.get().name == "CR-0001"


def test_a_zip_is_unpacked_and_its_bad_files_are_told(project, folder, import_folder, tmp_path):
    base = folder(a_png=None, b_png=None)
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(base / "a.png", "x/a.png")
        archive.write(base / "b.png", "x/b.png")
        archive.writestr("inner.zip", b"PK\x03\x04")
    printed = import_folder(path)
    assert "inner.zip: A zip archive inside another one: unpack it first." in printed
    assert "2 imported" in printed


def test_a_mask_becomes_one_lesion_per_connected_part(project, folder, import_folder, tmp_path):
    base = folder(a_png=None, b_png=None)
    mask = np.zeros((40, 48), np.uint8)
    mask[0, 0] = mask[1, 1] = 255  # touching by a corner: one lesion
    mask[20:25, 40:48] = 255
    masks = tmp_path / "masks"
    masks.mkdir()
    Image.fromarray(mask).save(masks / "a.png")
    Image.fromarray(np.zeros_like(mask)).save(masks / "b.png")
    import_folder(base, "--masks", str(masks), "--reader", "Truth")
    reading = Reading.objects.get(case__source_name="a.png")
    assert (reading.reader.kind, reading.reader.name, reading.state) == ("imported", "Truth", "submitted")
    assert (reading.verdict, reading.label_kind) == ("lesions", "full")
    drawn = np.zeros_like(mask, dtype=bool)
    for lesion in Lesion.objects.filter(reading=reading):
        _, row, column = lesion.mask_origin
        _, rows, columns = lesion.mask_shape
        drawn[row : row + rows, column : column + columns] |= decode_mask(
            get_object(blob_key(lesion.mask_digest)), lesion.mask_shape
        )[0]
        assert (lesion.kind, lesion.finding_type.name, lesion.origin, lesion.frame) == ("mask", "Lesion", "imported", 1)
    assert np.array_equal(drawn, mask > 0)
    assert Lesion.objects.filter(reading=reading).count() == 2
    empty = Reading.objects.get(case__source_name="b.png")
    assert (empty.verdict, empty.lesions.count()) == ("no_lesion", 0)
    assert set(Case.objects.values_list("readings_submitted", "is_open")) == {(1, False)}


def test_labels_that_do_not_fit_are_told_and_not_used(project, folder, import_folder, tmp_path):
    base = folder(a_png=None, b_png=None)
    masks = tmp_path / "masks"
    masks.mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(masks / "a.png")
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("file,finding,x,y,w,h\nb.png,Mass,40,30,20,20\n")
    printed = import_folder(base, "--masks", str(masks), "--boxes", str(boxes))
    assert "a.png: Its labels were not used: The mask has 4×4 pixels, its image 40×48." in printed
    assert "b.png: Its labels were not used: the mark lies partly outside the image" in printed
    assert Reading.objects.count() == 0
    assert Case.objects.filter(is_open=True).count() == 2


def test_boxes_are_scaled_from_the_pictures_they_were_measured_in(project, folder, import_folder, tmp_path):
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("file,finding,x,y,w,h\na.png,benign mass,96,80,96,40\n")
    import_folder(folder(a_png=None), "--boxes", str(boxes), "--box-size", "192x160")
    lesion = Lesion.objects.get()
    assert (lesion.kind, lesion.points) == ("box", [[24.0, 20.0], [48.0, 30.0]])
    assert lesion.finding_type == FindingType.objects.get(project=project, name="Benign mass")


def test_image_labels_make_readings_of_the_image_as_a_whole(project, folder, import_folder, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("file,class,patient\na.png,pneumonia,P1\nb.png,normal,P1\nc.png,oedema,P2\n")
    import_folder(folder(a_png=None, b_png=None, c_png=None), "--labels", str(labels))
    said = {
        reading.case.source_name: (reading.verdict, reading.label_kind, reading.image_findings)
        for reading in Reading.objects.select_related("case")
    }
    pneumonia, oedema = (
        str(FindingType.objects.get(project=project, scope="image", name=name).pk) for name in ("Pneumonia", "Oedema")
    )
    assert said["a.png"] == ("lesions", "image", {pneumonia: "present", oedema: "absent"})
    assert said["b.png"] == ("no_lesion", "full", {pneumonia: "absent", oedema: "absent"})
    # A word about the whole image leaves the case for a person to read.
    assert dict(Case.objects.values_list("source_name", "is_open")) == {"a.png": True, "b.png": False, "c.png": True}
    groups = dict(Case.objects.values_list("source_name", "group_key"))
    assert groups["a.png"] == groups["b.png"] != groups["c.png"]


def test_a_limit_takes_files_spread_over_the_folder(project, folder, import_folder):
    import_folder(folder(**{f"n{number}_png": None for number in range(9)}), "--limit", "3")
    assert list(Case.objects.order_by("number").values_list("source_name", flat=True)) == ["n0.png", "n3.png", "n6.png"]


def test_busi_imports_with_one_command(db, real_data, import_folder, tmp_path):
    rows = [row for row in csv.DictReader((real_data / "busi/index.csv").open())][::12]
    busi = tmp_path / "busi"
    busi.mkdir()
    for row in rows:
        shutil.copy(real_data / "busi/images" / row["file"], busi)
    import_folder(
        busi, "--modality", "US", "--masks", str(real_data / "busi/masks"),
        "--labels", str(real_data / "busi/index.csv"), "--columns", "finding=class,group=near_dup_group",
        "--type", "benign=Benign mass", "--type", "malignant=Malignant mass",
        "--reader", "BUSI truth", project="busi",
    )  # fmt: skip
    assert Case.objects.count() == len(rows)
    truth = {row["file"]: row for row in rows}
    for reading in Reading.objects.select_related("case").prefetch_related("lesions__finding_type"):
        row = truth[reading.case.source_name]
        names = {lesion.finding_type.name for lesion in reading.lesions.all()}
        assert names == ({f"{row['class'].capitalize()} mass"} if row["class"] != "normal" else set())
        assert reading.verdict == ("no_lesion" if row["class"] == "normal" else "lesions")
    assert Reading.objects.count() == len(rows)
    by_group: dict[str, set[str]] = {}
    for case in Case.objects.exclude(split="EMBARGOED"):
        by_group.setdefault(truth[case.source_name]["near_dup_group"], set()).add(case.split)
    assert all(len(splits) == 1 for splits in by_group.values())


def test_chest_radiographs_import_with_one_command(db, real_data, import_folder, tmp_path):
    boxed = {row["file"] for row in csv.DictReader((real_data / "nih_cxr/boxes_1024.csv").open())}
    chosen = [row for row in csv.DictReader((real_data / "nih_cxr/index.csv").open())]
    rows = [row for row in chosen if row["file"] in boxed][:6] + chosen[::150]
    images = tmp_path / "images"
    images.mkdir()
    for row in rows:
        shutil.copy(real_data / "nih_cxr/images256" / row["file"], images)
    printed = import_folder(
        images, "--modality", "DX", "--labels", str(real_data / "nih_cxr/index.csv"),
        "--columns", "finding=class,patient=patient_id", "--boxes", str(real_data / "nih_cxr/boxes_1024.csv"),
        "--box-size", "1024", "--reader", "NIH labels", project="chest",
    )  # fmt: skip
    assert "not used" not in printed
    assert Lesion.objects.filter(reading__label_kind="full").values("reading").distinct().count() >= 6
    for lesion in Lesion.objects.all():
        assert all(0 <= value <= 256 for point in lesion.points for value in point)


def test_a_ct_series_is_one_case_in_spatial_order(db, real_data, import_folder, tmp_path):
    part = tmp_path / "ct"
    part.mkdir()
    for number in range(0, 12):
        shutil.copy(real_data / f"ct_nlst_101287/ct/{number:03d}.dcm", part)
    shutil.copy(real_data / "ct_nlst_101287/sr_lesion_boxes.dcm", part)
    printed = import_folder(part, "--modality", "CT", "--unit", "series", project="lung")
    assert "Not an image" not in printed  # the report is no case; its boxes are a reading, now or when their slices come
    assert ImportItem.objects.get(name="sr_lesion_boxes.dcm").instance is None
    case, series = Case.objects.get(), Series.objects.get()
    assert case.instance is None and case.series == series and case.name == "CT-0001"
    assert series.affine is not None and series.affine[0][2] == pytest.approx(0.54)
    positions = [instance.position for instance in series.instances.order_by("position")]
    assert np.allclose(np.diff(positions), 2.0)
    again = import_folder(part, project="lung")
    assert "12 already here" in again
    assert Case.objects.count() == 1


def test_masks_of_a_series_become_lesions_in_three_dimensions(db, import_folder, make_dicom, as_file, tmp_path):
    for number in range(4):
        dataset = make_dicom(
            np.full((8, 8), number, "u1"), SOPInstanceUID=f"1.2.3.4.{number}", PixelSpacing=[1, 1],
            ImagePositionPatient=[0, 0, 10 - number], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        )  # fmt: skip
        (tmp_path / "ct").mkdir(exist_ok=True)
        (tmp_path / "ct" / f"{number}.dcm").write_bytes(as_file(dataset))
        mask = np.zeros((8, 8), np.uint8)
        mask[2:4, 2:5] = 255 if number in (1, 2) else 0
        (tmp_path / "masks").mkdir(exist_ok=True)
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
    import_folder(tmp_path / "ct", "--unit", "series", "--masks", str(tmp_path / "masks"), project="lung")
    lesion = Lesion.objects.get()
    assert (lesion.mask_origin, lesion.mask_shape) == ([1, 2, 2], [2, 2, 3])
    # Slice 2 lies lower (z = 8) than slice 1 (z = 9): it comes first.
    assert lesion.instance.sop_instance_uid == "1.2.3.4.2"


def test_a_series_that_has_been_read_takes_no_more_slices(db, import_folder, make_dicom, as_file, tmp_path):
    for number in range(3):
        place = {
            "PixelSpacing": [1, 1],
            "ImagePositionPatient": [0, 0, number],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        }
        dataset = make_dicom(np.full((8, 8), number, "u1"), SOPInstanceUID=f"1.2.3.4.{number}", **place)
        (tmp_path / f"{number // 2}").mkdir(exist_ok=True)
        (tmp_path / f"{number // 2}" / f"{number}.dcm").write_bytes(as_file(dataset))
    mask = Image.fromarray(np.eye(8, dtype=np.uint8))
    (tmp_path / "masks").mkdir()
    mask.save(tmp_path / "masks" / "0.png")
    import_folder(tmp_path / "0", "--unit", "series", "--masks", str(tmp_path / "masks"), project="lung")
    with pytest.raises(CommandError):
        import_folder(tmp_path / "1", project="lung")
    assert ImportItem.objects.get(name="2.dcm").reason == "Its series has been read already; no image can be added to it."


def test_a_file_name_that_is_no_utf8_is_no_obstacle(project, import_folder, picture, tmp_path):
    import os

    os.makedirs(tmp_path / "odd")
    os.rename(picture(), os.fsencode(tmp_path / "odd") + b"/n\xe9.png")
    assert "1 imported" in import_folder(tmp_path / "odd")
