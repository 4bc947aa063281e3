"""Writes inspections: ordered, stored, told to the audit trail, and the oldest dropped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from backend.accounts.models import User
from backend.audit.models import Event
from backend.audit.services import record_event
from backend.inspection.models import Inspection
from backend.inspection.selectors import find_inspection, is_under_way, kept_bytes, region_of
from backend.jobs.services import enqueue_job
from backend.projects.models import Case, Project
from backend.readings.models import Lesion
from backend.registry.models import ModelVersion

KEPT: Final = 40
KEPT_BYTES: Final = 96 * 1024 * 1024
ONCE_IN: Final = timedelta(hours=1)
INSPECTED: Final = "case.inspected"


def order_inspection(*, version: ModelVersion, case: Case, frame: int, by: User, lesion: Lesion | None = None) -> Inspection:
    """Have the version read the image and what is inside it kept; what is there or under way is not ordered again.

    With a person's `lesion` only the saliency for that lesion is computed.
    """
    region = region_of(lesion) if lesion is not None else ""
    with transaction.atomic():
        inspection = find_inspection(version=version, case=case, frame=frame, region=region)
        inspection = inspection or _new(version, case, frame, region)
        Inspection.objects.filter(pk=inspection.pk).update(used_at=timezone.now())
        if inspection.made_at is None and not is_under_way(inspection):
            inspection.job = enqueue_job(
                task="inspection.inspect_case",
                queue="infer",
                project_id=case.project_id,
                requested_by=by,
                arguments={"inspection": inspection.pk} | ({"lesion": str(lesion.pk)} if lesion is not None else {}),
            )
            inspection.save(update_fields=["job"])
    return inspection


def _new(version: ModelVersion, case: Case, frame: int, region: str) -> Inspection:
    try:
        with transaction.atomic():
            return Inspection.objects.create(model_version=version, case=case, frame=frame, region=region)
    except IntegrityError:  # Somebody asked at the same moment.
        rows = Inspection.objects.select_related("job")
        return rows.get(model_version=version, case=case, frame=frame, region=region)


def tell_inspection(*, inspection: Inspection, version: ModelVersion, case: Case, by: User) -> None:
    """Write down that somebody looked inside: once per person, inspection and hour, however much of it was fetched."""
    told = Event.objects.filter(
        verb=INSPECTED, actor_id=by.pk, object_id=str(case.pk), project_id=case.project_id, at__gt=timezone.now() - ONCE_IN
    )
    detail = {"case": case.name, "version": version.number, "frame": inspection.frame}
    if detail not in told.values_list("detail", flat=True):
        record_event(
            actor=by, verb=INSPECTED, project_id=case.project_id, object_type="case", object_id=case.pk, detail=detail
        )


def store_inspection(*, inspection: Inspection, document: dict[str, Any], pictures: bytes) -> None:
    """Keep what was seen, and drop what nobody has looked at for longest where it becomes too much."""
    with transaction.atomic():
        Inspection.objects.filter(pk=inspection.pk).update(
            document=document, pictures=pictures, n_bytes=len(pictures), made_at=timezone.now()
        )
        drop_oldest(project=inspection.case.project)


def drop_inspections(*, cases: Sequence[UUID]) -> None:
    """Forget what versions showed of these cases: their pixels are others now."""
    Inspection.objects.filter(case__in=cases).delete()


def drop_oldest(*, project: Project) -> int:
    """Keep the `KEPT` last used inspections of a project and `KEPT_BYTES` at most; how many were dropped."""
    made = Inspection.objects.filter(case__project=project, made_at__isnull=False).order_by("-used_at", "-pk")
    surplus, left = [], kept_bytes(project.pk)
    rows = list(made.values_list("pk", "n_bytes"))
    for place, (pk, n_bytes) in reversed(list(enumerate(rows))):
        # The newest stays, however large it is.
        if place == 0 or (place < KEPT and left <= KEPT_BYTES):
            break
        surplus.append(pk)
        left -= n_bytes
    Inspection.objects.filter(pk__in=surplus).delete()
    return len(surplus)
