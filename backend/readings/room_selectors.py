"""Everything the reading room needs of one case, in one document."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone

from backend.accounts.models import User
from backend.projects.arms import arm_of
from backend.projects.assignment_services import cases_to_come, live_leases
from backend.projects.models import Arm, Assignment, Case, ClinicalContext, Project, Split, Unit
from backend.projects.selectors import case_instances
from backend.readings.models import ReaderKind, Reading, ReadingState
from backend.readings.selectors import (
    awaits_reveal,
    lesion_documents,
    may_hear_others,
    model_reading_among,
    own_reading,
    reading_documents,
    readings_visible_to,
    shown_lesions,
)
from backend.registry.models import ModelVersion

CASES_AHEAD = 3
_INSTANCE_FIELDS = ("sop_instance_uid", "rows", "columns", "number_of_frames", "pixel_spacing")


def room_document(
    *, project: Project, case: Case, user: User, role: str, opened: tuple[Assignment, Reading] | None = None
) -> dict[str, Any]:
    """The case as `user` may see it now; `case` comes with series, study and clinical context selected.

    `opened`: the user's assignment and reading, where they have just been read.
    """
    assignment = opened[0] if opened else Assignment.objects.filter(case=case, user=user).first()
    own = opened[1] if opened else own_reading(user, case)
    arm = assignment.arm if assignment else arm_of(project, case, user).arm
    visible = readings_visible_to(user, case, role=role, assignment=assignment).select_related("reader__model_version")
    readings = list(visible.order_by("submitted_at", "id"))
    lease = _lease(case, user, assignment)
    instances = list(case_instances(case).values(*_INSTANCE_FIELDS))
    waits = awaits_reveal(user, case, role=role, arm=arm)
    hears = may_hear_others(role=role, arm=arm, assignment=assignment, waits=waits)
    return {
        "case": _case(project, case, instances, hears=hears),
        "arm": str(arm),
        "first_look": waits,
        "lease": lease,
        "readonly": _readonly(case, own, lease),
        "series": {
            "study_instance_uid": case.series.study.study_instance_uid,
            "series_instance_uid": case.series.series_instance_uid,
            "wado_root": f"/dicom-web/{project.slug}",
            "frame_of_reference_uid": case.series.frame_of_reference_uid,
            "instances": instances,
        },
        "reading": reading_documents([own])[0] if own else None,
        "model": _model(model_reading_among(readings, own)) if arm == Arm.ASSISTED else None,
        "others": reading_documents([one for one in readings if _is_anothers(one, user)]),
        "next": [
            {"id": str(coming.pk), "name": coming.name, "thumbnail": f"{cases_path(project.slug)}{coming.pk}/thumbnail/"}
            for coming in cases_to_come(project=project, user=user, after=case.pk, count=CASES_AHEAD)
        ],
    }


def cases_path(slug: str) -> str:
    """The address below which the project's cases are."""
    return f"{reverse('project-detail', args=[slug])}cases/"


def _case(project: Project, case: Case, instances: list[dict[str, Any]], *, hears: bool) -> dict[str, Any]:
    series, study = case.series, case.series.study
    texts: ClinicalContext | None = getattr(case, "clinical_context", None)
    scanner = f"{series.manufacturer} {series.manufacturer_model_name}".strip()
    return {
        "id": str(case.pk),
        "name": case.name,
        "modality": series.modality,
        "unit": Unit.IMAGE if case.instance_id else Unit.SERIES,
        "n_frames": sum(instance["number_of_frames"] for instance in instances),
        "synthetic": project.synthetic,
        "context": {
            "body_part": series.body_part_examined,
            "protocol": series.protocol_name,
            "scanner": scanner,
            "age": study.patient_age,
            "sex": study.patient_sex,
            "study_date": study.study_date,
            "study_description": study.study_description,
            "indication": texts.indication if texts else "",
            "report": texts.report if texts and hears else "",
        },
    }


def _lease(case: Case, user: User, assignment: Assignment | None) -> dict[str, Any]:
    now = timezone.now()
    other = live_leases(now=now).filter(case=case).exclude(user=user).select_related("user").first()
    mine = assignment.lease_expires_at if assignment else None
    return {
        "expires_at": mine.isoformat() if mine and mine > now else None,
        "held_by": (other.user.get_full_name() or other.user.get_username()) if other else None,
    }


def _readonly(case: Case, own: Reading | None, lease: dict[str, Any]) -> str | None:
    if own is not None and own.state == ReadingState.SUBMITTED:
        return "submitted"
    if case.split == Split.EMBARGOED:
        return "embargoed"
    if lease["held_by"] and not (own is not None and own.revision):
        return "leased"
    return None


def is_calibrated(version: ModelVersion) -> bool:
    """Whether a score of this version may be read as a probability; a version that names no method says it is not."""
    return str(version.calibration.get("method", "none")) != "none"


def _model(reading: Reading | None) -> dict[str, Any] | None:
    if reading is None or reading.reader.model_version is None:
        return None
    version = reading.reader.model_version
    return {
        "version": version.number,
        "name": reading.reader.name,
        "display_threshold": version.display_threshold,
        "calibrated": is_calibrated(version),
        "froc": _froc(version),
        "reading_id": str(reading.pk),
        "findings": lesion_documents(shown_lesions(reading)).get(reading.pk, []),
        "image_findings": reading.image_findings,
    }


def _froc(version: ModelVersion) -> dict[str, Any] | None:
    """False positives per image at each threshold, from the version's newest evaluation on VALIDATION; None unmeasured."""
    newest = version.evaluations.filter(split=Split.VALIDATION).order_by("-created_at")
    # What it says of every case stays where it is.
    n_cases, curves = newest.values_list("n_cases", "curves").first() or (0, {})
    points = curves.get("froc", [])
    if not points:
        return None
    return {"n_cases": n_cases, "points": [[level, wrong, found] for wrong, found, level in points]}


def _is_anothers(reading: Reading, user: User) -> bool:
    """Neither a model's reading nor the user's own."""
    kind = reading.reader.kind
    return kind != ReaderKind.MODEL and not (kind == ReaderKind.PERSON and reading.reader.user_id == user.pk)
