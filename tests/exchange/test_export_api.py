"""Exports through the API: ordered, followed, fetched in pieces, proved, stopped, gone; for who made them alone."""

from __future__ import annotations

import hashlib
import json
import zipfile
from datetime import timedelta
from io import BytesIO

import pytest

from tests.exchange import phantoms
from tests.rows import make_case, make_model, make_reading

pytestmark = pytest.mark.django_db
URL = "/api/v1/projects/phantom/exports/"


@pytest.fixture
def read(tmp_path, make_dicom, as_file, make_person, as_person):
    """A project with a read image; its lead's client."""
    from backend.projects.models import Membership

    project = phantoms.make_project(unit="image", deid="none")
    phantoms.write_images(tmp_path / "given", make_dicom, as_file)
    phantoms.read_cases(project, phantoms.import_images(project, tmp_path / "given"))
    lead = make_person("lena")
    Membership.objects.create(project=project, user=lead, role="lead")
    return project, as_person(lead)


def run_job(document_or_job) -> None:
    """What a worker does with a job's id."""
    from workers.tasks import export_run, verify_run

    (export_run if document_or_job.task == "exchange.run_export" else verify_run)(str(document_or_job.pk))


def started(client, **order) -> tuple[str, object]:
    from backend.exchange.models import ExportRun

    answer = client.post(URL, {"format": "coco", **order}, format="json")
    assert answer.status_code == 202, answer.content
    return answer.json()["id"], ExportRun.objects.get(pk=answer.json()["id"])


def finished(client, **order) -> dict:
    key, run = started(client, **order)
    run_job(run.job)
    document = client.get(f"{URL}{key}/").json()
    assert document["state"] == "done", document
    return document


def test_an_export_is_ordered_followed_fetched_and_proved(read):
    from backend.audit.models import Event
    from backend.exchange.models import ExportRun

    project, client = read
    assert {"coco", "yolo", "voc", "nifti", "nnunet", "table", "masks"} <= {
        one["name"] for one in client.get(f"{URL}formats/").json()
    }
    preview = client.post(f"{URL}preview/", {"format": "voc"}, format="json").json()
    assert {"what": "kind", "kind": "ellipse", "becomes": "box", "count": 1} in preview["losses"]
    document = finished(client, format="voc", pictures=True)
    assert document["progress"] == {"done": 1, "total": 1} and document["counts"]["lesions"] == 11
    whole = client.get(f"{URL}{document['id']}/file/")
    data = b"".join(whole.streaming_content)
    assert hashlib.sha256(data).hexdigest() == document["sha256"] and len(data) == document["size"]
    archive = zipfile.ZipFile(BytesIO(data))
    manifest = json.loads(archive.read("manifest.json"))
    assert {entry["path"] for entry in manifest["files"]} == set(archive.namelist()) - {"manifest.json"}
    assert "images/CT-0001.png" in archive.namelist() and manifest["images"] == "alongside"
    assert manifest["created_by"] == "lena" and manifest["readings"][0]["revision"] == 1
    assert any("1 marks of kind ellipse become a box" in line for line in manifest["lost"])
    proof = client.post(f"{URL}{document['id']}/verify/")
    assert proof.status_code == 202 and proof.json()["verifying"] is not None
    run_job(ExportRun.objects.get(pk=document["id"]).verification_job)
    proved = client.get(f"{URL}{document['id']}/").json()
    assert proved["verification"]["ok"] and proved["verification"]["lesions"] == 11 and proved["verifying"] is None
    assert proved["sha256"] != document["sha256"]
    verbs = set(Event.objects.values_list("verb", flat=True))
    assert {"export.started", "export.finished", "export.downloaded", "export.verified"} <= verbs


def test_a_broken_transfer_goes_on_and_an_old_one_does_not(read):
    _, client = read
    document = finished(client)
    url = f"{URL}{document['id']}/file/"
    whole = b"".join(client.get(url).streaming_content)
    half, etag = len(whole) // 2, f'"{document["sha256"]}"'
    part = client.get(url, headers={"Range": f"bytes={half}-", "If-Range": etag})
    assert part.status_code == 206 and part["Content-Range"] == f"bytes {half}-{len(whole) - 1}/{len(whole)}"
    assert whole[:half] + b"".join(part.streaming_content) == whole
    tail = client.get(url, headers={"Range": "bytes=-7"})
    assert b"".join(tail.streaming_content) == whole[-7:] and tail.status_code == 206
    changed = client.get(url, headers={"Range": f"bytes={half}-", "If-Range": '"other"'})
    assert changed.status_code == 200 and b"".join(changed.streaming_content) == whole
    assert client.get(url, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416
    assert client.get(f"{URL}{document['id']}/", headers={"If-None-Match": "x"}).status_code == 200


def test_only_who_made_an_export_has_it_and_only_while_it_lasts(read, make_person, as_person):
    from django.utils import timezone

    from backend.archive.store import has_object
    from backend.exchange.export_runs import expire_exports
    from backend.exchange.models import ExportRun
    from backend.projects.models import Membership

    project, client = read
    document = finished(client)
    second = make_person("lars")
    Membership.objects.create(project=project, user=second, role="lead")
    other = as_person(second)
    shown = other.get(f"{URL}{document['id']}/").json()
    assert shown["own"] is False and shown["counts"] == {} and shown["losses"] == []
    for answer in (other.get(f"{URL}{document['id']}/file/"), other.post(f"{URL}{document['id']}/verify/"),
                   other.delete(f"{URL}{document['id']}/")):  # fmt: skip
        assert answer.status_code == 403
    run = ExportRun.objects.get(pk=document["id"])
    ExportRun.objects.filter(pk=run.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert expire_exports() == 1 and not has_object(run.key)
    assert client.get(f"{URL}{document['id']}/file/").status_code == 404
    assert client.get(f"{URL}{document['id']}/").json()["state"] == "expired"
    assert client.delete(f"{URL}{document['id']}/").status_code == 204 and client.get(URL).json() == []


def test_filters_limit_and_nothing_is_no_export(read):
    project, client = read
    reader = project.readers.get(name="LIDC 1")
    chosen = {"readers": [reader.pk], "splits": list({case.split for case in project.cases.all()}), "since": "2020-01-01"}
    document = finished(client, filter=chosen)
    assert document["counts"]["readings"] == 1 and document["filter"]["since"] == "2020-01-01"
    assert client.post(URL, {"format": "coco", "filter": {"until": "2020-01-01"}}, format="json").status_code == 400
    assert client.post(URL, {"format": "coco", "filter": {"readers": [99999]}}, format="json").status_code == 400
    assert client.post(URL, {"format": "mesh"}, format="json").status_code == 400


def test_a_waiting_export_can_be_stopped(read):
    _, client = read
    key, _ = started(client)
    assert client.post(f"{URL}{key}/cancel/").json()["state"] == "cancelled"
    assert client.post(f"{URL}{key}/verify/").status_code == 400


def test_model_output_goes_out_only_where_asked_for_and_not_of_cases_read_blinded(lead, project, as_person):
    from backend.exchange.export_selection import ExportFilter, exported_readings
    from backend.projects.models import Assignment

    seen, blind = make_case(project), make_case(project)
    model = make_model(project)
    for case in (seen, blind):
        make_reading(model, case, scores=[0.9])
        Assignment.objects.create(case=case, user=lead, arm="assisted", arm_probability=1.0)
    Assignment.objects.filter(case=blind).update(arm="blinded")
    plain = exported_readings(project=project, by=lead, chosen=ExportFilter())
    asked = exported_readings(project=project, by=lead, chosen=ExportFilter(models=True))
    assert plain.count() == 0 and [reading.case_id for reading in asked] == [seen.pk]
    Assignment.objects.filter(case=blind).update(state="submitted")
    assert exported_readings(project=project, by=lead, chosen=ExportFilter(models=True)).count() == 2
