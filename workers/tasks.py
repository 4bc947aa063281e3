"""Tasks of the `default` queue: thin, one id in, a few lines. Nothing here may import torch."""

from __future__ import annotations

from celery import shared_task

from backend.jobs.services import reconcile_jobs
from workers.running import running

__all__ = ["reconcile", "running"]


@shared_task(name="jobs.reconcile")
def reconcile() -> None:
    """Ring again for every job that was lost."""
    reconcile_jobs()
