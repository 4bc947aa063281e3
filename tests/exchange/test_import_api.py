"""Imports through the API: resumable pieces, one start, results per file; for leads alone."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError

from backend.exchange.models import ImportItem, ImportRun
from backend.exchange.services import perform_import, run_import
from backend.jobs.models import Job
from backend.jobs.services import claim_job
from backend.projects.models import Case

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/projects/breast/imports/"


@pytest.fixture
def api(as_person, lead):
    return as_person(lead)


def put(api, url: str, data: bytes, **headers: str):
    return api.put(url, data, content_type="application/octet-stream", **headers)


def send(api, files: dict[str, bytes], **options: object) -> dict:
    """Open an import and send every file whole."""
    offered = [{"name": name, "size": len(data)} for name, data in files.items()]
    run = api.post(ROOT, {"files": offered, "options": options}, format="json").json()
    for item in api.get(f"{ROOT}{run['id']}/items/?limit=500").json()["results"]:
        if item["state"] == "uploading":
            answer = put(api, f"{ROOT}{run['id']}/files/{item['id']}/?offset=0", files[item["name"]])
            assert answer.status_code == 200, answer.content
    return run


def work() -> None:
    """What the worker does with the newest job."""
    lease = claim_job(Job.objects.order_by("-created_at")[0].pk)
    assert lease is not None
    run_import(lease)


def test_files_are_sent_imported_and_told(api, picture):
    run = send(api, {"a/1.png": picture(1).read_bytes(), "a/2.png": picture(2).read_bytes(), "a/notes.txt": b"words"})
    started = api.post(f"{ROOT}{run['id']}/start/", {}, format="json")
    assert started.status_code == 202 and started.json()["state"] == "queued"
    work()
    after = api.get(f"{ROOT}{run['id']}/").json()
    assert after["state"] == "done"
    assert after["counts"] == {
        "total": 3,
        "uploading": 0,
        "waiting": 0,
        "imported": 2,
        "duplicate": 0,
        "embargoed": 0,
        "refused": 1,
        "held": 0,
    }
    assert after["progress"] == {"done": 3, "total": 3}
    results = api.get(f"{ROOT}{run['id']}/items/").json()["results"]
    assert (results[0]["name"], results[0]["state"]) == ("a/notes.txt", "refused")
    assert results[1]["case"]["name"] == "US-0001" and results[1]["modality"] == "US"
    assert not (Path(settings.UPLOAD_DIR) / run["id"]).exists()  # received bytes do not stay


def test_an_upload_goes_on_where_it_stopped(api, picture):
    data = picture().read_bytes()
    run = api.post(ROOT, {"files": [{"name": "1.png", "size": len(data)}]}, format="json").json()
    item = api.get(f"{ROOT}{run['id']}/items/").json()["results"][0]
    url = f"{ROOT}{run['id']}/files/{item['id']}/?offset="
    assert put(api, url + "0", data[:100]).json() == {"received": 100}
    again = put(api, url + "0", data[:100])
    assert (again.status_code, again.json()["received"]) == (409, 100)
    ahead = put(api, url + "200", data[200:])
    assert (ahead.status_code, ahead.json()["received"]) == (409, 100)
    early = api.post(f"{ROOT}{run['id']}/start/", {}, format="json")
    assert (early.status_code, early.json()["code"]) == (409, "unfinished")
    assert put(api, url + "100", data[100:]).json() == {"received": len(data)}
    assert put(api, url + str(len(data)), b"more").status_code == 409
    stored = Path(settings.UPLOAD_DIR) / run["id"] / item["id"]
    assert stored.read_bytes() == data
    assert stored.stat().st_mode & 0o077 == 0


def test_more_bytes_than_were_said_are_refused(api):
    run = api.post(ROOT, {"files": [{"name": "1.png", "size": 3}]}, format="json").json()
    item = ImportItem.objects.get()
    answer = put(api, f"{ROOT}{run['id']}/files/{item.pk}/?offset=0", b"four")
    assert answer.status_code == 400


def test_packed_and_oversized_pieces_are_refused(api):
    run = api.post(ROOT, {"files": [{"name": "1.png", "size": 20_000_000}]}, format="json").json()
    url = f"{ROOT}{run['id']}/files/{ImportItem.objects.get().pk}/?offset=0"
    assert put(api, url, b"x", HTTP_CONTENT_ENCODING="gzip").status_code == 415
    assert put(api, url, b"x" * (8 * 1024 * 1024 + 1)).status_code == 413
    assert put(api, url, b"x" * (8 * 1024 * 1024)).status_code == 200
    assert api.put(url, {"a": 1}, format="json").status_code == 415


def test_starting_twice_starts_once(api, picture):
    run = send(api, {"1.png": picture().read_bytes()})
    first = api.post(f"{ROOT}{run['id']}/start/", {}, format="json").json()
    assert api.post(f"{ROOT}{run['id']}/start/", {}, format="json").json()["job"] == first["job"]
    assert Job.objects.filter(task="exchange.run_import").count() == 1


def test_a_started_import_takes_no_more_bytes_and_unfinished_files_are_refused_by_wish(api, picture):
    data = picture().read_bytes()
    run = send(api, {"1.png": data})
    run = api.post(ROOT, {"files": [{"name": "1.png", "size": 5}, {"name": "2.png", "size": 0}]}, format="json").json()
    assert api.post(f"{ROOT}{run['id']}/start/", {"skip_unfinished": True}, format="json").status_code == 202
    states = dict(ImportItem.objects.filter(run_id=run["id"]).values_list("name", "reason"))
    assert states == {"1.png": "The upload was not finished.", "2.png": "The file is empty."}
    item = ImportItem.objects.get(run_id=run["id"], name="1.png")
    assert put(api, f"{ROOT}{run['id']}/files/{item.pk}/?offset=0", b"x").status_code == 409


def test_an_import_broken_off_goes_on_without_doubling_anything(api, picture, monkeypatch):
    run = send(api, {f"{n}.png": picture(n).read_bytes() for n in range(4)})
    api.post(f"{ROOT}{run['id']}/start/", {}, format="json")
    import backend.exchange.importing as importing

    whole = importing.ingest_file
    calls = []

    def dies(**arguments: object):
        calls.append(1)
        if len(calls) == 3:
            raise SystemExit
        return whole(**arguments)

    monkeypatch.setattr(importing, "ingest_file", dies)
    job = Job.objects.get()
    lease = claim_job(job.pk)
    with pytest.raises(SystemExit):
        run_import(lease)
    Job.objects.update(lease_expires_at=None, state="queued")
    run_import(claim_job(job.pk))
    assert ImportRun.objects.get().state == "done"
    assert Case.objects.count() == 4
    assert set(ImportItem.objects.values_list("state", flat=True)) == {"imported"}


def test_an_uploaded_zip_is_listed_file_by_file(api, picture):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(picture(1), "x/1.png")
        archive.writestr("../evil.png", b"x")
    run = send(api, {"all.zip": packed.getvalue(), "broken.zip": b"PK\x03\x04 and nothing"})
    api.post(f"{ROOT}{run['id']}/start/", {}, format="json")
    work()
    results = {item["name"]: item for item in api.get(f"{ROOT}{run['id']}/items/").json()["results"]}
    assert results["all.zip/x/1.png"]["state"] == "imported"
    assert "outside" in results["all.zip/../evil.png"]["reason"]
    assert results["broken.zip"]["reason"] == "Damaged: the zip archive cannot be read."
    # One of its files cannot be got out of it, so that it is kept whole.
    assert results["all.zip"]["reason"] == "1 of its files could not be unpacked: the zip archive is kept as it came."


def test_labels_travel_as_files_of_the_import(api, picture):
    import numpy as np
    from PIL import Image

    mask = np.zeros((40, 48), np.uint8)
    mask[3:9, 4:10] = 1
    out = io.BytesIO()
    Image.fromarray(mask).save(out, "PNG")
    files = {
        "d/images/1.png": picture(1).read_bytes(),
        "d/masks/1.png": out.getvalue(),
        "d/index.csv": b"file,class\n1.png,benign mass\n",
    }
    options = {"masks_prefix": "d/masks/", "labels_file": "d/index.csv", "imported_reader": "Truth"}
    run = send(api, files, **options)
    api.post(f"{ROOT}{run['id']}/start/", {}, format="json")
    work()
    after = api.get(f"{ROOT}{run['id']}/").json()
    assert (after["state"], after["message"]) == ("done", "1 readings of Truth.")
    case = Case.objects.get()
    reading = case.readings.get()
    assert (reading.reader.name, reading.lesions.get().finding_type.name) == ("Truth", "Benign mass")
    assert dict(ImportItem.objects.values_list("name", "reason"))["d/masks/1.png"] == "Labels."


@pytest.mark.parametrize("lost_in", ["bring_readings", "attach_waiting", "keep_refused_files", "close_import"])
def test_an_attempt_after_the_tables_were_told_finds_them_again(api, picture, monkeypatch, lost_in: str):
    import numpy as np
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.kron(np.eye(2, dtype=np.uint8), np.ones((20, 24), np.uint8))).save(out, "PNG")
    files = {
        "i/1.png": picture(1).read_bytes(),
        "m/1.png": out.getvalue(),
        "labels.csv": b"file,class\ni/1.png,mass\n",
        "texts.csv": b"file,indication\ni/1.png,Lump\n",
    }
    run = send(api, files, masks_prefix="m/", labels_file="labels.csv", context_file="texts.csv")

    def is_away(*_: object, **__: object) -> None:
        raise OperationalError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(f"backend.exchange.services.{lost_in}", is_away)
        with pytest.raises(OperationalError):
            perform_import(run=ImportRun.objects.get(), on_item=lambda *_: None)
    perform_import(run=ImportRun.objects.get(), on_item=lambda *_: None)
    assert ImportRun.objects.get().state == "done" and Case.objects.get().readings.count() == 1
    told = {item.name: (item.state, item.reason) for item in ImportItem.objects.all()}
    assert {state for state, _ in told.values()} == {"imported"}, told
    assert told["i/1.png"][1] == "" and told["m/1.png"][1] == "Labels." and told["labels.csv"][1].startswith("Labels.")
    assert told["texts.csv"][1].startswith("Clinical texts of 1 cases stored")
    assert not (Path(settings.UPLOAD_DIR) / run["id"]).exists()


def test_a_table_that_makes_no_sense_fails_the_import_with_its_reason(api, picture):
    run = send(api, {"1.png": picture(1).read_bytes(), "l.csv": b"a,b\n1,2\n"}, labels_file="l.csv")
    api.post(f"{ROOT}{run['id']}/start/", {}, format="json")
    with pytest.raises(Exception, match="no column with file names"):
        work()
    after = api.get(f"{ROOT}{run['id']}/").json()
    assert after["state"] == "failed" and "no column with file names" in after["message"]


def test_who_polls_gets_304_while_nothing_changes(api, picture):
    run = send(api, {"1.png": picture().read_bytes()})
    first = api.get(f"{ROOT}{run['id']}/")
    assert api.get(f"{ROOT}{run['id']}/", HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304


def test_results_come_as_a_spreadsheet_without_formulas(api):
    run = api.post(ROOT, {"files": [{"name": "=cmd()|x.png", "size": 0}]}, format="json").json()
    answer = api.get(f"{ROOT}{run['id']}/items/?format=csv")
    assert answer["Content-Type"].startswith("text/csv")
    assert answer.content.decode().splitlines()[1].startswith("'=cmd()|x.png,refused,The file is empty.")


@pytest.mark.parametrize("options", [{"source": "/etc"}, {"deid_profile": "none of these"}, {"findings_scope": "both"}])
def test_options_cannot_name_the_servers_files_or_nonsense(api, options):
    answer = api.post(ROOT, {"files": [{"name": "1.png", "size": 1}], "options": options}, format="json")
    assert answer.status_code == 400 or "source" not in answer.json()["options"]
    assert not ImportRun.objects.filter(options__has_key="source").exists()


def test_the_profile_cannot_change_once_images_are_there(api, project, folder, import_folder):
    body = {"files": [{"name": "1.png", "size": 1}], "options": {"deid_profile": "basic"}}
    import_folder(folder(a_png=None))
    answer = api.post(ROOT, body, format="json")
    assert answer.status_code == 400 and "cannot change" in answer.content.decode()


def test_names_of_paths_are_labels_only(api):
    body = {"files": [{"name": name, "size": 1} for name in ("../../etc/passwd", "/abs/x.png", "a\\b.png", "x", "x")]}
    run = api.post(ROOT, body, format="json").json()
    names = {item["name"] for item in api.get(f"{ROOT}{run['id']}/items/").json()["results"]}
    assert names == {"etc/passwd", "abs/x.png", "a/b.png", "x", "x (2)"}


def test_imports_are_for_leads(as_person, reader, reviewer, outsider, api):
    run = api.post(ROOT, {"files": [{"name": "1.png", "size": 1}]}, format="json").json()
    item = ImportItem.objects.get()
    for person, status in ((reader, 403), (reviewer, 403), (outsider, 404)):
        client = as_person(person)
        urls = [ROOT, f"{ROOT}{run['id']}/", f"{ROOT}{run['id']}/items/", "/api/v1/projects/breast/splits/"]
        assert [client.get(url).status_code for url in urls] == [status] * 4
        assert client.post(ROOT, {"files": []}, format="json").status_code == status
        assert client.post(f"{ROOT}{run['id']}/start/", {}, format="json").status_code == status
        assert put(client, f"{ROOT}{run['id']}/files/{item.pk}/?offset=0", b"x").status_code == status


def test_a_run_of_another_project_is_not_found(api, make_person, as_person, project):
    from backend.projects.models import Membership, Project

    other = Project.objects.create(slug="other", name="Other", archive=project.archive)
    stranger = make_person("stan")
    Membership.objects.create(project=other, user=stranger, role="lead")
    run = api.post(ROOT, {"files": [{"name": "1.png", "size": 1}]}, format="json").json()
    client = as_person(stranger)
    wrong = f"/api/v1/projects/other/imports/{run['id']}/"
    assert client.get(wrong).status_code == 404
    assert put(client, f"{wrong}files/{ImportItem.objects.get().pk}/?offset=0", b"x").status_code == 404


def test_splits_are_counted_and_the_embargoed_listed(api, project, folder, import_folder):
    import_folder(folder(a_png=None, b_png=None))
    Case.objects.filter(number=2).update(split="EMBARGOED", embargo_reason="Looks almost the same as US-0001.")
    answer = api.get("/api/v1/projects/breast/splits/").json()
    assert answer["POOL"] + answer["VALIDATION"] + answer["HOLDOUT"] == 1 and answer["EMBARGOED"] == 1
    assert answer["embargoed"][0]["name"] == "US-0002"
