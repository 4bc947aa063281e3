"""Who reads what next: leases and assignments. A lease only schedules, it never blocks a save."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from backend.accounts.compiled_select import CompiledSelect, database_key, fields_of
from backend.accounts.models import User
from backend.audit.services import record_event
from backend.projects.arms import arm_of
from backend.projects.case_assignments import HELD, case_assignments
from backend.projects.models import Assignment, AssignmentState, Case, Membership, Project
from backend.projects.reading_order import open_cases_in_order

GIVEN_FOR = timedelta(days=7)
_ATTEMPTS = 10


def lease_next_case(*, project: Project, user: User, after: UUID | None = None) -> UUID | None:
    """Lease the first open case that is the user's to read and return its id; None when nothing is left.

    What was sent back or given to the user comes first.
    Two callers never get the same case: on PostgreSQL rows that another caller holds are skipped and the lease is
    looked at again under the lock; SQLite's transactions are IMMEDIATE, one writer at a time.
    """
    for _ in range(_ATTEMPTS):
        with transaction.atomic():
            now = timezone.now()
            if given := _following(_given_to(project, user, now), after):
                return given[0]
            first = open_cases_in_order(project=project, user=user, count=1, free_at=now, after=after, lock=True)
            if not first:
                return None
            case_id = first[0].case_id
            if connection.vendor != "sqlite" and live_leases(now=now).filter(case_id=case_id).exclude(user=user).exists():
                continue
            if not _prolong(case_id=case_id, user=user, expires=lease_until(project)):
                _create(project=project, case=Case.objects.get(pk=case_id), user=user, expires=lease_until(project))
            return case_id
    return None


def _following(given: list[UUID], after: UUID | None) -> list[UUID]:
    """Of cases in order those after `after`, so that a walk comes past them to the others; all where it is none of them."""
    return given[given.index(after) + 1 :] if after in given else given


def cases_to_come(*, project: Project, user: User, after: UUID, count: int) -> list[ComingCase]:
    """The next few cases after `after`, in the order in which they would be leased; nothing is leased."""
    places = open_cases_in_order(project=project, user=user, count=count, free_at=timezone.now(), after=after)
    if not places:
        return []
    names = dict(_NAMES.rows([], listed=[place.case_id for place in places]))
    return [ComingCase(place.case_id, names[place.case_id]) for place in places if place.case_id in names]


@dataclass(frozen=True, slots=True)
class ComingCase:
    """A case that the user will meet soon."""

    pk: UUID
    name: str


_NAMES: Final = CompiledSelect(fields_of(Case, "id", "name"), "FROM projects_case WHERE id IN ({listed})")


def open_assignment(*, project: Project, case: Case, user: User) -> Assignment:
    """The user's assignment on a case, made with its arm where there is none, with the lease unless another holds it."""
    # Inside the opening's own transaction a savepoint would be two statements more.
    with transaction.atomic(savepoint=False):
        known = case_assignments(case_id=case.pk, user=user, now=timezone.now())
        expires = None if known.held_by else lease_until(project)
        assignment = known.mine or _create(project=project, case=case, user=user, expires=expires)
        if expires is not None and _is_shorter(assignment, expires):
            _prolong(case_id=case.pk, user=user, expires=expires)
            assignment.lease_expires_at = expires
        record_event(
            actor=user, verb="case.opened", project_id=project.pk, object_type="case", object_id=case.pk,
            detail={"name": case.name, "arm": assignment.arm},
        )  # fmt: skip
    return assignment


def assignment_of(*, project: Project, case: Case, user: User) -> Assignment:
    """The user's assignment on a case, made with its arm, and without a lease, where there is none."""
    return _create(project=project, case=case, user=user, expires=None)


def return_case(*, assignment: Assignment) -> None:
    """A submitted case is its reader's to read again, before all others, for as long as one that a lead gives."""
    now = timezone.now()
    assignment.state, assignment.submitted_at = AssignmentState.IN_PROGRESS, None
    assignment.sent_back_at, assignment.lease_expires_at = now, now + GIVEN_FOR
    assignment.save(update_fields=["state", "submitted_at", "sent_back_at", "lease_expires_at", "changed_at"])


def release_leases(*, project: Project, case: Case, by: User) -> int:
    """End everybody's lease on a case (the lead's way to give it to another); returns how many there were."""
    with transaction.atomic():
        ended = live_leases(now=timezone.now()).filter(case=case).update(lease_expires_at=None)
        record_event(
            actor=by,
            verb="case.released",
            project_id=project.pk,
            object_type="case",
            object_id=case.pk,
            detail={"leases": ended},
        )
    return ended


def give_case(*, project: Project, case: Case, username: str, by: User) -> Assignment:
    """Give a case to a member for a week: everybody else's lease ends, the member meets it before all others."""
    membership = Membership.objects.filter(project=project, user__username=username).select_related("user").first()
    if membership is None:
        raise ValidationError({"username": [f"{username} is no member of this project."]})
    user = membership.user
    expires = timezone.now() + GIVEN_FOR
    with transaction.atomic():
        live_leases(now=timezone.now()).filter(case=case).exclude(user=user).update(lease_expires_at=None)
        assignment = _create(project=project, case=case, user=user, expires=expires)
        if assignment.state == AssignmentState.SUBMITTED:
            raise ValidationError({"username": [f"{username} has read this case already."]})
        if assignment.state == AssignmentState.DEFERRED:
            assignment.state = AssignmentState.IN_PROGRESS
        assignment.lease_expires_at, assignment.given_by = expires, by
        assignment.save(update_fields=["state", "lease_expires_at", "given_by", "changed_at"])
        record_event(
            actor=by, verb="case.given", project_id=project.pk, object_type="case", object_id=case.pk,
            detail={"to": username, "name": case.name},
        )  # fmt: skip
    return assignment


_GIVEN: Final = CompiledSelect(
    fields_of(Assignment, "case"),
    """FROM projects_assignment JOIN projects_case c ON c.id = projects_assignment.case_id
    WHERE user_id = %s AND state IN ('opened', 'in_progress') AND lease_expires_at > %s AND c.project_id = %s
    AND ((state = 'opened' AND given_by_id IS NOT NULL AND c.is_open = %s)
      OR (state = 'in_progress' AND sent_back_at IS NOT NULL AND c.split <> 'EMBARGOED'))
    ORDER BY CASE WHEN sent_back_at IS NULL THEN 1 ELSE 0 END, projects_assignment.opened_at""",
)


def _given_to(project: Project, user: User, now: datetime) -> list[UUID]:
    """What was sent back to the user, then what a lead gave him and he has not begun, in the order of opening."""
    until = connection.ops.adapt_datetimefield_value(now)
    return [case_id for (case_id,) in _GIVEN.rows([user.pk, until, project.pk, True])]


def lease_until(project: Project) -> datetime:
    """When a lease taken or prolonged now runs out."""
    return timezone.now() + timedelta(minutes=project.lease_minutes)


def live_leases(*, now: datetime) -> QuerySet[Assignment]:
    """Assignments whose lease has not run out and whose reader is not done."""
    return Assignment.objects.filter(lease_expires_at__gt=now, state__in=HELD)


def _prolong(*, case_id: UUID, user: User, expires: datetime) -> bool:
    """Whether there is an assignment; a submitted one keeps no lease, a longer one stays."""
    until, case_key = connection.ops.adapt_datetimefield_value(expires), database_key(case_id)
    with connection.cursor() as cursor:
        cursor.execute(_PROLONG_SQL, [until, case_key, user.pk, until])
        prolonged = cursor.rowcount
    return bool(prolonged) or Assignment.objects.filter(case_id=case_id, user=user).exists()


_PROLONG_SQL: Final = (
    "UPDATE projects_assignment SET lease_expires_at = %s WHERE case_id = %s AND user_id = %s AND state <> 'submitted' "
    "AND (lease_expires_at IS NULL OR lease_expires_at < %s)"
)


def _is_shorter(assignment: Assignment, expires: datetime) -> bool:
    """Whether `_prolong` would change it."""
    until = assignment.lease_expires_at
    return assignment.state != AssignmentState.SUBMITTED and (until is None or until < expires)


def _create(*, project: Project, case: Case, user: User, expires: datetime | None) -> Assignment:
    drawn = arm_of(project, case, user)
    assignment, _ = Assignment.objects.get_or_create(
        case=case,
        user=user,
        defaults={"arm": drawn.arm, "arm_probability": drawn.probability, "lease_expires_at": expires},
    )
    return assignment
