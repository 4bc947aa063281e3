"""The query that every request below a project begins with."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from backend.accounts.compiled_select import CompiledSelect
from backend.archive.models import Archive
from backend.projects.models import Membership, Project

_LOOKUP: Final = CompiledSelect.of_models(
    (Membership, Project, Archive),
    "FROM projects_membership JOIN projects_project ON projects_project.id = projects_membership.project_id "
    "JOIN archive_archive ON archive_archive.id = projects_project.archive_id "
    "WHERE projects_project.slug = %s AND projects_membership.user_id = %s",
)


def find_membership(*, slug: str, user_id: int | UUID) -> Membership | None:
    """The user's membership of a project, with the project and its archive; None for whoever is no member."""
    for membership, project, archive in _LOOKUP.instances([slug, user_id]):
        project.archive = archive
        membership.project = project
        found: Membership = membership
        return found
    return None
