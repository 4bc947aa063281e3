"""Reports of names that are burnt into stored images: made by whoever reads, closed by a lead's blanking or dismissal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from backend.accounts.models import User
from backend.archive.models import Instance
from backend.audit.services import record_event
from backend.projects.models import BurntInReport, Case, ReportOutcome


def report_burnt_in(*, case: Case, instance: Instance, frame: int, by: User) -> None:
    """Tell the leads that a name stands in a frame of an image of the case; once more by the same person changes nothing."""
    with transaction.atomic():
        # The case's row first: two requests of one person take turns.
        Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
        _, made = BurntInReport.objects.get_or_create(
            case=case, instance=instance, frame=frame, reported_by=by, closed_at=None
        )
        if made:
            record_event(
                actor=by, verb="burnt_in.reported", project_id=case.project_id, object_type="case", object_id=case.pk,
                detail={"sop_instance_uid": instance.sop_instance_uid, "frame": frame},
            )  # fmt: skip


def dismiss_reports(*, case: Case, reason: str, by: User) -> int:
    """Close the open reports of a case: a lead looked, and no name stands there; how many."""
    with transaction.atomic():
        closed = BurntInReport.objects.filter(case=case, closed_at=None).update(
            closed_at=timezone.now(), closed_by=by, outcome=ReportOutcome.DISMISSED
        )
        if closed:
            record_event(
                actor=by, verb="burnt_in.dismissed", project_id=case.project_id, object_type="case", object_id=case.pk,
                detail={"reports": closed, "reason": reason},
            )  # fmt: skip
    return closed


def close_blanked_reports(*, instances: Collection[int], ordered_at: datetime, by: User | None) -> None:
    """Close what had been reported of these images when their blanking was ordered, in whichever project.

    What was reported later may be text that whoever ordered it knew nothing of: it stays open.
    """
    with transaction.atomic():
        waiting = BurntInReport.objects.select_for_update(of=("self",)).filter(
            instance__in=instances, reported_at__lte=ordered_at, closed_at=None
        )
        rows = list(waiting.values_list("pk", "case_id", "case__project_id"))
        BurntInReport.objects.filter(pk__in=[row[0] for row in rows]).update(
            closed_at=timezone.now(), closed_by=by, outcome=ReportOutcome.BLANKED
        )
        for (case_id, project_id), count in Counter(row[1:] for row in rows).items():
            # Who blanks in one project is nobody to the members of another.
            record_event(
                actor=None, verb="burnt_in.blanked", project_id=project_id, object_type="case", object_id=case_id,
                detail={"reports": count},
            )  # fmt: skip
