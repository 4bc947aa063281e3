"""The order in which a reader meets the open cases: assisted ones by priority, blinded ones by their own.

Written in SQL because it runs at every "next": two indexes are each walked from the top until enough cases are found,
so the cost does not grow with the project, and composing the same through the ORM costs several times the query.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from backend.accounts.compiled_select import database_key
from backend.accounts.models import User
from backend.projects.arms import blinded_below, reader_map
from backend.projects.models import DRAW_MODULUS, Project

_STREAM: Final = """
SELECT c.id, c.number, c.{priority} AS met_at FROM projects_case c
LEFT JOIN projects_assignment mine ON mine.case_id = c.id AND mine.user_id = %(user)s
WHERE c.project_id = %(project)s AND c.is_open = %(open)s {begun}
AND {negation} (CASE WHEN mine.arm IS NOT NULL THEN mine.arm = 'blinded'
  ELSE c.split <> 'POOL' OR (c.draw * %(factor)s + %(offset)s) %% %(modulus)s < %(below)s END)
{without}
ORDER BY c.{priority} DESC, c.number LIMIT %(count)s {lock}
"""
_WITHOUT_BEGUN: Final = "AND (mine.id IS NULL OR mine.state = 'opened')"
_WITHOUT_AFTER: Final = "AND c.id <> %(after)s"
_WITHOUT_LEASED: Final = """AND NOT EXISTS (SELECT 1 FROM projects_assignment held WHERE held.case_id = c.id
  AND held.user_id <> %(user)s AND held.lease_expires_at > %(now)s AND held.state IN ('opened', 'in_progress'))"""
_BOTH: Final = "WITH assisted AS ({assisted}), blinded AS ({blinded}) SELECT * FROM assisted UNION ALL SELECT * FROM blinded"
_FURTHER: Final = """AND c.{priority} <= %(past_at)s AND (c.{priority} < %(past_at)s OR c.number > %(past_number)s)"""
_FURTHER_DOWN: Final = "SELECT * FROM ({both}) AS places ORDER BY met_at DESC, number LIMIT %(wanted)s OFFSET %(skip)s"


@dataclass(frozen=True, slots=True)
class Place:
    """A case with the priority at which this reader meets it."""

    case_id: UUID
    number: int
    met_at: float


def open_cases_in_order(
    *,
    project: Project,
    user: User,
    count: int,
    begun: bool = False,
    free_at: datetime | None = None,
    after: UUID | None = None,
    lock: bool = False,
    skip: int = 0,
    past: Place | None = None,
) -> list[Place]:
    """The first `count` open cases that are the user's to read, best first; `begun`: also those he has begun.

    `skip`: leave out that many of the best, which the database does: only what is wanted comes back. `past`: begin after
    this place, which costs the same wherever it is.

    `free_at`: leave out what another holds at that time. `lock`: lock the rows and skip those that another caller has
    locked (PostgreSQL; inside a transaction).
    """
    without = (_WITHOUT_LEASED if free_at else "") + (_WITHOUT_AFTER if after else "")
    locked = "FOR UPDATE OF c SKIP LOCKED" if lock and connection.features.has_select_for_update_skip_locked else ""
    shared = {"begun": "" if begun else _WITHOUT_BEGUN, "without": without, "lock": locked}
    further = _FURTHER if past else ""
    without = shared.pop("without")
    query = _BOTH.format(
        assisted=_STREAM.format(
            priority="priority", negation="NOT", without=without + further.format(priority="priority"), **shared
        ),
        blinded=_STREAM.format(
            priority="blind_priority", negation="", without=without + further.format(priority="blind_priority"), **shared
        ),
    )
    if skip:
        query = _FURTHER_DOWN.format(both=query)
    factor, offset = reader_map(project, user)
    parameters = {
        "user": user.pk,
        "project": database_key(project.pk),
        "open": True,
        "factor": factor,
        "offset": offset,
        "modulus": DRAW_MODULUS,
        "below": blinded_below(project),
        "count": count + skip,
        "wanted": count,
        "skip": skip,
        "past_at": past.met_at if past else None,
        "past_number": past.number if past else None,
        "after": database_key(after) if after else None,
        "now": connection.ops.adapt_datetimefield_value(free_at) if free_at else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        places = [Place(_uuid(row[0]), row[1], row[2]) for row in cursor.fetchall()]
    return sorted(places, key=lambda place: (-place.met_at, place.number))[:count]


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)
