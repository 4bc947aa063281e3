"""Reads inspections, and decides who may look inside which version for which case."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final
from uuid import UUID

from django.db.models import Sum
from django.urls import reverse

from backend.accounts.models import User
from backend.inspection.models import Inspection
from backend.jobs.models import JobState
from backend.jobs.selectors import ACTIVE
from backend.projects.arms import ReaderArms, arm_of
from backend.projects.models import Assignment, Case, Project, Role, Split
from backend.projects.selectors import case_instances, unread_blinded
from backend.readings.models import Lesion, MarkKind, ReaderKind
from backend.readings.selectors import awaits_reveal, cases_awaiting_reveal, may_hear_others, readings_visible_to
from backend.registry.models import ModelVersion

INSPECTED: Final = (Split.POOL, Split.VALIDATION)
"""Single cases of HOLDOUT are told to nobody; an EMBARGOED one looks like a case that somebody reads blinded."""
LISTED: Final = 30
LOOKED_THROUGH: Final = 2000
Frame = tuple[str, int]


def may_inspect(*, user: User, role: str, version: ModelVersion, case: Case) -> bool:
    """Whether the version's work on this case may be shown: by the rules of `readings_visible_to`.

    A lead, who may see every version, looks into any of them where anything of a model may be told of the case: not of one
    that he is to read blinded or first without the model. Others look into a version where they may see its reading.
    """
    if case.split not in INSPECTED:
        return False
    assignment = Assignment.objects.filter(case=case, user=user).first()
    if role != Role.LEAD:
        visible = readings_visible_to(user, case, role=role, assignment=assignment)
        return visible.filter(reader__model_version=version).exists()
    arm = assignment.arm if assignment else arm_of(case.project, case, user).arm
    waits = awaits_reveal(user, case, role=role, arm=arm)
    return may_hear_others(role=role, arm=arm, assignment=assignment, waits=waits)


def inspectable_cases(*, project: Project, user: User, role: str, search: str) -> dict[str, Any]:
    """Cases that the lead may look into, by number; `hidden` counts those passed over that he is still to read blinded."""
    rows = Case.objects.filter(project=project, split__in=INSPECTED).order_by("number")
    if search:
        rows = rows.filter(name__icontains=search)
    cases = list(rows[:LOOKED_THROUGH])
    hidden = unread_blinded(project=project, cases=cases, user=user)
    arms, given = ReaderArms(project, user), Assignment.objects.filter(user=user, case__in=cases)
    kept = dict(given.values_list("case", "arm"))
    drawn = [(one.pk, one.is_open, kept.get(one.pk) or arms.draw(split=one.split, draw=one.draw).arm) for one in cases]
    hidden |= cases_awaiting_reveal(project, user, role=role, cases=drawn)
    base = reverse("project-detail", args=[project.slug])
    shown = [case for case in cases if case.pk not in hidden]
    return {
        "total": len(shown),
        "hidden": len(hidden),
        "cases": [
            {"id": str(case.pk), "name": case.name, "thumbnail": f"{base}cases/{case.pk}/thumbnail/"}
            for case in shown[:LISTED]
        ],
    }


def case_frames(case: Case) -> list[Frame]:
    """SOP Instance UID and frame number of every image of the case, in reading order."""
    return [(row.sop_instance_uid, number) for row in case_instances(case) for number in range(1, row.number_of_frames + 1)]


def marked_lesions(
    *, user: User, role: str, version: ModelVersion, case: Case, frames: list[Frame], frame: int
) -> list[Lesion]:
    """Lesions on the image that people marked, as far as the user may see them and the version knows their type."""
    visible = readings_visible_to(user, case, role=role).exclude(reader__kind=ReaderKind.MODEL)
    known = dict(version.finding_type_ids or {}).get("types", ())
    rows = Lesion.objects.filter(reading__in=visible, finding_type__in=known).exclude(kind=MarkKind.POINT)
    rows = rows.select_related("instance", "reading__reader").order_by("created_at", "pk")
    return [lesion for lesion in rows if _is_on(lesion, frames, frame)]


def _is_on(lesion: Lesion, frames: list[Frame], frame: int) -> bool:
    if lesion.kind != MarkKind.MASK:
        return (lesion.instance.sop_instance_uid, lesion.frame) == frames[frame - 1]
    start, depth = int((lesion.mask_origin or [0])[0]), int((lesion.mask_shape or [0])[0])
    return start < frame <= start + depth


def region_of(lesion: Lesion) -> str:
    """SHA-256 of what and where a lesion is: an edited one is another region."""
    shape = [lesion.finding_type_id, lesion.kind, lesion.points, lesion.mask_origin, lesion.mask_shape, lesion.mask_digest]
    return hashlib.sha256(json.dumps(shape).encode()).hexdigest()


def find_inspection(*, version: ModelVersion, case: Case, frame: int, region: str = "") -> Inspection | None:
    """What is known, without its pictures."""
    rows = Inspection.objects.filter(model_version=version, case=case, frame=frame, region=region)
    return rows.select_related("job").defer("pictures").first()


def is_under_way(inspection: Inspection) -> bool:
    """Whether a job is at it."""
    return inspection.made_at is None and inspection.job is not None and inspection.job.state in ACTIVE


def inspection_document(
    inspection: Inspection | None,
    *,
    version: ModelVersion,
    case: Case,
    frames: list[Frame],
    frame: int,
    lesions: list[Lesion],
) -> dict[str, Any]:
    """An inspection as the API tells it: how far it is, once it is made what there is to see, and lesions to ask about."""
    uid, number = frames[frame - 1]
    series = case.series
    return {
        "state": _state(inspection),
        "error": inspection.job.error if inspection is not None and inspection.made_at is None and inspection.job else "",
        "case": {"id": str(case.pk), "name": case.name},
        "frame": frame,
        "image": {
            "study": series.study.study_instance_uid,
            "series": series.series_instance_uid,
            "sop_instance_uid": uid,
            "frame": number,
            "frames": len(frames),
            "modality": series.modality,
            "ct_window": dict(version.config or {}).get("plan", {}).get("ct_window"),
        },
        "lesions": [
            {"id": str(one.pk), "finding_type": one.finding_type_id, "reader": one.reading.reader.name} for one in lesions
        ],
        "seen": inspection.document if inspection is not None and inspection.made_at is not None else None,
    }


def _state(inspection: Inspection | None) -> str:
    if inspection is None:
        return "none"
    if inspection.made_at is not None:
        return "ready"
    if inspection.job is None or inspection.job.state in (JobState.FAILED, JobState.CANCELLED, JobState.SUCCEEDED):
        return "failed"
    return str(inspection.job.state)


def kept_bytes(project_id: UUID) -> int:
    """How much the inspections of a project take."""
    rows = Inspection.objects.filter(case__project=project_id)
    return int(rows.aggregate(total=Sum("n_bytes"))["total"] or 0)
