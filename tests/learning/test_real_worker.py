"""A round in a real worker process that is killed -9 in the middle of its training, with a broker that forgets."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from celery import current_app

from backend.archive import scratch
from backend.archive.scratch import remove_abandoned_scratch
from backend.jobs.models import Job
from backend.jobs.services import cancel_job, reconcile_jobs
from backend.learning.models import Round
from backend.learning.services import start_round
from backend.registry.models import ModelVersion
from tests.processes import processes_of
from workers.remaking import remake

pytestmark = [pytest.mark.queue, pytest.mark.django_db(transaction=True)]

REPOSITORY = Path(__file__).resolve().parents[2]
TRAININGS = Path(os.environ["OVERREAD_DATA_DIR"]) / "uploads" / "scratch"
"""Where several processes that train together find their images: only this server reads there."""


@pytest.fixture
def start_worker(settings: Any, tmp_path: Path, database_url: str) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a worker of the queue `train` on the test's database and object store."""
    settings.JOB_HEARTBEAT_SECONDS = 0.2
    started: list[subprocess.Popen[bytes]] = []
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "OBJECT_STORE_URL": settings.OBJECT_STORE_URL,
        "OVERREAD_QUEUES": "train",
        "OVERREAD_THREADS": "1",
        "JOB_LEASE_SECONDS": "3",
        "JOB_HEARTBEAT_SECONDS": "0.5",
        "CHECKPOINT_SECONDS": "0",
    }

    def start(processes: int = 1) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", "-Q", "train", "-c", "1"]
        command += ["-n", f"train{len(started)}@{tmp_path.name}", "-l", "WARNING"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with (tmp_path / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={**environment, "OVERREAD_TRAINING_PROCESSES": str(processes)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    with current_app.connection_for_write() as broker:
        broker.default_channel.client.flushdb()


def wait_for(condition: Callable[[], bool], *, seconds: float = 500) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited too long: {list(Job.objects.values('state', 'log', 'error'))}"
        reconcile_jobs()
        time.sleep(0.1)


def step_of(job: Any) -> int:
    return int(Job.objects.get(pk=job).progress.get("step", 0))


def test_a_round_survives_an_emptied_broker_a_doubled_message_and_kill_9_and_trains_once(
    disc_project: Any, lead: Any, start_worker: Callable[[], subprocess.Popen[bytes]]
) -> None:
    disc_project.training_policy.steps_scratch = 150
    disc_project.training_policy.save()
    round_ = start_round(project=disc_project, by=lead)
    job = round_.job_id
    with current_app.connection_for_write() as broker:
        broker.default_channel.client.flushall()
    wait_for(lambda: bool(reconcile_jobs()))
    current_app.send_task("learning.run_round", args=[str(job)], queue="train", headers={"job_id": str(job)})
    first = start_worker()
    wait_for(lambda: "checkpoint at step" in Job.objects.get(pk=job).log)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    killed_at = step_of(job)
    assert 0 < killed_at < 150
    start_worker()
    wait_for(lambda: Round.objects.get().state == "done")
    wait_for(lambda: Job.objects.get(pk=job).state == "succeeded")
    done = Job.objects.get(pk=job)
    assert "resumed at step" in done.log and done.attempts == 2
    assert ModelVersion.objects.get().steps == 150
    steps = [int(point[0]) for point in Round.objects.get().history]
    assert steps == sorted(set(steps)) and steps[-1] == 150


def test_a_round_in_two_processes_survives_kill_9_leaves_none_of_them_behind_and_is_made_again_bit_for_bit(
    disc_project: Any, lead: Any, start_worker: Callable[..., subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    disc_project.training_policy.steps_scratch = 240
    disc_project.training_policy.save()
    job = start_round(project=disc_project, by=lead).job_id
    first = start_worker(processes=2)
    wait_for(lambda: re.search(r"checkpoint at step [1-9]", Job.objects.get(pk=job).log) is not None)
    # torchrun, and the two that it has started.
    assert len(processes_of(str(TRAININGS))) == 3
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    wait_for(lambda: not processes_of(str(TRAININGS)), seconds=30)
    left = list(TRAININGS.glob("training-*"))
    assert left, "who is killed clears nothing away"
    start_worker(processes=1)
    wait_for(lambda: Job.objects.get(pk=job).state == "succeeded")
    done, version = Job.objects.get(pk=job), ModelVersion.objects.get()
    assert re.search(r"resumed at step [1-9]", done.log) and done.attempts == 2
    assert version.steps == 240 and version.config["environment"]["processes"] == 2
    (told,) = remake(version)
    assert told.identical and told.differs == ()
    # Later processes do so once it is old enough, on a slow machine before this; else the sweep that runs now and then.
    monkeypatch.setattr(scratch, "GRACE_SECONDS", 0.0)
    remove_abandoned_scratch()
    assert not any(folder.exists() for folder in left)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_running_round_is_cancelled_within_seconds(
    disc_project: Any, lead: Any, start_worker: Callable[..., subprocess.Popen[bytes]], processes: int
) -> None:
    disc_project.training_policy.steps_scratch = 100_000
    disc_project.training_policy.save()
    job = start_round(project=disc_project, by=lead).job_id
    start_worker(processes)
    wait_for(lambda: step_of(job) > 0)
    asked = time.monotonic()
    cancel_job(job=Job.objects.get(pk=job), by=lead)
    wait_for(lambda: Round.objects.get().state == "cancelled", seconds=30)
    assert time.monotonic() - asked < 15
    assert not ModelVersion.objects.exists()
    assert not processes_of(str(TRAININGS)) and not list(TRAININGS.glob("training-*"))
