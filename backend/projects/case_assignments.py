"""Everybody's assignments of one case, by one written query: whose it is and who holds it, asked at every opening."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from backend.accounts.compiled_select import CompiledSelect
from backend.accounts.models import User
from backend.projects.models import Assignment, AssignmentState

HELD: Final = (AssignmentState.OPENED, AssignmentState.IN_PROGRESS)
"""States in which a lease holds a case."""


@dataclass(frozen=True, slots=True)
class CaseAssignments:
    """The user's own assignment, and the name of another whose lease has not run out."""

    mine: Assignment | None
    held_by: str | None


def case_assignments(*, case_id: UUID, user: User, now: datetime) -> CaseAssignments:
    """The assignments of a case as `user` meets them at `now`."""
    mine, held_by = None, None
    for assignment, reader in _OF_CASE.instances([case_id]):
        if reader.pk == user.pk:
            mine = assignment
        elif held_by is None and _holds(assignment, now):
            held_by = reader.shown_name
    return CaseAssignments(mine, held_by)


def _holds(assignment: Assignment, now: datetime) -> bool:
    expires = assignment.lease_expires_at
    return assignment.state in HELD and expires is not None and expires > now


_OF_CASE: Final = CompiledSelect.of_models(
    (Assignment, User),
    "FROM projects_assignment JOIN accounts_user ON accounts_user.id = projects_assignment.user_id "
    "WHERE projects_assignment.case_id = %s ORDER BY projects_assignment.id",
)
