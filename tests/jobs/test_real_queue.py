"""Real Celery workers, the real broker, real kills: the row is the truth, a message is only a doorbell."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery import current_app

from backend.jobs.models import Job
from backend.jobs.services import cancel_job, enqueue_job, reconcile_jobs

pytestmark = pytest.mark.queue


def enqueue(task: str, folder: Path) -> Job:
    return enqueue_job(task=task, queue="marker", arguments={"folder": str(folder)})


def marks(folder: Path) -> list[str]:
    file = folder / "marks"
    return file.read_text().splitlines() if file.exists() else []


def state(job: Job) -> str:
    return Job.objects.values_list("state", flat=True).get(pk=job.pk)


def test_job_of_a_killed_worker_is_finished_by_another_with_a_higher_fencing_token(
    start_worker: Any, tmp_path: Path, wait_for: Callable[..., None]
) -> None:
    job = enqueue("marker.mark", tmp_path)
    first = start_worker("first")
    wait_for(lambda: len(marks(tmp_path)) == 1)
    os.killpg(first.pid, signal.SIGKILL)
    (tmp_path / "go").touch()
    start_worker("second")
    wait_for(lambda: state(job) == "succeeded", meanwhile=reconcile_jobs)
    (pid, token), (second_pid, second_token) = (line.split() for line in marks(tmp_path))
    job.refresh_from_db()
    assert int(second_token) > int(token)
    assert job.result == {"pid": int(second_pid)} and second_pid != pid
    assert job.attempts == 2
    assert job.log == "attempt 1\nattempt 2\n"


def test_an_emptied_broker_loses_nothing(start_worker: Any, tmp_path: Path, wait_for: Callable[..., None]) -> None:
    (tmp_path / "go").touch()
    jobs = [enqueue("marker.mark", tmp_path) for _ in range(3)]
    with current_app.connection_for_write() as connection:
        client = connection.default_channel.client
        assert client.llen("marker") == 3
        client.flushall()
    start_worker()
    wait_for(lambda: all(state(job) == "succeeded" for job in jobs), meanwhile=reconcile_jobs)
    assert len(marks(tmp_path)) == 3


def test_a_message_delivered_twice_runs_once(start_worker: Any, tmp_path: Path, wait_for: Callable[..., None]) -> None:
    job = enqueue("marker.mark", tmp_path)
    for _ in range(3):
        current_app.send_task("marker.mark", args=[str(job.pk)], queue="marker")
    start_worker(concurrency=2)
    wait_for(lambda: len(marks(tmp_path)) == 1)
    last = enqueue("marker.mark", tmp_path)
    wait_for(lambda: len(marks(tmp_path)) == 2)
    (tmp_path / "go").touch()
    wait_for(lambda: state(job) == state(last) == "succeeded")
    assert len(marks(tmp_path)) == 2
    assert Job.objects.get(pk=job.pk).attempts == 1


def test_a_running_job_stops_when_cancelled(start_worker: Any, tmp_path: Path, wait_for: Callable[..., None]) -> None:
    job = enqueue("marker.mark", tmp_path)
    start_worker()
    wait_for(lambda: len(marks(tmp_path)) == 1)
    cancel_job(job=job, by=None)
    wait_for(lambda: state(job) == "cancelled", seconds=2)


def test_a_job_that_kills_its_worker_fails_after_its_last_attempt_and_others_go_on(
    start_worker: Any, tmp_path: Path, wait_for: Callable[..., None]
) -> None:
    job = enqueue("marker.poison", tmp_path)
    Job.objects.filter(pk=job.pk).update(max_attempts=2)
    start_worker(lease_seconds=1)
    wait_for(lambda: state(job) == "failed", meanwhile=reconcile_jobs)
    job.refresh_from_db()
    assert len(marks(tmp_path)) == 2
    assert job.error == "Gave up after 2 attempts: each time the worker was lost."
    (tmp_path / "go").touch()
    after = enqueue("marker.mark", tmp_path)
    wait_for(lambda: state(after) == "succeeded", meanwhile=reconcile_jobs)


def test_a_worker_that_is_told_to_stop_gives_its_job_back_at_once(
    start_worker: Any, tmp_path: Path, wait_for: Callable[..., None]
) -> None:
    job = enqueue("marker.mark", tmp_path)
    worker = start_worker(lease_seconds=600)
    wait_for(lambda: len(marks(tmp_path)) == 1)
    worker.send_signal(signal.SIGQUIT)
    worker.wait(30)
    assert state(job) == "queued"
