"""Exports, formats and waiting readings as the API tells them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Count, F, Q, QuerySet

from backend.accounts.models import User
from backend.exchange.export_selection import ExportFilter, exported_readings
from backend.exchange.format_registry import read_formats, written_formats
from backend.exchange.formats.options import FormatOption
from backend.exchange.models import ExportRun, PendingReading
from backend.exchange.publishing import PUBLISH, PUBLISHED_FORMATS
from backend.exchange.selectors import missing_segmentations
from backend.jobs.models import Job
from backend.projects.models import Project
from backend.projects.shown_names import ShownNames
from backend.readings.models import ReadingState
from backend.readings.selectors import superseded

_CASE_NAME: Final = re.compile(r"[A-Z0-9]{1,16}-\d{4,}")
_LACKS_SEGMENTATION: Final = "Its regions are segments of a segmentation that is not here yet."


def format_documents() -> list[dict[str, Any]]:
    """Every format that readings go out in and what may be set, by its title."""
    return [
        {
            "name": one.name,
            "title": one.title,
            "is_read": one.read is not None,
            "kinds": sorted(one.carries.kinds),
            "others_become": one.carries.others_become,
            "options": _option_documents(one.write_options),
        }
        for one in sorted(written_formats().values(), key=lambda one: one.title.casefold())
    ]


def read_format_documents() -> list[dict[str, Any]]:
    """Every format that readings come in and what may be set, by its title."""
    return [
        {
            "name": one.name,
            "title": one.title,
            "options": _option_documents(one.read_options),
        }
        for one in sorted(read_formats().values(), key=lambda one: one.title.casefold())
    ]


def _option_documents(options: Sequence[FormatOption]) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "kind": one.kind, "choices": list(one.choices), "default": one.default,
         "words": one.words, "help": one.help}
        for one in options
    ]  # fmt: skip


def reader_documents(*, project: Project, user: User) -> list[dict[str, Any]]:
    """Readers with submitted readings that `user` may export, models included, by kind and name."""
    readings = exported_readings(project=project, by=user, chosen=ExportFilter(models=True))
    rows = readings.order_by().values("reader_id", "reader__name", "reader__kind").annotate(count=Count("pk"))
    found = [
        {"id": row["reader_id"], "name": row["reader__name"], "kind": row["reader__kind"], "readings": row["count"]}
        for row in rows
    ]
    return sorted(found, key=lambda one: (one["kind"], one["name"].casefold(), one["id"]))


def exports_of(project: Project) -> QuerySet[ExportRun]:
    """A project's exports, the newest first."""
    found = ExportRun.objects.filter(project=project).select_related(
        "created_by", "job", "verification_job", "publication_job", "project"
    )
    current = Q(derived_objects__revision=F("derived_objects__reading__revision"))
    current &= Q(derived_objects__reading__state=ReadingState.SUBMITTED)
    current &= Q(~superseded(of="derived_objects__reading__"))
    return found.annotate(n_published=Count("derived_objects"), n_current=Count("derived_objects", filter=current)).order_by(
        "-created_at"
    )


def export_document(run: ExportRun, user: User) -> dict[str, Any]:
    """An export; its proof in words is for who made it, as its file is."""
    own = run.created_by_id == user.pk
    return {
        "id": str(run.pk),
        "format": run.format,
        "options": run.options,
        "filter": run.filter,
        "pictures": run.pictures,
        "state": run.state,
        "message": run.message,
        "created_by": run.created_by.get_username() if run.created_by is not None else "",
        "own": own,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "expires_at": run.expires_at,
        "size": run.size,
        "sha256": run.sha256,
        "counts": run.counts if own else {},
        "losses": run.losses if own else [],
        "progress": _progress(run.job),
        "verification": run.verification if own else None,
        "verifying": _progress(run.verification_job) if _is_busy(run.verification_job) else None,
        "publication": _publication(run, own=own),
    }


def _publication(run: ExportRun, *, own: bool) -> dict[str, Any] | None:
    """What of an export is published, of those that can be; how much is for who made it alone."""
    if run.format not in PUBLISHED_FORMATS:
        return None
    job = run.publication_job
    is_busy = _is_busy(job)
    published = job is not None and job.task == PUBLISH and job.state == "succeeded"
    left_out = {name: int(job.result.get(name, 0)) for name in ("hidden", "models", "changed")} if job and published else {}
    return {
        "is_published": bool(run.n_published),  # type: ignore[attr-defined]  # annotated by `exports_of`
        "is_complete": published,
        "objects": run.n_published if own else 0,  # type: ignore[attr-defined]
        "current": run.n_current if own else 0,  # type: ignore[attr-defined]
        "left_out": left_out if own else {},
        "error": job.error if job is not None and job.state == "failed" and own else "",
        "doing": None if not is_busy or job is None else ("publish" if job.task == PUBLISH else "withdraw"),
        "progress": _progress(job),
    }


def _progress(job: Job | None) -> dict[str, int]:
    progress = job.progress if job is not None else {}
    return {"done": int(progress.get("done", 0)), "total": int(progress.get("total", 0))}


def _is_busy(job: Job | None) -> bool:
    return job is not None and job.state in ("queued", "running")


def waiting_documents(project: Project, names: ShownNames, limit: int = 200) -> dict[str, Any]:
    """Readings that wait for their images, the oldest first, with what they name; leads only."""
    rows = PendingReading.objects.filter(project=project)
    return {"total": rows.count(), "results": [_waiting(project, row, names) for row in rows[:limit]]}


def _waiting(project: Project, row: PendingReading, names: ShownNames) -> dict[str, Any]:
    lacks_segmentation = bool(missing_segmentations(project, row.content.get("segmentations", ())))
    images = row.content.get("images", [])
    told = [_image_name(one, names) for one in images]
    return {
        "id": str(row.pk),
        "source": names.name(row.source),
        "format": row.format,
        "reader": row.reader,
        "lesions": len(row.content.get("lesions", [])),
        "images": len(images),
        # A digest tells nobody anything.
        "names": [name for name in told if name and not name.startswith("digest:")][:3],
        "reason": names.text(row.reason, [row.source]) or (_LACKS_SEGMENTATION if lacks_segmentation else ""),
        "created_at": row.created_at,
    }


def _image_name(image: dict[str, Any], names: ShownNames) -> str:
    """How a reading calls an image that is not here; a case's name is ours and names nobody."""
    name = str(image.get("name") or "")
    return (name if _CASE_NAME.fullmatch(name) else names.name(name)) or str(image.get("sop_instance_uid") or "")
