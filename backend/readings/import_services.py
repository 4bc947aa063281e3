"""Labels that come with the data become submitted readings of a named imported reader, like anyone else's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from backend.archive.models import Instance
from backend.geometry.marks import Grid, InvalidMark, check_points
from backend.projects.models import Case, FindingType
from backend.readings.models import Lesion, MarkKind, Origin, Reader, ReaderKind, Reading, ReadingState, Verdict
from backend.readings.services import refresh_case_openness


@dataclass(frozen=True)
class ImportedLesion:
    """One mark to import; a mask is stored before (its digest, origin and shape as in `Lesion`)."""

    finding_type: FindingType
    kind: str
    instance: Instance
    frame: int = 1
    points: list[list[float]] = field(default_factory=list)
    mask_origin: list[int] | None = None
    mask_shape: list[int] | None = None
    mask_digest: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)


def import_reading(
    *,
    case: Case,
    reader_name: str,
    lesions: Sequence[ImportedLesion],
    verdict: str,
    image_findings: Mapping[str, str],
    label_kind: str,
) -> tuple[Reading, bool]:
    """The imported reader's submitted reading of a case, and whether it was made now: a second import changes nothing.

    `label_kind` "full": the lesions are all there are; "image": the reading speaks of the image as a whole only.
    InvalidMark, and nothing is written, where a mark does not lie on its image.
    """
    if verdict == Verdict.NO_LESION and lesions:
        raise InvalidMark("the verdict is no lesion, yet there are marks")
    rows = [_lesion(lesion) for lesion in lesions]
    with transaction.atomic():
        reader, _ = Reader.objects.get_or_create(project_id=case.project_id, kind=ReaderKind.IMPORTED, name=reader_name)
        reading, is_new = Reading.objects.get_or_create(
            case=case,
            reader=reader,
            defaults={
                "state": ReadingState.SUBMITTED,
                "verdict": verdict,
                "image_findings": dict(image_findings),
                "label_kind": label_kind,
                "vocabulary_version": case.project.vocabulary_version,
                "revision": 1,
                "submitted_at": timezone.now(),
            },
        )
        if is_new:
            for row in rows:
                row.reading = reading
            Lesion.objects.bulk_create(rows)
            refresh_case_openness(case_id=case.pk)
    return reading, is_new


def _lesion(given: ImportedLesion) -> Lesion:
    """The row of a mark, its geometry checked before anything is written."""
    points = given.points
    if given.kind != MarkKind.MASK:
        grid = Grid(rows=given.instance.rows, columns=given.instance.columns)
        points = check_points(kind=given.kind, points=points, grid=grid)
    return Lesion(
        finding_type=given.finding_type,
        kind=given.kind,
        instance=given.instance,
        frame=given.frame,
        points=points,
        mask_origin=given.mask_origin,
        mask_shape=given.mask_shape,
        mask_digest=given.mask_digest,
        attributes=given.attributes,
        origin=Origin.IMPORTED,
    )
