"""Several processes write at once, in short transactions: none is turned away with "database is locked"."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.audit.models import Event
from backend.jobs.models import Job

pytestmark = [pytest.mark.queue, pytest.mark.slow]
REPOSITORY = Path(__file__).resolve().parents[2]
WRITER = """
import sys, time, django
django.setup()
from django.db import transaction
from backend.audit.services import record_event
from backend.jobs.models import Job
for number in range(int(sys.argv[1])):
    with transaction.atomic():
        job = Job.objects.create(task="none", queue="nobody")
        job.progress = {"n": number}
        job.save()
        record_event(actor=None, verb="test.write", object_type="job", object_id=job.pk)
    if number % 10 == 0:
        with transaction.atomic():
            Job.objects.bulk_create([Job(task="none", queue="nobody") for _ in range(100)])
    time.sleep(0.02)
"""


def test_writers_side_by_side_are_all_served(shared_database: str, long_run: bool) -> None:
    each = 500 if long_run else 30
    Job.objects.all().delete()
    before = Event.objects.count()
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(each)],
            cwd=REPOSITORY,
            env=os.environ | {"DATABASE_URL": shared_database},
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=600)
        assert writer.returncode == 0, errors
    assert Job.objects.count() == 4 * (each + 100 * ((each + 9) // 10))
    assert Event.objects.count() == before + 4 * each
