"""The worklist as one reader may see it, and that reader's pace: a fixed number of queries whatever the project's size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from statistics import quantiles
from typing import Any
from uuid import UUID

from django.db.models import Case as CaseWhen
from django.db.models import (
    CharField,
    Count,
    F,
    FilteredRelation,
    Max,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.utils import timezone

from backend.accounts.models import User
from backend.archive.models import Instance
from backend.projects.arms import ReaderArms, arm_expression, mapped_draw
from backend.projects.assignment_services import live_leases
from backend.projects.case_assignments import HELD
from backend.projects.models import Arm, Assignment, AssignmentState, BurntInReport, Case, Project, Role, Split
from backend.projects.reading_order import Place, open_cases_in_order
from backend.projects.shown_names import ShownNames
from backend.readings.models import Decision, Lesion, ReaderKind, Reading
from backend.readings.reader_selectors import NO_LOOKS, decision_seconds, look_counts
from backend.readings.room_selectors import cases_path
from backend.readings.selectors import cases_awaiting_reveal, sent_back_document, shown_model
from backend.readings.worklist_filters import WorklistFilters, told_top_score

TO_READ, IN_PROGRESS, SUBMITTED, DEFERRED = "to_read", "in_progress", "submitted", "deferred"
STATES = (TO_READ, IN_PROGRESS, SUBMITTED, DEFERRED)
ORDERS = ("priority", "name", "changed", "score")
PACE_DAYS = 14
LISTED = (Split.POOL, Split.VALIDATION, Split.HOLDOUT)
BEGUN: dict[str, str] = {
    AssignmentState.IN_PROGRESS: IN_PROGRESS,
    AssignmentState.SUBMITTED: SUBMITTED,
    AssignmentState.DEFERRED: DEFERRED,
}
WALKED = 20_000
"""Up to this many rows the list walks the indexes; further down it sorts the project, which costs more from the first."""


def worklist_counts(*, project: Project, user: User) -> dict[str, int]:
    """How many cases the user has in each state, and how many are open to anybody, from three indexed counts."""
    cases = Case.objects.filter(project=project)
    total = cases.filter(split__in=LISTED).count()
    n_open = cases.filter(is_open__in=[True]).count()  # an EMBARGOED case is never open; IN lets SQLite use the index
    mine = {
        (row["state"], row["case__is_open"]): row["n"]
        for row in Assignment.objects.filter(user=user, case__project=project)
        .exclude(case__split=Split.EMBARGOED)
        .values("state", "case__is_open")
        .annotate(n=Count("pk"))
        .order_by()
    }
    to_read = n_open - sum(mine.get((state, True), 0) for state in BEGUN)
    in_progress = sum(mine.get((AssignmentState.IN_PROGRESS, is_open), 0) for is_open in (True, False))
    deferred = sum(mine.get((AssignmentState.DEFERRED, is_open), 0) for is_open in (True, False))
    return {
        "all": total,
        "open": n_open,
        TO_READ: to_read,
        IN_PROGRESS: in_progress,
        SUBMITTED: total - to_read - in_progress - deferred,
        DEFERRED: deferred,
    }


def worklist_page(
    *,
    project: Project,
    user: User,
    role: str,
    state: str,
    search: str,
    order: str,
    offset: int,
    limit: int,
    filters: WorklistFilters | None = None,
    past: UUID | None = None,
    names: ShownNames,
) -> dict[str, Any]:
    """Counts, the number of matching cases, and one page of rows.

    `past`: the row before the page, where the caller has it: by priority the list goes on from there, which costs what
    the first page costs and leaves out nothing when rows above have gone. Anywhere else the offset counts.
    """
    filters = filters or WorklistFilters()
    counts = worklist_counts(project=project, user=user)
    total = counts.get(state, counts["all"])
    walked = {TO_READ: counts[TO_READ], "all": counts["open"]}.get(state, 0)
    # Of "all", closed cases follow the open ones: the page on which they meet is sorted.
    inside = state == TO_READ or offset + limit <= walked
    if order == "priority" and not search and not filters and inside and offset <= min(walked, WALKED):
        place = _place_of(project, user, past) if past and offset else None
        places = open_cases_in_order(
            project=project,
            user=user,
            count=limit,
            begun=state == "all",
            skip=0 if place else offset,
            past=place,
        )
        ids = [place.case_id for place in places]
    else:
        cases = _cases(project, user)
        if state in STATES:
            cases = cases.filter(row_state=state)
        if search:
            named = Q(name__icontains=search)
            cases = cases.filter(named | Q(source_name__icontains=search) if role == Role.LEAD and names.clear else named)
        if filters:
            cases = filters.narrowed(cases, project, user)
        if search or filters:
            total = cases.count()
        if order == "score":
            cases = cases.annotate(shown_score=told_top_score(project, user))
        # What was sent back comes first of what the reader has begun; anywhere else it would break the walk.
        first = [F("mine__sent_back_at").asc(nulls_last=True)] if (state, order) == (IN_PROGRESS, "priority") else []
        ids = list(cases.order_by(*first, *_order(order)).values_list("pk", flat=True)[offset : offset + limit])
    del counts["open"]
    return {"counts": counts, "total": total, "results": _rows(project, user, role, ids, names)}


def _place_of(project: Project, user: User, case_id: UUID) -> Place | None:
    """Where this reader meets an open case; None for any other."""
    case = Case.objects.filter(project=project, pk=case_id, is_open=True).first()
    if case is None:
        return None
    assigned = Assignment.objects.filter(case=case, user=user).values_list("arm", flat=True).first()
    arm = assigned or ReaderArms(project, user).draw(split=case.split, draw=case.draw).arm
    return Place(case.pk, case.number, case.blind_priority if arm == Arm.BLINDED else case.priority)


def worklist_pace(*, project: Project, user: User, role: str, names: ShownNames) -> dict[str, Any]:
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
    begun = Assignment.objects.filter(user=user, case__project=project, state=AssignmentState.IN_PROGRESS)
    begun = begun.filter(case__split__in=LISTED).order_by("-changed_at")
    rows = _rows(project, user, role, list(begun.values_list("case_id", flat=True)[:1]), names)
    return {
        "today": per_day.get(now.date(), 0),
        "median_seconds": median,
        "low_seconds": low,
        "high_seconds": high,
        "days": [{"date": day.isoformat(), "count": count} for day, count in per_day.items()],
        "submitted": counts[SUBMITTED],
        "total": counts["all"],
        "decisions": _decisions(project, user),
        "decision_seconds": decision_seconds(project, since=now - timedelta(days=PACE_DAYS), user=user).get(user.pk),
        "looks": look_counts(project, user=user).get(user.pk, NO_LOOKS),
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
        Case.objects.filter(project=project, split__in=LISTED)
        .annotate(mine=mine, mapped_draw=mapped_draw(project, user))
        .annotate(row_state=state, row_arm=arm_expression(project, user, assigned="mine__arm"))
    )


def _order(order: str) -> tuple[Any, ...]:
    if order == "name":
        return ("number",)
    if order == "score":
        return (F("shown_score").desc(nulls_last=True), "number")
    if order == "changed":
        return (F("mine__changed_at").desc(nulls_last=True), "number")
    met_at = CaseWhen(When(row_arm=Arm.BLINDED, then=F("blind_priority")), default=F("priority"))
    return ("-is_open", met_at.desc(), "number")


def _rows(project: Project, user: User, role: str, ids: Sequence[UUID], names: ShownNames) -> list[dict[str, Any]]:
    """The rows of these cases, in this order; plain values, a hundred model objects cost more than their queries."""
    cases = {row["pk"]: row for row in Case.objects.filter(pk__in=ids).values(*_CASE_FIELDS)}
    mine = {
        row["case_id"]: row
        for row in Assignment.objects.filter(user=user, case_id__in=ids).values(
            "case_id", "arm", "state", "note", "changed_at", "given_by_id", "sent_back_at"
        )
    }
    arms = ReaderArms(project, user)
    rows = {case_id: _row(cases[case_id], mine.get(case_id), arms) for case_id in ids}
    _keep_back(project, user, role, cases, rows)
    _add_scores(project, user, rows)
    _add_frames(cases, rows)
    _add_sent_back(user, [case_id for case_id, row in mine.items() if row["sent_back_at"]], rows)
    holders = _holders(user, ids)
    readers, reported = (_readers(ids), _reported(ids)) if role == Role.LEAD else ({}, {})
    prefix = cases_path(project.slug)
    for case_id, row in rows.items():
        row["thumbnail"] = f"{prefix}{case_id}/thumbnail/"
        row["leased_by"] = holders.get(case_id)
        if role == Role.LEAD:
            row["split"], row["source_name"] = cases[case_id]["split"], names.name(cases[case_id]["source_name"])
            row["arm"] = "blinded" if row["blinded"] else "assisted"
            row["readers"] = readers.get(case_id, [])
            row["burnt_in"] = reported.get(case_id, 0)
    return list(rows.values())


_CASE_FIELDS = (
    "pk",
    "name",
    "split",
    "source_name",
    "draw",
    "is_open",
    "series_id",
    "instance_id",
    "priority_reason",
    "priority_detail",
    "series__modality",
    "instance__number_of_frames",
)


def _row(case: Mapping[str, Any], assignment: Mapping[str, Any] | None, arms: ReaderArms) -> dict[str, Any]:
    """What a row says without the model."""
    arm = assignment["arm"] if assignment else arms.draw(split=case["split"], draw=case["draw"]).arm
    blinded = arm == Arm.BLINDED
    state = TO_READ if case["is_open"] else SUBMITTED
    if assignment:
        state = BEGUN.get(assignment["state"], state)
    told = case["priority_detail"]
    reason = {"kind": case["priority_reason"], "detail": str(told.get("detail", "")), "slices": told.get("slices", [])}
    return {
        "id": str(case["pk"]),
        "name": case["name"],
        "state": state,
        "blinded": blinded,
        "first_look": False,
        "given": bool(assignment and assignment["given_by_id"] and assignment["state"] == AssignmentState.OPENED),
        "sent_back": None,
        "reason": None if blinded else reason,
        "top_score": None,
        "n_findings": None,
        "n_decided": None,
        "note": assignment["note"] if assignment else "",
        "changed_at": assignment["changed_at"].isoformat() if assignment else None,
        "modality": case["series__modality"],
        "n_frames": case["instance__number_of_frames"] or 0,
    }


def _keep_back(
    project: Project, user: User, role: str, cases: Mapping[UUID, Mapping[str, Any]], rows: Mapping[UUID, dict[str, Any]]
) -> None:
    """Rows of cases that wait for the reader's first look tell as little as blinded ones."""
    known = ((pk, cases[pk]["is_open"], Arm.BLINDED if row["blinded"] else Arm.ASSISTED) for pk, row in rows.items())
    for case_id in cases_awaiting_reveal(project, user, role=role, cases=known):
        rows[case_id]["first_look"], rows[case_id]["reason"] = True, None


def _add_scores(project: Project, user: User, rows: Mapping[UUID, dict[str, Any]]) -> None:
    """The serving model's highest score and number of shown findings, in assisted rows only."""
    shown = [case_id for case_id, row in rows.items() if not (row["blinded"] or row["first_look"])]
    scores = _scores(project, shown)
    begun = [case_id for case_id in scores if rows[case_id]["state"] == IN_PROGRESS]
    decided = _decided(user, begun)
    for case_id, score in scores.items():
        row = rows[case_id]
        row["top_score"], row["n_findings"] = score["top"], score["n"]
        row["n_decided"] = decided.get(case_id)


def _add_frames(cases: Mapping[UUID, Mapping[str, Any]], rows: Mapping[UUID, dict[str, Any]]) -> None:
    """Frames of cases that are a series."""
    series = {case_id: case["series_id"] for case_id, case in cases.items() if case["instance_id"] is None}
    if not series:
        return
    counted = Instance.objects.filter(series_id__in=set(series.values())).values("series_id")
    frames = {row["series_id"]: row["n"] for row in counted.annotate(n=Sum("number_of_frames")).order_by()}
    for case_id, series_id in series.items():
        rows[case_id]["n_frames"] = frames.get(series_id, 0)


def _add_sent_back(user: User, case_ids: Sequence[UUID], rows: Mapping[UUID, dict[str, Any]]) -> None:
    """What the reviewers say who sent the user's readings back; most pages hold none of these."""
    if not case_ids:
        return
    own = Reading.objects.filter(case__in=case_ids, reader__user=user, reader__kind=ReaderKind.PERSON)
    for reading in own.select_related("sent_back_by"):
        rows[reading.case_id]["sent_back"] = sent_back_document(reading)


def _scores(project: Project, case_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Highest score and number of shown findings of the shown model, for assisted cases only."""
    reader = shown_model(project) if case_ids else None
    if reader is None:
        return {}
    made: dict[UUID, dict[str, Any]] = {
        case_id: {"top": None, "n": 0}
        for case_id in Reading.objects.filter(reader=reader, case_id__in=case_ids).values_list("case_id", flat=True)
    }
    shown = Lesion.objects.filter(
        Q(score__isnull=True) | Q(score__gte=reader.shown_from),
        reading__reader=reader,
        reading__case_id__in=case_ids,
    )
    for row in shown.values("reading__case_id").annotate(top=Max("score"), n=Count("pk")).order_by():
        made[row["reading__case_id"]] = {"top": row["top"], "n": row["n"]}
    return made


def _decided(user: User, case_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Findings decided in the user's readings; a reading that edits another's decides none."""
    if not case_ids:
        return {}
    mine = Reading.objects.filter(reader__user=user, reader__kind=ReaderKind.PERSON, case_id__in=case_ids, revises=None)
    return dict(mine.order_by().values_list("case_id").annotate(n=Count("decisions")))


def _holders(user: User, case_ids: Sequence[UUID]) -> dict[UUID, str]:
    held = live_leases(now=timezone.now()).filter(case_id__in=case_ids).exclude(user=user)
    return {
        case_id: f"{first} {last}".strip() or username
        for case_id, username, first, last in held.values_list(
            "case_id", "user__username", "user__first_name", "user__last_name"
        )
    }


def _readers(case_ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Everybody's assignments on these cases, the newest first."""
    now = timezone.now()
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in Assignment.objects.filter(case_id__in=case_ids).select_related("user").order_by("-changed_at"):
        held = row.state in HELD and row.lease_expires_at is not None and row.lease_expires_at > now
        found.setdefault(row.case_id, []).append({
            "username": row.user.get_username(),
            "name": row.user.shown_name,
            "arm": row.arm,
            "state": row.state,
            "held_until": row.lease_expires_at.isoformat() if held and row.lease_expires_at else None,
        })  # fmt: skip
    return found


def _reported(case_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Open reports of a name burnt into an image."""
    open_ones = BurntInReport.objects.filter(case_id__in=case_ids, closed_at=None)
    return dict(open_ones.order_by().values_list("case_id").annotate(n=Count("pk")))


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
