"""From the spool to an import, step by step, wherever it was broken off."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from backend.dimse.hand_over import hand_over
from backend.dimse.spool import Sender, Spool
from backend.exchange.models import ImportItem, ImportRun
from backend.exchange.services import perform_import
from backend.exchange.sources import remove_uploads
from backend.jobs.models import Job
from workers.tasks import settle_uploads

pytestmark = pytest.mark.django_db


@pytest.fixture
def spool(project: Any, tmp_path: Path, settings: Any) -> Spool:
    """A spool with one received object, whose batch grows no more."""
    settings.UPLOAD_DIR = tmp_path / "uploads"
    made = Spool(tmp_path / "received")
    file = made.incoming_file(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2", sop_instance_uid="1.2.3", transfer_syntax="1.2.840.10008.1.2"
    )
    file.write(memoryview(b"what was received"))
    made.keep(file, Sender(str(project.pk), "CT1", "127.0.0.1"))
    made.close_due(all_of_them=True)
    return made


def test_a_batch_becomes_one_import_however_often_it_is_handed_over(spool) -> None:
    assert hand_over(spool) == 1
    assert hand_over(spool) == 0
    assert ImportRun.objects.count() == Job.objects.count() == 1 and len(list(spool.closed())) == 1


def test_one_that_ended_before_it_began_is_set_aside_and_the_next_goes_on(spool, settings) -> None:
    """Rows were written, the job was not; and the receiver was away for longer than an upload is waited for."""
    hand_over(spool)
    long_ago = timezone.now() - timedelta(days=30)
    ImportRun.objects.update(job=None, state="uploading", created_at=long_ago)
    Job.objects.all().delete()
    (batch,) = spool.closed()
    for file in (spool.held / str(batch.id)).iterdir():
        os.utime(file, (0, 0))  # hard links: the import's own copies are as old
    settle_uploads()
    assert ImportRun.objects.get().state == "failed"
    assert hand_over(spool) == 0 and not list(spool.closed())
    (kept,) = (path for path in (spool.failed / str(batch.id)).iterdir() if path.suffix == ".dcm")
    assert kept.read_bytes().endswith(b"what was received")
    assert not (settings.UPLOAD_DIR / str(batch.id)).exists()


def done(spool: Spool) -> ImportItem:
    """The item of the one object, once its import is done for long enough."""
    (run,) = ImportRun.objects.all()
    perform_import(run=run, on_item=lambda *_: None)
    ImportRun.objects.update(finished_at=timezone.now() - timedelta(minutes=2))
    hand_over(spool)
    return ImportItem.objects.get()


def kept_by(spool: Spool) -> list[bytes]:
    """What lies in `received/failed`."""
    return [path.read_bytes() for path in spool.failed.rglob("*.dcm")]


def test_a_file_that_is_no_image_is_kept_in_quarantine_and_the_spool_is_dropped(spool) -> None:
    hand_over(spool)
    item = done(spool)
    assert item.state == "refused" and item.quarantined is not None and item.quarantined.reason == item.reason
    assert not list(spool.closed()) and kept_by(spool) == []


def test_a_refused_file_that_is_too_big_for_quarantine_stays_on_the_server_and_is_told(spool, monkeypatch) -> None:
    monkeypatch.setattr("backend.archive.quarantine.MAX_KEPT_BYTES", 10)
    hand_over(spool)
    item = done(spool)
    assert item.state == "refused" and item.quarantined is None
    assert item.reason.endswith(". The file is kept on the server, in received/failed.")
    assert not list(spool.closed()) and [data[-17:] for data in kept_by(spool)] == [b"what was received"]


def test_a_file_that_is_lost_between_spool_and_import_stays_in_the_spool(spool) -> None:
    """A loss of power may take the import's links and leave its rows."""
    hand_over(spool)
    remove_uploads(ImportRun.objects.get().pk)
    item = done(spool)
    assert item.state == "refused" and item.reason.startswith("Its bytes were gone before it was imported. The file is kept")
    assert not list(spool.closed()) and len(kept_by(spool)) == 1


def test_of_a_batch_only_what_is_kept_nowhere_else_is_set_aside(spool) -> None:
    hand_over(spool)
    (batch,) = spool.closed()
    (received,) = batch.objects()
    other = uuid4()
    (batch.folder / f"000002-3-{other}.dcm").write_bytes(b"new")  # the import knows nothing of it
    done(spool)
    assert not list(spool.closed()) and kept_by(spool) == [b"new"] and received.key != other
