"""Open reports of names burnt into images, as leads see them, and which case of a project an image belongs to."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from backend.archive.models import Instance
from backend.projects.models import BurntInReport, Case, Project

_MOST: Final = 500


def shown_image(project: Project, sop_instance_uid: str) -> tuple[UUID, Instance] | None:
    """The image of that UID and the case of the project that shows it; None where no case does."""
    found = Instance.objects.filter(sop_instance_uid=sop_instance_uid, series__study__archive=project.archive_id)
    for instance in found.select_related("series"):
        shows = Q(instance=instance) | Q(instance__isnull=True, series=instance.series)
        case_id = Case.objects.filter(shows, project=project).values_list("pk", flat=True).first()
        if case_id is not None and instance.file_range is None:
            return case_id, instance
    return None


def open_reports(project: Project) -> list[dict[str, Any]]:
    """Reports that nobody has looked into, the oldest first."""
    rows = BurntInReport.objects.filter(case__project=project, closed_at=None).order_by("reported_at", "pk")
    return [
        {
            "case": str(row.case_id),
            "name": row.case.name,
            "sop_instance_uid": row.instance.sop_instance_uid,
            "frame": row.frame,
            "reported_by": row.reported_by.shown_name if row.reported_by is not None else "",
            "reported_at": row.reported_at,
        }
        for row in rows.select_related("case", "instance", "reported_by")[:_MOST]
    ]
