"""From the spool to an import: rows and hard links first, the spool's own copies only once the import is done.

Every step may be broken off and done again: keys come from the spool's names, and a run that is there is not made twice.
The spool keeps its copy until a minute after the run has finished, because a database may lose its last moments with the
power; handed over again, the same bytes are found to be here already. Then only what is stored or kept in quarantine goes.
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from backend.archive.store import synchronise
from backend.audit.services import record_event
from backend.dimse.spool import Batch, Spool
from backend.exchange.import_options import ImportOptions
from backend.exchange.models import ImportItem, ImportRun, ImportState, ItemState
from backend.exchange.services import start_import
from backend.exchange.sources import remove_uploads, upload_folder
from backend.jobs.services import FINISHED
from backend.projects.models import Project

logger = logging.getLogger(__name__)
_KEPT: Final = timedelta(minutes=1)
_ROWS: Final = 500
_SET_ASIDE: Final = "The file is kept on the server, in received/failed."


def hand_over(spool: Spool) -> int:
    """Bring every batch that grows no more a step on; how many imports were begun."""
    begun = 0
    for batch in spool.closed():
        run = ImportRun.objects.select_related("job").filter(pk=batch.id).first()
        if run is not None and run.job is None and run.state == ImportState.FAILED:
            logger.error("the import %s ended before it began; what %s sent is in %s", run.pk, batch.sender, spool.failed)
            _set_aside(spool, batch)
        elif run is None or run.job is None:
            begun += _begin(spool, batch)
        elif run.state == ImportState.DONE:
            if run.finished_at is None or timezone.now() - run.finished_at > _KEPT:
                _let_go(spool, batch)
        elif run.job.state in FINISHED:
            logger.error("the import %s failed; what %s sent is kept in %s", run.pk, batch.sender, spool.failed)
            _set_aside(spool, batch)
    return begun


def _set_aside(spool: Spool, batch: Batch) -> None:
    """Keep all of a batch whose import failed; what the import still holds of it are links to the same files."""
    waiting = ImportItem.objects.filter(run_id=batch.id, state=ItemState.WAITING)
    waiting.update(state=ItemState.REFUSED, reason=f"Not imported. {_SET_ASIDE}")
    batch.set_aside(spool.failed)
    remove_uploads(batch.id)


def _let_go(spool: Spool, batch: Batch) -> None:
    """Remove what an import has stored or keeps; what it refused without that, or did not know of, is set aside."""
    items = ImportItem.objects.filter(run_id=batch.id)
    refused = items.filter(state=ItemState.REFUSED, quarantined=None)
    elsewhere = set(items.values_list("pk", flat=True)) - set(refused.values_list("pk", flat=True))
    left = {received.key for received in batch.objects()} - elsewhere
    if not left:
        batch.discard()
        return
    logger.error("the import %s keeps %d files that %s sent nowhere: %s", batch.id, len(left), batch.sender, spool.failed)
    batch.keep_only(left)
    for item in refused.exclude(reason__endswith=_SET_ASIDE):
        item.reason = f"{item.reason} {_SET_ASIDE}"
        item.save(update_fields=["reason"])
    batch.set_aside(spool.failed)


def _begin(spool: Spool, batch: Batch) -> bool:
    objects = list(batch.objects())
    project = Project.objects.filter(pk=UUID(batch.sender.project)).first()
    if project is None:
        logger.error("the project of what %s sent is gone; the files are kept in %s", batch.sender, spool.failed)
        batch.set_aside(spool.failed)
        return False
    if not objects:
        batch.discard()
        return False
    folder = upload_folder(batch.id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for received in objects:
        _link(received.path, folder / str(received.key))
    synchronise(folder)
    synchronise(folder.parent)
    title = batch.sender.calling_ae_title
    options = ImportOptions(origin=f"C-STORE from {title}")
    with transaction.atomic():
        run, is_new = ImportRun.objects.get_or_create(
            pk=batch.id,
            defaults={"project": project, "options": options.as_json(), "received_at": timezone.now()},
        )
        if is_new:
            record_event(
                actor=None, verb="import.received", project_id=project.pk, object_type="import", object_id=run.pk,
                detail={"files": len(objects), "calling_ae_title": title, "address": batch.sender.address},
            )  # fmt: skip
        for start in range(0, len(objects), _ROWS):
            rows = [
                ImportItem(
                    pk=received.key, run=run, name=f"{received.number:06d}.dcm", size=received.size, received=received.size,
                    state=ItemState.WAITING,
                )
                for received in objects[start : start + _ROWS]
            ]  # fmt: skip
            ImportItem.objects.bulk_create(rows, ignore_conflicts=True)
    start_import(run=run, by=None)
    return True


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    os.link(source, target)
