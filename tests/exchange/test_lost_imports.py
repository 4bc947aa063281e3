"""Imports that nobody goes on with: they end with a reason, and no byte of theirs stays on the disk."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from backend.exchange import lost_imports
from backend.exchange.models import ImportItem, ImportRun
from backend.exchange.sources import upload_folder
from backend.jobs.models import Job
from backend.jobs.services import cancel_job
from tests.exchange.test_import_api import ROOT, put, send
from workers.tasks import settle_uploads

pytestmark = pytest.mark.django_db
LEFT = "Nobody went on with this upload for 7 days: what had come was deleted. Choose the files again."


@pytest.fixture
def api(as_person: Any, lead: Any) -> Any:
    return as_person(lead)


@pytest.fixture(autouse=True)
def own_data_folder(settings: Any, tmp_path: Path) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"


@pytest.fixture
def settle(django_capture_on_commit_callbacks: Any) -> Callable[[], None]:
    """What the clock does, and what follows its commit."""

    def run() -> None:
        with django_capture_on_commit_callbacks(execute=True):
            settle_uploads()

    return run


def begun(api: Any, *, days_ago: float) -> ImportRun:
    """An upload of which one file has come whole and one in part."""
    offered = [{"name": "whole.png", "size": 3}, {"name": "part.png", "size": 9}]
    pk = api.post(ROOT, {"files": offered}, format="json").json()["id"]
    for item in ImportItem.objects.filter(run_id=pk):
        assert put(api, f"{ROOT}{pk}/files/{item.pk}/?offset=0", b"abc").status_code == 200
    ImportRun.objects.filter(pk=pk).update(created_at=timezone.now() - timedelta(days=days_ago))
    for file in upload_folder(pk).iterdir():
        os.utime(file, (time.time() - days_ago * 86_400,) * 2)
    return ImportRun.objects.get(pk=pk)


def make_old(run: ImportRun) -> None:
    os.utime(upload_folder(run.pk), (time.time() - 7200,) * 2)


def test_an_upload_that_nobody_goes_on_with_is_deleted_and_says_so(api, settle) -> None:
    left, young = begun(api, days_ago=8), begun(api, days_ago=6)
    settle()
    told = api.get(f"{ROOT}{left.pk}/").json()
    assert (told["state"], told["message"]) == ("failed", LEFT) and not upload_folder(left.pk).exists()
    assert set(left.items.values_list("name", "state", "reason")) == {
        ("whole.png", "refused", "It waited in an import that ended: deleted, not imported."),
        ("part.png", "refused", "The upload was not finished."),
    }
    assert api.get(f"{ROOT}{young.pk}/").json()["state"] == "uploading" and len(list(upload_folder(young.pk).iterdir())) == 2
    part = left.items.get(name="part.png")
    refused = put(api, f"{ROOT}{left.pk}/files/{part.pk}/?offset=3", b"def")
    assert (refused.status_code, refused.json()["code"], "received" in refused.json()) == (409, "ended", False)
    assert api.post(f"{ROOT}{left.pk}/start/", {}, format="json").status_code == 409


def test_one_that_went_on_lately_stays_however_long_ago_it_was_begun(api, settle) -> None:
    run = begun(api, days_ago=30)
    part = run.items.get(name="part.png")
    assert put(api, f"{ROOT}{run.pk}/files/{part.pk}/?offset=3", b"def").status_code == 200
    settle()
    run.refresh_from_db()
    assert run.state == "uploading" and upload_folder(run.pk).exists()


@pytest.mark.parametrize("why", ["cancelled", "lost"])
def test_an_import_whose_job_ended_without_telling_ends_with_the_jobs_reason(api, lead, picture, settle, why) -> None:
    run = send(api, {"1.png": picture().read_bytes()})
    api.post(f"{ROOT}{run['id']}/start/", {}, format="json")
    settle()
    assert ImportRun.objects.get().state == "queued" and upload_folder(run["id"]).exists()
    reason = "Gave up after 5 attempts: each time the worker was lost."
    if why == "cancelled":
        cancel_job(job=Job.objects.get(), by=lead)
        reason = "Cancelled."
    else:
        Job.objects.update(state="failed", error=reason)
    settle()
    told = api.get(f"{ROOT}{run['id']}/").json()
    assert (told["state"], told["message"]) == ("failed", reason) and not upload_folder(run["id"]).exists()
    settle()
    assert api.get(f"{ROOT}{run['id']}/").json()["message"] == reason


def test_bytes_of_an_import_that_has_ended_or_is_gone_do_not_stay(api, settle) -> None:
    done, gone, running = (begun(api, days_ago=1) for _ in range(3))
    ImportRun.objects.filter(pk=done.pk).update(state="done")
    ImportRun.objects.filter(pk=running.pk).update(state="running")
    gone_folder = upload_folder(gone.pk)
    ImportRun.objects.filter(pk=gone.pk).delete()
    settle()
    assert upload_folder(done.pk).exists() and gone_folder.exists(), "its worker may be about to delete them"
    for run in (done, gone, running):
        make_old(run)
    other = gone_folder.parent / "scratch"
    other.mkdir(exist_ok=True)
    os.utime(other, (0, 0))
    settle()
    assert not upload_folder(done.pk).exists() and not gone_folder.exists()
    assert upload_folder(running.pk).exists() and other.exists()


def test_what_a_sender_was_told_is_here_stays_when_its_import_is_lost(api, picture, settle) -> None:
    """Of what came by STOW-RS or from a folder of another system there may be no other copy."""
    run = send(api, {"report.dcm": picture().read_bytes()})
    ImportRun.objects.filter(pk=run["id"]).update(received_at=timezone.now())
    api.post(f"{ROOT}{run['id']}/start/", {}, format="json")
    Job.objects.update(state="failed", error="KeyError: 'x'")
    settle()
    (kept,) = ImportRun.objects.all()
    make_old(kept)
    settle()
    assert (kept.state, kept.message) == ("failed", "KeyError: 'x'")
    assert list(kept.items.values_list("state", flat=True)) == ["waiting"]
    assert [file.read_bytes() for file in upload_folder(kept.pk).iterdir()] == [picture().read_bytes()]


def test_one_that_is_started_in_that_moment_is_left_alone(api) -> None:
    run = begun(api, days_ago=8)
    seen = ImportRun.objects.get(pk=run.pk)
    ImportRun.objects.filter(pk=run.pk).update(state="queued")
    assert not lost_imports._end(seen, LEFT)
    run.refresh_from_db()
    assert run.state == "queued" and upload_folder(run.pk).exists()


def test_what_a_lost_import_had_refused_is_kept_in_quarantine(api, settle) -> None:
    run = begun(api, days_ago=8)
    ImportItem.objects.filter(run=run, name="whole.png").update(state="refused", reason="Not a DICOM, PNG or JPEG file.")
    settle()
    item = ImportItem.objects.get(run=run, name="whole.png")
    assert item.quarantined is not None and item.quarantined.reason == item.reason and not upload_folder(run.pk).exists()
    assert ImportItem.objects.get(run=run, name="part.png").quarantined is None
