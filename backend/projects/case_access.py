"""Which case of a project a caller may reach."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from backend.projects.models import Case, Project, Role, Split


def readable_case(project: Project, role: str, case_id: UUID) -> Case:
    """The project's case; an embargoed one is there for leads alone."""
    case = Case.objects.select_related("series__study").filter(project=project, pk=case_id).first()
    if case is None or (case.split == Split.EMBARGOED and role != Role.LEAD):
        raise Http404("No such case.")
    case.project = project
    return case
