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


def test_measurements_come_back_where_the_format_carries_them(phantom):
    from backend.exchange.formats import coco
    from backend.exchange.verification import verify_export
    from backend.readings.models import Lesion, Reading

    project, lead = phantom
    box = Lesion.objects.get(reading__case__project=project, kind="box")
    place = {"sop_instance_uid": box.instance.sop_instance_uid, "frame": box.frame}
    arrow = {"id": "1", "kind": "arrow", **place, "points": [[3.25, 4.5], [20, 30]], "text": "here"}
    length = {"id": "2", "kind": "length", **place, "points": [[1.0, 2.0], [20.125, 30.0]], "text": ""}
    Reading.objects.filter(pk=box.reading_id).update(measurements=[arrow, length])
    run = made(project, lead, "coco")
    report = verify_export(run=run)
    assert report["ok"], report["differences"]
    assert coco.CARRIES.measurements and "measurements" in report["compared"]
    Reading.objects.filter(pk=box.reading_id).update(measurements=[length])
    assert "measurements" in str(verify_export(run=run)["differences"])


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
