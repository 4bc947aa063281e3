"""What was read in the same patient's earlier studies, as far as the reader of this case may know it."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from django.db.models import Q

from backend.accounts.models import User
from backend.projects.arms import arm_of
from backend.projects.models import Assignment, Case, Project, Split
from backend.readings.models import ReaderKind, Reading, ReadingState
from backend.readings.selectors import awaits_reveal, may_hear_others, readings_visible_to

PRIORS: Final = 5


def prior_readings(*, project: Project, case: Case, user: User, role: str) -> list[dict[str, Any]]:
    """Submitted readings of the patient's newest earlier studies in the project, newest study first; never a model's.

    Nothing at all where this case is read blinded or waits for a first look; else what `readings_visible_to` lets the
    user see in each of those cases. A study without a date may be earlier, so it is told, without a date.
    """
    assignment = Assignment.objects.filter(case=case, user=user).first()
    arm = assignment.arm if assignment else arm_of(project, case, user).arm
    waits = awaits_reveal(user, case, role=role, arm=arm)
    if not may_hear_others(role=role, arm=arm, assignment=assignment, waits=waits):
        return []
    found = []
    for prior in _prior_cases(project, case):
        prior.project = project
        visible = readings_visible_to(user, prior, role=role).filter(state=ReadingState.SUBMITTED)
        people = visible.exclude(reader__kind=ReaderKind.MODEL).select_related("reader").order_by("submitted_at", "id")
        found += [_document(prior, reading, user) for reading in people.prefetch_related("lesions")]
    return found


def _prior_cases(project: Project, case: Case) -> list[Case]:
    study = case.series.study
    if not study.patient_key:
        return []
    cases = Case.objects.filter(project=project, series__study__patient_key=study.patient_key)
    cases = cases.exclude(series__study=study).exclude(split=Split.EMBARGOED)
    if study.study_date:
        cases = cases.filter(Q(series__study__study_date__lte=study.study_date))
    return list(cases.select_related("series__study").order_by("-series__study__study_date", "number")[:PRIORS])


def _document(case: Case, reading: Reading, user: User) -> dict[str, Any]:
    marked = Counter(lesion.finding_type_id for lesion in reading.lesions.all())
    return {
        "case": {"id": str(case.pk), "name": case.name},
        "study_date": case.series.study.study_date,
        "reader": {"kind": reading.reader.kind, "name": reading.reader.name},
        "is_own": reading.reader.kind == ReaderKind.PERSON and reading.reader.user_id == user.pk,
        "verdict": reading.verdict,
        "lesions": [{"finding_type": key, "count": count} for key, count in sorted(marked.items())],
        "image_findings": sorted(int(key) for key, value in reading.image_findings.items() if value == "present"),
        "comment": reading.comment,
        "submitted_at": reading.submitted_at.isoformat() if reading.submitted_at else None,
    }
