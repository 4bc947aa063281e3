"""Every format brings back what it says it carries, and the proof notices when one does not."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO

import pytest

from tests.exchange import phantoms

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[("image", "none", 0), ("series", "basic", phantoms.SLICES)], ids=["images", "series-basic"])
def phantom(request, tmp_path, make_dicom, as_file, make_person):
    """A project of two images or of two series, read; with its lead."""
    from backend.projects.models import Membership

    unit, deid, slices = request.param
    project = phantoms.make_project(unit=unit, deid=deid)
    for number in (1, 2):
        phantoms.write_images(tmp_path / "given", make_dicom, as_file, slices=slices, number=number)
    cases = phantoms.import_images(project, tmp_path / "given")
    assert len(cases) == 2
    phantoms.read_cases(project, cases)
    lead = make_person("lena")
    Membership.objects.create(project=project, user=lead, role="lead")
    return project, lead


def made(project, lead, name: str, **more):
    from backend.exchange.export_runs import ExportOrder, export_now

    return export_now(project=project, by=lead, order=ExportOrder(format=name, **more))


def test_every_format_brings_back_what_it_carries(phantom):
    from backend.exchange.format_registry import read_formats, written_formats
    from backend.exchange.verification import report_lines, verify_export
    from backend.projects.models import Case, Project

    project, lead = phantom
    before = Case.objects.count()
    wrong = {}
    for name in sorted(written_formats().keys() & read_formats().keys()):
        report = verify_export(run=made(project, lead, name))
        if not report["ok"] or report["readings"] != 3:
            wrong[name] = report_lines(report)
    assert wrong == {}, json.dumps(wrong, indent=1, ensure_ascii=False)
    assert Project.objects.count() == 1 and Case.objects.count() == before


def test_label_maps_come_back_and_only_lesions_that_overlap_stay_binary(phantom):
    import pydicom

    from backend.archive.store import get_object
    from backend.dicom.refusal import Refused
    from backend.exchange.verification import verify_export

    project, lead = phantom
    run = made(project, lead, "dicom_seg", options={"segmentation_type": "labelmap"})
    assert verify_export(run=run)["ok"]
    assert any("stay BINARY" in loss.get("text", "") for loss in run.losses)
    archive = zipfile.ZipFile(BytesIO(get_object(run.key)))
    files = [pydicom.dcmread(BytesIO(archive.read(name))) for name in archive.namelist() if name.endswith(".dcm")]
    assert {one.SegmentationType for one in files} == {"BINARY", "LABELMAP"}
    with pytest.raises(Refused, match="binary or labelmap"):
        made(project, lead, "dicom_seg", options={"segmentation_type": "fractional"})


def test_the_images_that_a_manifest_names_lie_in_the_archive_whatever_the_format(phantom):
    import hashlib

    import pydicom

    from backend.archive.models import Instance
    from backend.archive.store import get_object
    from backend.exchange.format_registry import written_formats
    from backend.exchange.verification import verify_export

    project, lead = phantom
    stored = set(Instance.objects.values_list("sop_instance_uid", flat=True))
    for name, one in sorted(written_formats().items()):
        for pictures, told in ((False, "by reference"), (True, "alongside")):
            run = made(project, lead, name, pictures=pictures)
            archive = zipfile.ZipFile(BytesIO(get_object(run.key)))
            manifest = json.loads(archive.read("manifest.json"))
            images = [entry["path"] for entry in manifest["files"] if entry.get("image")]
            assert manifest["images"] == told and bool(images) == pictures, name
            assert sorted(archive.namelist()) == sorted([*(entry["path"] for entry in manifest["files"]), "manifest.json"])
            for entry in manifest["files"]:
                data = archive.read(entry["path"])
                assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["bytes"], entry["sha256"]), name
        if name.startswith("dicom_"):
            whole = [pydicom.dcmread(BytesIO(archive.read(path))) for path in images]
            assert {str(dataset.SOPInstanceUID) for dataset in whole} == stored and len(whole) == len(stored), name
            assert all(dataset.pixel_array.shape == (phantoms.ROWS, phantoms.COLUMNS) for dataset in whole)
        assert one.read is None or verify_export(run=run)["ok"], name


def test_a_file_that_the_manifest_does_not_name_is_refused_at_the_proof(phantom, tmp_path):
    from backend.archive.store import get_object
    from backend.dicom.refusal import Refused
    from backend.exchange.export_runs import keep_archive
    from backend.exchange.verification import verify_export

    project, lead = phantom
    run = made(project, lead, "coco")
    path = tmp_path / "export.zip"
    path.write_bytes(get_object(run.key))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("images/other.png", b"")
    keep_archive(run, path)
    with pytest.raises(Refused, match=r"does not name its file images/other\.png"):
        verify_export(run=run)


def test_measurements_come_back_where_the_format_carries_them(phantom):
    from uuid import uuid4

    from backend.exchange.format_registry import written_formats
    from backend.exchange.verification import verify_export
    from backend.readings.models import Lesion, Reading

    project, lead = phantom
    box = Lesion.objects.get(reading__case__project=project, kind="box")
    place = {"sop_instance_uid": box.instance.sop_instance_uid, "frame": box.frame}
    points = {
        "arrow": [[3.25, 4.5], [20, 30]],
        "length": [[1.0, 2.0], [20.125, 30.0]],
        "bidirectional": [[5, 5], [30.123456, 30], [20, 8.5], [9.75, 18]],
        "angle": [[2, 2], [40.333333, 3], [7, 36.9]],
        "roi": [[10, 20], [40, 20], [25, 12], [25, 28]],
    }
    measured = [{"id": str(uuid4()), "kind": kind, **place, "points": at, "text": kind} for kind, at in points.items()]
    measured[1]["text"] = ""
    # Two diameters of which the first is the shorter one, and what a person measured where there is no lesion.
    measured.append({**measured[2], "id": str(uuid4()), "points": [[20, 8.5], [9.75, 18], [5, 5], [30, 30]], "text": "2"})
    empty = Reading.objects.get(case__project=project, verdict="no_lesion")
    other = {"id": str(uuid4()), "kind": "length", "frame": 1, "points": [[1, 2], [3, 4]], "text": "Heart"}
    other["sop_instance_uid"] = (empty.case.instance or empty.case.series.instances.first()).sop_instance_uid
    Reading.objects.filter(pk=box.reading_id).update(measurements=measured)
    Reading.objects.filter(pk=empty.pk).update(measurements=[other])
    carrying = {name for name, one in written_formats().items() if one.carries.measurements}
    assert carrying == {"coco", "table", "dicom_sr"}
    for name in sorted(carrying):
        run = made(project, lead, name)
        report = verify_export(run=run)
        assert report["ok"] and "measurements" in report["compared"], (name, report["differences"])
        told = [loss for loss in run.losses if loss["what"].startswith("measurement")]
        arrows = [{"what": "measurement", "kind": "arrow", "count": 1}] if name == "dicom_sr" else []
        assert told == arrows, name
    moved = [{**one, "points": [[x + 0.02, y] for x, y in one["points"]]} for one in measured]
    Reading.objects.filter(pk=box.reading_id).update(measurements=moved)
    assert "measurements" in str(verify_export(run=run)["differences"])
    Reading.objects.filter(pk=box.reading_id).update(measurements=measured[:1])
    assert "a measurement came back that did not go out" in str(verify_export(run=run)["differences"])
    lost = {(loss["what"], loss["count"]) for loss in made(project, lead, "masks").losses}
    assert ("measurements", 2) in lost


def test_the_slices_that_were_looked_at_come_back_or_are_told_as_left_out_before(phantom):
    from backend.exchange.format_registry import read_formats, written_formats
    from backend.exchange.verification import verify_export
    from backend.readings.models import Reading

    project, lead = phantom
    partly, empty = Reading.objects.filter(case__project=project, reader__name="LIDC 1").order_by("-verdict")
    assert (partly.verdict, empty.verdict) == ("no_lesion", "lesions")
    seen = [[0, 0], [2, 3]] if project.unit == "series" else [[0, 0]]
    Reading.objects.filter(pk=partly.pk).update(slices_read=seen)
    Reading.objects.filter(pk=empty.pk).update(slices_read=[])
    carrying = {name for name, one in written_formats().items() if one.carries.slices_read}
    assert carrying == {"coco", "table", "nifti", "masks"}
    for name in sorted(written_formats()):
        run = made(project, lead, name)
        lost = [loss for loss in run.losses if loss["what"] == "slices_read"]
        assert lost == ([] if name in carrying else [{"what": "slices_read", "count": 2}]), name
        if name in carrying:
            report = verify_export(run=run)
            assert report["ok"] and "slices that were looked at" in report["compared"], (name, report["differences"])
        elif name in read_formats():
            assert any("Which slices were looked at" in line for line in verify_export(run=run)["lost"]), name
    run = made(project, lead, "coco")
    Reading.objects.filter(pk=partly.pk).update(slices_read=None)
    assert "the slices looked at, not recorded, came back as 0 to 0" in str(verify_export(run=run)["differences"])


def test_the_proof_becomes_part_of_the_export_and_sees_what_differs(phantom):
    from backend.archive.store import get_object
    from backend.exchange.verification import verify_export
    from backend.readings.models import Lesion

    project, lead = phantom
    run = made(project, lead, "coco")
    first = run.sha256
    assert verify_export(run=run)["ok"]
    archive = zipfile.ZipFile(BytesIO(get_object(run.key)))
    assert archive.testzip() is None and json.loads(archive.read("verification.json"))["ok"]
    assert run.sha256 != first
    # A mark that moves behind the proof's back by a twentieth of a pixel, and a type that goes.
    box = Lesion.objects.get(reading__case__project=project, kind="box")
    Lesion.objects.filter(pk=box.pk).update(points=[[3.25, 4.55], [20.125, 30.0625]])
    Lesion.objects.filter(reading__case__project=project, kind="point").update(
        finding_type=project.finding_types.get(name="Mass, other")
    )
    report = verify_export(run=run)
    assert not report["ok"] and any("box" in line and "0.05" in line for line in report["differences"])
    assert any("(point)" in line for line in report["differences"])
    names = zipfile.ZipFile(BytesIO(get_object(run.key))).namelist()
    assert names.count("verification.json") == 1 and names.count("manifest.json") == 1
    # A reading that was saved since is told apart from a difference.
    box.reading.revision += 1
    box.reading.save()
    assert verify_export(run=run)["changed_since"] == 1


def test_what_a_format_cannot_carry_is_counted_before(phantom):
    from backend.exchange.export_runs import ExportOrder, preview_export

    project, lead = phantom
    preview = preview_export(project=project, by=lead, order=ExportOrder(format="masks"))
    losses = {(loss["what"], loss.get("kind", "")): loss["count"] for loss in preview.losses}
    assert losses["kind", "ellipse"] == 1 and losses["attributes", ""] == 1 and losses["image_findings", ""] == 2
    assert preview_export(project=project, by=lead, order=ExportOrder(format="coco")).losses == []
    assert preview.counts["readings"] == 3 and preview.counts["readers"] == 2


def test_an_export_of_some_types_never_says_that_there_is_nothing_else(phantom, tmp_path):
    from io import StringIO

    from django.core.management import call_command

    from backend.archive.store import get_object
    from backend.exchange.export_selection import ExportFilter
    from backend.exchange.verification import verify_export
    from backend.projects.models import Case, Project
    from backend.readings.models import Reading

    project, lead = phantom
    nodule = project.finding_types.get(name="Nodule")
    for name in ("coco", "table", "yolo", "nnunet"):
        run = made(project, lead, name, chosen=ExportFilter(finding_types=[nodule.pk]))
        assert verify_export(run=run)["ok"], name
    path = tmp_path / "some.zip"
    path.write_bytes(get_object(made(project, lead, "coco", chosen=ExportFilter(finding_types=[nodule.pk])).key))
    twin = Project.objects.create(
        slug="twin", name="Twin", modality="CT", unit=project.unit, archive=project.archive, split_key=project.split_key
    )
    for case in project.cases.all():
        Case.objects.create(
            project=twin, series=case.series, instance=case.instance, number=case.number, name=case.name, split=case.split,
            group_key=case.group_key,
        )  # fmt: skip
    call_command("import_readings", str(path), "--project", "twin", stdout=StringIO())
    told = Reading.objects.filter(case__project=twin).values_list("case__name", "reader__name", "verdict", "label_kind")
    # The second reader marked masses only: nothing of his goes out, and nothing is claimed.
    assert sorted(told) == [("CT-0001", "LIDC 1", "lesions", "image"), ("CT-0002", "LIDC 1", "no_lesion", "full")]
