"""Decides on another person's submitted reading; each in one short transaction under a lock on the reading's row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from backend.accounts.models import User
from backend.projects.models import Project
from backend.readings.edit_services import begin_edit_of, put_edit_aside, require_revision, send_back_reading
from backend.readings.models import Reading, ReadingState
from backend.readings.selectors import edited_by
from backend.readings.services import require_place, tell_reviewed
from backend.review.models import Review, ReviewDecision
from backend.review.selectors import is_reviewable, readings_of_persons, review_row


def decide_on_reading(
    *, project: Project, user: User, role: str, reading_id: UUID, revision: int, decision: str, comment: str
) -> dict[str, Any]:
    """Agree with a reading, or send it back to its reader, and return its row in the queue.

    The same again changes nothing; another decision on the same revision takes the place of the first, and puts an edit
    aside that was begun. Reading.DoesNotExist for a reading that the user may not review, as for none.
    """
    with transaction.atomic():
        # An own edit first, as its saves and its submission lock them.
        list(edited_by(user).filter(revises=reading_id).select_for_update(of=("self",)))
        reading = _locked(project, user, reading_id)
        known = (
            Review.objects.filter(reading=reading, revision=revision, reviewer=user).select_related("replacement").first()
        )
        is_repeated = known is not None and known.decision == decision
        if is_repeated and decision == ReviewDecision.SENT_BACK and _is_still_sent_back(reading, user):
            return review_row(reading, project=project, user=user)
        # Also of the same again: what may not be seen any more is not told to whoever has once decided on it.
        _require_reviewable(reading, user, role)
        require_revision(reading, revision)
        if not is_repeated:
            require_place(reading)
            if known is not None and known.replacement is not None:
                put_edit_aside(project=project, user=user, edit=known.replacement)
            if decision == ReviewDecision.SENT_BACK:
                send_back_reading(project=project, reading=reading, by=user, comment=comment)
            _keep(reading, revision, user, decision, comment)
            tell_reviewed(project=project, reading=reading, by=user, decision=decision, revision=revision)
    return review_row(reading, project=project, user=user)


def begin_edit(*, project: Project, user: User, role: str, reading_id: UUID, revision: int) -> dict[str, Any]:
    """The case and the user's own draft that edits the reading; it counts once that draft is submitted."""
    with transaction.atomic():
        reading = readings_of_persons(project=project, user=user).get(pk=reading_id)
        reading.case.project = project
        known = Review.objects.filter(reading=reading, revision=revision, reviewer=user).first()
        if known is None or known.decision != ReviewDecision.EDITED or known.replacement_id is None:
            _require_reviewable(reading, user, role)
            own = begin_edit_of(project=project, user=user, reading=reading, revision=revision)
            _keep(reading, revision, user, ReviewDecision.EDITED, "", replacement=own)
            return {"case": str(reading.case_id), "reading": str(own.pk)}
    return {"case": str(reading.case_id), "reading": str(known.replacement_id)}


def _locked(project: Project, user: User, reading_id: UUID) -> Reading:
    reading = readings_of_persons(project=project, user=user).select_for_update(of=("self",)).get(pk=reading_id)
    reading.case.project = project
    return reading


def _is_still_sent_back(reading: Reading, user: User) -> bool:
    """Whether the reading is with its reader because of this user, whose row tells what it said then."""
    return reading.state == ReadingState.DRAFT and bool(reading.sent_back_comment) and reading.sent_back_by_id == user.pk


def _require_reviewable(reading: Reading, user: User, role: str) -> None:
    if not is_reviewable(reading, user, role=role):
        raise Reading.DoesNotExist


def _keep(
    reading: Reading, revision: int, user: User, decision: str, comment: str, replacement: Reading | None = None
) -> None:
    Review.objects.update_or_create(
        reading=reading,
        revision=revision,
        reviewer=user,
        defaults={
            "decision": decision,
            "comment": comment,
            "replacement": replacement,
            "decided_at": timezone.now(),
        },
    )
