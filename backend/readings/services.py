"""Opens, saves, submits, defers and reopens a person's reading.

A save is one short transaction under a lock on the reading's row; geometry, masks and vocabulary are checked before it
begins. Repeating a save or a submission returns the first answer; a stale one gets what is there now.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from backend.accounts.compiled_select import CompiledSelect, database_key, fields_of, placeholders
from backend.accounts.models import User
from backend.audit.services import record_event
from backend.geometry.marks import InvalidMark
from backend.geometry.slices import joined_slices
from backend.projects.assignment_services import lease_until, open_assignment
from backend.projects.attributes import unsaid_attributes
from backend.projects.models import Assignment, AssignmentState, Case, FindingType, Project, Split
from backend.readings.decision_check import check_decisions_made_one_by_one
from backend.readings.lesion_check import checked_lesions, checked_measurements, frames_of
from backend.readings.models import (
    Decision,
    DecisionKind,
    Lesion,
    Look,
    Origin,
    Reader,
    ReaderKind,
    Reading,
    ReadingRevision,
    ReadingState,
    Verdict,
)
from backend.readings.refusals import ReadingRefused, ReadingStale
from backend.readings.selectors import (
    JUDGES,
    awaits_reveal,
    may_ask_model,
    may_see_others,
    model_reading_shown,
    reading_documents,
    reading_etag,
    reading_of,
    shown_lesions,
    superseded,
)
from backend.webhooks.models import WebhookEvent
from backend.webhooks.services import announce

LESION_FIELDS = (
    "finding_type",
    "kind",
    "instance",
    "frame",
    "points",
    "mask_origin",
    "mask_shape",
    "mask_digest",
    "drawn_as",
    "drawn_as_digest",
    "prompted",
    "attributes",
    "origin",
    "origin_lesion",
    "origin_score",
    "moved_pixels",
    "look",
    "updated_at",
)
PLAIN_FIELDS = ("verdict", "verdict_reason", "comment", "image_findings", "measurements", "display_threshold")
Document = dict[str, Any]


def open_case(*, project: Project, case: Case, user: User, role: str) -> tuple[Assignment, Reading]:
    """The user's assignment (with its arm and lease) and draft; a draft not yet begun starts from the shown model."""
    with transaction.atomic():
        assignment = open_assignment(project=project, case=case, user=user)
        reader = person_reader(project=project, user=user)
        reading = reading_of(reader, case)
        if reading is None:
            reading, _ = Reading.objects.get_or_create(
                case=case, reader=reader, defaults={"vocabulary_version": project.vocabulary_version}
            )
        if reading.state == ReadingState.DRAFT:
            _refresh_draft(reading, project, case, user, role, assignment)
    return assignment, reading


def person_reader(*, project: Project, user: User) -> Reader:
    """The user as a reader of the project."""
    for (known,) in _PERSON.instances([project.pk, user.pk]):
        found: Reader = known
        return found
    reader, _ = Reader.objects.get_or_create(
        project=project, user=user, kind=ReaderKind.PERSON, defaults={"name": user.shown_name}
    )
    return reader


_PERSON: Final = CompiledSelect.of_models(
    [Reader], "FROM readings_reader WHERE kind = 'person' AND project_id = %s AND user_id = %s"
)


def save_reading(
    *, project: Project, user: User, role: str, reading_id: UUID, if_match: str, change: Mapping[str, Any]
) -> Document:
    """Store a change of the user's own draft as a new revision and return the reading as it is after it.

    `change` holds `revision_id` and what changed: lesions and decisions to upsert or remove, and the plain fields.
    """
    digest = _digest(change)
    reading = _own(project, user, reading_id)
    if if_match != reading_etag(reading):
        repeated = _first_answer(change["revision_id"], reading, digest)
        if repeated is not None:
            return repeated
    case = reading.case
    given = change.get("lesions", {}).get("upsert", [])
    shown = _shown(user, case, role) if _needs_model(change) else {}
    asks = any(item["prompted"] and (item["prompted"]["version"] or item["prompted"].get("generic")) for item in given)
    asked_model = asks and may_ask_model(user, case, role=role)
    lesions = checked_lesions(reading=reading, case=case, given=given, shown=shown, asked_model=asked_model)
    _check_image_findings(project, change)
    change = _with_checked_measurements(case, change)
    _check_slices_read(case, change)
    try:
        with transaction.atomic():
            reading = _own(project, user, reading_id, lock=True)
            if if_match != reading_etag(reading):  # else it cannot have been saved before: saving changes the etag
                repeated = _first_answer(change["revision_id"], reading, digest)
                if repeated is not None:
                    return repeated
            _require_draft(reading)
            _require_current(reading, if_match)
            check_decisions_made_one_by_one(project=project, reading=reading, change=change, shown=shown)
            _store_lesions(reading, lesions, change)
            _store_decisions(reading, change, shown)
            _store_fields(reading, change)
            answer = append_revision(reading, user, change["revision_id"], digest)
            _touch_assignment(project, reading, user)
            record_event(
                actor=user, verb="reading.saved", project_id=project.pk, object_type="reading", object_id=reading.pk,
                detail={"revision": reading.revision, "lesions": len(lesions), "case": case.name} | _told_at_once(change),
            )  # fmt: skip
    except IntegrityError as error:
        raise ReadingRefused("id_taken", "A lesion or revision id of this save is already in use elsewhere.") from error
    return answer


def submit_reading(*, project: Project, user: User, role: str, reading_id: UUID, if_match: str) -> Document:
    """Hand the draft in, or put the case off when its verdict is "deferred"."""
    digest = hashlib.sha256(f"submit {if_match}".encode()).hexdigest()
    with transaction.atomic():
        reading = _own(project, user, reading_id, lock=True)
        if reading.state == ReadingState.SUBMITTED:
            newest = ReadingRevision.objects.filter(reading=reading, pk=reading.revision_id).first()
            if newest is not None and newest.request_digest == digest:
                return dict(newest.content)
        _require_draft(reading)
        _require_current(reading, if_match)
        _check_verdict(reading)
        if reading.verdict == Verdict.DEFERRED:
            return _defer(project, user, reading)
        _check_revealed(reading, user, role)
        _check_decided(reading, user, role)
        edited = _edited_as_it_is(reading, role)
        reading.state, reading.submitted_at = ReadingState.SUBMITTED, timezone.now()
        reading.sent_back_comment, reading.sent_back_by = "", None
        answer = append_revision(reading, user, uuid4(), digest)
        Assignment.objects.filter(case_id=reading.case_id, user=user).update(
            state=AssignmentState.SUBMITTED,
            submitted_at=reading.submitted_at,
            changed_at=reading.submitted_at,
            lease_expires_at=None,
            sent_back_at=None,
            active_seconds=reading.active_seconds,
            note="",
        )
        refresh_case_openness(case_id=reading.case_id)
        _record(project, user, reading, "reading.submitted")
        announce(
            project_id=project.pk,
            event=WebhookEvent.READING_SUBMITTED,
            data={"reading": str(reading.pk), "case": str(reading.case_id)},
        )
        if edited is not None:
            tell_reviewed(project=project, reading=edited, by=user, decision="edited", revision=edited.revision)
    return answer


def reveal_model(*, project: Project, user: User, role: str, reading_id: UUID, if_match: str) -> Document:
    """End the first look: keep what was marked until now apart, and show the model's findings from now on.

    Asks for a verdict: a first look without one says nothing. Repeating it changes nothing.
    """
    with transaction.atomic():
        reading = _own(project, user, reading_id, lock=True)
        if reading.revealed_at is not None:
            return reading_documents([reading])[0]
        _require_draft(reading)
        _require_current(reading, if_match)
        assignment = Assignment.objects.get(case_id=reading.case_id, user=user)
        if not awaits_reveal(user, reading.case, role=role, arm=assignment.arm):
            raise ReadingRefused("no_first_look", "Nothing is kept back from this reading.")
        if reading.verdict in ("", Verdict.DEFERRED):
            raise ReadingRefused("no_verdict", "Say first what you see yourself: lesions, no lesion, or not readable.")
        reading.revealed_at, reading.revealed_revision = timezone.now(), reading.revision
        reading.started_from = _shown_reading(project, reading.case)
        reading.save(update_fields=["revealed_at", "revealed_revision", "started_from"])
        Lesion.objects.filter(reading=reading).update(look=Look.FIRST)
        answer = append_revision(reading, user, uuid4(), hashlib.sha256(b"reveal").hexdigest())
        _record(project, user, reading, "reading.revealed")
    return answer


def reopen_reading(*, project: Project, user: User, role: str, reading_id: UUID) -> Document:
    """Make the user's submitted reading a draft again; refused where something else could be seen since."""
    with transaction.atomic():
        reading = _own(project, user, reading_id, lock=True)
        if reading.state == ReadingState.DRAFT:
            return reading_documents([reading])[0]
        assignment = Assignment.objects.select_for_update().get(case_id=reading.case_id, user=user)
        if assignment.arm == "blinded" and reading.edits.exists():
            # Refused alike whether the edit is a draft, submitted or taken back: that there is one tells of what it says.
            raise ReadingRefused("blinded", "A blinded reading stays as it was submitted once it has been reviewed.")
        require_place(reading)
        if assignment.arm == "blinded" and may_see_others(user, reading.case, role=role, assignment=assignment):
            raise ReadingRefused("blinded", "A blinded reading stays as it was submitted: others' readings are visible now.")
        reading.state, reading.submitted_at = ReadingState.DRAFT, None
        answer = append_revision(reading, user, uuid4(), hashlib.sha256(b"reopen").hexdigest())
        assignment.state, assignment.submitted_at = AssignmentState.IN_PROGRESS, None
        assignment.lease_expires_at = lease_until(project)
        assignment.save(update_fields=["state", "submitted_at", "lease_expires_at", "changed_at"])
        refresh_case_openness(case_id=reading.case_id)
        _record(project, user, reading, "reading.reopened")
    return answer


def refresh_case_openness(*, case_id: UUID) -> None:
    """Count the case's submitted readings (persons and imported readers) and whether it wants more; in a transaction.

    A reading whose place a reviewer's edit has taken is not counted, the edit is.
    """
    case = Case.objects.select_for_update(of=("self",)).select_related("project").get(pk=case_id)
    counted = Reading.objects.filter(
        ~superseded(),
        case=case,
        state=ReadingState.SUBMITTED,
        label_kind="full",
        reader__kind__in=(ReaderKind.PERSON, ReaderKind.IMPORTED),
    )
    case.readings_submitted = counted.count()
    case.is_open = case.readings_submitted < case.project.readings_wanted and case.split != Split.EMBARGOED
    case.save(update_fields=["readings_submitted", "is_open"])


def is_superseded(reading: Reading) -> bool:
    """`superseded` of one reading."""
    return Reading.objects.filter(superseded(), pk=reading.pk).exists()


def require_place(reading: Reading) -> None:
    """Refuse what is done to a reading that an edit has replaced."""
    if is_superseded(reading):
        raise ReadingRefused("edited", "A reviewer's edit of this reading was submitted and has taken its place.")


def tell_reviewed(*, project: Project, reading: Reading, by: User, decision: str, revision: int) -> None:
    """A review of this revision of the reading counts from now on: for the audit and whoever listens; in a transaction."""
    record_event(
        actor=by, verb="reading.reviewed", project_id=project.pk, object_type="reading", object_id=reading.pk,
        detail={"decision": decision, "case": reading.case.name, "revision": revision},
    )  # fmt: skip
    announce(
        project_id=project.pk,
        event=WebhookEvent.READING_REVIEWED,
        data={"reading": str(reading.pk), "case": str(reading.case_id), "decision": decision},
    )


def _refresh_draft(reading: Reading, project: Project, case: Case, user: User, role: str, assignment: Assignment) -> None:
    """A draft follows vocabulary and model until the reader has begun; a model shown once stays the one shown.

    A draft that edits another's reading begins from that one, never from a model's.
    """
    changed = []
    if reading.vocabulary_version != project.vocabulary_version:
        reading.vocabulary_version = project.vocabulary_version
        changed.append("vocabulary_version")
    follows = reading.revises_id is None and (reading.revision == 0 or reading.started_from_id is None)
    if follows and assignment.arm == "assisted" and not awaits_reveal(user, case, role=role, arm=assignment.arm):
        offered = _shown_reading(project, case)
        if offered is not None and reading.started_from_id != offered.pk:
            reading.started_from = offered
            changed.append("started_from")
    if changed:
        reading.save(update_fields=changed)


def _shown_reading(project: Project, case: Case) -> Reading | None:
    for (reading,) in _SHOWN_MODELS.instances([case.pk, project.pk]):
        found: Reading = reading
        return found
    return None


_SHOWN_MODELS: Final = CompiledSelect.of_models(
    [Reading],
    "FROM readings_reading JOIN readings_reader ON readings_reader.id = readings_reading.reader_id "
    "LEFT JOIN registry_modelversion ON registry_modelversion.id = readings_reader.model_version_id "
    "LEFT JOIN registry_foreignmodel ON registry_foreignmodel.id = readings_reader.foreign_model_id "
    "WHERE readings_reading.case_id = %s AND readings_reader.project_id = %s AND readings_reader.kind = 'model' "
    "AND (registry_foreignmodel.is_shown OR (registry_modelversion.state = 'serves' AND NOT EXISTS "
    "(SELECT 1 FROM registry_foreignmodel AS chosen WHERE chosen.project_id = readings_reader.project_id "
    "AND chosen.is_shown))) ORDER BY readings_reading.id",
)


def _own(project: Project, user: User, reading_id: UUID, *, lock: bool = False) -> Reading:
    """The user's own reading, on demand locked; Reading.DoesNotExist for any other, as for none."""
    locked = " FOR UPDATE OF readings_reading" if lock and connection.features.has_select_for_update else ""
    for reading, reader, case in _OWN.instances([reading_id, project.pk, user.pk], ending=locked):
        case.project = project
        reading.reader, reading.case = reader, case
        own: Reading = reading
        return own
    raise Reading.DoesNotExist


_OWN: Final = CompiledSelect.of_models(
    (Reading, Reader, Case),
    "FROM readings_reading JOIN readings_reader ON readings_reader.id = readings_reading.reader_id "
    "JOIN projects_case ON projects_case.id = readings_reading.case_id "
    "WHERE readings_reading.id = %s AND projects_case.project_id = %s AND readings_reader.user_id = %s "
    "AND readings_reader.kind = 'person'",
)


def _digest(change: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(change, sort_keys=True, default=str).encode()).hexdigest()


def _first_answer(revision_id: UUID, reading: Reading, digest: str) -> Document | None:
    revision = ReadingRevision.objects.filter(pk=revision_id).first()
    if revision is None:
        return None
    if revision.reading_id != reading.pk or revision.request_digest != digest:
        raise ReadingRefused("revision_reused", "This revision id was used before, for something else.")
    return dict(revision.content)


def _require_draft(reading: Reading) -> None:
    if reading.state == ReadingState.SUBMITTED:
        current = reading_documents([reading])[0]
        raise ReadingRefused("submitted", "The reading is submitted; reopen it to change it.", current=current)


def _require_current(reading: Reading, if_match: str) -> None:
    if if_match != reading_etag(reading):
        raise ReadingStale(reading_documents([reading])[0])


def _needs_model(change: Mapping[str, Any]) -> bool:
    """Whether the change speaks of predicted lesions at all; most saves do not."""
    upserts = change.get("lesions", {}).get("upsert", [])
    named = any(item["origin_lesion"] and item["origin"] != Origin.REVIEWED for item in upserts)
    return named or bool(change.get("decisions", {}).get("upsert"))


def _shown(user: User, case: Case, role: str) -> dict[UUID, Lesion]:
    model_reading = model_reading_shown(user, case, role=role)
    return {lesion.pk: lesion for lesion in shown_lesions(model_reading)} if model_reading else {}


def _told_at_once(change: Mapping[str, Any]) -> dict[str, int]:
    """For the audit: how many findings this save accepted with one command, where it did."""
    number = sum(item["at_once"] for item in change.get("decisions", {}).get("upsert", []))
    return {"accepted_at_once": number} if number else {}


def _check_image_findings(project: Project, change: Mapping[str, Any]) -> None:
    given = change.get("image_findings")
    if not given:
        return
    known = set(FindingType.objects.filter(project=project, scope="image").values_list("pk", flat=True))
    for key, value in given.items():
        if not key.isdigit() or int(key) not in known:
            raise ReadingRefused("unknown_finding", f"The project has no image finding {key}.")
        if value not in ("present", "absent"):
            raise ReadingRefused("unknown_finding", f"An image finding is present or absent, not {value}.")


def _with_checked_measurements(case: Case, change: Mapping[str, Any]) -> Mapping[str, Any]:
    """The change with its measurements as they are stored; refused when one lies on no image of the case."""
    if "measurements" not in change:
        return change
    try:
        return {**change, "measurements": checked_measurements(case=case, given=change["measurements"])}
    except InvalidMark as reason:
        raise ReadingRefused("measurement", f"A measurement cannot be stored: {reason}.") from reason


def _check_slices_read(case: Case, change: Mapping[str, Any]) -> None:
    if not change.get("slices_read"):
        return
    frames = frames_of(case)
    for first, last in change["slices_read"]:
        if not first <= last < frames:
            raise ReadingRefused(
                "slices_read",
                f"The case has {frames} slices, 0 to {frames - 1}: {first} to {last} are none of them.",
            )


def _store_lesions(reading: Reading, lesions: list[Lesion], change: Mapping[str, Any]) -> None:
    removed = change.get("lesions", {}).get("remove", [])
    if removed:
        _remove_lesions(reading, removed)
    if not lesions:
        return
    _tell_looks(reading, lesions)
    owners = dict(_OWNERS.rows([], listed=[lesion.pk for lesion in lesions]))
    foreign = [str(pk) for pk, owner in owners.items() if owner != reading.pk]
    if foreign:
        raise ReadingRefused("id_taken", f"Lesion {', '.join(foreign)} belongs to another reading.")
    Lesion.objects.bulk_create([lesion for lesion in lesions if lesion.pk not in owners])
    known = [lesion for lesion in lesions if lesion.pk in owners]
    if known:
        Lesion.objects.bulk_create(known, update_conflicts=True, unique_fields=["id"], update_fields=LESION_FIELDS)


_OWNERS: Final = CompiledSelect(fields_of(Lesion, "id", "reading"), "FROM readings_lesion WHERE id IN ({listed})")
_REMOVALS: Final = (
    "DELETE FROM readings_decision WHERE predicted_id IN ({own})",
    "UPDATE readings_decision SET lesion_id = NULL WHERE lesion_id IN ({own})",
    "UPDATE readings_lesion SET origin_lesion_id = NULL WHERE origin_lesion_id IN ({own})",
    "DELETE FROM readings_lesion WHERE id IN ({own})",
)
"""What Django's delete() does for a lesion and all that refers to it, without finding that out at every save."""


def _remove_lesions(reading: Reading, removed: Sequence[UUID]) -> None:
    keys = [database_key(reading.pk), *(database_key(pk) for pk in removed)]
    own = f"SELECT id FROM readings_lesion WHERE reading_id = %s AND id IN ({placeholders(removed)})"
    with connection.cursor() as cursor:
        for statement in _REMOVALS:
            cursor.execute(statement.format(own=own), keys)


_PLACE_AND_KIND: Final = ("finding_type", "kind", "sop_instance_uid", "frame", "points", "mask", "attributes")


def _tell_looks(reading: Reading, lesions: list[Lesion]) -> None:
    """Which of these were marked before the reveal: those of the revealed revision, unless they are changed by now.

    What is done after the reading was sent back is the reviewer's doing, not the model's: looks stay as they were.
    """
    if reading.revealed_revision is None:
        return
    if reading.sent_back_comment:
        kept = Lesion.objects.filter(reading=reading, pk__in=[lesion.pk for lesion in lesions])
        looks = dict(kept.values_list("pk", "look"))
        for lesion in lesions:
            lesion.look = looks.get(lesion.pk, "")
        return
    revision = ReadingRevision.objects.filter(reading=reading, number=reading.revealed_revision).first()
    first = {item["id"]: item for item in revision.content["lesions"]} if revision else {}
    for lesion in lesions:
        before, now = first.get(str(lesion.pk)), _comparable(lesion)
        if before is None:
            lesion.look = Look.SECOND
        else:
            lesion.look = Look.FIRST if all(before[name] == now[name] for name in _PLACE_AND_KIND) else Look.CHANGED


def _comparable(lesion: Lesion) -> dict[str, Any]:
    mask = {"origin": lesion.mask_origin, "shape": lesion.mask_shape, "digest": lesion.mask_digest}
    values = (
        lesion.finding_type_id,
        lesion.kind,
        lesion.instance.sop_instance_uid,
        lesion.frame,
        lesion.points,
        mask if lesion.mask_digest else None,
        lesion.attributes,
    )
    told: dict[str, Any] = json.loads(json.dumps(dict(zip(_PLACE_AND_KIND, values, strict=True))))
    return told


def _store_decisions(reading: Reading, change: Mapping[str, Any], shown: Mapping[UUID, Lesion]) -> None:
    changes = change.get("decisions", {})
    if changes.get("remove"):
        Decision.objects.filter(reading=reading, predicted_id__in=changes["remove"]).delete()
    given = changes.get("upsert", [])
    if not given:
        return
    named = [item["lesion"] for item in given if item["lesion"]]
    own = set(Lesion.objects.filter(reading=reading, pk__in=named).values_list("pk", flat=True))
    rows = []
    for item in given:
        if item["predicted"] not in shown:
            raise ReadingRefused("not_shown", f"Finding {item['predicted']} is of no model that is shown in this case.")
        if item["kind"] == DecisionKind.REJECTED and (item["lesion"] is not None or item["at_once"]):
            raise ReadingRefused("decision", "A rejected finding leaves no lesion, and is rejected by itself.")
        if item["kind"] != DecisionKind.REJECTED and item["lesion"] not in own:
            raise ReadingRefused("decision", f"The {item['kind']} finding names no lesion of this reading.")
        rows.append(
            Decision(
                reading=reading,
                predicted_id=item["predicted"],
                kind=item["kind"],
                reason=item["reason"],
                lesion_id=item["lesion"],
                threshold=item["threshold"],
                at_seconds=item["at_seconds"],
                at_once=item["at_once"],
            )
        )
    Decision.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["reading", "predicted"],
        update_fields=["kind", "reason", "lesion", "threshold", "at_seconds", "at_once", "decided_at"],
    )


def _store_fields(reading: Reading, change: Mapping[str, Any]) -> None:
    for name in PLAIN_FIELDS:
        if name in change:
            setattr(reading, name, change[name])
    # A reading that was begun without saying what was seen cannot say it any more.
    if "slices_read" in change and (reading.slices_read is not None or reading.revision == 0):
        reading.slices_read = joined_slices([*(reading.slices_read or []), *change["slices_read"]])
    seconds = change.get("active_seconds", 0.0)
    if math.isfinite(seconds):
        reading.active_seconds = max(reading.active_seconds, seconds)


_SAVED_FIELDS = (
    *PLAIN_FIELDS,
    "slices_read",
    "active_seconds",
    "state",
    "submitted_at",
    "sent_back_comment",
    "sent_back_by",
    "revision",
    "revision_id",
    "updated_at",
)


def append_revision(reading: Reading, user: User, revision_id: UUID, digest: str) -> Document:
    """Raise the revision, store the reading, and keep the answer for ever."""
    reading.revision += 1
    reading.revision_id = revision_id
    reading.save(update_fields=_SAVED_FIELDS)
    answer = reading_documents([reading])[0]
    ReadingRevision.objects.create(
        id=revision_id, reading=reading, number=reading.revision, author=user, content=answer, request_digest=digest
    )
    return answer


def _touch_assignment(project: Project, reading: Reading, user: User) -> None:
    """A save begins the work, prolongs the lease and counts the time; a deferred case stays so until its verdict changes."""
    if reading.verdict == Verdict.DEFERRED:
        mine = Assignment.objects.filter(case_id=reading.case_id, user=user)
        mine.filter(state=AssignmentState.OPENED).update(state=AssignmentState.IN_PROGRESS)
        mine.update(active_seconds=reading.active_seconds, changed_at=timezone.now())
        return
    times = [connection.ops.adapt_datetimefield_value(time) for time in (lease_until(project), timezone.now())]
    with connection.cursor() as cursor:
        cursor.execute(
            _TOUCH_SQL,
            [
                *(AssignmentState.IN_PROGRESS.value, reading.active_seconds, times[0], *times),
                *(database_key(reading.case_id), user.pk),
            ],
        )


_TOUCH_SQL: Final = (
    "UPDATE projects_assignment SET state = %s, note = '', active_seconds = %s, "
    "lease_expires_at = CASE WHEN lease_expires_at > %s THEN lease_expires_at ELSE %s END, changed_at = %s "
    "WHERE case_id = %s AND user_id = %s"
)
"""What a lead gave for days is not cut short by a save."""


def _check_verdict(reading: Reading) -> None:
    if not reading.verdict:
        raise ReadingRefused("no_verdict", "Say what the case shows: lesions, no lesion, not readable, or defer it.")
    if reading.verdict in (Verdict.NOT_READABLE, Verdict.DEFERRED) and not reading.verdict_reason.strip():
        raise ReadingRefused("no_reason", "Give the reason.")
    if reading.verdict == Verdict.DEFERRED:
        return
    marked = [
        (key, name, unsaid_attributes(attributes, said))
        for key, name, attributes, said in Lesion.objects.filter(reading=reading).values_list(
            "pk", "finding_type__name", "finding_type__attributes", "attributes"
        )
    ]
    n_lesions = len(marked)
    positive = "present" in reading.image_findings.values()
    if reading.verdict == Verdict.LESIONS and not (n_lesions or positive):
        raise ReadingRefused("nothing_marked", "The verdict is lesions, but none is marked and no image finding is present.")
    if reading.verdict in (Verdict.NO_LESION, Verdict.NOT_READABLE) and n_lesions:
        raise ReadingRefused("lesions_present", f"The verdict is {reading.verdict}, but {n_lesions} lesions are marked.")
    unsaid = {str(key): names for key, _, names in marked if names}
    if unsaid:
        name, first = next((name, names[0]) for _, name, names in marked if names)
        raise ReadingRefused("attribute_missing", f"{name}: {first} is required and not said yet.", lesions=unsaid)


def _check_revealed(reading: Reading, user: User, role: str) -> None:
    assignment = Assignment.objects.filter(case_id=reading.case_id, user=user).first()
    if assignment is not None and awaits_reveal(user, reading.case, role=role, arm=assignment.arm):
        raise ReadingRefused("not_revealed", "This project asks for a first look: reveal the model's findings, then submit.")


def _check_decided(reading: Reading, user: User, role: str) -> None:
    """Every finding that was shown has a decision, and an accepted or edited one still has its lesion."""
    model_reading = model_reading_shown(user, reading.case, role=role)
    if model_reading is None:
        return
    shown = set(shown_lesions(model_reading, threshold=reading.display_threshold).values_list("pk", flat=True))
    decided = set()
    for predicted, kind, lesion in Decision.objects.filter(reading=reading).values_list("predicted_id", "kind", "lesion_id"):
        if kind == DecisionKind.REJECTED or lesion is not None:
            decided.add(predicted)
    undecided = sorted(str(pk) for pk in shown - decided)
    if undecided:
        raise ReadingRefused("undecided", f"{len(undecided)} findings of the model to decide.", undecided=undecided)


def _edited_as_it_is(reading: Reading, role: str) -> Reading | None:
    """The reading that this one edits, locked; refused where it is no longer as it was, or another edit took its place."""
    if reading.revises_id is None:
        return None
    edited = Reading.objects.select_for_update(of=("self",)).select_related("case").get(pk=reading.revises_id)
    if role not in JUDGES:
        raise ReadingRefused("no_reviewer", "You are no longer a reviewer here: your edit cannot take another's place.")
    if edited.state != ReadingState.SUBMITTED or edited.revision != reading.revises_revision:
        raise ReadingRefused(
            "stale", "The reading that you edit has changed since: begin the edit again from its new state."
        )
    if is_superseded(edited):
        raise ReadingRefused("edited", "Another reviewer's edit of this reading was submitted first.")
    return edited


def _defer(project: Project, user: User, reading: Reading) -> Document:
    Assignment.objects.filter(case_id=reading.case_id, user=user).update(
        state=AssignmentState.DEFERRED, note=reading.verdict_reason[:200], lease_expires_at=None, changed_at=timezone.now()
    )
    _record(project, user, reading, "reading.deferred")
    return reading_documents([reading])[0]


def _record(project: Project, user: User, reading: Reading, verb: str) -> None:
    record_event(
        actor=user, verb=verb, project_id=project.pk, object_type="reading", object_id=reading.pk,
        detail={"revision": reading.revision, "verdict": reading.verdict, "case": reading.case.name},
    )  # fmt: skip
