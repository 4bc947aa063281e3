"""What an export holds: submitted readings of persons, imported sources and consensus, with their images and lesions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from numpy.typing import NDArray

from backend.accounts.models import User
from backend.archive.models import Instance
from backend.archive.store import get_object
from backend.geometry.rasterise import paste_mask, rasterise_mark
from backend.geometry.rle import blob_key, decode_mask
from backend.projects.models import Arm, Assignment, AssignmentState, Case, Membership, Project
from backend.projects.selectors import in_reading_order, unread_blinded
from backend.readings.models import Lesion, MarkKind, Reader, ReaderKind, Reading, ReadingState
from backend.readings.selectors import cases_awaiting_reveal, superseded
from backend.review.selectors import review_outcome

_CHUNK = 100


@dataclass(frozen=True)
class ExportFilter:
    """What an export is limited to; empty means all. Readers and finding types by id, reader kinds and splits by name,
    `reviews` by what became of the reading in review (`ReviewOutcome`), days of submission (both included). `models`:
    models' readings, too, `superseded`: also those whose place a reviewer's edit has taken; they are never among "all".
    """

    readers: Sequence[int] = ()
    finding_types: Sequence[int] = ()
    reader_kinds: Sequence[str] = ()
    splits: Sequence[str] = ()
    reviews: Sequence[str] = ()
    since: date | None = None
    until: date | None = None
    models: bool = False
    superseded: bool = False

    def as_json(self) -> dict[str, Any]:
        """Only what limits."""
        found = {
            "readers": list(self.readers),
            "finding_types": list(self.finding_types),
            "reader_kinds": list(self.reader_kinds),
            "splits": list(self.splits),
            "reviews": list(self.reviews),
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
            "models": self.models,
            "superseded": self.superseded,
        }
        return {name: value for name, value in found.items() if value}


def filter_of(given: Mapping[str, Any]) -> ExportFilter:
    """The filter that `ExportFilter.as_json` wrote."""
    days = {name: date.fromisoformat(given[name]) for name in ("since", "until") if given.get(name)}
    return ExportFilter(
        readers=given.get("readers", ()),
        finding_types=given.get("finding_types", ()),
        reader_kinds=given.get("reader_kinds", ()),
        splits=given.get("splits", ()),
        reviews=given.get("reviews", ()),
        since=days.get("since"),
        until=days.get("until"),
        models=bool(given.get("models")),
        superseded=bool(given.get("superseded")),
    )


@dataclass(frozen=True)
class ImageFrame:
    """One picture of a case: a frame of an instance, its place (0-based) in series order, and its PixelSpacing."""

    instance_id: int
    sop_instance_uid: str
    number: int
    index: int
    rows: int
    columns: int
    spacing: tuple[float, float] | None = None


@dataclass(frozen=True)
class ExportCase:
    """A case with its pictures in reading order and its exported readings."""

    case: Case
    frames: list[ImageFrame]
    readings: list[Reading] = field(default_factory=list)

    def picture_name(self, frame: ImageFrame) -> str:
        """The picture's name without extension; it is made of the case's name, never of a received file's."""
        return self.case.name if len(self.frames) == 1 else f"{self.case.name}/{frame.index + 1:04d}"


def exported_readings(*, project: Project, by: User, chosen: ExportFilter) -> QuerySet[Reading]:
    """Submitted readings, models' and superseded ones only where asked for; none of a case that `by` reads blinded, or is to
    look at first, and has not submitted. Models' readings: none of a case, either, that he would meet blinded or look at
    first."""
    blinded = Assignment.objects.filter(case_id=OuterRef("case_id"), user=by, arm=Arm.BLINDED)
    found = Reading.objects.filter(case__project=project, state=ReadingState.SUBMITTED).exclude(
        Exists(blinded.exclude(state=AssignmentState.SUBMITTED))
    )
    if project.first_look:
        unrevealed = Reading.objects.filter(revealed_at=None, started_from=None, revises=None, state=ReadingState.DRAFT)
        found = found.exclude(Exists(unrevealed.filter(case_id=OuterRef("case_id"), reader__user=by)))
    found = found.exclude(reader__kind=ReaderKind.MODEL, **({"case__in": _kept_back(project, by)} if chosen.models else {}))
    if not chosen.superseded:
        found = found.filter(~superseded())
    if chosen.readers:
        found = found.filter(reader_id__in=chosen.readers)
    if chosen.reader_kinds:
        found = found.filter(reader__kind__in=chosen.reader_kinds)
    if chosen.splits:
        found = found.filter(case__split__in=chosen.splits)
    if chosen.reviews:
        found = found.alias(outcome=review_outcome()).filter(outcome__in=chosen.reviews)
    if chosen.since:
        found = found.filter(submitted_at__date__gte=chosen.since)
    if chosen.until:
        found = found.filter(submitted_at__date__lte=chosen.until)
    return found


def _kept_back(project: Project, by: User) -> list[UUID]:
    """Cases of which `by` must not learn what a model found: those he reads, or would read, blinded or looks at first."""
    cases = list(Case.objects.filter(project=project).only("pk", "split", "draw", "is_open"))
    blinded = unread_blinded(project=project, cases=cases, user=by)
    role = Membership.objects.filter(project=project, user=by).values_list("role", flat=True).first() or ""
    assisted = [(case.pk, case.is_open, Arm.ASSISTED) for case in cases if case.pk not in blinded]
    return sorted(blinded | cases_awaiting_reveal(project, by, role=role, cases=assisted))


def exported_readers(readings: QuerySet[Reading]) -> QuerySet[Reader]:
    """The readers of these readings."""
    return Reader.objects.filter(pk__in=readings.order_by().values("reader_id")).order_by("pk")


def export_cases(*, readings: QuerySet[Reading], chosen: ExportFilter) -> Iterator[ExportCase]:
    """Cases that have such a reading, by number, a few at a time; each reading with its lesions (`lesions_of`) and what
    became of it in review (`review_of`)."""
    cases = Case.objects.filter(pk__in=readings.order_by().values("case_id")).order_by("number")
    ids = list(cases.values_list("pk", flat=True))
    lesions = Lesion.objects.select_related("origin_lesion").order_by("created_at", "id")
    if chosen.finding_types:
        lesions = lesions.filter(finding_type_id__in=chosen.finding_types)
    for start in range(0, len(ids), _CHUNK):
        chunk = list(Case.objects.filter(pk__in=ids[start : start + _CHUNK]).select_related("series").order_by("number"))
        frames = _frames_of(chunk)
        by_case: dict[UUID, list[Reading]] = {case.pk: [] for case in chunk}
        found = (
            readings.filter(case__in=chunk).select_related("reader").annotate(review=review_outcome()).order_by("reader_id")
        )
        for reading in found.prefetch_related(Prefetch("lesions", queryset=lesions, to_attr="exported_lesions")):
            by_case[reading.case_id].append(reading)
        for case in chunk:
            yield ExportCase(case, frames[case.pk], by_case[case.pk])


def lesions_of(reading: Reading) -> list[Lesion]:
    """The reading's lesions of the finding types chosen, oldest first."""
    found: list[Lesion] = reading.exported_lesions  # type: ignore[attr-defined]
    return found


def review_of(reading: Reading) -> str:
    """What became of the reading in review, a `ReviewOutcome`."""
    found: str = reading.review  # type: ignore[attr-defined]
    return found


def case_frames(case: Case) -> list[ImageFrame]:
    """The pictures of one case in reading order."""
    return _frames_of([case])[case.pk]


def _frames_of(cases: Sequence[Case]) -> dict[UUID, list[ImageFrame]]:
    """The pictures of each case in reading order."""
    columns = ("pk", "sop_instance_uid", "number_of_frames", "rows", "columns", "series_id", "pixel_spacing")
    of_images = Instance.objects.filter(pk__in=[case.instance_id for case in cases if case.instance_id])
    of_series = in_reading_order(
        Instance.objects.filter(series_id__in=[case.series_id for case in cases if not case.instance_id])
    )
    images = {row[0]: [row] for row in of_images.values_list(*columns)}
    series: dict[int, list[tuple[Any, ...]]] = {}
    for row in of_series.values_list(*columns):
        series.setdefault(row[5], []).append(row)
    result = {}
    for case in cases:
        rows = images[case.instance_id] if case.instance_id else series[case.series_id]
        pictures = [(row, number) for row in rows for number in range(1, row[2] + 1)]
        result[case.pk] = [
            ImageFrame(row[0], row[1], number, index, row[3], row[4], _pair(row[6]))
            for index, (row, number) in enumerate(pictures)
        ]
    return result


def _pair(spacing: list[float] | None) -> tuple[float, float] | None:
    return (spacing[0], spacing[1]) if spacing else None


def lesion_masks(lesion: Lesion, frames: Sequence[ImageFrame]) -> Iterator[tuple[ImageFrame, NDArray[np.bool_]]]:
    """The lesion as pixels on each picture that it touches."""
    if lesion.kind != MarkKind.MASK:
        frame = next(frame for frame in frames if (frame.instance_id, frame.number) == (lesion.instance_id, lesion.frame))
        yield frame, rasterise_mark(kind=lesion.kind, points=lesion.points, rows=frame.rows, columns=frame.columns)
        return
    origin, shape = lesion.mask_origin or [], lesion.mask_shape or []
    mask = decode_mask(get_object(blob_key(lesion.mask_digest)), shape)
    for index in range(origin[0], origin[0] + shape[0]):
        frame = frames[index]
        image = paste_mask(mask=mask, origin=origin, frame=index, rows=frame.rows, columns=frame.columns)
        if image.any():
            yield frame, image
