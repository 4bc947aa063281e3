"""Who has what, and at which pace: each member's work in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

from django.db.models import Count
from django.utils import timezone

from backend.accounts.models import User
from backend.projects.assignment_services import live_leases
from backend.projects.models import Assignment, AssignmentState, Project, Split
from backend.projects.selectors import members_of
from backend.readings.models import Decision, DecisionKind, Lesion, Look, ReaderKind, ReadingState

DAYS: Final = 14
NO_LOOKS: Final = {look.value: 0 for look in Look}


def working_readers(project: Project) -> list[dict[str, Any]]:
    """Every member with the cases held, the numbers read, the medians of the last fourteen days, and the decisions."""
    since = timezone.now() - timedelta(days=DAYS)
    held = _held(project)
    counts = _counts(project)
    seconds = _case_seconds(project, since)
    between = decision_seconds(project, since=since)
    decisions = _decisions(project)
    looks = look_counts(project)
    return [
        {
            "username": member.user.get_username(),
            "name": member.user.shown_name,
            "role": member.role,
            "held": held.get(member.user_id, []),
            "in_progress": counts[member.user_id][AssignmentState.IN_PROGRESS],
            "submitted": counts[member.user_id][AssignmentState.SUBMITTED],
            "deferred": counts[member.user_id][AssignmentState.DEFERRED],
            "median_seconds": median(seconds[member.user_id]) if seconds[member.user_id] else None,
            "decision_seconds": between.get(member.user_id),
            "decisions": {kind.value: decisions[member.user_id][kind] for kind in DecisionKind},
            "looks": looks.get(member.user_id, NO_LOOKS),
        }
        for member in members_of(project)
    ]


def decision_seconds(project: Project, *, since: datetime, user: User | None = None) -> dict[int, float]:
    """By user: the median of the seconds of work from opening to the first decision and from each to the next.

    What one command accepted is one decision.
    """
    rows = Decision.objects.filter(
        reading__reader__project=project,
        reading__reader__kind=ReaderKind.PERSON,
        at_seconds__isnull=False,
        decided_at__gte=since,
    )
    if user is not None:
        rows = rows.filter(reading__reader__user=user)
    between: dict[int, list[float]] = defaultdict(list)
    last_reading, last_at = None, 0.0
    for reading, reader, at, at_once in rows.order_by("reading_id", "at_seconds").values_list(
        "reading_id", "reading__reader__user_id", "at_seconds", "at_once"
    ):
        seconds = float(at or 0.0)
        if reading != last_reading:
            between[reader].append(seconds)
        elif not (at_once and seconds == last_at):
            between[reader].append(seconds - last_at)
        last_reading, last_at = reading, seconds
    return {reader: median(found) for reader, found in between.items()}


def look_counts(project: Project, *, user: User | None = None) -> dict[int, dict[str, int]]:
    """By user: lesions of submitted readings by whether they were marked before or after the reveal."""
    # By the readers, who are few: a model's lesions are many, and have no look.
    people = {"reading__reader__project": project, "reading__reader__kind": ReaderKind.PERSON}
    rows = Lesion.objects.filter(**people, reading__state=ReadingState.SUBMITTED).exclude(look="")
    if user is not None:
        rows = rows.filter(reading__reader__user=user)
    found: dict[int, dict[str, int]] = {}
    for reader, look, number in rows.order_by().values_list("reading__reader__user_id", "look").annotate(n=Count("pk")):
        found.setdefault(reader, dict(NO_LOOKS))[look] = number
    return found


def _held(project: Project) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    rows = live_leases(now=timezone.now()).filter(case__project=project).exclude(case__split=Split.EMBARGOED)
    for row in rows.select_related("case").order_by("lease_expires_at"):
        if row.lease_expires_at is not None:
            found[row.user_id].append({
                "id": str(row.case_id),
                "name": row.case.name,
                "state": row.state,
                "held_until": row.lease_expires_at.isoformat(),
                "given": row.given_by_id is not None,
            })  # fmt: skip
    return found


def _counts(project: Project) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    rows = Assignment.objects.filter(case__project=project).exclude(case__split=Split.EMBARGOED)
    for user, state, number in rows.order_by().values_list("user_id", "state").annotate(n=Count("pk")):
        found[user][state] = number
    return found


def _case_seconds(project: Project, since: datetime) -> dict[int, list[float]]:
    found: dict[int, list[float]] = defaultdict(list)
    rows = Assignment.objects.filter(
        case__project=project, state=AssignmentState.SUBMITTED, submitted_at__gte=since, active_seconds__gt=0
    )
    for user, seconds in rows.values_list("user_id", "active_seconds"):
        found[user].append(seconds)
    return found


def _decisions(project: Project) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    rows = Decision.objects.filter(reading__reader__project=project, reading__reader__kind=ReaderKind.PERSON)
    for user, kind, number in rows.order_by().values_list("reading__reader__user_id", "kind").annotate(n=Count("pk")):
        found[user][kind] = number
    return found
