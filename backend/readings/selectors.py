"""Reads readings. `readings_visible_to` is the only way by which another's reading, a model's or a person's, is reached."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from backend.accounts.models import User
from backend.projects.arms import arm_of
from backend.projects.models import Arm, Assignment, AssignmentState, Case, Membership, Project, Role
from backend.readings.models import Decision, Lesion, Reader, ReaderKind, Reading, ReadingState
from backend.registry.models import ModelState

JUDGES = (Role.REVIEWER, Role.LEAD)


def readings_visible_to(
    user: User, case: Case, *, role: str | None = None, assignment: Assignment | None = None
) -> QuerySet[Reading]:
    """The readings of `case` that `user` may see now; `role` and `assignment` save queries where they are known.

    Own readings always. In the blinded arm nothing else before submitting, whatever the role; a reader (who may reopen)
    nothing after it either. In the assisted arm also the serving model's reading, or the one from which the own draft
    was started. Reviewers and leads see others' submitted readings once they have submitted, or where in the
    assisted arm the case wants no more readings and they have not begun one.
    """
    visible = Reading.objects.filter(case=case)
    own = Q(reader__kind=ReaderKind.PERSON, reader__user=user)
    role = role or _role(user, case)
    if role is None:
        return visible.none()
    assignment = assignment or Assignment.objects.filter(case=case, user=user).first()
    arm = assignment.arm if assignment else arm_of(case.project, case, user).arm
    submitted = assignment is not None and assignment.state == AssignmentState.SUBMITTED
    judges = role in JUDGES
    if arm == Arm.BLINDED and not (submitted and judges):
        return visible.filter(own)
    started_from = Reading.objects.filter(own, case=case).values("started_from")
    shown = own | Q(reader__model_version__state=ModelState.SERVES) | Q(pk__in=started_from)
    if judges and (submitted or (not case.is_open and not _has_begun(user, case))):
        shown |= Q(state=ReadingState.SUBMITTED) & ~Q(reader__kind=ReaderKind.MODEL)
    return visible.filter(shown)


def may_see_others(user: User, case: Case, *, role: str, assignment: Assignment) -> bool:
    """Whether anything but the own reading could be seen by now; a blinded reading must then stay as it is."""
    return role in JUDGES and assignment.state == AssignmentState.SUBMITTED


def model_reading_shown(
    user: User, case: Case, *, role: str | None = None, assignment: Assignment | None = None
) -> Reading | None:
    """The model's reading that is shown to `user` in this case.

    A draft shows the one it was opened with, or none, also when another version has come to serve since: nobody has
    to decide what was not on the screen. Who has not opened the case is shown the serving version's.
    """
    visible = readings_visible_to(user, case, role=role, assignment=assignment)
    models = visible.filter(reader__kind=ReaderKind.MODEL).select_related("reader__model_version")
    own = Reading.objects.filter(case=case, reader__user=user, reader__kind=ReaderKind.PERSON).first()
    if own is not None:
        return models.filter(pk=own.started_from_id).first() if own.started_from_id else None
    return models.first()


def shown_lesions(model_reading: Reading, *, threshold: float | None = None) -> QuerySet[Lesion]:
    """The model's lesions that reached the version's display threshold, or the reader's own where that is higher."""
    version = model_reading.reader.model_version
    least = max(version.display_threshold if version else 0.0, threshold or 0.0)
    return Lesion.objects.filter(reading=model_reading).filter(Q(score__isnull=True) | Q(score__gte=least))


def own_reading(user: User, case: Case) -> Reading | None:
    """The person's reading of the case, if begun."""
    return (
        Reading.objects.filter(case=case, reader__user=user, reader__kind=ReaderKind.PERSON)
        .select_related("reader", "reader__model_version")
        .first()
    )


def serving_reader(project: Project) -> Reader | None:
    """The serving model version as a reader."""
    return (
        Reader.objects.filter(project=project, kind=ReaderKind.MODEL, model_version__state=ModelState.SERVES)
        .select_related("model_version")
        .first()
    )


def reading_etag(reading: Reading) -> str:
    """The entity tag of a reading: it changes with every save, submission and reopening."""
    return f'"{reading.revision}-{reading.revision_id}"'


def reading_documents(readings: list[Reading]) -> list[dict[str, Any]]:
    """Readings (with `reader` selected) as the API tells them, in a fixed number of queries.

    A reading that started from no model's holds no decisions.
    """
    ids = [reading.pk for reading in readings]
    lesions = lesion_documents(Lesion.objects.filter(reading_id__in=ids))
    decisions = _decision_documents([reading.pk for reading in readings if reading.started_from_id])
    return [_reading_document(reading, lesions.get(reading.pk, []), decisions.get(reading.pk, [])) for reading in readings]


def lesion_documents(lesions: QuerySet[Lesion]) -> dict[UUID, list[dict[str, Any]]]:
    """Lesions as the API tells them, by reading, oldest first."""
    found: dict[UUID, list[dict[str, Any]]] = {}
    rows = lesions.order_by("created_at", "id").values(*_LESION_FIELDS, "reading_id", "instance__sop_instance_uid")
    for row in rows:
        found.setdefault(row["reading_id"], []).append(_lesion_document(row))
    return found


_LESION_FIELDS = (
    "id",
    "finding_type_id",
    "kind",
    "frame",
    "points",
    "mask_origin",
    "mask_shape",
    "mask_digest",
    "attributes",
    "score",
    "origin",
    "origin_lesion_id",
    "origin_score",
    "moved_pixels",
)


def _lesion_document(row: dict[str, Any]) -> dict[str, Any]:
    mask = None
    if row["mask_digest"]:
        mask = {"origin": row["mask_origin"], "shape": row["mask_shape"], "digest": row["mask_digest"]}
    return {
        "id": str(row["id"]),
        "finding_type": row["finding_type_id"],
        "kind": row["kind"],
        "sop_instance_uid": row["instance__sop_instance_uid"],
        "frame": row["frame"],
        "points": row["points"],
        "mask": mask,
        "attributes": row["attributes"],
        "score": row["score"],
        "origin": row["origin"],
        "origin_lesion": str(row["origin_lesion_id"]) if row["origin_lesion_id"] else None,
        "origin_score": row["origin_score"],
        "moved_pixels": row["moved_pixels"],
    }


def _decision_documents(reading_ids: list[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = {}
    rows = Decision.objects.filter(reading_id__in=reading_ids).order_by("id")
    for row in rows.values("reading_id", "predicted_id", "kind", "reason", "lesion_id", "threshold"):
        found.setdefault(row["reading_id"], []).append(
            {
                "predicted": str(row["predicted_id"]),
                "kind": row["kind"],
                "reason": row["reason"],
                "lesion": str(row["lesion_id"]) if row["lesion_id"] else None,
                "threshold": row["threshold"],
            }
        )
    return found


def _reading_document(reading: Reading, lesions: list[dict[str, Any]], decisions: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": str(reading.pk),
        "reader": {"kind": reading.reader.kind, "name": reading.reader.name},
        "state": reading.state,
        "verdict": reading.verdict,
        "verdict_reason": reading.verdict_reason,
        "comment": reading.comment,
        "image_findings": reading.image_findings,
        "lesions": lesions,
        "decisions": decisions,
        "revision": reading.revision,
        "etag": reading_etag(reading),
        "display_threshold": reading.display_threshold,
        "active_seconds": reading.active_seconds,
        "updated_at": reading.updated_at.isoformat(),
        "submitted_at": reading.submitted_at.isoformat() if reading.submitted_at else None,
        "vocabulary_version": reading.vocabulary_version,
    }


def _role(user: User, case: Case) -> str | None:
    return Membership.objects.filter(project_id=case.project_id, user=user).values_list("role", flat=True).first()


def _has_begun(user: User, case: Case) -> bool:
    return Reading.objects.filter(case=case, reader__user=user, reader__kind=ReaderKind.PERSON, revision__gt=0).exists()
