"""Tasks of the `default` queue: thin, one id in, a few lines. Nothing here may import torch."""

from __future__ import annotations

from celery import shared_task

from backend.audit.sealing import seal_events
from backend.exchange.quarantine_services import expire_kept_aside, run_release
from backend.exchange.services import run_import
from backend.jobs.services import reconcile_jobs
from backend.learning.services import start_due_rounds, tend_models
from workers.running import running

__all__ = [
    "expire",
    "import_run",
    "reconcile",
    "release_held",
    "running",
    "seal_audit",
    "start_due",
    "tend",
]


@shared_task(name="jobs.reconcile")
def reconcile() -> None:
    """Ring again for every job that was lost."""
    reconcile_jobs()


@shared_task(name="audit.seal")
def seal_audit() -> None:
    """Chain the newest rows of the audit trail."""
    seal_events()


@shared_task(name="learning.start_due_rounds")
def start_due() -> None:
    """Start the rounds that the policies ask for."""
    start_due_rounds()


@shared_task(name="learning.tend_models")
def tend() -> None:
    """Settle rounds that died, and have new cases read."""
    tend_models()


@shared_task(name="exchange.expire_quarantine")
def expire() -> None:
    """Delete what has been in quarantine for its time."""
    expire_kept_aside()


@shared_task(name="exchange.run_release")
def release_held(job_id: str) -> None:
    """Bring images that a lead has looked at into the project."""
    with running(job_id) as lease:
        if lease is not None:
            run_release(lease)


@shared_task(name="exchange.run_import")
def import_run(job_id: str) -> None:
    """Bring the files of an import into a project."""
    with running(job_id) as lease:
        if lease is not None:
            run_import(lease)
