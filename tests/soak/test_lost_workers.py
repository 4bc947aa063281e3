"""Workers are killed and the broker is emptied at random; in the end every job has succeeded, and nobody wrote twice."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery import current_app

from backend.jobs.models import Job
from backend.jobs.services import enqueue_job, reconcile_jobs

pytestmark = [pytest.mark.queue, pytest.mark.slow]


def test_no_job_is_lost_whatever_is_killed(start_worker: Any, tmp_path: Path, long_run: bool) -> None:
    dice = random.Random(20261122)
    number, calamities = (200, 60) if long_run else (12, 4)
    (tmp_path / "go").touch()
    workers = [start_worker(f"worker-{index}", lease_seconds=1) for index in range(2)]
    jobs = [enqueue_job(task="marker.mark", queue="marker", arguments={"folder": str(tmp_path)}) for _ in range(number)]
    Job.objects.update(max_attempts=1000)
    deadline = time.monotonic() + (900 if long_run else 120)
    while (left := Job.objects.exclude(state="succeeded").count()) or calamities:
        assert time.monotonic() < deadline, f"{left} jobs are not finished"
        reconcile_jobs()
        time.sleep(0.3)
        if calamities and dice.random() < 0.4:
            calamities -= 1
            if dice.random() < 0.3:
                with current_app.connection_for_write() as connection:
                    connection.default_channel.client.flushall()
            else:
                victim = dice.randrange(len(workers))
                os.killpg(workers[victim].pid, signal.SIGKILL)
                workers[victim].wait()
                workers[victim] = start_worker(f"worker-{victim}-{calamities}", lease_seconds=1)
    marks: dict[int, int] = {}
    for job in jobs:
        job.refresh_from_db()
        assert job.log.count("\n") >= 1 and job.result["pid"]
        marks[job.attempts] = marks.get(job.attempts, 0) + 1
    begun = len((tmp_path / "marks").read_text().splitlines())
    assert number <= begun <= sum(attempts * count for attempts, count in marks.items())


def test_a_broker_that_is_killed_and_started_again_goes_on(
    start_worker: Callable[..., Any],
    wait_for: Callable[..., None],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    broker = getattr(request.config, "_valkey", None)
    if broker is None:
        pytest.skip("an external broker is not ours to kill")
    (tmp_path / "go").touch()
    start_worker()
    first = enqueue_job(task="marker.mark", queue="marker", arguments={"folder": str(tmp_path)})
    wait_for(lambda: Job.objects.get(pk=first.pk).state == "succeeded")
    broker.kill()
    broker.wait()
    meanwhile = enqueue_job(task="marker.mark", queue="marker", arguments={"folder": str(tmp_path)})
    assert Job.objects.get(pk=meanwhile.pk).enqueued_at is None
    request.config.start_valkey()  # type: ignore[attr-defined]
    wait_for(lambda: Job.objects.get(pk=meanwhile.pk).state == "succeeded", meanwhile=reconcile_jobs)
