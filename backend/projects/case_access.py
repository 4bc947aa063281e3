"""Which case of a project a caller may reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.http import Http404

from backend.accounts.compiled_select import CompiledSelect, fields_of
from backend.archive.models import Instance, Series, Study
from backend.projects.models import Case, ClinicalContext, Project, Role, Split


def readable_case(project: Project, role: str, case_id: UUID) -> Case:
    """The project's case with series, study and clinical context; an embargoed one is there for leads alone."""
    for case, series, study, texts in _READABLE.instances([case_id, project.pk]):
        if not _is_shown(case.split, role):
            break
        case.project, case.series, series.study = project, series, study
        # Set to nothing where there is none, or it would be asked for once more.
        _TEXTS.set_cached_value(case, texts if texts.pk else None)
        readable: Case = case
        return readable
    raise Http404("No such case.")


@dataclass(frozen=True, slots=True)
class MiddleInstance:
    """The instance whose picture stands for a case, and what names that picture."""

    instance_id: int
    frames_key: str
    received_digest: str


def middle_instance(project: Project, role: str, case_id: UUID) -> MiddleInstance | None:
    """The instance in the middle of a case's reading order, by written queries; None for a case that is not to be shown."""
    found = _CASE.rows([case_id, project.pk])
    if not found or not _is_shown(found[0][0], role):
        return None
    _, series_id, instance_id = found[0]
    if instance_id is None:
        keys = _IN_READING_ORDER.rows([series_id])
        if not keys:
            return None
        instance_id = keys[len(keys) // 2][0]
    return MiddleInstance(*_PICTURED.rows([instance_id])[0])


def _is_shown(split: str, role: str) -> bool:
    return split != Split.EMBARGOED or role == Role.LEAD


_TEXTS: Final = Case._meta.get_field("clinical_context")
_READABLE: Final = CompiledSelect.of_models(
    (Case, Series, Study, ClinicalContext),
    "FROM projects_case JOIN archive_series ON archive_series.id = projects_case.series_id "
    "JOIN archive_study ON archive_study.id = archive_series.study_id "
    "LEFT JOIN projects_clinicalcontext ON projects_clinicalcontext.case_id = projects_case.id "
    "WHERE projects_case.id = %s AND projects_case.project_id = %s",
)
_CASE: Final = CompiledSelect(
    fields_of(Case, "split", "series", "instance"), "FROM projects_case WHERE id = %s AND project_id = %s"
)
_PICTURED: Final = CompiledSelect(
    fields_of(Instance, "id", "frames_key", "received_digest"), "FROM archive_instance WHERE id = %s"
)
READING_ORDER_SQL: Final = "ORDER BY position ASC NULLS LAST, instance_number, sop_instance_uid"
"""`backend.projects.selectors.in_reading_order` in written queries."""
_IN_READING_ORDER: Final = CompiledSelect(
    fields_of(Instance, "id"), f"FROM archive_instance WHERE series_id = %s {READING_ORDER_SQL}"
)
