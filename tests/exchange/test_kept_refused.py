"""Whatever an import refuses is kept in quarantine as it came: zips, masks, tables, readings; given out, tried again."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from PIL import Image

from backend.archive.encryption import QUARANTINE, CannotOpen, sealed
from backend.archive.models import QuarantinedFile
from backend.archive.quarantine import original_of
from backend.archive.store import get_object, put_object
from backend.audit.models import Event
from backend.dicom.refusal import Refused
from backend.exchange import importing, zips
from backend.exchange.import_options import ImportOptions
from backend.exchange.models import ImportItem, ImportRun
from backend.exchange.services import close_import, import_from_server, perform_import, run_import
from backend.exchange.sources import upload_folder
from backend.jobs.models import Job
from backend.jobs.services import JobCancelled, claim_job
from backend.projects.models import Case, Membership, Project
from backend.readings.models import Reading

ROOT = "/api/v1/projects/breast/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def api(lead, as_person):
    return as_person(lead)


@pytest.fixture
def send(api):
    """Uploads files, imports them, and gives their items by name."""

    def whole(files: dict[str, bytes], **options: object) -> dict[str, ImportItem]:
        offered = [{"name": name, "size": len(data)} for name, data in files.items()]
        run = api.post(f"{ROOT}imports/", {"files": offered, "options": options}, format="json").json()
        for item in ImportItem.objects.filter(run=run["id"]):
            url = f"{ROOT}imports/{run['id']}/files/{item.pk}/?offset=0"
            api.put(url, files[item.name], content_type="application/octet-stream")
        api.post(f"{ROOT}imports/{run['id']}/start/", {}, format="json")
        work()
        return {item.name: item for item in ImportItem.objects.filter(run=run["id"])}

    return whole


def work() -> None:
    lease = claim_job(Job.objects.order_by("-created_at")[0].pk)
    assert lease is not None
    run_import(lease)


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def kept(item: ImportItem) -> bytes:
    assert item.quarantined is not None
    with original_of(item.quarantined) as path:
        return path.read_bytes()


def listed(api) -> dict[str, dict]:
    return {row["name"]: row for row in api.get(f"{ROOT}quarantine/?kind=refused").json()["results"]}


def test_a_zip_that_cannot_be_read_is_kept_once_as_it_came(project, send, api):
    data = b"PK\x03\x04 and nothing"
    first, second = send({"a.zip": data})["a.zip"], send({"again.zip": data})["again.zip"]
    assert kept(first) == data and first.quarantined == second.quarantined
    (row,) = listed(api).values()
    assert row["reason"] == first.reason == "Damaged: the zip archive cannot be read." and row["size"] == len(data)


def test_a_zip_with_a_bomb_in_it_is_kept_whole_and_never_unpacked(project, send, api, picture):
    data = packed({"1.png": picture(1).read_bytes(), "bomb.dcm": bytes(64 * 1024**2)})
    items = send({"all.zip": data})
    assert items["all.zip/1.png"].state == "imported" and "a bomb" in items["all.zip/bomb.dcm"].reason
    assert items["all.zip"].reason == "1 of its files could not be unpacked: the zip archive is kept as it came."
    assert kept(items["all.zip"]) == data and list(listed(api)) == ["all.zip"]


def test_of_a_zip_that_can_be_unpacked_only_what_is_refused_is_kept(project, send, api, picture):
    items = send({"all.zip": packed({"1.png": picture(1).read_bytes(), "x/notes.txt": b"words"})})
    assert set(items) == {"all.zip/1.png", "all.zip/x/notes.txt"}
    assert kept(items["all.zip/x/notes.txt"]) == b"words" and list(listed(api)) == ["all.zip/x/notes.txt"]


def test_readings_that_cannot_be_used_are_kept(project, send, real_data):
    broken = b'<?xml version="1.0"?><LidcReadMessage xmlns="http://www.nih.gov"><readingSession>'
    segmentation = (real_data / "dicom_objects" / "highdicom" / "seg_image_sm_dots.dcm").read_bytes()
    items = send({"069.xml": broken, "seg.dcm": segmentation, "notes.txt": b"words"})
    assert {item.state for item in items.values()} == {"refused"} and "microscopy" in items["seg.dcm"].reason
    assert kept(items["069.xml"]) == broken and kept(items["notes.txt"]) == b"words"
    assert kept(items["seg.dcm"]) == segmentation
    assert not upload_folder(items["seg.dcm"].run_id).exists()


def test_a_mask_that_does_not_fit_its_image_or_has_none_is_refused_and_kept(project, send, api, picture):
    mask, other = png(np.ones((4, 4), np.uint8)), png(np.ones((40, 48), np.uint8))
    items = send({"1.png": picture(1).read_bytes(), "m/1.png": mask, "m/2.png": other}, masks_prefix="m/")
    assert items["1.png"].state == "imported" and not Reading.objects.exists()
    assert items["m/1.png"].reason == "It was not used: The mask has 4×4 pixels, its image 40×48."
    assert items["m/2.png"].reason == "It was not used: no image that this import has brought in has its name."
    assert (kept(items["m/1.png"]), kept(items["m/2.png"])) == (mask, other)
    rows = listed(api)
    assert not rows["m/1.png"]["may_retry"]
    answer = api.post(f"{ROOT}quarantine/retry/", {"files": [rows["m/1.png"]["id"]]}, format="json")
    assert answer.status_code == 400 and "together with its images" in answer.json()["detail"]


def test_a_table_that_ends_its_import_is_kept_with_the_reason(project, send, api, picture):
    with pytest.raises(Refused, match="no column with file names"):
        send({"1.png": picture(1).read_bytes(), "t.csv": b"a,b\n1,2\n"}, labels_file="t.csv")
    run = ImportRun.objects.get()
    item = ImportItem.objects.get(name="t.csv")
    assert run.state == "failed" and (item.state, item.reason) == ("refused", run.message)
    assert kept(item) == b"a,b\n1,2\n" and not listed(api)["t.csv"]["may_retry"]


def test_what_was_refused_before_an_import_was_cancelled_is_kept(project, lead, tmp_path, send, monkeypatch):
    import backend.exchange.services as services

    def cancelled(**_arguments: object) -> None:
        raise JobCancelled

    monkeypatch.setattr(services, "make_cases", cancelled)
    with pytest.raises(JobCancelled):
        send({"notes.txt": b"words"})
    assert ImportRun.objects.get().state == "failed" and kept(ImportItem.objects.get()) == b"words"


def test_half_a_table_of_readings_is_neither_read_nor_kept(project, api, picture):
    run = api.post(f"{ROOT}imports/", {"files": [{"name": "boxes.csv", "size": 500}]}, format="json").json()
    item = ImportItem.objects.get()
    url = f"{ROOT}imports/{run['id']}/files/{item.pk}/?offset=0"
    api.put(url, b"image,x,y,w,h,label\n1.png,1,1,2,2,mass\n", content_type="application/octet-stream")
    api.post(f"{ROOT}imports/{run['id']}/start/", {"skip_unfinished": True}, format="json")
    work()
    item.refresh_from_db()
    assert (item.state, item.reason, item.quarantined) == ("refused", "The upload was not finished.", None)


def test_what_lies_in_a_folder_of_the_server_stays_there_and_is_not_copied(project, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_bytes(b"words")
    options = ImportOptions(source=str(tmp_path / "in"))
    import_from_server(project=project, by=None, options=options, limit=None, on_item=lambda *_: None)
    assert ImportItem.objects.get().state == "refused" and not QuarantinedFile.objects.exists()
    assert (tmp_path / "in" / "notes.txt").read_bytes() == b"words"


def test_a_file_larger_than_a_piece_is_encrypted_in_pieces_that_cannot_change_places(project, send, monkeypatch):
    monkeypatch.setattr("backend.archive.quarantine._PIECE", 8)
    item = send({"notes.txt": b"Jane Doe was here on a Monday"})["notes.txt"]
    assert kept(item) == b"Jane Doe was here on a Monday"
    folder = f"quarantine/{project.archive_id}/{item.quarantined_id}"
    pieces = [get_object(f"{folder}/file-{number}") for number in range(4)]
    assert not any(b"Jane" in piece for piece in pieces)
    put_object(key=f"{folder}/file-0", data=pieces[1])
    with pytest.raises(CannotOpen):
        kept(item)


def test_a_file_that_an_earlier_version_kept_in_one_piece_is_still_read(project, send):
    item = send({"notes.txt": b"words"})["notes.txt"]
    key = f"quarantine/{project.archive_id}/{item.quarantined_id}/file"
    put_object(key=key, data=sealed(b"as it was", purpose=QUARANTINE, context=key))
    assert kept(item) == b"as it was"


def test_a_lead_downloads_what_was_refused_and_it_is_audited(project, lead, send, api):
    item = send({"d/notes.txt": b"words"})["d/notes.txt"]
    assert api.get(f"{ROOT}quarantine/").json()["may_download"] is True
    answer = api.get(f"{ROOT}quarantine/{item.quarantined_id}/file/")
    assert b"".join(answer.streaming_content) == b"words"
    assert answer["Content-Disposition"] == 'attachment; filename="notes.txt"' and "no-store" in answer["Cache-Control"]
    event = Event.objects.get(verb="quarantine.downloaded")
    assert (event.actor, event.object_id) == (lead.username, str(item.quarantined_id)) and "notes" not in json.dumps(
        event.detail
    )
    api.post(f"{ROOT}quarantine/discard/", {"files": [str(item.quarantined_id)], "reason": "notes"}, format="json")
    assert api.get(f"{ROOT}quarantine/{item.quarantined_id}/file/").status_code == 404


def test_where_files_are_cleaned_only_who_may_look_identities_up_gets_an_original(project, lead, send, api):
    project.archive.deid_profile = "basic"
    project.archive.save()
    item = send({"notes.txt": b"Jane"})["notes.txt"]
    url = f"{ROOT}quarantine/{item.quarantined_id}/file/"
    assert api.get(url).status_code == 403 and not Event.objects.filter(verb="quarantine.downloaded").exists()
    assert api.get(f"{ROOT}quarantine/").json()["may_download"] is False
    Membership.objects.filter(user=lead, project=project).update(may_reidentify=True)
    assert b"".join(api.get(url).streaming_content) == b"Jane"


def test_a_zip_tried_again_is_used_and_leaves_quarantine(project, lead, send, api, picture, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(zips, "MAX_ENTRIES", 0)
        item = send({"all.zip": packed({"1.png": picture(1).read_bytes()})})["all.zip"]
    assert item.state == "refused" and listed(api)["all.zip"]["may_retry"]
    body = {"files": [str(item.quarantined_id)]}
    answer = api.post(f"{ROOT}quarantine/retry/", body, format="json")
    assert answer.status_code == 202 and answer.json()["files"] == 1
    again = api.post(f"{ROOT}quarantine/retry/", body, format="json")
    assert again.status_code == 400 and "being tried" in again.json()["detail"]
    work()
    assert Case.objects.count() == 1 and not listed(api)
    assert QuarantinedFile.objects.get().state == "released"
    assert not list(Path(settings.DATA_DIR, "objects", "quarantine", str(project.archive_id)).rglob("file*"))
    run = ImportRun.objects.get(pk=answer.json()["imports"][0])
    assert run.created_by == lead and [one.name for one in run.items.all()] == ["all.zip/1.png"]
    assert Event.objects.get(verb="quarantine.retried").detail["count"] == 1


def test_what_is_refused_again_stays_with_the_reason_that_holds_now(project, send, api, monkeypatch):
    data = packed({"link": b"x"})
    with monkeypatch.context() as patched:
        patched.setattr(zips, "MAX_ENTRIES", 0)
        item = send({"all.zip": data})["all.zip"]
    monkeypatch.setattr(zips, "MAX_TOTAL_BYTES", 0)
    assert api.post(f"{ROOT}quarantine/retry/", {"files": [str(item.quarantined_id)]}, format="json").status_code == 202
    work()
    row = QuarantinedFile.objects.get()
    assert row.state == "waiting" and row.reason == "The zip archive unpacks to more than 0 GB."
    item = ImportItem.objects.order_by("-run__created_at")[0]
    assert item.state == "refused" and kept(item) == data


def test_what_is_tried_again_keeps_what_its_import_knew_of_it(project, send, api, picture, monkeypatch):
    table = b"file,patient,class\n1.png,P1,mass\n2.png,P1,mass\n"
    told: list[dict] = []

    def noted(**given: Any) -> Any:
        told.append({key: given[key] for key in ("patient_id", "modality", "beside", "volume")})
        raise Refused("Its series has been read already; no image can be added to it.")

    files = {
        "1.png": picture(1).read_bytes(),
        "imagesTr/b_0000.nii.gz": b"a volume",
        "imagesTr/b_0001.nii.gz": b"another",
        "dataset.json": b'{"channel_names": {"0": "T1", "1": "CT"}}',
        "t.csv": table,
    }
    with monkeypatch.context() as patched:
        patched.setattr(importing, "ingest_file", noted)
        items = send(files, labels_file="t.csv", columns="patient=patient", volumes="images")
        before = [one for one in told if one["volume"] or one["patient_id"]]
        told.clear()
        chosen = [str(items[name].quarantined_id) for name in ("1.png", "imagesTr/b_0000.nii.gz", "imagesTr/b_0001.nii.gz")]
        assert api.post(f"{ROOT}quarantine/retry/", {"files": chosen}, format="json").status_code == 202
        work()
    assert len(before) == 3 and before[0]["patient_id"] == "P1" and before[1]["beside"]["group"] == "imagesTr/b"
    assert [one["modality"] for one in before[1:]] == ["MR", "CT"]
    assert told == before
    assert ImportRun.objects.order_by("-created_at")[0].options["volumes"] == "images"


def test_what_is_gone_before_it_is_tried_again_is_told(project, send, api):
    item = send({"notes.txt": b"words"})["notes.txt"]
    api.post(f"{ROOT}quarantine/retry/", {"files": [str(item.quarantined_id)]}, format="json")
    api.post(f"{ROOT}quarantine/discard/", {"files": [str(item.quarantined_id)]}, format="json")
    work()
    again = ImportItem.objects.order_by("-run__created_at")[0]
    assert (again.state, again.reason) == ("refused", "What was kept of it cannot be read any more.")


def test_projects_of_one_archive_keep_the_same_file_each_for_its_own_leads(project, lead, send, api):
    item = send({"notes.txt": b"words"})["notes.txt"]
    other = Project.objects.create(slug="other", name="Other", archive=project.archive)
    Membership.objects.create(project=other, user=lead, role="lead")
    url = f"/api/v1/projects/other/quarantine/{item.quarantined_id}/"
    assert api.get(f"{url}file/").status_code == 404
    retried = api.post("/api/v1/projects/other/quarantine/retry/", {"files": [str(item.quarantined_id)]}, format="json")
    assert retried.status_code == 400
    run = ImportRun.objects.create(project=other)
    mine = ImportItem.objects.create(run=run, name="n.txt", size=5, received=5, state="waiting")
    folder = Path(settings.UPLOAD_DIR) / str(run.pk)
    folder.mkdir(parents=True)
    (folder / str(mine.pk)).write_bytes(b"words")
    perform_import(run=run, on_item=lambda *_: None)
    mine.refresh_from_db()
    assert mine.quarantined_id != item.quarantined_id and kept(mine) == b"words"
    close_import(run, "done", "")
