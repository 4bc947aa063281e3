"""Which case of a project a caller may reach."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import Http404

from backend.accounts.compiled_select import CompiledSelect, fields_of
from backend.archive.models import Instance
from backend.projects.models import Case, Project, Role, Split


def readable_case(project: Project, role: str, case_id: UUID) -> Case:
    """The project's case; an embargoed one is there for leads alone."""
    case = Case.objects.select_related("series__study").filter(project=project, pk=case_id).first()
    if case is None or not _is_shown(case.split, role):
        raise Http404("No such case.")
    case.project = project
    return case


def middle_instance_id(project: Project, role: str, case_id: UUID) -> int | None:
    """The instance in the middle of a case's reading order, by written queries; None for a case that is not to be shown."""
    found = _CASE.rows([case_id, project.pk])
    if not found or not _is_shown(found[0][0], role):
        return None
    _, series_id, instance_id = found[0]
    if instance_id is not None:
        return int(instance_id)
    keys = _IN_READING_ORDER.rows([series_id])
    return int(keys[len(keys) // 2][0]) if keys else None


def _is_shown(split: str, role: str) -> bool:
    return split != Split.EMBARGOED or role == Role.LEAD


_CASE: Final = CompiledSelect(
    fields_of(Case, "split", "series", "instance"), "FROM projects_case WHERE id = %s AND project_id = %s"
)
_IN_READING_ORDER: Final = CompiledSelect(
    fields_of(Instance, "id"),
    "FROM archive_instance WHERE series_id = %s ORDER BY position ASC NULLS LAST, instance_number, sop_instance_uid",
)
