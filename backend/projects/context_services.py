"""Writes what the clinic said of an examination beside the cases that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from backend.accounts.models import User
from backend.audit.services import record_event
from backend.projects.models import Case, ClinicalContext, Project

_CHUNK: Final = 500


@dataclass(frozen=True)
class ClinicalTexts:
    """Why an examination was asked for, and its report; empty where nothing is known."""

    indication: str = ""
    report: str = ""


def write_clinical_contexts(
    *, project: Project, texts: Mapping[UUID, ClinicalTexts], by: User | None, source: str, is_confirmed: bool
) -> int:
    """Store the texts of these cases of the project and return how many changed; an empty text leaves what is there.

    `is_confirmed`: somebody said that they name nobody, which the audit keeps; the texts themselves it does not.
    """
    ids = list(texts)
    changed = 0
    for start in range(0, len(ids), _CHUNK):
        with transaction.atomic():
            changed += _write(project, {case_id: texts[case_id] for case_id in ids[start : start + _CHUNK]})
    if ids:
        record_event(
            actor=by, verb="context.imported", project_id=project.pk, object_type="project", object_id=project.pk,
            detail={"source": source, "cases": len(ids), "changed": changed, "confirmed_clean": is_confirmed},
        )  # fmt: skip
    return changed


def _write(project: Project, texts: Mapping[UUID, ClinicalTexts]) -> int:
    own = set(Case.objects.filter(project=project, pk__in=texts).values_list("pk", flat=True))
    known = {row.case_id: row for row in ClinicalContext.objects.filter(case_id__in=own)}
    rows = []
    for case_id in own:
        before = known.get(case_id, ClinicalContext(case_id=case_id))
        after = ClinicalTexts(texts[case_id].indication or before.indication, texts[case_id].report or before.report)
        if (before.indication, before.report) != (after.indication, after.report):
            before.indication, before.report, before.changed_at = after.indication, after.report, timezone.now()
            rows.append(before)
    ClinicalContext.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["case"], update_fields=["indication", "report", "changed_at"]
    )
    return len(rows)
