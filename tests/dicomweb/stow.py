"""Bodies of STOW-RS requests, and the steps of the import that a worker does afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

CONTENT_TYPE = 'multipart/related; type="application/dicom"; boundary=BOUNDARY'


def body(*files: bytes, part_type: str = "application/dicom") -> bytes:
    """A multipart body of DICOM files."""
    parts = (b"--BOUNDARY\r\nContent-Type: %b\r\n\r\n%b\r\n" % (part_type.encode(), data) for data in files)
    return b"".join(parts) + b"--BOUNDARY--\r\n"


def settle() -> list[Any]:
    """What the beat and a worker do when nothing has come for a while; the runs that became cases."""
    from django.db.models import F

    from backend.exchange.models import ImportRun
    from backend.exchange.receiving import settle_received
    from backend.exchange.services import run_import
    from backend.jobs.models import Job
    from backend.jobs.services import claim_job

    ImportRun.objects.update(received_at=F("received_at") - timedelta(minutes=1))
    settled = settle_received()
    for job in Job.objects.filter(state="queued", task="exchange.run_import"):
        run_import(claim_job(job.pk))
    return settled
