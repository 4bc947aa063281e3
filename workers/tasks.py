"""Tasks of the `default` queue: thin, one id in, a few lines. Nothing here may import torch."""

from __future__ import annotations

from celery import shared_task

from backend.audit.sealing import seal_events
from backend.jobs.services import reconcile_jobs
from workers.running import running

__all__ = ["reconcile", "running", "seal_audit"]


@shared_task(name="jobs.reconcile")
def reconcile() -> None:
    """Ring again for every job that was lost."""
    reconcile_jobs()


@shared_task(name="audit.seal")
def seal_audit() -> None:
    """Chain the newest rows of the audit trail."""
    seal_events()
