"""Which case of a project a caller may reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.http import Http404

from backend.accounts.compiled_select import CompiledSelect, fields_of
from backend.archive.models import Instance
from backend.projects.models import Case, Project, Role, Split


def readable_case(project: Project, role: str, case_id: UUID) -> Case:
    """The project's case; an embargoed one is there for leads alone."""
    case = Case.objects.select_related("series__study", "clinical_context").filter(project=project, pk=case_id).first()
    if case is None or not _is_shown(case.split, role):
        raise Http404("No such case.")
    case.project = project
    return case


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


_CASE: Final = CompiledSelect(
    fields_of(Case, "split", "series", "instance"), "FROM projects_case WHERE id = %s AND project_id = %s"
)
_PICTURED: Final = CompiledSelect(
    fields_of(Instance, "id", "frames_key", "received_digest"), "FROM archive_instance WHERE id = %s"
)
_IN_READING_ORDER: Final = CompiledSelect(
    fields_of(Instance, "id"),
    "FROM archive_instance WHERE series_id = %s ORDER BY position ASC NULLS LAST, instance_number, sop_instance_uid",
)
