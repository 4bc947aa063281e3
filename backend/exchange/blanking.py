"""Text that somebody saw in an image that is stored already: a lead has it blanked, everywhere it is kept; done by a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from backend.accounts.models import User
from backend.archive.blanking import blank_instance, forget_former
from backend.archive.decode_child import DecodeChild
from backend.archive.models import Instance
from backend.audit.services import record_event
from backend.dicom.burnt_in import checked_rectangles
from backend.dicom.refusal import Refused
from backend.exchange.export_runs import expire_exports_with_images
from backend.jobs.models import Job
from backend.jobs.services import FINISHED, JobCancelled, Lease, change_arguments, enqueue_job, is_cancelled, report_progress
from backend.projects.burnt_in_services import close_blanked_reports
from backend.projects.models import Case, Project
from backend.projects.selectors import case_instances

_FORMER: Final = "former"
"""Of a job's arguments: objects with former pixels that are still to be deleted."""
_EXPORTS_GONE: Final = "Text in an image was blanked after this export was made. Order it again."


def order_blanking(
    *,
    project: Project,
    case: Case,
    rectangles: Sequence[Sequence[int]],
    sop_instance_uid: str,
    reason: str,
    by: User,
) -> tuple[Job, int]:
    """Have rectangles blanked in one image of a case, or in all of them (no UID); the job, and in how many.

    Refused without a rectangle, for one outside an image, and for an image that is not of the case.
    """
    images = case_instances(case)
    if sop_instance_uid:
        images = images.filter(sop_instance_uid=sop_instance_uid)
    sizes = list(images.values_list("pk", "rows", "columns"))
    if not sizes:
        raise Refused("The case has no such image.")
    if not rectangles:
        raise Refused("Draw first what is to be blanked.")
    for rows, columns in {(rows, columns) for _, rows, columns in sizes}:
        checked_rectangles(rectangles, rows, columns)  # Refused here; each image clips them to its own size.
    asked = [list(one) for one in rectangles]
    with transaction.atomic():
        record_event(
            actor=by, verb="image.blanked", project_id=project.pk, object_type="case", object_id=case.pk,
            detail={"images": len(sizes), "rectangles": asked, "reason": reason},
        )  # fmt: skip
        job = enqueue_job(
            task="exchange.run_blanking",
            queue="default",
            project_id=project.pk,
            requested_by=by,
            arguments={"instances": [pk for pk, _, _ in sizes], "rectangles": asked},
        )
    return job, len(sizes)


def run_blanking(lease: Lease, *, forget: Callable[[Sequence[UUID]], None]) -> None:
    """The worker's side of `order_blanking`; can be broken off anywhere and done again.

    The images are the archive's: whoever else has a project on it sees them blanked, too. `forget` is told the cases that
    show them, to drop what was made of their former pixels; so are exports, also where only some images could be blanked.
    """
    keys = lease.job.arguments["instances"]
    try:
        _blank(lease, keys)
    finally:
        shown = Case.objects.filter(series__instances__in=keys).distinct()
        expire_exports_with_images(projects=set(shown.values_list("project_id", flat=True)), message=_EXPORTS_GONE)
        forget(list(shown.values_list("pk", flat=True)))
    close_blanked_reports(instances=keys, ordered_at=lease.job.created_at, by=lease.job.requested_by)
    lease.result["images"] = len(keys)


def forget_blanked() -> int:
    """Delete former pixels that blankings have left which ended before they came to it; of how many."""
    left = list(Job.objects.filter(task="exchange.run_blanking", state__in=FINISHED, arguments__has_key=_FORMER))
    for job in left:
        _forget(job)
        Job.objects.filter(pk=job.pk).update(arguments=_without_former(job))
    return len(left)


def _blank(lease: Lease, keys: Sequence[int]) -> None:
    images = Instance.objects.select_related("series__study__archive")
    _forget_former(lease)  # of an attempt that was killed
    with DecodeChild() as child:
        for done, key in enumerate(sorted(keys), 1):
            if is_cancelled(lease):
                raise JobCancelled
            # Read only now: another blanking may have been here since the one before.
            instance = images.get(pk=key)
            blank_instance(
                instance, lease.job.arguments["rectangles"], child=child, note_former=partial(_note_former, lease)
            )
            _forget_former(lease)
            report_progress(lease, done=done, total=len(keys))


def _note_former(lease: Lease, keys: Sequence[str]) -> None:
    arguments = lease.job.arguments
    change_arguments(lease, {**arguments, _FORMER: [*arguments.get(_FORMER, []), *keys]})


def _forget_former(lease: Lease) -> None:
    if _FORMER in lease.job.arguments:
        _forget(lease.job)
        change_arguments(lease, _without_former(lease.job))


def _forget(job: Job) -> None:
    assert job.project_id is not None  # a blanking is ordered in a project
    archive_id = Project.objects.values_list("archive_id", flat=True).get(pk=job.project_id)
    forget_former(archive_id, job.arguments[_FORMER])


def _without_former(job: Job) -> dict[str, Any]:
    return {name: value for name, value in job.arguments.items() if name != _FORMER}
