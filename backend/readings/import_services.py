"""Labels that come with the data become submitted readings of a named imported reader, like anyone else's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from backend.archive.models import Instance
from backend.geometry.marks import Grid, InvalidMark, check_points
from backend.projects.models import Case, FindingType, Project, Split
from backend.readings.models import Lesion, MarkKind, Origin, Reader, ReaderKind, Reading, ReadingState, Verdict
from backend.readings.selectors import superseded

_CHUNK: Final = 100


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
    score: float | None = None


@dataclass(frozen=True)
class ImportedReading:
    """What a source says of one case.

    `label_kind` "full": the lesions are all there are; "image": the reading speaks of the image as a whole only.
    `image_findings` maps finding type ids (as text) to "present" or "absent".
    """

    case: Case
    lesions: Sequence[ImportedLesion]
    verdict: str
    image_findings: Mapping[str, str]
    label_kind: str
    measurements: Sequence[Mapping[str, Any]] = ()
    """As `Reading.measurements` has them, checked before."""
    slices_read: list[list[int]] | None = None
    """As `Reading.slices_read`, within the case."""


def import_reading(
    *,
    case: Case,
    reader_name: str,
    lesions: Sequence[ImportedLesion],
    verdict: str,
    image_findings: Mapping[str, str],
    label_kind: str,
) -> bool:
    """Make the imported reader's submitted reading of a case; false where it has one: a second import changes nothing.

    InvalidMark, and nothing is written, where a mark does not lie on its image.
    """
    given = ImportedReading(case, lesions, verdict, image_findings, label_kind)
    check_imported_reading(given)
    return import_readings(project=case.project, reader_name=reader_name, readings=[given]) == 1


def check_imported_reading(given: ImportedReading) -> None:
    """InvalidMark where a mark does not lie on its image, or marks contradict the verdict."""
    if given.verdict == Verdict.NO_LESION and given.lesions:
        raise InvalidMark("the verdict is no lesion, yet there are marks")
    for lesion in given.lesions:
        _lesion(lesion)


def import_readings(*, project: Project, reader_name: str, readings: Sequence[ImportedReading]) -> int:
    """Make the imported reader's submitted readings of many cases, checked before; the number made. Short transactions."""
    reader, _ = Reader.objects.get_or_create(project=project, kind=ReaderKind.IMPORTED, name=reader_name)
    made = 0
    for start in range(0, len(readings), _CHUNK):
        made += _write(project, reader, readings[start : start + _CHUNK])
    return made


def _write(project: Project, reader: Reader, readings: Sequence[ImportedReading]) -> int:
    lesions = [[_lesion(lesion) for lesion in given.lesions] for given in readings]
    with transaction.atomic():
        # The project's row first: two imports of one reader take turns.
        project = Project.objects.select_for_update().get(pk=project.pk)
        known = set(
            Reading.objects.filter(reader=reader, case__in=[given.case for given in readings]).values_list(
                "case_id", flat=True
            )
        )
        rows: list[Reading] = []
        marks: list[Lesion] = []
        for given, own in zip(readings, lesions, strict=True):
            if given.case.pk in known:
                continue
            known.add(given.case.pk)
            rows.append(_reading(project, reader, given))
            for lesion in own:
                lesion.reading = rows[-1]
            marks += own
        Reading.objects.bulk_create(rows)
        Lesion.objects.bulk_create(marks, batch_size=_CHUNK)
        _refresh_openness(project, [row.case_id for row in rows])
    return len(rows)


def _reading(project: Project, reader: Reader, given: ImportedReading) -> Reading:
    return Reading(
        case=given.case,
        reader=reader,
        state=ReadingState.SUBMITTED,
        verdict=given.verdict,
        image_findings=dict(given.image_findings),
        label_kind=given.label_kind,
        measurements=[dict(one) for one in given.measurements],
        slices_read=given.slices_read,
        vocabulary_version=project.vocabulary_version,
        revision=1,
        submitted_at=timezone.now(),
    )


def _refresh_openness(project: Project, case_ids: Sequence[UUID]) -> None:
    """`backend.readings.services.refresh_case_openness` for many cases at once."""
    counted = Reading.objects.filter(
        ~superseded(),
        case_id__in=case_ids,
        state=ReadingState.SUBMITTED,
        label_kind="full",
        reader__kind__in=(ReaderKind.PERSON, ReaderKind.IMPORTED),
    )
    counts = dict(counted.order_by().values_list("case_id").annotate(count=Count("pk")))
    cases = list(Case.objects.filter(pk__in=case_ids).only("split"))
    for case in cases:
        case.readings_submitted = counts.get(case.pk, 0)
        case.is_open = case.readings_submitted < project.readings_wanted and case.split != Split.EMBARGOED
    Case.objects.bulk_update(cases, ["readings_submitted", "is_open"])


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
        score=given.score,
        origin=Origin.IMPORTED,
    )
