"""The worklist as one reader may see it, and that reader's pace: a fixed number of queries whatever the project's size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from statistics import quantiles
from typing import Any
from uuid import UUID

from django.db.models import Case as CaseWhen
from django.db.models import CharField, Count, F, FilteredRelation, Max, Q, QuerySet, Value, When
from django.utils import timezone

from backend.accounts.models import User
from backend.projects.arms import arm_expression, mapped_draw
from backend.projects.assignment_services import live_leases
from backend.projects.models import Arm, Assignment, AssignmentState, Case, Project, Role, Split, Unit
from backend.readings.models import Decision, Lesion, ReaderKind, Reading
from backend.readings.room_selectors import thumbnail_path
from backend.readings.selectors import serving_reader

TO_READ, IN_PROGRESS, SUBMITTED, DEFERRED = "to_read", "in_progress", "submitted", "deferred"
STATES = (TO_READ, IN_PROGRESS, SUBMITTED, DEFERRED)
ORDERS = ("priority", "name", "changed")
PACE_DAYS = 14
_FIELDS = (
    "id",
    "name",
    "row_state",
    "row_arm",
    "split",
    "source_name",
    "series_id",
    "series__modality",
    "instance__number_of_frames",
    "priority_reason",
    "priority_detail",
    "mine__note",
    "mine__changed_at",
)


def worklist_counts(*, project: Project, user: User) -> dict[str, int]:
    """How many cases the user has in each state, from three indexed counts."""
    listed = Case.objects.filter(project=project).exclude(split=Split.EMBARGOED)
    total = listed.count()
    n_open = listed.filter(is_open=True).count()
    mine = {
        (row["state"], row["case__is_open"]): row["n"]
        for row in Assignment.objects.filter(user=user, case__project=project)
        .exclude(case__split=Split.EMBARGOED)
        .values("state", "case__is_open")
        .annotate(n=Count("pk"))
        .order_by()
    }
    begun = (AssignmentState.IN_PROGRESS, AssignmentState.SUBMITTED, AssignmentState.DEFERRED)
    to_read = n_open - sum(mine.get((state, True), 0) for state in begun)
    in_progress = sum(mine.get((AssignmentState.IN_PROGRESS, is_open), 0) for is_open in (True, False))
    deferred = sum(mine.get((AssignmentState.DEFERRED, is_open), 0) for is_open in (True, False))
    return {
        "all": total,
        TO_READ: to_read,
        IN_PROGRESS: in_progress,
        SUBMITTED: total - to_read - in_progress - deferred,
        DEFERRED: deferred,
    }


def worklist_page(
    *, project: Project, user: User, role: str, state: str, search: str, order: str, offset: int, limit: int
) -> dict[str, Any]:
    """Counts, the number of matching cases, and one page of rows."""
    counts = worklist_counts(project=project, user=user)
    cases = _cases(project, user)
    if state in STATES:
        cases = cases.filter(row_state=state)
    if search:
        named = Q(name__icontains=search)
        cases = cases.filter(named | Q(source_name__icontains=search) if role == Role.LEAD else named)
    total = cases.count() if search else counts.get(state, counts["all"])
    page = cases.order_by(*_order(order))[offset : offset + limit]
    return {"counts": counts, "total": total, "results": _rows(project, user, role, page)}


def worklist_pace(*, project: Project, user: User, role: str) -> dict[str, Any]:
    """How the user gets on: today, the last fourteen days, seconds per case, decisions, and where to go on."""
    now = timezone.now()
    first_day = (now - timedelta(days=PACE_DAYS - 1)).date()
    recent = Assignment.objects.filter(
        user=user, case__project=project, state=AssignmentState.SUBMITTED, submitted_at__date__gte=first_day
    ).values_list("submitted_at", "active_seconds")
    per_day = {first_day + timedelta(days=day): 0 for day in range(PACE_DAYS)}
    seconds = []
    for submitted_at, active_seconds in recent:
        if submitted_at is not None:
            per_day[submitted_at.date()] = per_day.get(submitted_at.date(), 0) + 1
        if active_seconds > 0:
            seconds.append(active_seconds)
    low, median, high = _quartiles(seconds)
    counts = worklist_counts(project=project, user=user)
    in_progress = _cases(project, user).filter(row_state=IN_PROGRESS).order_by("-mine__changed_at")[:1]
    rows = _rows(project, user, role, in_progress)
    return {
        "today": per_day.get(now.date(), 0),
        "median_seconds": median,
        "low_seconds": low,
        "high_seconds": high,
        "days": [{"date": day.isoformat(), "count": count} for day, count in per_day.items()],
        "submitted": counts[SUBMITTED],
        "total": counts["all"],
        "decisions": _decisions(project, user),
        "continue": rows[0] if rows else None,
    }


def _cases(project: Project, user: User) -> QuerySet[Any]:
    """Cases with the user's state, arm and the priority at which this user meets them."""
    mine = FilteredRelation("assignments", condition=Q(assignments__user=user))
    state = CaseWhen(
        When(mine__state=AssignmentState.IN_PROGRESS, then=Value(IN_PROGRESS)),
        When(mine__state=AssignmentState.SUBMITTED, then=Value(SUBMITTED)),
        When(mine__state=AssignmentState.DEFERRED, then=Value(DEFERRED)),
        When(is_open=True, then=Value(TO_READ)),
        default=Value(SUBMITTED),
        output_field=CharField(),
    )
    return (
        Case.objects.filter(project=project)
        .exclude(split=Split.EMBARGOED)
        .annotate(mine=mine, mapped_draw=mapped_draw(project, user))
        .annotate(row_state=state, row_arm=arm_expression(project, user, assigned="mine__arm"))
    )


def _order(order: str) -> tuple[Any, ...]:
    if order == "name":
        return ("number",)
    if order == "changed":
        return (F("mine__changed_at").desc(nulls_last=True), "number")
    met_at = CaseWhen(When(row_arm=Arm.BLINDED, then=F("blind_priority")), default=F("priority"))
    return ("-is_open", met_at.desc(), "number")


def _rows(project: Project, user: User, role: str, page: QuerySet[Any]) -> list[dict[str, Any]]:
    found = list(page.values(*_FIELDS))
    ids = [row["id"] for row in found]
    assisted = [row["id"] for row in found if row["row_arm"] == Arm.ASSISTED]
    scores = _scores(project, assisted)
    decided = _decided(user, [row["id"] for row in found if row["row_state"] == IN_PROGRESS and row["id"] in scores])
    frames = _frames(project, found)
    holders = _holders(user, ids)
    return [_row(project, role, row, scores.get(row["id"]), decided, frames, holders) for row in found]


def _row(
    project: Project,
    role: str,
    row: dict[str, Any],
    score: Mapping[str, Any] | None,
    decided: Mapping[UUID, int],
    frames: Mapping[int, int],
    holders: Mapping[UUID, str],
) -> dict[str, Any]:
    blinded = row["row_arm"] == Arm.BLINDED
    changed_at = row["mine__changed_at"]
    made = {
        "id": str(row["id"]),
        "name": row["name"],
        "state": row["row_state"],
        "blinded": blinded,
        "reason": None if blinded else _reason(row),
        "top_score": score["top"] if score else None,
        "n_findings": score["n"] if score else None,
        "n_decided": decided.get(row["id"], 0) if score and row["row_state"] == IN_PROGRESS else None,
        "note": row["mine__note"] or "",
        "changed_at": changed_at.isoformat() if changed_at else None,
        "modality": row["series__modality"],
        "n_frames": row["instance__number_of_frames"] or frames.get(row["series_id"], 0),
        "thumbnail": thumbnail_path(project.slug, row["id"]),
        "leased_by": holders.get(row["id"]),
    }
    if role == Role.LEAD:
        made |= {"split": row["split"], "arm": row["row_arm"], "source_name": row["source_name"]}
    return made


def _reason(row: dict[str, Any]) -> dict[str, str]:
    return {"kind": row["priority_reason"], "detail": str(row["priority_detail"].get("detail", ""))}


def _scores(project: Project, case_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Highest score and number of shown findings of the serving model, for assisted cases only."""
    reader = serving_reader(project) if case_ids else None
    if reader is None or reader.model_version is None:
        return {}
    made: dict[UUID, dict[str, Any]] = {
        case_id: {"top": None, "n": 0}
        for case_id in Reading.objects.filter(reader=reader, case_id__in=case_ids).values_list("case_id", flat=True)
    }
    shown = Lesion.objects.filter(
        Q(score__isnull=True) | Q(score__gte=reader.model_version.display_threshold),
        reading__reader=reader,
        reading__case_id__in=case_ids,
    )
    for row in shown.values("reading__case_id").annotate(top=Max("score"), n=Count("pk")).order_by():
        made[row["reading__case_id"]] = {"top": row["top"], "n": row["n"]}
    return made


def _decided(user: User, case_ids: Sequence[UUID]) -> dict[UUID, int]:
    if not case_ids:
        return {}
    mine = Decision.objects.filter(reading__reader__user=user, reading__case_id__in=case_ids)
    return {row["reading__case_id"]: row["n"] for row in mine.values("reading__case_id").annotate(n=Count("pk")).order_by()}


def _frames(project: Project, rows: Sequence[dict[str, Any]]) -> dict[int, int]:
    """Frames per series, for cases that are one."""
    series = [row["series_id"] for row in rows if row["instance__number_of_frames"] is None]
    if project.unit != Unit.SERIES or not series:
        return {}
    counted = Case.objects.filter(project=project, series_id__in=series, instance__isnull=True)
    return {
        row["series_id"]: row["n"] for row in counted.values("series_id").annotate(n=Count("series__instances")).order_by()
    }


def _holders(user: User, case_ids: Sequence[UUID]) -> dict[UUID, str]:
    held = live_leases(now=timezone.now()).filter(case_id__in=case_ids).exclude(user=user)
    return {
        case_id: f"{first} {last}".strip() or username
        for case_id, username, first, last in held.values_list(
            "case_id", "user__username", "user__first_name", "user__last_name"
        )
    }


def _quartiles(seconds: list[float]) -> tuple[float | None, float | None, float | None]:
    if not seconds:
        return None, None, None
    if len(seconds) == 1:
        return seconds[0], seconds[0], seconds[0]
    low, median, high = quantiles(seconds, n=4, method="inclusive")
    return low, median, high


def _decisions(project: Project, user: User) -> dict[str, int]:
    mine = Decision.objects.filter(
        reading__reader__user=user, reading__reader__kind=ReaderKind.PERSON, reading__reader__project=project
    )
    counted = {row["kind"]: row["n"] for row in mine.values("kind").annotate(n=Count("pk")).order_by()}
    return {kind: counted.get(kind, 0) for kind in ("accepted", "edited", "rejected")}
