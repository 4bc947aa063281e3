"""Reads readings. `readings_visible_to` is the only way by which another's reading, a model's or a person's, is reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, FilteredRelation, OuterRef, Q, QuerySet

from backend.accounts.compiled_select import CompiledSelect, fields_of
from backend.accounts.models import User
from backend.archive.models import Instance
from backend.projects.arms import ReaderArms, arm_expression, arm_of, mapped_draw
from backend.projects.models import Arm, Assignment, AssignmentState, Case, Membership, Project, Role
from backend.readings.models import Decision, Lesion, Reader, ReaderKind, Reading, ReadingState
from backend.registry.models import ForeignModel, ModelState

JUDGES = (Role.REVIEWER, Role.LEAD)
_MODEL_OF_READING: Final = ("reader__model_version", "reader__foreign_model")


def readings_visible_to(
    user: User, case: Case, *, role: str | None = None, assignment: Assignment | None = None
) -> QuerySet[Reading]:
    """The readings of `case` that `user` may see now; `role` and `assignment` save queries where they are known.

    Own readings always. In the blinded arm nothing else before submitting, whatever the role; a reader (who may reopen)
    nothing after it either. In the assisted arm also the shown model's reading, or the one from which the own draft
    was started; where the project asks for a first look, only once it has been revealed. Reviewers and leads see others'
    submitted readings once they have submitted, or where in the assisted arm the case wants no more readings and they
    have not begun one; and the submitted reading that their own draft edits.
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
    if awaits_reveal(user, case, role=role, arm=arm):
        return visible.filter(own)
    started_from = Reading.objects.filter(own, case=case).values("started_from")
    shown = own | _is_shown_model(case.project_id) | Q(pk__in=started_from)
    if judges and (submitted or (not case.is_open and not _has_begun(user, case))):
        shown |= Q(state=ReadingState.SUBMITTED) & ~Q(reader__kind=ReaderKind.MODEL)
    elif judges:
        shown |= Q(state=ReadingState.SUBMITTED, pk__in=edited_by(user).filter(case=case).values("revises"))
    return visible.filter(shown)


def edited_by(user: User) -> QuerySet[Reading]:
    """The person's own readings that edit another's: what `revises` names is the other."""
    return Reading.objects.filter(reader__user=user, reader__kind=ReaderKind.PERSON, revises__isnull=False)


def superseded(*, of: str = "") -> Exists:
    """Of readings (or of what refers to them by the path `of`, as "reading__"): a reviewer's edit has taken the place.

    A submitted reading edits it as it is now. It is no label then, and no reading that its case has.
    """
    return Exists(
        Reading.objects.filter(
            revises=OuterRef(f"{of}pk"), revises_revision=OuterRef(f"{of}revision"), state=ReadingState.SUBMITTED
        )
    )


def _is_shown_model(project_id: UUID) -> Q:
    """Of readings: the model's whose findings are shown, a foreign one where the lead has chosen it, else what serves."""
    chosen = ForeignModel.objects.filter(project=project_id, is_shown=True)
    return Q(reader__foreign_model__is_shown=True) | (Q(reader__model_version__state=ModelState.SERVES) & ~Q(Exists(chosen)))


def awaits_reveal(user: User, case: Case, *, role: str, arm: str) -> bool:
    """Whether the project asks for the user's own marks on `case` before anything of the model is revealed."""
    return bool(cases_awaiting_reveal(case.project, user, role=role, cases=[(case.pk, case.is_open, arm)]))


def cases_awaiting_reveal(project: Project, user: User, *, role: str, cases: Iterable[tuple[UUID, bool, str]]) -> set[UUID]:
    """Of these cases (id, whether it is open, arm) those whose model output is kept back for the user's first look.

    Nothing is kept back from a draft that started from a model's reading before the project asked for a first look, nor
    from one that edits another's, nor from a reviewer or lead who looks at a case that wants no more readings and has not
    begun one.
    """
    assisted = {pk: is_open for pk, is_open, arm in cases if arm == Arm.ASSISTED} if project.first_look else {}
    if not assisted:
        return set()
    begun, known = set(), set()
    own = Reading.objects.filter(case__in=list(assisted), reader__user=user, reader__kind=ReaderKind.PERSON)
    for case_id, state, started, revises, revealed, revision in own.values_list(
        "case_id", "state", "started_from_id", "revises_id", "revealed_at", "revision"
    ):
        if state == ReadingState.SUBMITTED or started or revises or revealed:
            known.add(case_id)
        if revision and not revises:
            begun.add(case_id)
    looking = {pk for pk, is_open in assisted.items() if role in JUDGES and not is_open and pk not in begun}
    return assisted.keys() - known - looking


def may_ask_model(user: User, case: Case, *, role: str) -> bool:
    """Whether the user may point at something in `case` and have the model outline it.

    By the rules of the reading room: in the assisted arm, and not before the reveal of a first look.
    """
    assignment = Assignment.objects.filter(case=case, user=user).first()
    arm = assignment.arm if assignment else arm_of(case.project, case, user).arm
    return arm == Arm.ASSISTED and not awaits_reveal(user, case, role=role, arm=arm)


def cases_judged_by(project: Project, user: User, *, role: str, cases: Sequence[Case]) -> set[UUID]:
    """Of these cases those in which `readings_visible_to` shows others' submitted readings to the user, in few queries."""
    if role not in JUDGES:
        return set()
    mine = {row.case_id: row for row in Assignment.objects.filter(user=user, case__in=cases)}
    arms, shown = ReaderArms(project, user), []
    for case in cases:
        own = mine.get(case.pk)
        submitted = own is not None and own.state == AssignmentState.SUBMITTED
        arm = own.arm if own else arms.draw(split=case.split, draw=case.draw).arm
        if submitted or (arm == Arm.ASSISTED and not case.is_open):
            shown.append((case.pk, case.is_open, arm, submitted))
    ids = [pk for pk, *_ in shown]
    begun_ids = set(_begun(user).filter(case__in=ids).values_list("case_id", flat=True))
    waiting = cases_awaiting_reveal(project, user, role=role, cases=[(pk, is_open, arm) for pk, is_open, arm, _ in shown])
    return {pk for pk, *_, submitted in shown if pk not in waiting and (submitted or pk not in begun_ids)}


def judged_cases(project: Project, user: User, *, role: str) -> QuerySet[Case]:
    """`cases_judged_by` of all the project's cases, asked of the database: a project has more than a list should hold."""
    cases = Case.objects.filter(project=project)
    if role not in JUDGES:
        return cases.none()
    begun = _begun(user).filter(case=OuterRef("pk"))
    mine = FilteredRelation("assignments", condition=Q(assignments__user=user))
    # No first look is waited for in either: see `cases_awaiting_reveal`.
    looking = Q(row_arm=Arm.ASSISTED, is_open=False) & ~Exists(begun)
    return (
        cases.annotate(mine=mine, mapped_draw=mapped_draw(project, user))
        .annotate(row_arm=arm_expression(project, user, assigned="mine__arm"))
        .filter(Q(mine__state=AssignmentState.SUBMITTED) | looking)
    )


def may_hear_others(*, role: str, arm: str, assignment: Assignment | None, waits: bool) -> bool:
    """Whether anything that others said of this patient may be told: the report that came along, readings of prior studies.

    By the rules of `readings_visible_to`: not in the blinded arm, except to a reviewer or lead who has submitted, and not
    before the reveal of a first look (`waits`). A report is another's reading of the very images that are read.
    """
    if arm == Arm.BLINDED:
        return role in JUDGES and assignment is not None and assignment.state == AssignmentState.SUBMITTED
    return not waits


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
    models = visible.filter(reader__kind=ReaderKind.MODEL).select_related(*_MODEL_OF_READING).order_by("pk")
    own = Reading.objects.filter(case=case, reader__user=user, reader__kind=ReaderKind.PERSON).first()
    return model_reading_among(models, own)


def model_reading_among(visible: Iterable[Reading], own: Reading | None) -> Reading | None:
    """Of the readings that a user may see, the model's that is shown: see `model_reading_shown`."""
    models = [reading for reading in visible if reading.reader.kind == ReaderKind.MODEL]
    if own is not None:
        return next((reading for reading in models if reading.pk == own.started_from_id), None)
    return models[0] if models else None


def shown_lesions(model_reading: Reading, *, threshold: float | None = None) -> QuerySet[Lesion]:
    """The model's lesions that reached its display threshold, or the reader's own where that is higher."""
    least = max(model_reading.reader.shown_from, threshold or 0.0)
    return Lesion.objects.filter(reading=model_reading).filter(Q(score__isnull=True) | Q(score__gte=least))


def shown_lesion_documents(model_reading: Reading) -> list[dict[str, Any]]:
    """`shown_lesions` as the API tells them, by a written query."""
    rows = _SHOWN_OF_READING.rows([model_reading.pk, model_reading.reader.shown_from])
    return [_lesion_document(row) for row in rows]


def own_reading(user: User, case: Case) -> Reading | None:
    """The person's reading of the case, if begun."""
    return (
        Reading.objects.filter(case=case, reader__user=user, reader__kind=ReaderKind.PERSON)
        .select_related("reader", *_MODEL_OF_READING)
        .first()
    )


def reading_of(reader: Reader, case: Case) -> Reading | None:
    """The reader's reading of the case, by a written query: it is asked at every opening."""
    for (reading,) in _READING_OF.instances([case.pk, reader.pk]):
        reading.reader, reading.case = reader, case
        found: Reading = reading
        return found
    return None


_READING_OF: Final = CompiledSelect.of_models([Reading], "FROM readings_reading WHERE case_id = %s AND reader_id = %s")


def shown_model(project: Project) -> Reader | None:
    """The model whose findings readers are shown: a foreign one where the lead has chosen it, else the serving version."""
    models = Reader.objects.filter(project=project, kind=ReaderKind.MODEL).select_related("model_version", "foreign_model")
    shown = models.filter(Q(foreign_model__is_shown=True) | Q(model_version__state=ModelState.SERVES))
    found: Reader | None = min(shown, key=lambda reader: reader.foreign_model_id is None, default=None)
    return found


def reading_etag(reading: Reading) -> str:
    """The entity tag of a reading: it changes with every save, submission and reopening."""
    return f'"{reading.revision}-{reading.revision_id}"'


def reading_documents(readings: list[Reading]) -> list[dict[str, Any]]:
    """Readings (with `reader` selected) as the API tells them.

    A reading that started from no model's holds no decisions.
    """
    return [
        _reading_document(
            reading,
            [_lesion_document(row) for row in _LESIONS_OF_READING.rows([reading.pk])],
            [_decision_document(row) for row in _DECISIONS_OF_READING.rows([reading.pk])] if reading.started_from_id else [],
        )
        for reading in readings
    ]


_LESION_FIELDS: Final = fields_of(
    Lesion,
    "id",
    "finding_type",
    "kind",
    "frame",
    "points",
    "mask_origin",
    "mask_shape",
    "mask_digest",
    "drawn_as",
    "prompted",
    "attributes",
    "score",
    "origin",
    "origin_lesion",
    "origin_score",
    "moved_pixels",
    "look",
)
_DECISION_FIELDS: Final = fields_of(Decision, "predicted", "kind", "reason", "lesion", "threshold", "at_seconds", "at_once")
_LESIONS_OF_READING: Final = CompiledSelect(
    [*_LESION_FIELDS, *fields_of(Instance, "sop_instance_uid")],
    "FROM readings_lesion JOIN archive_instance ON archive_instance.id = readings_lesion.instance_id "
    "WHERE readings_lesion.reading_id = %s ORDER BY readings_lesion.created_at, readings_lesion.id",
)
_SHOWN_OF_READING: Final = CompiledSelect(
    [*_LESION_FIELDS, *fields_of(Instance, "sop_instance_uid")],
    "FROM readings_lesion JOIN archive_instance ON archive_instance.id = readings_lesion.instance_id "
    "WHERE readings_lesion.reading_id = %s AND (readings_lesion.score IS NULL OR readings_lesion.score >= %s) "
    "ORDER BY readings_lesion.created_at, readings_lesion.id",
)
_DECISIONS_OF_READING: Final = CompiledSelect(
    _DECISION_FIELDS, "FROM readings_decision WHERE reading_id = %s ORDER BY readings_decision.id"
)


def _lesion_document(row: Sequence[Any]) -> dict[str, Any]:
    (
        pk,
        finding_type,
        kind,
        frame,
        points,
        mask_origin,
        mask_shape,
        mask_digest,
        drawn_as,
        prompted,
        attributes,
        score,
        origin,
        origin_lesion,
        origin_score,
        moved_pixels,
        look,
        sop_instance_uid,
    ) = row
    return {
        "id": str(pk),
        "finding_type": finding_type,
        "kind": kind,
        "sop_instance_uid": sop_instance_uid,
        "frame": frame,
        "points": points,
        "mask": {"origin": mask_origin, "shape": mask_shape, "digest": mask_digest} if mask_digest else None,
        "drawn_as": drawn_as,
        "prompted": prompted,
        "attributes": attributes,
        "score": score,
        "origin": origin,
        "origin_lesion": str(origin_lesion) if origin_lesion else None,
        "origin_score": origin_score,
        "moved_pixels": moved_pixels,
        "look": look,
    }


def _decision_document(row: Sequence[Any]) -> dict[str, Any]:
    predicted, kind, reason, lesion, threshold, at_seconds, at_once = row
    return {
        "predicted": str(predicted),
        "kind": kind,
        "reason": reason,
        "lesion": str(lesion) if lesion else None,
        "threshold": threshold,
        "at_seconds": at_seconds,
        "at_once": at_once,
    }


def _reading_document(reading: Reading, lesions: list[dict[str, Any]], decisions: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": str(reading.pk),
        "reader": {"kind": reading.reader.kind, "name": reading.reader.name},
        "state": reading.state,
        "verdict": reading.verdict,
        "verdict_reason": reading.verdict_reason,
        "comment": reading.comment,
        "image_findings": reading.image_findings,
        "measurements": reading.measurements,
        "slices_read": reading.slices_read,
        "lesions": lesions,
        "decisions": decisions,
        "revision": reading.revision,
        "etag": reading_etag(reading),
        "display_threshold": reading.display_threshold,
        "active_seconds": reading.active_seconds,
        "updated_at": reading.updated_at.isoformat(),
        "submitted_at": reading.submitted_at.isoformat() if reading.submitted_at else None,
        "revealed_at": reading.revealed_at.isoformat() if reading.revealed_at else None,
        "revealed_revision": reading.revealed_revision,
        "revises": _revised(reading),
        "sent_back": sent_back_document(reading),
        "vocabulary_version": reading.vocabulary_version,
    }


def _revised(reading: Reading) -> dict[str, Any] | None:
    """The reading that this one edits; nothing is asked where there is none."""
    if reading.revises_id is None or reading.revises_revision is None:
        return None
    name = Reader.objects.filter(readings=reading.revises_id).values_list("name", flat=True).get()
    return {"reading": str(reading.revises_id), "reader": {"name": name}, "revision": reading.revises_revision}


def sent_back_document(reading: Reading) -> dict[str, str] | None:
    """Why and by whom the reading was sent back to its reader; None where it was not, or is submitted again."""
    if not reading.sent_back_comment:
        return None
    by = reading.sent_back_by
    return {"comment": reading.sent_back_comment, "by": by.shown_name if by else ""}


def _role(user: User, case: Case) -> str | None:
    return Membership.objects.filter(project_id=case.project_id, user=user).values_list("role", flat=True).first()


def _has_begun(user: User, case: Case) -> bool:
    return _begun(user).filter(case=case).exists()


def _begun(user: User) -> QuerySet[Reading]:
    """The person's own readings with work in them that could still be his judgement alone: an edit began from another's."""
    own = Reading.objects.filter(reader__user=user, reader__kind=ReaderKind.PERSON)
    return own.filter(revision__gt=0, revises__isnull=True)
