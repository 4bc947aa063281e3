"""Watched folders and buckets: what has come to rest is imported once, whatever grows, moves or breaks meanwhile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from PIL import Image

from backend.dicom.refusal import Refused
from backend.exchange import watching
from backend.exchange.models import ImportItem, ImportRun, WatchedFile, WatchedSource
from backend.exchange.sources import upload_folder
from backend.exchange.watched_places import allowed_roots, checked_folder
from backend.exchange.watched_services import create_watched_source
from backend.exchange.watching import look_at, look_at_sources, run_watched
from backend.jobs.models import Job
from backend.jobs.services import claim_job, fail_job
from backend.projects.models import Case
from tests.dicom.volume_files import metaimage, raw

pytestmark = pytest.mark.django_db
BASE = "/api/v1/projects/breast/watched-sources/"


@pytest.fixture
def incoming(tmp_path: Path, settings: Any) -> Path:
    """A folder that the operator allows, looked at without waiting between two looks."""
    folder = tmp_path / "srv" / "incoming"
    folder.mkdir(parents=True)
    settings.WATCH_ROOTS = [str(folder.parent)]
    settings.WATCH_SECONDS = 0
    return folder


@pytest.fixture
def source(project, lead, incoming) -> WatchedSource:
    return create_watched_source(project=project, by=lead, kind="folder", location=str(incoming))


def draw(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (6, 6), dtype=np.uint8)
    Image.fromarray(noise).resize((48, 40)).save(path, "PNG")
    return path


def work() -> None:
    """What the worker does with the newest job."""
    lease = claim_job(Job.objects.order_by("-created_at")[0].pk)
    assert lease is not None
    run_watched(lease)


def states(source: WatchedSource) -> dict[str, str]:
    return dict(source.files.values_list("name", "state"))


def test_a_file_that_has_come_to_rest_is_imported_once_and_left_alone(source, incoming):
    draw(incoming / "a" / "1.png", 1)
    look_at(source)
    assert states(source) == {"a/1.png": "growing"} and not ImportRun.objects.exists()
    look_at(source)
    assert states(source) == {"a/1.png": "taken"}
    work()
    assert states(source) == {"a/1.png": "imported"} and Case.objects.count() == 1
    assert (incoming / "a" / "1.png").is_file()
    for _ in range(3):
        look_at(source)
    assert ImportRun.objects.count() == 1
    run = ImportRun.objects.get()
    assert run.state == "done" and ImportItem.objects.get(run=run).name == "a/1.png"


def test_a_file_that_grows_is_waited_for(source, incoming):
    whole = draw(incoming.parent / "elsewhere.png", 2).read_bytes()
    target = incoming / "slow.png"
    for end in (100, 200, len(whole)):
        target.write_bytes(whole[:end])
        look_at(source)
        assert states(source) == {"slow.png": "growing"}
    look_at(source)
    work()
    assert states(source) == {"slow.png": "imported"} and Case.objects.count() == 1


def test_a_file_that_changes_between_the_look_and_the_copy_is_left_for_later(source, incoming):
    path = draw(incoming / "1.png", 3)
    look_at(source)
    look_at(source)
    path.write_bytes(path.read_bytes()[:50])
    work()
    assert states(source) == {"1.png": "growing"} and Case.objects.count() == 0
    draw(path, 4)
    for _ in range(2):
        look_at(source)
    work()
    assert states(source)["1.png"] == "imported" and Case.objects.count() == 1


def test_uploads_under_another_name_hidden_and_empty_files_and_links_are_not_followed(source, incoming, tmp_path):
    secret = draw(tmp_path / "secret.png", 5)
    draw(incoming / "up.png.part", 6)
    draw(incoming / ".hidden" / "x.png", 7)
    (incoming / "empty.png").touch()
    (incoming / "link.png").symlink_to(secret)
    (incoming / "folder").symlink_to(tmp_path)
    os.mkfifo(incoming / "pipe.png")
    look_at(source)
    assert states(source) == {}
    (incoming / "up.png.part").rename(incoming / "up.png")
    look_at(source)
    assert states(source) == {"up.png": "growing"}


def test_a_renamed_file_is_another_name_of_the_same_bytes_and_a_vanished_one_is_told(source, incoming):
    first, gone = draw(incoming / "1.png", 8), draw(incoming / "gone.png", 9)
    look_at(source)
    first.rename(incoming / "2.png")
    look_at(source)
    assert "1.png" not in states(source), "it was renamed before it was whole: that is how uploads end"
    gone.unlink()
    work()
    assert states(source) == {"2.png": "growing", "gone.png": "vanished"}
    look_at(source)
    work()
    (incoming / "2.png").rename(incoming / "3.png")
    for _ in range(2):
        look_at(source)
    work()
    assert states(source) == {"2.png": "imported", "3.png": "imported", "gone.png": "vanished"}
    assert Case.objects.count() == 1 and ImportItem.objects.filter(state="duplicate").count() == 1
    draw(gone, 9)
    os.utime(gone, ns=(0, int(source.files.get(name="gone.png").stamp)))
    for _ in range(2):
        look_at(source)
    assert states(source)["gone.png"] == "taken", "it is back"


def test_what_is_refused_is_listed_with_its_reason_and_tried_again_only_when_asked(source, incoming, as_person, lead):
    (incoming / "notes.txt").write_text("no image")
    draw(incoming / "ok.png", 10)
    for _ in range(2):
        look_at(source)
    work()
    assert states(source) == {"notes.txt": "refused", "ok.png": "imported"}
    api = as_person(lead)
    listed = api.get(f"{BASE}{source.pk}/files/").json()
    assert listed["total"] == 2 and listed["results"][0]["name"] == "notes.txt" and listed["results"][0]["reason"]
    look_at(source)
    assert ImportRun.objects.count() == 1
    assert api.post(f"{BASE}{source.pk}/retry/").json() == {"files": 1}
    look_at(source)
    work()
    assert ImportRun.objects.count() == 2 and states(source)["notes.txt"] == "refused"


def test_originals_are_deleted_only_when_asked_and_only_once_imported(project, lead, incoming):
    source = create_watched_source(project=project, by=lead, kind="folder", location=str(incoming), delete_after=True)
    kept, taken = incoming / "notes.txt", draw(incoming / "ok.png", 11)
    kept.write_text("no image")
    for _ in range(2):
        look_at(source)
    work()
    assert kept.exists() and not taken.exists()


def test_an_original_is_not_deleted_where_its_copy_was_lost_before_it_was_imported(project, lead, incoming, monkeypatch):
    source = create_watched_source(project=project, by=lead, kind="folder", location=str(incoming), delete_after=True)
    paths = {name: draw(incoming / name, seed) for seed, name in enumerate(["gone.png", "ok.png", "short.png"], 50)}
    for _ in range(2):
        look_at(source)
    import_staged = watching.run_import

    def after_a_loss_of_power(lease):
        run = ImportRun.objects.get()
        staged = {item.name: upload_folder(run.pk) / str(item.pk) for item in ImportItem.objects.filter(run=run)}
        staged["gone.png"].unlink()
        os.truncate(staged["short.png"], 20)
        import_staged(lease)

    monkeypatch.setattr(watching, "run_import", after_a_loss_of_power)
    work()
    assert states(source) == {"gone.png": "refused", "ok.png": "imported", "short.png": "refused"}
    assert {name: path.exists() for name, path in paths.items()} == {"gone.png": True, "ok.png": False, "short.png": True}
    assert source.files.get(name="gone.png").reason == "Its bytes were gone before it was imported."


def test_no_row_says_that_a_file_is_copied_before_the_disk_holds_the_copy(source, incoming, monkeypatch):
    path = draw(incoming / "1.png", 53)
    for _ in range(2):
        look_at(source)
    synchronised = []

    def noted(handle: int) -> None:
        assert not ImportItem.objects.exists()
        synchronised.append((os.fstat(handle).st_ino, os.fstat(handle).st_size))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", noted)
        patched.setattr(watching, "run_import", lambda _lease: None)
        work()
    copy = upload_folder(ImportRun.objects.get().pk) / str(ImportItem.objects.get().pk)
    assert (copy.stat().st_ino, path.stat().st_size) in synchronised
    assert copy.parent.stat().st_ino in [inode for inode, _ in synchronised]


def test_the_originals_of_a_volume_in_two_files_stay_until_a_lead_has_looked_at_it(project, lead, incoming):
    project.archive.deid_profile, project.archive.deid_options = "basic", ["clean_pixels"]
    project.archive.save()
    project.modality, project.unit = "US", "series"
    project.save()
    source = create_watched_source(project=project, by=lead, kind="folder", location=str(incoming), delete_after=True)
    voxels = np.random.default_rng(54).integers(-1000, 2000, (40, 36, 8)).astype(np.int16)
    (incoming / "scan.mhd").write_bytes(metaimage(voxels, np.eye(4), voxel_file="scan.raw"))
    (incoming / "scan.raw").write_bytes(raw(voxels))
    for _ in range(2):
        look_at(source)
    work()
    assert set(ImportItem.objects.values_list("state", flat=True)) == {"held"}
    assert (incoming / "scan.mhd").exists() and (incoming / "scan.raw").exists()


def test_an_original_that_was_overwritten_since_is_not_deleted(project, lead, incoming, monkeypatch):
    source = create_watched_source(project=project, by=lead, kind="folder", location=str(incoming), delete_after=True)
    path = draw(incoming / "ok.png", 12)
    for _ in range(2):
        look_at(source)
    settle = watching.settle_run

    def overwrites(run):
        settle(run)
        draw(path, 13)

    monkeypatch.setattr(watching, "settle_run", overwrites)
    work()
    assert path.exists() and states(source)["ok.png"] == "imported"


def test_a_worker_that_is_lost_in_the_middle_costs_nothing(source, incoming, monkeypatch):
    for seed in range(4):
        draw(incoming / f"{seed}.png", 20 + seed)
    for _ in range(2):
        look_at(source)
    from backend.exchange import importing

    import_one, done = importing._import_one, []

    def dies(*arguments):
        if len(done) == 2:
            raise SystemExit
        done.append(arguments)
        import_one(*arguments)

    monkeypatch.setattr(importing, "_import_one", dies)
    with pytest.raises(SystemExit):
        work()
    monkeypatch.setattr(importing, "_import_one", import_one)
    look_at(source)
    assert ImportRun.objects.count() == 1, "its job goes on, no other is begun"
    Job.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    work()
    assert set(states(source).values()) == {"imported"} and Case.objects.count() == 4
    assert ImportItem.objects.filter(state="duplicate").count() == 0


def test_an_import_that_was_lost_for_good_is_told_and_others_follow(source, incoming):
    draw(incoming / "1.png", 30)
    for _ in range(2):
        look_at(source)
    lease = claim_job(Job.objects.get().pk)
    fail_job(lease, "Gave up after 5 attempts: each time the worker was lost.")
    draw(incoming / "2.png", 31)
    for _ in range(2):
        look_at(source)
    assert states(source) == {"1.png": "refused", "2.png": "taken"}
    assert "Gave up" in source.files.get(name="1.png").reason
    work()
    assert states(source)["2.png"] == "imported"


def test_a_folder_that_is_away_loses_nothing_and_says_so(source, incoming):
    draw(incoming / "1.png", 32)
    look_at(source)
    incoming.rename(incoming.parent / "unmounted")
    look_at(source)
    source.refresh_from_db()
    assert "no folder" in source.error and states(source) == {"1.png": "growing"}
    (incoming.parent / "unmounted").rename(incoming)
    look_at(source)
    source.refresh_from_db()
    assert source.error == "" and states(source) == {"1.png": "taken"}


def test_a_paused_source_is_not_looked_at_and_goes_on_where_it_was(source, incoming, as_person, lead):
    draw(incoming / "1.png", 33)
    api = as_person(lead)
    api.patch(f"{BASE}{source.pk}/", {"is_enabled": False}, format="json")
    assert look_at_sources() == 0 and states(source) == {}
    api.patch(f"{BASE}{source.pk}/", {"is_enabled": True}, format="json")
    assert look_at_sources() == 1 and states(source) == {"1.png": "growing"}


def test_thousands_of_files_go_in_batches_each_once(source, incoming, monkeypatch):
    monkeypatch.setattr(watching, "BATCH_FILES", 1500)
    for number in range(3200):
        (incoming / f"{number:04}.txt").write_text(f"no image {number}")
    for _ in range(2):
        look_at(source)
    sizes = []
    while run := ImportRun.objects.filter(state="queued").first():
        sizes.append(WatchedFile.objects.filter(run=run).count())
        lease = claim_job(run.job_id)
        # What the door says of each is not in question here: the import ends at once.
        ImportRun.objects.filter(pk=run.pk).update(state="done")
        run_watched(lease)
        from backend.jobs.services import finish_job

        finish_job(lease, {})
        look_at(source)
    assert sizes == [1500, 1500, 200]
    assert set(states(source).values()) == {"refused"} and source.files.count() == 3200


def test_a_header_of_a_volume_waits_for_its_voxels(source, incoming, settings):
    voxels = np.random.default_rng(8).integers(-1000, 2000, (40, 36, 8)).astype(np.int16)
    (incoming / "scan.mhd").write_bytes(metaimage(voxels, np.eye(4), voxel_file="scan.raw"))
    settings.WATCH_SECONDS = 0.01
    look_at(source)
    for end in (5000, 9000, None):
        (incoming / "scan.raw").write_bytes(raw(voxels)[:end])
        look_at(source)
        assert not ImportRun.objects.exists()
    WatchedFile.objects.update(seen_at=timezone.now() - timedelta(seconds=1))
    look_at(source)
    work()
    assert states(source) == {"scan.mhd": "imported", "scan.raw": "imported"} and Case.objects.count() == 1


def test_a_header_whose_voxels_never_come_is_told_after_some_looks(source, incoming):
    voxels = np.zeros((40, 36, 8), np.int16)
    (incoming / "scan.mhd").write_bytes(metaimage(voxels, np.eye(4), voxel_file="scan.raw"))
    look_at(source)
    look_at(source)
    work()
    assert source.files.get().reason == "Its header names a file of voxels that is not beside it; choose both together."


def test_a_volume_in_two_files_is_not_parted_between_two_batches(source, incoming, monkeypatch):
    monkeypatch.setattr(watching, "BATCH_FILES", 2)
    voxels = np.random.default_rng(9).integers(-1000, 2000, (40, 36, 8)).astype(np.int16)
    draw(incoming / "a.png", 21)
    (incoming / "b.mhd").write_bytes(metaimage(voxels, np.eye(4), voxel_file="b.raw"))
    (incoming / "b.raw").write_bytes(raw(voxels))
    look_at(source)
    look_at(source)
    assert states(source) == {"a.png": "taken", "b.mhd": "waiting", "b.raw": "waiting"}
    work()
    look_at(source)
    work()
    assert set(states(source).values()) == {"imported"} and Case.objects.count() == 2


def test_a_link_that_takes_a_folders_place_leads_nowhere(source, incoming, tmp_path):
    draw(incoming / "sub" / "1.png", 34)
    for _ in range(2):
        look_at(source)
    secret = tmp_path / "secret"
    secret.mkdir()
    shutil.copy2(incoming / "sub" / "1.png", secret / "1.png")
    shutil.rmtree(incoming / "sub")
    (incoming / "sub").symlink_to(secret)
    work()
    assert states(source) == {"sub/1.png": "growing"} and Case.objects.count() == 0


@pytest.mark.parametrize("path", ["/etc", "/", "relative", "{root}/../..", "{root}x", "{data}"])
def test_only_what_the_operator_opened_may_be_watched(project, lead, incoming, settings, path, as_person):
    given = path.format(root=incoming.parent, data=settings.DATA_DIR)
    answer = as_person(lead).post(BASE, {"kind": "folder", "location": given}, format="json")
    assert answer.status_code == 400 and "does not lie in a folder" in answer.json()["location"][0]


def test_a_root_may_belong_to_one_project_alone(project, settings, tmp_path):
    (tmp_path / "chest").mkdir()
    settings.WATCH_ROOTS = [f"chest={tmp_path}/chest"]
    assert allowed_roots("breast") == []
    assert checked_folder("chest", f"{tmp_path}/chest") == tmp_path / "chest"
    with pytest.raises(Refused):
        checked_folder("breast", f"{tmp_path}/chest")


def test_the_same_place_is_watched_once_and_leads_see_where_they_may(source, incoming, as_person, lead):
    api = as_person(lead)
    again = api.post(BASE, {"kind": "folder", "location": str(incoming)}, format="json")
    assert again.status_code == 400 and "already" in again.json()["location"][0]
    tables = api.post(
        BASE, {"kind": "folder", "location": str(incoming), "options": {"labels_file": "a.csv"}}, format="json"
    )
    assert "one by one: labels_file" in tables.json()["location"][0]
    told = api.get(BASE).json()
    assert told["roots"] == [str(incoming.parent)] and told["results"][0]["counts"]["growing"] == 0
    assert api.delete(f"{BASE}{source.pk}/").status_code == 204 and incoming.is_dir()


KEY = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "planted-secret"}


@pytest.fixture(scope="module")
def s3() -> Iterator[tuple[str, Any]]:
    """An S3 server on loopback (moto) and a client of Amazon's own for it."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    keys = {"aws_access_key_id": KEY["access_key_id"], "aws_secret_access_key": KEY["secret_access_key"]}
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys)
    client.create_bucket(Bucket="modality")
    yield endpoint, client
    server.stop()


def test_a_bucket_is_followed_like_a_folder_and_its_key_told_to_nobody(s3, project, lead, settings, tmp_path, as_person):
    endpoint, client = s3
    settings.WATCH_ENDPOINTS, settings.WATCH_SECONDS = [endpoint], 0
    body = {"kind": "bucket", "location": "modality/in", "endpoint": endpoint, "credentials": KEY, "delete_after": True}
    api = as_person(lead)
    made = api.post(BASE, body, format="json")
    assert made.status_code == 201, made.content
    assert "planted-secret" not in api.get(BASE).content.decode() + WatchedSource.objects.get().sealed_credentials
    picture = draw(tmp_path / "1.png", 40).read_bytes()
    client.put_object(Bucket="modality", Key="in/sub/1.png", Body=picture)
    client.put_object(Bucket="modality", Key="in/notes.txt", Body=b"no image")
    client.put_object(Bucket="modality", Key="other/2.png", Body=picture)
    assert look_at_sources() == 1
    source = WatchedSource.objects.select_related("project__archive").get()
    assert (source.error, states(source)) == ("", {"sub/1.png": "taken", "notes.txt": "taken"})
    work()
    assert states(source) == {"sub/1.png": "imported", "notes.txt": "refused"} and Case.objects.count() == 1
    left = {one["Key"] for one in client.list_objects_v2(Bucket="modality")["Contents"]}
    assert left == {"in/notes.txt", "other/2.png"}
    # The same name with other bytes is another file.
    client.put_object(Bucket="modality", Key="in/sub/1.png", Body=draw(tmp_path / "1.png", 41).read_bytes())
    look_at(source)
    work()
    assert Case.objects.count() == 2


def test_a_bucket_that_does_not_answer_or_is_not_allowed_is_told(project, lead, settings):
    settings.WATCH_ENDPOINTS = ["http://127.0.0.1:9"]
    given = {"project": project, "by": lead, "kind": "bucket", "location": "modality/in", "credentials": KEY}
    source = create_watched_source(**given, endpoint="http://127.0.0.1:9")
    look_at(source)
    source.refresh_from_db()
    assert source.error and "planted-secret" not in source.error
    with pytest.raises(Refused, match="AWS is not among"):
        create_watched_source(**given)
    with pytest.raises(Refused, match="not among"):
        create_watched_source(**given, endpoint="http://169.254.169.254")
    with pytest.raises(Refused, match="access key"):
        create_watched_source(**{**given, "credentials": None}, endpoint="http://127.0.0.1:9")
    settings.WATCH_ENDPOINTS = []
    look_at(source)
    source.refresh_from_db()
    assert "not among" in source.error
