"""The frame around every job's work: claim, beat, finish, fail or give back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from backend.jobs.services import (
    JobCancelled,
    Lease,
    LeaseLost,
    claim_job,
    end_cancelled_job,
    fail_job,
    finish_job,
    heartbeat,
    release_job,
)

logger = logging.getLogger(__name__)

PASSING = (OperationalError, InterfaceError, ConnectionError, TimeoutError)
"""Errors of the surroundings, not of the work: the job goes back to its queue, up to its last attempt."""


@contextmanager
def running(job_id: str) -> Iterator[Lease | None]:
    """Run a job's work under its lease; yields None (then return at once) where there is nothing to do.

    What the work puts into `lease.result` is kept when the block ends. An exception fails the job with its message,
    `JobCancelled` ends it as cancelled, `LeaseLost` ends the block silently because another worker goes on.
    A worker that is told to stop (SystemExit) gives the job back for the next one.

        with running(job_id) as lease:
            if lease is None:
                return
            lease.result["imported"] = import_files(lease)
    """
    lease = claim_job(job_id)
    if lease is None:
        yield None
        return
    stop = threading.Event()
    beat = threading.Thread(target=_beat, args=(lease, stop), name=f"heartbeat-{job_id}", daemon=True)
    beat.start()
    try:
        yield lease
        finish_job(lease, lease.result)
    except LeaseLost as error:
        logger.warning("%s", error)
    except JobCancelled:
        _end(lease, cancelled=True)
    except PASSING as error:
        logger.warning("job %s goes back to its queue: %s", job_id, error)
        _give_back(lease, error)
    except Exception as error:
        _end(lease, error=f"{type(error).__name__}: {error}")
        raise
    except BaseException:
        _give_back(lease, None)
        raise
    finally:
        stop.set()
        beat.join()


def _end(lease: Lease, *, cancelled: bool = False, error: str = "") -> None:
    """Write the end of the job unless another worker has taken it."""
    try:
        if cancelled:
            end_cancelled_job(lease)
        else:
            fail_job(lease, error)
    except LeaseLost as lost:
        logger.warning("%s", lost)


def _give_back(lease: Lease, error: Exception | None) -> None:
    """Release the job for another attempt, or fail it after its last one."""
    if error is not None and lease.job.attempts >= lease.job.max_attempts:
        _end(lease, error=f"{type(error).__name__}: {error}")
        return
    try:
        release_job(lease)
    except LeaseLost as lost:
        logger.warning("%s", lost)


def _beat(lease: Lease, stop: threading.Event) -> None:
    """Keep the lease alive from a thread of its own until told to stop or the lease is gone."""
    try:
        while not stop.wait(settings.JOB_HEARTBEAT_SECONDS):
            try:
                heartbeat(lease)
            except LeaseLost as error:
                logger.warning("%s", error)
                return
            except (OperationalError, InterfaceError) as error:
                logger.warning("heartbeat of job %s missed: %s", lease.job.pk, error)
                connections.close_all()
    finally:
        connections.close_all()
