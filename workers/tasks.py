"""Tasks of the queues `default` and `upkeep`: thin, one id in, a few lines. Nothing here may import torch."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from celery import shared_task

from backend.archive.scratch import remove_abandoned_scratch
from backend.audit.sealing import seal_events
from backend.dimse.transferring import run_transfer
from backend.exchange.blanking import forget_blanked, run_blanking
from backend.exchange.export_runs import expire_exports, run_export
from backend.exchange.lost_imports import settle_imports
from backend.exchange.publishing import run_publication, run_withdrawal
from backend.exchange.quarantine_services import expire_kept_aside, run_release
from backend.exchange.receiving import settle_received
from backend.exchange.services import run_import
from backend.exchange.verification import run_verification, tidy_verifications
from backend.exchange.watching import look_at_sources, run_watched
from backend.inspection.services import drop_inspections
from backend.jobs.services import reconcile_jobs
from backend.learning.services import start_due_rounds, tend_models
from backend.webhooks.services import deliver_due
from workers.picture_cache import forget_pictures
from workers.running import running

__all__ = [
    "blank_images",
    "expire",
    "expire_quarantine",
    "export_run",
    "publish",
    "withdraw",
    "import_run",
    "reconcile",
    "release_held",
    "running",
    "seal_audit",
    "settle",
    "start_due",
    "tend",
    "transfer",
    "verify_run",
    "watch",
    "watched_take",
    "webhooks_deliver",
]


@shared_task(name="jobs.reconcile")
def reconcile() -> None:
    """Ring again for every job that was lost."""
    reconcile_jobs()


@shared_task(name="audit.seal")
def seal_audit() -> None:
    """Chain the newest rows of the audit trail."""
    seal_events()


@shared_task(name="archive.remove_abandoned_scratch")
def remove_scratch() -> None:
    """Delete what killed processes left behind."""
    remove_abandoned_scratch()


@shared_task(name="learning.start_due_rounds")
def start_due() -> None:
    """Start the rounds that the policies ask for."""
    start_due_rounds()


@shared_task(name="learning.tend_models")
def tend() -> None:
    """Settle rounds that died, and have new cases read."""
    tend_models()


@shared_task(name="exchange.look_at_sources")
def watch() -> None:
    """Look at the watched folders and buckets whose time has come."""
    look_at_sources()


@shared_task(name="exchange.take_watched")
def watched_take(job_id: str) -> None:
    """Import what a look found."""
    with running(job_id) as lease:
        if lease is not None:
            run_watched(lease)


@shared_task(name="webhooks.deliver")
def webhooks_deliver() -> None:
    """Tell the receivers what is due."""
    deliver_due()


@shared_task(name="exchange.settle_received")
def settle() -> None:
    """Make cases of what other systems have sent."""
    settle_received()


@shared_task(name="exchange.settle_imports")
def settle_uploads() -> None:
    """End imports that nobody goes on with."""
    settle_imports()


@shared_task(name="exchange.expire_quarantine")
def expire_quarantine() -> None:
    """Delete what has been in quarantine for its time."""
    expire_kept_aside()


@shared_task(name="exchange.run_blanking")
def blank_images(job_id: str) -> None:
    """Blank what somebody saw in stored images, and forget pictures that were made of them."""

    def forget(cases: Sequence[UUID]) -> None:
        drop_inspections(cases=cases)
        forget_pictures(cases)

    with running(job_id) as lease:
        if lease is not None:
            run_blanking(lease, forget=forget)


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


@shared_task(name="exchange.run_export")
def export_run(job_id: str) -> None:
    """Write an export."""
    with running(job_id) as lease:
        if lease is not None:
            run_export(lease)


@shared_task(name="exchange.run_verification")
def verify_run(job_id: str) -> None:
    """Prove an export by a round trip."""
    with running(job_id) as lease:
        if lease is not None:
            run_verification(lease)


@shared_task(name="exchange.run_publication")
def publish(job_id: str) -> None:
    """Bring the objects of an export into the archive."""
    with running(job_id) as lease:
        if lease is not None:
            run_publication(lease)


@shared_task(name="exchange.run_withdrawal")
def withdraw(job_id: str) -> None:
    """Take the objects of an export out of the archive."""
    with running(job_id) as lease:
        if lease is not None:
            run_withdrawal(lease)


@shared_task(name="exchange.expire_exports")
def expire() -> None:
    """Remove exports whose days are over, and what a lost proof and a lost blanking left behind."""
    expire_exports()
    tidy_verifications()
    forget_blanked()


@shared_task(name="dimse.run_transfer")
def transfer(job_id: str) -> None:
    """Pull studies from a remote node, or send results to one."""
    with running(job_id) as lease:
        if lease is not None:
            run_transfer(lease)
