"""From the spool to an import, step by step, wherever it was broken off."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from backend.dimse.hand_over import hand_over
from backend.dimse.spool import Sender, Spool
from backend.exchange.models import ImportRun
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


def test_one_that_ended_before_it_began_is_set_aside_and_the_next_goes_on(spool, project) -> None:
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
