"""Jobs that leave marks in a file: what the real-queue tests run in real workers (`celery -I`)."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from celery import shared_task

from backend.jobs.services import JobCancelled, append_log, is_cancelled, report_progress
from workers.running import running


def _leave_mark(folder: Path, token: int) -> None:
    with (folder / "marks").open("a") as file:
        file.write(f"{os.getpid()} {token}\n")


@shared_task(name="marker.mark")
def mark(job_id: str) -> None:
    """Leave a mark, then work until the file `go` appears or somebody cancels."""
    with running(job_id) as lease:
        if lease is None:
            return
        folder = Path(lease.job.arguments["folder"])
        # The mark comes last: whoever sees it and kills this process finds the line in the log.
        append_log(lease, f"attempt {lease.job.attempts}")
        _leave_mark(folder, lease.token)
        while not (folder / "go").exists():
            if is_cancelled(lease):
                raise JobCancelled
            time.sleep(0.05)
        report_progress(lease, done=1)
        lease.result["pid"] = os.getpid()


@shared_task(name="marker.poison")
def poison(job_id: str) -> None:
    """Takes its process down each time, as an out-of-memory kill does."""
    with running(job_id) as lease:
        if lease is None:
            return
        _leave_mark(Path(lease.job.arguments["folder"]), lease.token)
        os.kill(os.getpid(), signal.SIGKILL)


@shared_task(name="marker.raise")
def raise_error(job_id: str) -> None:
    """Fails for a reason of its own."""
    with running(job_id) as lease:
        if lease is not None:
            raise ValueError("the third slice is missing")
