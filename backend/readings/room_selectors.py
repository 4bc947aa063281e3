"""Everything the reading room needs of one case, in one document."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse
from django.utils import timezone

from backend.accounts.compiled_select import CompiledSelect, fields_of
from backend.accounts.models import User
from backend.archive.models import Instance
from backend.archive.selectors import with_pixels_version
from backend.projects.arms import arm_of
from backend.projects.assignment_services import cases_to_come
from backend.projects.case_access import READING_ORDER_SQL
from backend.projects.case_assignments import CaseAssignments, case_assignments
from backend.projects.models import Arm, Case, ClinicalContext, Project, Split, Unit
from backend.readings.models import ReaderKind, Reading, ReadingState
from backend.readings.selectors import (
    awaits_reveal,
    may_hear_others,
    model_reading_among,
    own_reading,
    reading_documents,
    readings_visible_to,
    shown_lesion_documents,
)
from backend.registry.calibration import LESION, calibration_summary, probability_of
from backend.registry.models import Evaluation, ModelVersion

CASES_AHEAD = 3
_INSTANCE_FIELDS = ("sop_instance_uid", "rows", "columns", "number_of_frames", "pixel_spacing", "frames_key")


def room_document(*, project: Project, case: Case, user: User, role: str, opened: Reading | None = None) -> dict[str, Any]:
    """The case as `user` may see it now; `case` comes with series, study and clinical context selected.

    `opened`: the user's reading, where it has just been read.
    """
    known = case_assignments(case_id=case.pk, user=user, now=timezone.now())
    assignment = known.mine
    own = opened or own_reading(user, case)
    arm = assignment.arm if assignment else arm_of(project, case, user).arm
    visible = readings_visible_to(user, case, role=role, assignment=assignment).select_related(
        "reader__model_version", "reader__foreign_model"
    )
    readings = list(visible.order_by("submitted_at", "id"))
    lease = _lease(known)
    instances = _instances(case)
    waits = awaits_reveal(user, case, role=role, arm=arm)
    hears = may_hear_others(role=role, arm=arm, assignment=assignment, waits=waits)
    return {
        "case": _case(project, case, instances, hears=hears),
        "arm": str(arm),
        "first_look": waits,
        "begin_at": None if arm == Arm.BLINDED or waits else _begin_at(case, instances),
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


def _begin_at(case: Case, instances: list[dict[str, Any]]) -> int | None:
    """The slice of an unread series of which the last ranking says most (1 is the first in reading order), if any.

    It comes from the model, so that it is told where the worklist tells it, too: never blinded, nor before a reveal.
    """
    slices = case.priority_detail.get("slices", []) if case.is_open else []
    n_frames = sum(instance["number_of_frames"] for instance in instances)
    return int(slices[0]) if slices and 1 <= slices[0] <= n_frames and n_frames > 1 else None


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


def _instances(case: Case) -> list[dict[str, Any]]:
    """`case_instances` as the room needs them, by a written query."""
    found = _IMAGE.rows([case.instance_id]) if case.instance_id else _SERIES.rows([case.series_id])
    return [with_pixels_version(dict(zip(_INSTANCE_FIELDS, row, strict=True))) for row in found]


_IMAGE: Final = CompiledSelect(fields_of(Instance, *_INSTANCE_FIELDS), "FROM archive_instance WHERE id = %s")
_SERIES: Final = CompiledSelect(
    fields_of(Instance, *_INSTANCE_FIELDS), f"FROM archive_instance WHERE series_id = %s {READING_ORDER_SQL}"
)


def _lease(known: CaseAssignments) -> dict[str, Any]:
    mine = known.mine.lease_expires_at if known.mine else None
    return {"expires_at": mine.isoformat() if mine and mine > timezone.now() else None, "held_by": known.held_by}


def _readonly(case: Case, own: Reading | None, lease: dict[str, Any]) -> str | None:
    if own is not None and own.state == ReadingState.SUBMITTED:
        return "submitted"
    if case.split == Split.EMBARGOED:
        return "embargoed"
    if lease["held_by"] and not (own is not None and own.revision):
        return "leased"
    return None


def _model(reading: Reading | None) -> dict[str, Any] | None:
    if reading is None:
        return None
    version, findings = reading.reader.model_version, shown_lesion_documents(reading)
    # A foreign model's scores are its own: nothing here has measured them.
    calibration = version.calibration if version else {"note": "uncalibrated"}
    return {
        "version": version.number if version else None,
        "name": reading.reader.name,
        "display_threshold": reading.reader.shown_from,
        "calibration": calibration_summary(calibration),
        "froc": _froc(version) if version else None,
        "reading_id": str(reading.pk),
        "findings": findings,
        "probabilities": {finding["id"]: probability_of(calibration, LESION, finding["score"]) for finding in findings},
        "image_findings": reading.image_findings,
        "image_probabilities": {
            pk: probability_of(calibration, f"finding:{pk}", score if isinstance(score, float | int) else None)
            for pk, score in reading.image_findings.items()
        },
    }


def _froc(version: ModelVersion) -> dict[str, Any] | None:
    """False positives per image at each threshold, from the version's newest evaluation on VALIDATION; None unmeasured."""
    for n_cases, curves in _NEWEST.rows([version.pk]):
        if points := curves.get("froc", []):
            return {"n_cases": n_cases, "points": [[level, wrong, found] for wrong, found, level in points]}
    return None


# What an evaluation says of every case stays where it is.
_NEWEST: Final = CompiledSelect(
    fields_of(Evaluation, "n_cases", "curves"),
    "FROM registry_evaluation WHERE model_version_id = %s AND split = 'VALIDATION' ORDER BY created_at DESC LIMIT 1",
)


def _is_anothers(reading: Reading, user: User) -> bool:
    """Neither a model's reading nor the user's own."""
    kind = reading.reader.kind
    return kind != ReaderKind.MODEL and not (kind == ReaderKind.PERSON and reading.reader.user_id == user.pk)
