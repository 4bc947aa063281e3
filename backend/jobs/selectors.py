"""Reads jobs: counts for the metrics, rows for the pages that follow a job."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from celery import current_app
from django.db.models import Count, Min, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from backend.jobs.models import Job, JobState

ACTIVE = (JobState.QUEUED, JobState.RUNNING)


def jobs_of_project(project_id: UUID, *, active: bool = False) -> QuerySet[Job]:
    """A project's jobs, the newest first; `active`: only those that wait or run."""
    jobs = Job.objects.filter(project_id=project_id)
    return jobs.filter(state__in=ACTIVE) if active else jobs


def job_counts() -> dict[tuple[str, str], int]:
    """How many jobs there are by (queue, state)."""
    rows = Job.objects.order_by().values_list("queue", "state").annotate(count=Count("pk"))
    return {(queue, state): count for queue, state, count in rows}


def oldest_waiting_seconds() -> float:
    """Age in seconds of the oldest job that waits; 0 where none does."""
    oldest = Job.objects.filter(state=JobState.QUEUED).aggregate(at=Min("created_at"))["at"]
    return 0.0 if oldest is None else (timezone.now() - oldest).total_seconds()


def queue_lengths(queues: Iterable[str]) -> dict[str, int]:
    """Messages that wait in the broker by queue; empty where the broker is away."""
    try:
        with current_app.connection_for_read() as connection:
            client = connection.default_channel.client  # type: ignore[attr-defined]
            return {queue: int(client.llen(queue)) for queue in queues}
    except OperationalError:
        return {}
