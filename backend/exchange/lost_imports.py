"""Imports that nobody goes on with come to an end, and the received bytes of those that have ended do not stay."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from backend.exchange.kept_refused import keep_refused_files
from backend.exchange.models import ImportItem, ImportRun, ImportState, ItemState
from backend.exchange.services import close_import
from backend.exchange.sources import upload_folder
from backend.jobs.models import JobState

_GRACE_SECONDS: Final = 3600.0


def settle_imports() -> int:
    """End the imports whose sender or worker is gone; how many there were."""
    count = _end_uploads() + _end_unworked()
    _remove_left_bytes()
    return count


def _end_uploads() -> int:
    """Those that were begun and not started, for so many days without another piece."""
    days = settings.UPLOAD_DAYS
    limit = timezone.now() - timedelta(days=days)
    old = ImportRun.objects.filter(state=ImportState.UPLOADING, created_at__lt=limit)
    told = f"Nobody went on with this upload for {days:g} days: what had come was deleted. Choose the files again."
    return sum(_end(run, told) for run in old.iterator(100) if _last_piece(run) < limit)


def _last_piece(run: ImportRun) -> datetime:
    folder, times = upload_folder(run.pk), []
    with suppress(FileNotFoundError):
        times = [entry.stat().st_mtime for entry in folder.iterdir()]
    return datetime.fromtimestamp(max(times), UTC) if times else run.created_at


def _end_unworked() -> int:
    """Those whose job ended without telling: cancelled before it began, or its worker lost too often."""
    ended = Q(job__state__in=(JobState.FAILED, JobState.CANCELLED))
    runs = ImportRun.objects.filter(ended, state__in=(ImportState.QUEUED, ImportState.RUNNING)).select_related("job")
    return sum(_end(run, run.job.error if run.job and run.job.error else "Cancelled.") for run in runs.iterator(100))


def _end(run: ImportRun, message: str) -> bool:
    keep_refused_files(run=run, sources=[])
    with transaction.atomic():
        locked = ImportRun.objects.select_for_update().get(pk=run.pk)
        if locked.state != run.state:
            return False
        unfinished = ImportItem.objects.filter(run=run, state=ItemState.UPLOADING)
        unfinished.update(state=ItemState.REFUSED, reason="The upload was not finished.")
        if run.received_at is None:
            waiting = ImportItem.objects.filter(run=run, state=ItemState.WAITING)
            waiting.update(state=ItemState.REFUSED, reason="It waited in an import that ended: deleted, not imported.")
        close_import(locked, ImportState.FAILED, message)
    return True


def _remove_left_bytes() -> None:
    """Folders whose run has ended or is gone: who was to delete them was killed first."""
    if not settings.UPLOAD_DIR.is_dir():
        return
    for folder in settings.UPLOAD_DIR.iterdir():
        with suppress(FileNotFoundError):
            if folder.stat().st_mtime < time.time() - _GRACE_SECONDS and _is_of_no_use(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_of_no_use(folder: Path) -> bool:
    """Whether it was a run's that has ended; what was acknowledged to its sender and not imported stays."""
    try:
        pk = UUID(folder.name)
    except ValueError:
        return False
    run = ImportRun.objects.filter(pk=pk).only("state", "received_at").first()
    if run is None or run.state == ImportState.DONE:
        return True
    return run.state == ImportState.FAILED and run.received_at is None
