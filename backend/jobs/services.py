"""Who moves a job: enqueue, claim under a lease, beat, finish, fail, cancel, and ring again what was lost.

The row is the truth and the broker a doorbell: a message carries only the job's id and may be lost or doubled.
A claim raises the fencing token, and every later write names it, so a worker that was thought dead cannot write
over the one that took its place.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Concat, Right
from django.utils import timezone
from kombu.exceptions import OperationalError

from backend.accounts.models import User
from backend.audit.services import record_event
from backend.jobs.models import Job, JobState

logger = logging.getLogger(__name__)

LOG_CHARACTERS: Final = 200_000
"""The log keeps its newest part."""

FINISHED: Final = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


class LeaseLost(Exception):
    """Another worker holds the job now, or it is finished: stop, write nothing more."""


class JobCancelled(Exception):
    """Somebody asked for this job to stop; raise it from the work to end as `cancelled`."""


@dataclass(eq=False)
class Lease:
    """The right to run one job until the lease runs out; `result` is what the job will have found when it ends."""

    job: Job
    token: int
    result: dict[str, Any] = field(default_factory=dict)


def enqueue_job(
    *,
    task: str,
    queue: str,
    project_id: UUID | None = None,
    requested_by: User | None = None,
    arguments: dict[str, Any] | None = None,
) -> Job:
    """Write down a job and ring for a worker once the surrounding transaction has committed."""
    job = Job.objects.create(
        task=task, queue=queue, project_id=project_id, requested_by=requested_by, arguments=arguments or {}
    )
    transaction.on_commit(partial(_ring, job))
    return job


def _ring(job: Job) -> None:
    """Send the job's id to its queue; a broker that is away is no error, the reconciler rings later."""
    try:
        current_app.send_task(job.task, args=[str(job.id)], queue=job.queue, retry=False, headers={"job_id": str(job.id)})
    except OperationalError as error:
        logger.warning("job %s (%s) waits for the broker: %s", job.id, job.task, error)
        return
    Job.objects.filter(pk=job.pk).update(enqueued_at=timezone.now())


def claim_job(job_id: str | UUID) -> Lease | None:
    """Take the job if nobody holds it; None where it is held, finished, cancelled or has used up its attempts."""
    now = timezone.now()
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id).first()
        if job is None or job.state in FINISHED or _is_held(job):
            return None
        if _close_if_hopeless(job):
            return None
        job.state = JobState.RUNNING
        job.attempts += 1
        job.fencing_token += 1
        job.started_at = job.started_at or now
        job.lease_expires_at = now + timedelta(seconds=settings.JOB_LEASE_SECONDS)
        job.save(update_fields=["state", "attempts", "fencing_token", "started_at", "lease_expires_at", "updated_at"])
    return Lease(job=job, token=job.fencing_token)


def _is_held(job: Job) -> bool:
    """Whether a worker holds an unexpired lease."""
    return job.state == JobState.RUNNING and job.lease_expires_at is not None and job.lease_expires_at > timezone.now()


def _close_if_hopeless(job: Job) -> bool:
    """End a job that was cancelled or has failed its last attempt; whether it was ended."""
    if job.cancel_requested:
        job.state = JobState.CANCELLED
    elif job.attempts >= job.max_attempts:
        job.state = JobState.FAILED
        job.error = job.error or f"Gave up after {job.attempts} attempts: each time the worker was lost."
    else:
        return False
    job.fencing_token += 1  # A worker that comes back from the dead finds its lease gone.
    job.lease_expires_at = None
    job.finished_at = timezone.now()
    job.save(update_fields=["state", "error", "fencing_token", "lease_expires_at", "finished_at", "updated_at"])
    return True


def _write(lease: Lease, **values: Any) -> None:
    """Change the job's row if the lease still holds, in one statement."""
    held = Job.objects.filter(pk=lease.job.pk, fencing_token=lease.token, state=JobState.RUNNING)
    if not held.update(updated_at=timezone.now(), **values):
        raise LeaseLost(f"job {lease.job.pk}: fencing token {lease.token} is no longer the newest")


def heartbeat(lease: Lease) -> None:
    """Say that the worker is alive: the lease runs on."""
    _write(lease, lease_expires_at=timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS))


def report_progress(lease: Lease, **progress: Any) -> None:
    """Merge `progress` into what the browser polls."""
    lease.job.progress = {**lease.job.progress, **progress}
    _write(lease, progress=lease.job.progress)


def change_arguments(lease: Lease, arguments: dict[str, Any]) -> None:
    """Write down what the next attempt has to know, if it comes to one; in the caller's transaction, if he has one."""
    lease.job.arguments = arguments
    _write(lease, arguments=arguments)


def append_log(lease: Lease, line: str) -> None:
    """Add one line to the job's log."""
    _write(lease, log=Right(Concat(F("log"), Value(line.rstrip("\n") + "\n")), LOG_CHARACTERS))


def finish_job(lease: Lease, result: dict[str, Any]) -> None:
    """The job succeeded."""
    _write(lease, state=JobState.SUCCEEDED, result=result, error="", finished_at=timezone.now(), lease_expires_at=None)


def fail_job(lease: Lease, error: str) -> None:
    """The job failed for a reason that another attempt would not mend."""
    _write(lease, state=JobState.FAILED, error=error, finished_at=timezone.now(), lease_expires_at=None)


def end_cancelled_job(lease: Lease) -> None:
    """The worker stopped because somebody asked it to."""
    _write(lease, state=JobState.CANCELLED, finished_at=timezone.now(), lease_expires_at=None)


def release_job(lease: Lease) -> None:
    """Give the job back for another attempt, at once."""
    _write(lease, state=JobState.QUEUED, lease_expires_at=None)
    transaction.on_commit(partial(_ring, lease.job))


def is_cancelled(lease: Lease) -> bool:
    """Whether somebody asked for this job to stop; LeaseLost where it is no longer ours."""
    row = Job.objects.filter(pk=lease.job.pk).values("fencing_token", "state", "cancel_requested").first()
    if row is None or row["fencing_token"] != lease.token or row["state"] != JobState.RUNNING:
        raise LeaseLost(f"job {lease.job.pk}: fencing token {lease.token} is no longer the newest")
    return bool(row["cancel_requested"])


def cancel_job(*, job: Job, by: User | None) -> Job:
    """Ask for a job to stop: a waiting one ends at once, a running one when its worker next looks."""
    with transaction.atomic():
        fresh = Job.objects.select_for_update().get(pk=job.pk)
        if fresh.state in FINISHED or fresh.cancel_requested:
            return fresh
        fresh.cancel_requested = True
        fresh.save(update_fields=["cancel_requested", "updated_at"])
        if not _is_held(fresh):
            _close_if_hopeless(fresh)
        record_event(
            actor=by, verb="job.cancel", project_id=fresh.project_id, object_type="job", object_id=str(fresh.pk),
            detail={"task": fresh.task},
        )  # fmt: skip
    return fresh


def expire_leases() -> int:
    """End every lease now. Only for a supervisor that knows no worker to be alive: jobs then resume at once."""
    return Job.objects.filter(state=JobState.RUNNING).update(lease_expires_at=timezone.now())


def reconcile_jobs() -> list[Job]:
    """Ring again for every job that no doorbell and no live worker would bring on; returns those rung for.

    Lost are: waiting jobs whose message is in no queue (never sent, or the broker was emptied) and running jobs
    whose lease has expired (the worker died). The latter wait in state `queued`, so that the next claim is the
    same as the first.
    """
    now = timezone.now()
    for job_id in Job.objects.filter(state=JobState.RUNNING, lease_expires_at__lte=now).values_list("pk", flat=True):
        _requeue_expired(job_id)
    settled = now - timedelta(seconds=settings.JOB_HEARTBEAT_SECONDS)
    waiting = [job for job in Job.objects.filter(state=JobState.QUEUED) if (job.enqueued_at or job.created_at) <= settled]
    if not waiting:
        return []
    rung = _ids_at_the_door(sorted({job.queue for job in waiting}))
    lost = [job for job in waiting if str(job.pk) not in rung]
    for job in lost:
        _ring(job)
    return lost


def _requeue_expired(job_id: UUID) -> None:
    """Turn one running job with an expired lease into a waiting one, or end it."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=job_id)
        if job.state != JobState.RUNNING or _is_held(job) or _close_if_hopeless(job):
            return
        job.state = JobState.QUEUED
        job.lease_expires_at = None
        job.fencing_token += 1
        job.save(update_fields=["state", "lease_expires_at", "fencing_token", "updated_at"])


def _ids_at_the_door(queues: Iterable[str]) -> set[str]:
    """Job ids of the messages that wait in these queues (kombu's Redis transport keeps one list per queue)."""
    found: set[str] = set()
    with current_app.connection_for_read() as connection:
        client = connection.default_channel.client  # type: ignore[attr-defined]
        for queue in queues:
            for message in client.lrange(queue, 0, -1):
                found.add(json.loads(message)["headers"].get("job_id", ""))
    return found
