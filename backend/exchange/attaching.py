"""Foreign readings become readings of the cases that they speak of; what speaks of images that are not here is kept aside.

A reading is attached whole or not at all. Readings of one reader and case that come in several pieces (a file an image)
become one. Importing twice changes nothing: a case's reading of an imported reader is never written over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray

from backend.archive.store import has_object, put_object
from backend.dicom.refusal import Refused, sentence
from backend.exchange.case_index import CaseIndex
from backend.exchange.export_selection import ImageFrame
from backend.exchange.foreign import Code, ForeignLesion, ForeignMeasurement, ForeignReading, ImageReference, SlicesRead
from backend.exchange.models import ImportRun, PendingReading
from backend.exchange.pending_content import archive_text, content_digest, reading_content
from backend.exchange.vocabulary_match import AttributeWishes, finding_type_named
from backend.geometry.marks import Grid, InvalidMark
from backend.geometry.measurements import check_measurement
from backend.geometry.rasterise import crop_mask
from backend.geometry.rle import blob_key, encode_mask, mask_digest
from backend.geometry.slices import joined_slices
from backend.projects.models import FindingType, Project
from backend.readings.import_services import ImportedLesion, ImportedReading, check_imported_reading, import_readings
from backend.readings.models import MarkKind, ReaderKind, Reading, Verdict

_LONGEST_TEXT: Final = 120
_FOLLOWS_OWN: Final = (
    "A reading of its observer is already here, made of its segmentation, which came before it: it is not written over."
)


@dataclass
class AttachOutcome:
    """Readings made, that were there, that wait for their images, and that could not be used: (source, reason)."""

    made: int = 0
    known: int = 0
    waiting: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: AttachOutcome) -> None:
        """Count another outcome in."""
        self.made, self.known = self.made + other.made, self.known + other.known
        self.waiting += other.waiting
        self.refused += other.refused

    def refuse(self, source: str, reason: str) -> None:
        """A file, or a part of it, was not used."""
        self.refused.append((source, sentence(reason)))


@dataclass
class _Draft:
    """What one reader says of one case, so far."""

    source: str
    lesions: list[ImportedLesion] = field(default_factory=list)
    measurements: list[dict[str, Any]] = field(default_factory=list)
    findings: dict[str, bool] = field(default_factory=dict)
    complete: bool | None = None
    """None while there was nothing but measurements: they say nothing of lesions."""
    readable: bool = True
    slices_read: list[SlicesRead | None] = field(default_factory=list)
    """What each of its pieces says of the slices that were looked at."""
    follows_own: bool = False


class _SaysNothing(Exception):
    """A reading that is not complete and has neither a lesion, a finding nor a measurement: there is nothing to store."""


Located = tuple[UUID, ImageFrame]


class Attacher:
    """Takes the readings of one format one by one, then writes them: `take` each, `finish` once."""

    def __init__(
        self,
        *,
        project: Project,
        index: CaseIndex,
        format_name: str,
        run: ImportRun | None = None,
        options: Mapping[str, str] | None = None,
        types: Mapping[str, str] | None = None,
    ) -> None:
        self.outcome = AttachOutcome()
        self._project = project
        self._index = index
        self._format = format_name
        self._run = run
        self._options = dict(options or {})
        self._renamed = {word.casefold(): name for word, name in (types or {}).items()}
        self._types: dict[tuple[str, str, Code], FindingType] = {}
        self._wishes = AttributeWishes()
        self._drafts: dict[tuple[str, UUID], _Draft] = {}

    def take(self, reading: ForeignReading, kept: Mapping[str, str] | None = None) -> bool:
        """Take one reading; false where it was kept aside. `kept`: object keys of its `keep_files`, once they are kept."""
        try:
            located = self._located(reading)
            if located is None:
                self._keep(reading, kept or {})
                return False
            measured = [self._measurement(one, located) for one in reading.measurements]
            for case_id, pieces in self._by_case(reading, located).items():
                self._merge(case_id, reading, pieces, [stored for case, stored in measured if case == case_id])
        except (Refused, InvalidMark) as reason:
            self.refuse(reading.source, _unused(reading.reader, reason))
        return True

    def refuse(self, source: str, reason: str) -> None:
        """A file, or a part of it, is not used; told in words that the archive may keep."""
        archive = self._project.archive
        self.outcome.refuse(archive_text(source, archive), archive_text(reason, archive))

    def is_here(self, reading: ForeignReading) -> bool:
        """Whether the images that a reading needs are here."""
        try:
            return self._located(reading) is not None
        except Refused:
            return True  # they are, and the reading does not fit them: `take` tells

    def finish(self) -> AttachOutcome:
        """Write the readings taken."""
        self._wishes.settle(self._project)
        self._project.refresh_from_db(fields=["vocabulary_version"])
        by_reader: dict[str, list[ImportedReading]] = {}
        for (reader, case_id), draft in self._drafts.items():
            try:
                given = self._imported(case_id, draft)
                check_imported_reading(given)
            except _SaysNothing:
                continue
            except (Refused, InvalidMark) as reason:
                self.refuse(draft.source, _unused(reader, reason))
                continue
            if draft.follows_own and self._has_read(reader, case_id):
                self.refuse(draft.source, _FOLLOWS_OWN)
                continue
            by_reader.setdefault(reader, []).append(given)
        for reader, readings in by_reader.items():
            made = import_readings(project=self._project, reader_name=reader, readings=readings)
            self.outcome.made += made
            self.outcome.known += len(readings) - made
        self._drafts.clear()
        return self.outcome

    def _has_read(self, reader: str, case_id: UUID) -> bool:
        own = Reading.objects.filter(reader__kind=ReaderKind.IMPORTED, reader__name=reader, case=case_id)
        return own.filter(reader__project=self._project).exists()

    def _located(self, reading: ForeignReading) -> dict[ImageReference, Located] | None:
        """Where every picture of the reading lies; None where one that a lesion needs, or all, are not here."""
        if reading.keep_files or reading.keep_data:
            return None
        needed = {reference for lesion in reading.lesions for reference in _references(lesion)}
        needed |= {one.image for one in reading.measurements}
        found: dict[ImageReference, Located] = {}
        for reference in {*needed, *reading.images}:
            where = self._index.locate(reference)
            if where is not None:
                found[reference] = where
            elif reference in needed:
                return None
        return found or None

    def _by_case(
        self, reading: ForeignReading, located: Mapping[ImageReference, Located]
    ) -> dict[UUID, list[ImportedLesion]]:
        """The lesions by the case they lie in; a reading of a series whose slices are cases falls into several."""
        pieces: dict[UUID, list[ImportedLesion]] = {case_id: [] for case_id, _ in located.values()}
        for lesion in reading.lesions:
            for case_id, own in self._marks(lesion, located):
                pieces[case_id].append(own)
        return pieces

    def _marks(self, lesion: ForeignLesion, located: Mapping[ImageReference, Located]) -> list[tuple[UUID, ImportedLesion]]:
        finding_type = self._type("lesion", lesion.finding, lesion.code)
        attributes = self._wishes.note(finding_type, lesion.attributes)
        if lesion.kind != MarkKind.MASK:
            if lesion.image is None:
                raise Refused(f"a mark of kind {lesion.kind} names no image.")
            case_id, frame = located[lesion.image]
            points = [[float(value) for value in point] for point in lesion.points]
            mark = ImportedLesion(
                finding_type=finding_type, kind=lesion.kind, instance=self._index.instance(frame), frame=frame.number,
                points=points, attributes=attributes, score=lesion.score,
            )  # fmt: skip
            return [(case_id, mark)]
        by_case: dict[UUID, dict[int, tuple[ImageFrame, NDArray[np.bool_]]]] = {}
        for reference, mask in lesion.masks:
            if not mask.any():
                continue
            case_id, frame = located[reference]
            if mask.shape != (frame.rows, frame.columns):
                size = "×".join(str(extent) for extent in mask.shape)
                raise Refused(f"a mask has {size} pixels, its image {frame.rows}×{frame.columns}.")
            own = by_case.setdefault(case_id, {})
            own[frame.index] = (frame, own[frame.index][1] | mask if frame.index in own else mask)
        if not by_case:
            raise Refused(f"the mask of a {lesion.finding or 'lesion'} is empty.")
        return [
            (case_id, self._mask_lesion(finding_type, parts, attributes, lesion.score)) for case_id, parts in by_case.items()
        ]

    def _mask_lesion(
        self,
        finding_type: FindingType,
        parts: Mapping[int, tuple[ImageFrame, NDArray[np.bool_]]],
        attributes: dict[str, Any],
        score: float | None,
    ) -> ImportedLesion:
        """One mask in the series grid, cropped to its box; the store keeps it once."""
        first, last = min(parts), max(parts)
        boxes = [_box(mask) for _, mask in parts.values()]
        top, left = min(box[0] for box in boxes), min(box[1] for box in boxes)
        bottom, right = max(box[2] for box in boxes), max(box[3] for box in boxes)
        volume = np.zeros((last - first + 1, bottom - top, right - left), dtype=bool)
        for index, (_, mask) in parts.items():
            cut = mask[top:bottom, left:right]
            volume[index - first, : cut.shape[0], : cut.shape[1]] = cut
        origin, cropped = crop_mask(volume)
        blob = encode_mask(cropped)
        digest = mask_digest(blob)
        if not has_object(blob_key(digest)):
            put_object(key=blob_key(digest), data=blob)
        frame = parts[first][0]
        return ImportedLesion(
            finding_type=finding_type, kind=MarkKind.MASK, instance=self._index.instance(frame), frame=frame.number,
            mask_origin=[origin[0] + first, origin[1] + top, origin[2] + left], mask_shape=list(cropped.shape),
            mask_digest=digest, attributes=attributes, score=score,
        )  # fmt: skip

    def _type(self, scope: str, finding: str, code: Code = Code()) -> FindingType:
        """The finding type of a name and code; a name that the person renamed leaves its code behind."""
        name = self._renamed.get(finding.casefold(), finding)
        key = (scope, name.casefold(), code if name == finding else Code())
        if key not in self._types:
            self._types[key] = finding_type_named(self._project, scope, name, key[2])
        return self._types[key]

    def _measurement(
        self, one: ForeignMeasurement, located: Mapping[ImageReference, Located]
    ) -> tuple[UUID, dict[str, Any]]:
        """A measurement as it is stored, and its case."""
        case_id, frame = located[one.image]
        points = check_measurement(kind=one.kind, points=one.points, grid=Grid(rows=frame.rows, columns=frame.columns))
        if len(one.text) > _LONGEST_TEXT:
            raise Refused(f"the text of a measurement has more than {_LONGEST_TEXT} characters.")
        place = {"sop_instance_uid": frame.sop_instance_uid, "frame": frame.number}
        return case_id, {"id": str(uuid4()), "kind": one.kind, **place, "points": points, "text": one.text}

    def _merge(
        self,
        case_id: UUID,
        reading: ForeignReading,
        lesions: Sequence[ImportedLesion],
        measurements: Sequence[dict[str, Any]],
    ) -> None:
        draft = self._drafts.setdefault((reading.reader[:150], case_id), _Draft(reading.source))
        draft.lesions += lesions
        draft.measurements += measurements
        for finding, present in reading.image_findings.items():
            key = str(self._type("image", finding).pk)
            draft.findings[key] = draft.findings.get(key, False) or present
        if not _only_measures(reading):
            draft.complete = reading.complete and draft.complete is not False
        draft.readable = draft.readable and reading.readable
        draft.slices_read.append(reading.slices_read)
        draft.follows_own = draft.follows_own or reading.follows_own

    def _imported(self, case_id: UUID, draft: _Draft) -> ImportedReading:
        case, frames = self._index.case(case_id)
        findings = {key: "present" if present else "absent" for key, present in draft.findings.items()}
        kind = "full" if draft.complete else "image"
        if not draft.readable:
            if draft.lesions:
                raise Refused("it calls the image not readable, yet marks lesions.")
            verdict = Verdict.NOT_READABLE
        elif draft.lesions or (not draft.complete and any(draft.findings.values())):
            verdict = Verdict.LESIONS
        elif draft.complete or findings:
            verdict = Verdict.NO_LESION
        elif draft.measurements:
            verdict = Verdict.DEFERRED  # nothing is said of lesions, so it teaches nothing
        else:
            raise _SaysNothing
        slices_read = _slices_read(draft, len(frames))
        return ImportedReading(case, draft.lesions, verdict, findings, kind, draft.measurements, slices_read)

    def _keep(self, reading: ForeignReading, kept: Mapping[str, str]) -> None:
        """Keep a reading aside until its images come, once; one whose case has a reading of this reader is known already."""
        content = reading_content(reading, self._project.archive)
        digest = content_digest(self._format, reading.reader, content, kept)
        PendingReading.objects.get_or_create(
            project=self._project,
            digest=digest,
            defaults={
                "run": self._run,
                "format": self._format,
                "source": archive_text(reading.source, self._project.archive)[:500],
                "reader": reading.reader[:150],
                "options": {name: value for name, value in (self._options | dict(reading.keep_options)).items() if value},
                "content": content,
                "files": dict(kept),
            },
        )
        self.outcome.waiting += 1


def _slices_read(draft: _Draft, slices: int) -> list[list[int]] | None:
    """The slices that were looked at, of so many; None where a piece does not tell, or a series of all comes as images."""
    ranges: list[Sequence[int]] = []
    for told in draft.slices_read:
        if told is None:
            return None
        if told.fits(slices):
            ranges += told.ranges
        elif told.are_all():
            return None
        else:
            of_series = told.slices or told.ranges[-1][1] + 1  # at least so many
            raise Refused(
                f"it says which slices of a series of {of_series} were looked at, and the case has {slices}: "
                "which of these they are cannot be told."
            )
    return joined_slices(ranges)


def _only_measures(reading: ForeignReading) -> bool:
    says_more = reading.complete or reading.lesions or reading.image_findings or not reading.readable
    return bool(reading.measurements) and not says_more


def _unused(reader: str, reason: Exception) -> str:
    text = str(reason)
    return f"Readings of {reader[:150]} were not used: {text}{'' if text.endswith('.') else '.'}"


def _references(lesion: ForeignLesion) -> Iterable[ImageReference]:
    if lesion.kind == MarkKind.MASK:
        return [reference for reference, mask in lesion.masks if mask.any()]
    return [lesion.image] if lesion.image is not None else []


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
