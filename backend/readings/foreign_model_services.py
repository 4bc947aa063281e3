"""Registers foreign models, lets the lead choose whether one is shown, and stores what they found: a reader like any other.

A program has no say in what happens with its readings: they are pre-annotations under the rules of
`readings_visible_to`, never labels, and what somebody has begun to work from does not change any more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from backend.accounts.models import User
from backend.audit.services import record_event
from backend.projects.models import Case, FindingType, Project, Split
from backend.readings.lesion_check import predicted_lesions
from backend.readings.models import (
    Decision,
    Lesion,
    Reader,
    ReaderKind,
    Reading,
    ReadingRevision,
    ReadingState,
    Verdict,
)
from backend.readings.refusals import ReadingRefused
from backend.registry.models import ForeignModel


def register_foreign_model(
    *, project: Project, by: User, name: str, version: str, description: str, display_threshold: float
) -> tuple[ForeignModel, bool]:
    """The foreign model of this name and version as a reader of the project, and whether it is new.

    Registering it again changes nothing; ReadingRefused where it is known with another threshold.
    """
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        known = ForeignModel.objects.filter(project=project, name=name, version=version).first()
        if known is not None:
            if known.display_threshold != display_threshold:
                raise ReadingRefused(
                    "registered",
                    f"{name} {version} is registered with display threshold {known.display_threshold:g}: "
                    "another threshold is another version.",
                )
            return known, False
        model = ForeignModel.objects.create(
            project=project,
            name=name,
            version=version,
            description=description,
            display_threshold=display_threshold,
            registered_by=by,
        )
        Reader.objects.create(project=project, kind=ReaderKind.MODEL, name=f"{name} {version}", foreign_model=model)
        _record(model, "foreign_model.registered", by, {"display_threshold": display_threshold})
    return model, True


def choose_shown_model(*, model: ForeignModel, by: User, is_shown: bool) -> ForeignModel:
    """Show readers this model's findings instead of the serving version's (and of any other), or no longer."""
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=model.project_id)
        model.refresh_from_db()
        if model.is_shown == is_shown:
            return model
        if is_shown:
            ForeignModel.objects.filter(project=model.project_id, is_shown=True).update(is_shown=False)
        model.is_shown = is_shown
        model.save(update_fields=["is_shown"])
        _record(model, "foreign_model.shown" if is_shown else "foreign_model.hidden", by, {})
    return model


def store_prediction(
    *, model: ForeignModel, case: Case, by: User, revision_id: UUID, lesions: Sequence[Mapping[str, Any]],
    image_findings: Mapping[str, float],
) -> tuple[dict[str, Any], bool]:  # fmt: skip
    """What the model found in the case, in place of what it said before; the answer, and whether the reading is new.

    The same revision again gets the first answer. ReadingRefused where the case takes none, or somebody works from what
    was said before; LesionsInvalid names each lesion, by its place in the list, that cannot be stored.
    """
    digest = _digest(lesions, image_findings)
    reader = model.reader
    if repeated := _first_answer(revision_id, reader, case, digest):
        return repeated, False
    if case.split == Split.EMBARGOED:
        raise ReadingRefused("embargoed", f"{case.name} is embargoed: it is used for nothing.")
    _check_image_findings(case.project, image_findings)
    rows = predicted_lesions(case=case, given=lesions)
    with transaction.atomic():
        reading, made = Reading.objects.select_for_update(of=("self",)).get_or_create(
            case=case,
            reader=reader,
            defaults={"state": ReadingState.SUBMITTED, "display_threshold": model.display_threshold},
        )
        if repeated := _first_answer(revision_id, reader, case, digest):
            return repeated, False
        if not made:
            _require_unused(reading)
            reading.lesions.all().delete()
        shown = any(row.score is not None and row.score >= model.display_threshold for row in rows)
        reading.verdict = Verdict.LESIONS if shown else Verdict.NO_LESION
        reading.image_findings = dict(image_findings)
        reading.vocabulary_version = case.project.vocabulary_version
        reading.revision, reading.revision_id, reading.submitted_at = reading.revision + 1, revision_id, timezone.now()
        reading.save()
        for row in rows:
            row.reading = reading
        Lesion.objects.bulk_create(rows)
        answer = _answer(reading, lesions, image_findings)
        ReadingRevision.objects.create(
            id=revision_id, reading=reading, number=reading.revision, author=by, content=answer, request_digest=digest
        )
        record_event(
            actor=by, verb="prediction.written", project_id=case.project_id, object_type="reading", object_id=reading.pk,
            detail={"case": case.name, "model": reader.name, "revision": reading.revision, "lesions": len(rows)},
        )  # fmt: skip
    return answer, made


def _digest(lesions: Sequence[Mapping[str, Any]], image_findings: Mapping[str, float]) -> str:
    said = {"lesions": list(lesions), "image_findings": dict(image_findings)}
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def _first_answer(revision_id: UUID, reader: Reader, case: Case, digest: str) -> dict[str, Any] | None:
    revision = ReadingRevision.objects.filter(pk=revision_id).select_related("reading").first()
    if revision is None:
        return None
    mine = revision.reading.reader_id == reader.pk and revision.reading.case_id == case.pk
    if not mine or revision.request_digest != digest:
        raise ReadingRefused("revision_reused", "This revision id was used before, for something else.")
    return dict(revision.content)


def _check_image_findings(project: Project, image_findings: Mapping[str, float]) -> None:
    known = {str(pk) for pk in FindingType.objects.filter(project=project, scope="image").values_list("pk", flat=True)}
    if unknown := sorted(set(image_findings) - known):
        raise ReadingRefused("image_finding", f"The project has no image finding {', '.join(unknown)}.")


def _require_unused(reading: Reading) -> None:
    """What a reader has begun to work from stays as it was shown."""
    begun = Reading.objects.filter(started_from=reading).exists()
    if begun or Decision.objects.filter(predicted__reading=reading).exists():
        raise ReadingRefused(
            "in_use",
            "A reader works from what this model said before of this case. Register what is new as another version.",
        )


def _answer(reading: Reading, lesions: Sequence[Mapping[str, Any]], image_findings: Mapping[str, float]) -> dict[str, Any]:
    """What was stored, in numbers: the caller knows the rest."""
    return {
        "reading": str(reading.pk),
        "case": str(reading.case_id),
        "revision": reading.revision,
        "lesions": len(lesions),
        "image_findings": len(image_findings),
    }


def _record(model: ForeignModel, verb: str, by: User, detail: dict[str, Any]) -> None:
    record_event(
        actor=by, verb=verb, project_id=model.project_id, object_type="foreign_model", object_id=model.pk,
        detail={"name": model.name, "version": model.version, **detail},
    )  # fmt: skip
