"""Real workers over the suite's real Valkey and a database that other processes see."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def tables(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The test database, also where no test of this run bears pytest-django's mark."""
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    made = None
    with django_db_blocker.unblock():
        if not connection.introspection.table_names():
            made = setup_databases(verbosity=0, interactive=False)
    yield
    with django_db_blocker.unblock():
        if made is not None:
            teardown_databases(made, verbosity=0)


@pytest.fixture
def shared_database(tables: None, django_db_blocker: Any) -> Iterator[str]:
    """The test database without a transaction around the test, as a URL for other processes."""
    from django.db import connection

    from backend.jobs.models import Job

    with django_db_blocker.unblock():
        connection.ensure_connection()
        values = connection.settings_dict
        if connection.vendor == "sqlite":
            yield f"sqlite:///{values['NAME']}"
        else:
            yield f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"
        Job.objects.all().delete()
        connection.close()


@pytest.fixture
def start_worker(shared_database: str, tmp_path: Path, settings: Any) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a Celery worker in processes of its own; kills what is left of them afterwards."""
    started: list[subprocess.Popen[bytes]] = []
    settings.JOB_HEARTBEAT_SECONDS = 0.2

    def start(name: str = "worker", *, concurrency: int = 1, lease_seconds: float = 1.5) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "DATABASE_URL": shared_database,
            "OVERREAD_QUEUES": "default",
            "JOB_LEASE_SECONDS": str(lease_seconds),
            "JOB_HEARTBEAT_SECONDS": "0.3",
        }
        command = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", "-Q", "marker", "-c", str(concurrency)]
        command += ["-n", f"{name}@{tmp_path.name}", "-I", "tests.jobs.marker_tasks"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"]
        with (tmp_path / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=REPOSITORY, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    _empty_the_queue()


def _empty_the_queue() -> None:
    from celery import current_app

    with current_app.connection_for_write() as connection:
        connection.default_channel.client.flushdb()


@pytest.fixture
def wait_for() -> Callable[..., None]:
    """Waits until `condition()` is true, calling `meanwhile()` between looks."""

    def wait(condition: Callable[[], bool], seconds: float = 180, meanwhile: Callable[[], object] | None = None) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited too long"
            if meanwhile:
                meanwhile()
            time.sleep(0.1)

    return wait
