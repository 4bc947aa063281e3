"""Readings that come before, with or after their images; twice; for other people's images; under de-identification."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pydicom
import pytest

from backend.exchange.coco import rle_segmentation
from tests.exchange import phantoms

pytestmark = pytest.mark.django_db
URL = "/api/v1/projects/phantom/waiting-readings/"


@pytest.fixture(params=["none", "basic"])
def empty(request, tmp_path, make_dicom, as_file, make_person):
    """A project without images, a folder of a series' images, and a lead."""
    from backend.projects.models import Membership

    project = phantoms.make_project(unit="series", deid=request.param)
    phantoms.write_images(tmp_path / "given", make_dicom, as_file, slices=phantoms.SLICES)
    lead = make_person("lena")
    Membership.objects.create(project=project, user=lead, role="lead")
    return project, lead, tmp_path / "given"


def document(number: int = 1) -> dict:
    """COCO of another program about the original UIDs: a mask, a box, and a slice without marks."""
    mask = np.zeros((phantoms.ROWS, phantoms.COLUMNS), bool)
    mask[30:, 50:] = True
    images = [
        {"id": index, "width": phantoms.COLUMNS, "height": phantoms.ROWS, "file_name": f"x{index}.png",
         "sop_instance_uid": f"1.3.6.1.4.1.99999.{number}.{index}"}
        for index in (1, 2, 3)
    ]  # fmt: skip
    annotations = [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 5,
            "segmentation": rle_segmentation(mask),
            "attributes": {"Margin": "lobed"},
        },
        {"id": 2, "image_id": 2, "category_id": 5, "bbox": [1, 2, 3.5, 4], "attributes": {"Diameter": 12.5}},
    ]  # fmt: skip
    return {"images": images, "annotations": annotations, "categories": [{"id": 5, "name": "nodule"}]}


def test_the_slices_that_were_looked_at_wait_with_their_reading(empty, tmp_path):
    from backend.readings.models import Reading

    project, _, images = empty
    told = document()
    own = {"id": "r", "case": "c", "reader_id": 1, "slices": phantoms.SLICES, "slices_read": [[2, 3], [0, 0]]}
    told |= {"readings": [own], "readers": [{"id": 1, "name": "Vera"}]}
    for one in (*told["images"], *told["annotations"]):
        one |= {"case": "c", "reading_id": "r"}
    (tmp_path / "labels.json").write_text(json.dumps(told))
    assert "1 wait for their images" in import_readings(project, tmp_path / "labels.json")
    phantoms.import_images(project, images)
    assert Reading.objects.get(reader__name="Vera").slices_read == [[0, 0], [2, 3]]


def import_readings(project, path: Path, *options: str) -> str:
    from django.core.management import call_command

    out = StringIO()
    call_command("import_readings", str(path), "--project", project.slug, *options, stdout=out)
    return out.getvalue()


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def kept(project) -> str:
    """All that the rows of what waits say."""
    return json.dumps(list(project.pending_readings.values_list("content", "source", "options")))


def marks(project) -> list:
    from backend.readings.models import Lesion

    found = Lesion.objects.filter(reading__case__project=project).select_related("finding_type")
    return sorted((lesion.kind, lesion.finding_type.name, json.dumps(lesion.attributes)) for lesion in found)


def test_readings_wait_for_their_images_and_are_attached_when_they_come(empty, tmp_path, as_person):
    from backend.readings.models import Reading

    project, lead, images = empty
    path = written(tmp_path / "coco.json", document())
    assert "0 readings made, 0 already here, 2 wait" in import_readings(project, path, "--reader", "Truth")
    assert "2 wait" in import_readings(project, path, "--reader", "Truth")
    listed = as_person(lead).get(URL).json()
    assert listed["total"] == 2 and listed["results"][0]["reader"] == "Truth" and listed["results"][0]["lesions"] == 1
    if project.archive.deid_profile == "basic":
        assert "99999" not in kept(project)
    (case,) = phantoms.import_images(project, images)
    assert as_person(lead).get(URL).json()["total"] == 0
    reading = Reading.objects.get(case=case)
    assert (reading.reader.name, reading.verdict, reading.lesions.count()) == ("Truth", "lesions", 2)
    # Found by name, whatever its case; what the vocabulary lacked is in it now.
    expected = [("box", "Nodule", '{"Diameter": "12.5"}'), ("mask", "Nodule", '{"Margin": "lobed"}')]
    assert marks(project) == expected
    attributes = {one["name"]: one for one in project.finding_types.get(name="Nodule").attributes}
    assert attributes["Margin"]["values"] == ["smooth", "spiculated", "lobed"] and attributes["Diameter"]["number"]
    assert "0 readings made, 1 already here, 0 wait" in import_readings(project, path, "--reader", "Truth")
    assert marks(project) == expected


def test_readings_come_with_their_images_in_one_zip(empty, tmp_path):
    from backend.exchange.import_options import ImportOptions
    from backend.exchange.models import ImportItem
    from backend.exchange.services import import_from_server

    project, _, images = empty
    bundle = tmp_path / "all.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        for image in sorted(images.iterdir()):
            archive.write(image, f"study/{image.name}")
        archive.writestr("study/coco.json", json.dumps(document()))
        archive.writestr("study/notes.txt", "nothing of use")
    run, outcome = import_from_server(
        project=project, by=None, options=ImportOptions(source=str(bundle)), limit=None, on_item=lambda *_: None
    )
    assert outcome.made == 1 and len(marks(project)) == 2
    items = {item.name: (item.state, item.reason) for item in ImportItem.objects.filter(run=run)}
    assert items["study/coco.json"] == ("imported", "Readings.") and items["study/notes.txt"][0] == "refused"
    assert "1 readings from coco" in run.message


def test_what_waits_can_be_dropped_by_a_lead_only(empty, tmp_path, as_person, make_person):
    from backend.audit.models import Event
    from backend.projects.models import Membership

    project, lead, _ = empty
    import_readings(project, written(tmp_path / "coco.json", document(number=77)))
    reader = make_person("rita")
    Membership.objects.create(project=project, user=reader, role="reader")
    one = as_person(lead).get(URL).json()["results"][0]["id"]
    assert as_person(reader).get(URL).status_code == 403
    assert as_person(reader).delete(f"{URL}{one}/").status_code == 403
    assert as_person(lead).delete(f"{URL}{one}/").status_code == 204
    assert as_person(lead).get(URL).json()["total"] == 1 and Event.objects.filter(verb="waiting.discarded").count() == 1


def test_a_mask_volume_waits_whole_and_is_read_when_its_series_is_here(empty, tmp_path):
    import nibabel

    project, _, images = empty
    volume = np.zeros((phantoms.COLUMNS, phantoms.ROWS, phantoms.SLICES), np.uint8)
    volume[52, 36, 4] = 1
    (tmp_path / "masks").mkdir()
    other = phantoms.make_project(unit="series", deid="none", slug="other")
    affine = np.array(phantoms.import_images(other, images)[0].series.affine)
    ras = np.diag([-1.0, -1, 1, 1]) @ affine[:, [2, 1, 0, 3]]
    nibabel.save(nibabel.Nifti1Image(volume, ras), tmp_path / "masks" / "CT-0001_seg.nii.gz")
    assert "1 wait for their images" in import_readings(project, tmp_path / "masks", "--option", "labels=1:Nodule")
    assert marks(project) == []
    phantoms.import_images(project, images)
    assert [kind for kind, *_ in marks(project)] == ["mask"] and project.pending_readings.count() == 0


def test_a_file_that_names_a_series_waits_and_is_read_when_the_series_is_here(empty, tmp_path):
    project, _, images = empty
    other = phantoms.make_project(unit="series", deid="none", slug="other")
    case = phantoms.import_images(other, images)[0]
    x, y, z, _ = np.array(case.series.affine) @ [2, 10, 20, 1]
    rows = f"seriesuid,coordX,coordY,coordZ,diameter_mm\n1.3.6.1.4.1.99999.1.100,{x},{y},{z},9\n"
    (tmp_path / "annotations.csv").write_text(rows)
    assert "1 wait" in import_readings(project, tmp_path / "annotations.csv")
    if project.archive.deid_profile == "basic":
        assert "99999" not in kept(project)
    phantoms.import_images(project, images)
    assert [kind for kind, *_ in marks(project)] == ["mask"] and project.pending_readings.count() == 0


def test_a_mark_on_a_series_by_its_uid_waits_and_is_attached_when_the_series_is_here(empty, tmp_path):
    project, _, images = empty
    given = document()
    given["images"] = [{**given["images"][0], "sop_instance_uid": "1.3.6.1.4.1.99999.1.100"}]
    given["annotations"] = given["annotations"][:1]
    assert "1 wait" in import_readings(project, written(tmp_path / "coco.json", given))
    phantoms.import_images(project, images)
    assert [kind for kind, *_ in marks(project)] == ["mask"] and project.pending_readings.count() == 0


def test_what_is_refused_is_told_in_the_archives_names(empty, tmp_path):
    project, _, images = empty
    phantoms.import_images(project, images)
    rows = "seriesuid,coordX,coordY,coordZ,diameter_mm\n1.3.6.1.4.1.99999.1.100,5000,0,0,9\n"
    (tmp_path / "annotations.csv").write_text(rows)
    told = import_readings(project, tmp_path / "annotations.csv")
    assert "lies outside the series" in told and project.cases.get().series.series_instance_uid in told


def test_equal_names_of_two_projects_are_not_one_image(empty, tmp_path, make_dicom, as_file):
    """An export of one project names US-0001 by its UID; the US-0001 of another project is another image."""
    from backend.archive.store import get_object
    from backend.exchange.export_runs import ExportOrder, export_now

    project, lead, images = empty
    phantoms.read_cases(project, phantoms.import_images(project, images))
    other = phantoms.make_project(unit="series", deid="none", slug="other")
    phantoms.write_images(tmp_path / "else", make_dicom, as_file, slices=phantoms.SLICES, number=9)
    phantoms.import_images(other, tmp_path / "else")
    for name in ("coco", "yolo", "voc", "table", "nifti", "nnunet", "masks"):
        run = export_now(project=project, by=lead, order=ExportOrder(format=name))
        path = tmp_path / f"{name}.zip"
        path.write_bytes(get_object(run.key))
        told = import_readings(other, path, "--format", name)
        assert " 0 readings made" in told and " 0 wait" not in told, told
    assert marks(other) == []
    assert zipfile.ZipFile(BytesIO(path.read_bytes())).testzip() is None


@pytest.fixture(params=["none", "basic"])
def reported(request, tmp_path, make_dicom, as_file, make_person):
    """A project without images, its lead, the images of a series, and a mask on it as SEG and SR of one reader."""
    from backend.archive.store import get_object
    from backend.exchange.export_runs import ExportOrder, export_now
    from backend.projects.models import Membership

    phantoms.write_images(tmp_path / "given", make_dicom, as_file, slices=phantoms.SLICES)
    source = phantoms.make_project(unit="series", deid="none", slug="source")
    phantoms.read_cases(source, phantoms.import_images(source, tmp_path / "given"))
    lead = make_person("lena")
    run = export_now(project=source, by=lead, order=ExportOrder(format="dicom_sr"))
    made = {}
    with zipfile.ZipFile(BytesIO(get_object(run.key))) as archive:
        for name in archive.namelist():
            if "arztin" in name and name.endswith(".dcm"):
                made[name.split(".")[-2]] = path = tmp_path / f"{name.split('.')[-2]}.dcm"
                path.write_bytes(archive.read(name))
    project = phantoms.make_project(unit="series", deid=request.param)
    Membership.objects.create(project=project, user=lead, role="lead")
    return project, lead, tmp_path / "given", made["seg"], made["sr"]


def readers(project) -> list[str]:
    """Whose readings there are, with how many marks each."""
    from backend.readings.models import Reading

    found = Reading.objects.filter(case__project=project).select_related("reader")
    return sorted(f"{reading.reader.kind} {reading.lesions.count()}" for reading in found)


def test_a_report_waits_for_its_segmentation_and_both_are_one_reading_when_it_comes(reported, as_person):
    project, lead, images, seg, report = reported
    phantoms.import_images(project, images)
    assert "0 readings made, 0 already here, 1 wait" in import_readings(project, report)
    (waiting,) = as_person(lead).get(URL).json()["results"]
    assert waiting["reason"] == "Its regions are segments of a segmentation that is not here yet."
    if project.archive.deid_profile == "basic":
        assert "99999" not in kept(project) and str(pydicom.dcmread(seg).SOPInstanceUID) not in kept(project)
    assert "1 readings that waited are attached." in import_readings(project, seg)
    assert readers(project) == ["imported 1"] and project.pending_readings.count() == 0
    assert "0 readings made, 1 already here, 0 wait" in import_readings(project, report)
    assert readers(project) == ["imported 1"]


def test_report_segmentation_and_images_come_one_after_the_other(reported):
    project, _, images, seg, report = reported
    import_readings(project, report)
    assert "attached" not in import_readings(project, seg) and project.pending_readings.count() == 1
    phantoms.import_images(project, images)
    assert readers(project) == ["imported 1"] and project.pending_readings.count() == 0


def test_a_report_finds_the_segmentation_that_came_before_it(reported):
    """Of another reader than the report's: each says what it says."""
    project, _, images, seg, report = reported
    phantoms.import_images(project, images)
    dataset = pydicom.dcmread(seg)
    dataset.ContentCreatorName = "Tool"
    dataset.save_as(seg)
    assert " 1 readings made" in import_readings(project, seg)
    assert " 1 readings made" in import_readings(project, report)
    assert readers(project) == ["imported 1", "imported 1"] and project.pending_readings.count() == 0


def test_a_report_whose_readers_segmentation_was_a_reading_already_is_told_so(reported):
    project, _, images, seg, report = reported
    phantoms.import_images(project, images)
    assert " 1 readings made" in import_readings(project, seg)
    told = import_readings(project, report)
    assert "A reading of its observer is already here, made of its segmentation, which came before it" in told
    assert " 1 refused" in told and readers(project) == ["imported 1"]


def test_a_segmentation_that_waits_with_its_report_is_read_as_a_part_of_it(reported):
    project, _, images, seg, report = reported
    import_readings(project, seg)
    import_readings(project, report)
    assert project.pending_readings.count() == 2
    phantoms.import_images(project, images)
    assert readers(project) == ["imported 1"] and project.pending_readings.count() == 0


def test_what_waited_and_does_not_fit_stays_with_its_reason(reported, as_person):
    project, lead, images, seg, report = reported
    phantoms.import_images(project, images)
    dataset = pydicom.dcmread(seg)
    dataset.SegmentSequence[0].SegmentNumber = 7
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber = 7
    dataset.save_as(seg)
    import_readings(project, report)
    import_readings(project, seg)
    (waiting,) = as_person(lead).get(URL).json()["results"]
    assert waiting["reason"] == "It refers to segment 1, which its segmentation does not have."
    assert readers(project) == []
