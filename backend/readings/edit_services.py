"""A reviewer's acts on another person's submitted reading: an edit of his own that begins from it, or the way back."""

from __future__ import annotations

import hashlib
from typing import Final
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from backend.accounts.models import User
from backend.audit.services import record_event
from backend.projects.assignment_services import assignment_of, open_assignment, return_case
from backend.projects.models import Arm, Assignment, AssignmentState, Membership, Project
from backend.readings.models import Lesion, Origin, Reading, ReadingState
from backend.readings.refusals import ReadingRefused
from backend.readings.services import append_revision, person_reader, refresh_case_openness, require_place

_COPIED: Final = (
    "finding_type_id",
    "kind",
    "instance_id",
    "frame",
    "points",
    "mask_origin",
    "mask_shape",
    "mask_digest",
    "drawn_as",
    "drawn_as_digest",
    "prompted",
    "attributes",
    "origin_score",
)


def begin_edit_of(*, project: Project, user: User, reading: Reading, revision: int) -> Reading:
    """The user's own draft that begins from `reading`, which he may review, as it was at `revision`.

    The same again returns what there is. A draft that edits an earlier revision begins anew: its saves are kept.
    """
    case = reading.case
    with transaction.atomic():
        reader = person_reader(project=project, user=user)
        Reading.objects.get_or_create(case=case, reader=reader, defaults={"vocabulary_version": project.vocabulary_version})
        # The own one first, as a submission locks them.
        own = Reading.objects.select_for_update(of=("self",)).select_related("reader").get(case=case, reader=reader)
        own.case = case
        reviewed = Reading.objects.select_for_update().get(pk=reading.pk)
        if (own.revises_id, own.revises_revision) == (reviewed.pk, revision):
            return own
        require_revision(reviewed, revision)
        require_place(reviewed)
        if own.state == ReadingState.SUBMITTED or (own.revision and own.revises_id != reviewed.pk):
            raise ReadingRefused("own_reading", "You have a reading of your own in this case: agree, or send this one back.")
        # After the readings, as a save and a submission lock them.
        assignment = open_assignment(project=project, case=case, user=user)
        _begin_from(own, reviewed, project)
        append_revision(own, user, uuid4(), hashlib.sha256(f"edit {reviewed.pk} {revision}".encode()).hexdigest())
        Assignment.objects.filter(pk=assignment.pk).update(state=AssignmentState.IN_PROGRESS)
        record_event(
            actor=user, verb="reading.edit_begun", project_id=project.pk, object_type="reading", object_id=own.pk,
            detail={"of": str(reviewed.pk), "revision": revision, "case": case.name},
        )  # fmt: skip
    return own


def send_back_reading(*, project: Project, reading: Reading, by: User, comment: str) -> None:
    """Make a submitted reading, locked by the caller, its reader's draft again and tell him why.

    Refused in the blinded arm: what somebody who has seen more says of the reading would unblind it.
    """
    reader = reading.reader.user
    assert reader is not None
    assignment = assignment_of(project=project, case=reading.case, user=reader)
    if assignment.arm == Arm.BLINDED:
        raise ReadingRefused(
            "blinded", "A blinded reading stays as it was submitted: a comment on it would unblind its reader."
        )
    require_place(reading)
    if not Membership.objects.filter(project=project, user=reader).exists():
        raise ReadingRefused("left", "Its reader is no longer a member of this project: nobody would get it back.")
    reading.state, reading.submitted_at = ReadingState.DRAFT, None
    reading.sent_back_comment, reading.sent_back_by = comment, by
    append_revision(reading, by, uuid4(), hashlib.sha256(b"send back").hexdigest())
    return_case(assignment=assignment)
    refresh_case_openness(case_id=reading.case_id)


def put_edit_aside(*, project: Project, user: User, edit: Reading) -> None:
    """The user's begun edit is none any more: it cannot be submitted until it begins anew; what was saved of it is kept."""
    edit = Reading.objects.select_for_update(of=("self",)).get(pk=edit.pk)
    if edit.state == ReadingState.SUBMITTED or edit.revises_revision is None:
        return
    edit.revises_revision = None
    edit.save(update_fields=["revises_revision"])
    Assignment.objects.filter(case_id=edit.case_id, user=user).update(
        state=AssignmentState.OPENED, lease_expires_at=None, changed_at=timezone.now()
    )
    record_event(
        actor=user, verb="reading.edit_put_aside", project_id=project.pk, object_type="reading", object_id=edit.pk,
        detail={"of": str(edit.revises_id)},
    )  # fmt: skip


def require_revision(reading: Reading, revision: int) -> None:
    """Refuse what was decided of another state of the reading."""
    if reading.state != ReadingState.SUBMITTED or reading.revision != revision:
        raise ReadingRefused("stale", "The reading has changed since you looked at it.")


def _begin_from(own: Reading, reviewed: Reading, project: Project) -> None:
    """Everything that the reader found; decisions stay his, and no finding of a model has to be decided."""
    own.revises, own.revises_revision, own.started_from = reviewed, reviewed.revision, None
    own.vocabulary_version = project.vocabulary_version
    own.verdict, own.verdict_reason = reviewed.verdict, reviewed.verdict_reason
    own.image_findings, own.measurements = dict(reviewed.image_findings), list(reviewed.measurements)
    own.slices_read = reviewed.slices_read
    own.save(update_fields=["revises", "revises_revision", "started_from", "vocabulary_version"])
    Lesion.objects.filter(reading=own).delete()
    Lesion.objects.bulk_create(
        Lesion(
            id=uuid4(),
            reading=own,
            origin=Origin.REVIEWED,
            origin_lesion=lesion,
            moved_pixels=0.0,
            **{name: getattr(lesion, name) for name in _COPIED},
        )
        for lesion in Lesion.objects.filter(reading=reviewed).order_by("created_at", "id")
    )
