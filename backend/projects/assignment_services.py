"""Who reads what next: leases and assignments. A lease only schedules, it never blocks a save."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from backend.accounts.models import User
from backend.audit.services import record_event
from backend.projects.arms import arm_of, blinded_condition, mapped_draw
from backend.projects.models import Assignment, AssignmentState, Case, Project

BEGUN = (AssignmentState.IN_PROGRESS, AssignmentState.SUBMITTED, AssignmentState.DEFERRED)
HELD = (AssignmentState.OPENED, AssignmentState.IN_PROGRESS)
_ATTEMPTS = 10


def lease_next_case(*, project: Project, user: User, after: UUID | None = None) -> Case | None:
    """Lease the first open case that is the user's to read and return it; None when nothing is left.

    Two callers never get the same case: on PostgreSQL rows that another caller holds are skipped and the lease is
    looked at again under the lock; SQLite's transactions are IMMEDIATE, one writer at a time.
    """
    for _ in range(_ATTEMPTS):
        with transaction.atomic():
            now = timezone.now()
            case = _first(_head(project, user, now, after, lock=True))
            if case is None:
                return None
            if live_leases(now=now).filter(case=case).exclude(user=user).exists():
                continue
            _assign(project=project, case=case, user=user, expires=lease_until(project))
            return case
    return None


def cases_to_come(*, project: Project, user: User, after: UUID, count: int) -> list[Case]:
    """The next few cases after `after`, in the order in which they would be leased; nothing is leased."""
    found = _head(project, user, timezone.now(), after, lock=False, count=count)
    return [case for _, case in sorted(found, key=lambda pair: (-pair[0], pair[1].number))[:count]]


def open_assignment(*, project: Project, case: Case, user: User) -> Assignment:
    """The user's assignment on a case, made with its arm where there is none, with the lease unless another holds it."""
    with transaction.atomic():
        now = timezone.now()
        held = live_leases(now=now).filter(case=case).exclude(user=user).exists()
        expires = None if held else lease_until(project)
        assignment = _assign(project=project, case=case, user=user, expires=expires)
        record_event(
            actor=user, verb="case.opened", project_id=project.pk, object_type="case", object_id=case.pk,
            detail={"name": case.name, "arm": assignment.arm},
        )  # fmt: skip
    return assignment


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


def lease_until(project: Project) -> datetime:
    """When a lease taken or prolonged now runs out."""
    return timezone.now() + timedelta(minutes=project.lease_minutes)


def live_leases(*, now: datetime) -> QuerySet[Assignment]:
    """Assignments whose lease has not run out and whose reader is not done."""
    return Assignment.objects.filter(lease_expires_at__gt=now, state__in=HELD)


def _head(
    project: Project, user: User, now: datetime, after: UUID | None, *, lock: bool, count: int = 1
) -> Sequence[tuple[float, Case]]:
    """The first cases of both streams with the priority at which this reader meets them.

    Two streams, because each is one index walked from its top: assisted cases by priority, blinded ones by theirs.
    """
    eligible = (
        Case.objects.filter(project=project, is_open=True)
        .annotate(mapped_draw=mapped_draw(project, user))
        .filter(
            ~Exists(Assignment.objects.filter(case=OuterRef("pk"), user=user, state__in=BEGUN)),
            ~Exists(live_leases(now=now).filter(case=OuterRef("pk")).exclude(user=user)),
        )
    )
    if after is not None:
        eligible = eligible.exclude(pk=after)
    if lock:
        eligible = eligible.select_for_update(skip_locked=True, of=("self",))
    blinded = blinded_condition(project, user)
    assisted_cases = eligible.filter(~blinded).order_by(F("priority").desc(), "number")[:count]
    blinded_cases = eligible.filter(blinded).order_by(F("blind_priority").desc(), "number")[:count]
    return [*((case.priority, case) for case in assisted_cases), *((case.blind_priority, case) for case in blinded_cases)]


def _first(found: Iterable[tuple[float, Case]]) -> Case | None:
    ordered = sorted(found, key=lambda pair: (-pair[0], pair[1].number))
    return ordered[0][1] if ordered else None


def _assign(*, project: Project, case: Case, user: User, expires: datetime | None) -> Assignment:
    drawn = arm_of(project, case, user)
    assignment, created = Assignment.objects.get_or_create(
        case=case,
        user=user,
        defaults={"arm": drawn.arm, "arm_probability": drawn.probability, "lease_expires_at": expires},
    )
    if not created and expires is not None and assignment.state != AssignmentState.SUBMITTED:
        assignment.lease_expires_at = expires
        assignment.save(update_fields=["lease_expires_at"])
    return assignment
