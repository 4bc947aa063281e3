"""A look inside by a real worker of the queue `infer`, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from celery import current_app

from backend.inspection.models import Inspection
from backend.jobs.models import Job
from backend.jobs.services import reconcile_jobs

pytestmark = [pytest.mark.queue, pytest.mark.django_db(transaction=True)]
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def infer_worker(settings: Any, tmp_path: Path, database_url: str) -> Iterator[None]:
    """A worker of the queue `infer` on the test's database and object store."""
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "OBJECT_STORE_URL": settings.OBJECT_STORE_URL,
        "OVERREAD_QUEUES": "infer",
        "OVERREAD_THREADS": "1",
    }
    command = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", "-Q", "infer", "-c", "1"]
    command += ["-n", f"infer@{tmp_path.name}", "-l", "WARNING", "--without-gossip", "--without-mingle"]
    with (tmp_path / "worker.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=log, stderr=log, start_new_session=True)
    yield
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with current_app.connection_for_write() as broker:
        broker.default_channel.client.flushdb()


def test_a_worker_looks_inside_and_the_page_that_polls_is_told(
    project: Any, model: Any, lead: Any, draw_case: Any, as_person: Any, infer_worker: None
) -> None:
    project.blinded_share = 0.0
    project.save()
    case = draw_case(1)
    client, url = as_person(lead), f"/api/v1/projects/breast/models/1/inspections/{case.pk}/"
    assert client.get(url).json()["state"] == "none"
    assert client.post(url).json()["state"] == "queued"
    deadline = time.monotonic() + 300
    while (state := client.get(url).json()["state"]) != "ready":
        assert state in ("queued", "running") and time.monotonic() < deadline, list(Job.objects.values("state", "error"))
        reconcile_jobs()
        time.sleep(0.3)
    assert client.get(url).json()["seen"]["layers"][0]["name"] == "encoder.0"
    assert len(client.get(f"{url}pictures/").content) == Inspection.objects.get().n_bytes > 1000
