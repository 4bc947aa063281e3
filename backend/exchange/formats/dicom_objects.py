"""What the three formats of DICOM objects share: which files are theirs, and an object as a foreign reading."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.utils.text import slugify
from pydicom.dataset import FileDataset

from backend.dicom.found import FoundMark, FoundObject
from backend.dicom.marked import MarkedReading
from backend.dicom.object_reading import HEAD_BYTES, object_modality
from backend.dicom.refusal import Refused
from backend.exchange.export_selection import ExportCase, lesions_of
from backend.exchange.foreign import ForeignLesion, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats.dicom_placing import ImagesMissing, Placer
from backend.exchange.formats.documents import file_head
from backend.exchange.formats.family import Export, Folder, ObjectContext, ReadContext
from backend.exchange.formats.options import THRESHOLD, share
from backend.exchange.marked_readings import case_sources, marked_reading
from backend.readings.models import Reading

KEPT_SUFFIXES: Final = {"SEG": ".seg.kept", "SR": ".sr.kept", "RTSTRUCT": ".rtstruct.kept"}
"""What a kept object's file name ends in, by modality: it is no DICOM file any more."""
_ACROSS: Final = "{count} of its measurements lie across slices or beside them, where none shows them, and were not read."


@dataclass(frozen=True, slots=True)
class HeldSegmentation:
    """A segmentation that a report refers to.

    `name`: its file among the report's; empty where it came another time. `reader`: whose reading was made of it alone.
    """

    found: FoundObject
    name: str = ""
    reader: str = ""


Segmentations = Callable[[str], HeldSegmentation | None]
"""The segmentation of a SOP Instance UID, None where it is not here."""


class SegmentationsMissing(Exception):
    """Segmentations that an object refers to are not here: their SOP Instance UIDs."""

    def __init__(self, uids: Sequence[str]) -> None:
        super().__init__(f"{len(uids)} segmentations are not here")
        self.uids = uids


def objects_of(files: Folder, modality: str) -> list[str]:
    """The names of files that are such objects, by their first bytes; none of them counts as opened by that."""
    return [name for name in files if _modality(files, name) == modality]


def _modality(files: Folder, name: str) -> str:
    for modality, suffix in KEPT_SUFFIXES.items():
        if name.endswith(suffix):
            return modality
    return object_modality(head_of(files, name))


def is_kept(name: str) -> bool:
    """Whether a file is an object that waited here, by the name it was given then."""
    return name.endswith(tuple(KEPT_SUFFIXES.values()))


def head_of(files: Folder, name: str) -> bytes:
    """The first bytes of a file, without opening it where the folder can do that."""
    head: Callable[[str, int], bytes] | None = getattr(files, "head", None)
    return head(name, HEAD_BYTES) if head is not None else file_head(files[name], HEAD_BYTES)


def object_context(context: ReadContext) -> ObjectContext:
    """How objects are read; Refused where nobody can read them."""
    if context.objects is None:
        raise Refused("DICOM objects cannot be read here.")
    return context.objects


def threshold_of(context: ReadContext) -> float:
    """The option `threshold`, a half where it is not given; Refused where it is no share."""
    return share(THRESHOLD.of(context.options))


def readings_of_objects(files: Folder, context: ReadContext, modality: str) -> Iterator[ForeignReading | UnusableFile]:
    """Every such object among the files, read for itself, as a reading of whoever made it."""
    objects, threshold = object_context(context), threshold_of(context)
    for name in objects_of(files, modality):
        try:
            found = objects.read(files[name], threshold)
        except Refused as refusal:
            yield UnusableFile(name, str(refusal))
            continue
        if modality == "SEG":
            is_part = objects.is_awaited(found.sop_instance_uid)
            objects.remember(found, "" if is_part else found.reader or context.reader)
            if is_part:
                continue  # of a report that waits for it, and is read with it
        yield from readings_of(name, found, context)


def readings_of(
    name: str, found: FoundObject, context: ReadContext, segmentations: Segmentations = lambda _uid: None
) -> Iterator[ForeignReading | UnusableFile]:
    """What an object says as readings, kept aside where its images are not here, with the reason where it is not used."""
    objects = object_context(context)
    try:
        whole, parts, readers = _with_segments(name, found, segmentations)
        placer = Placer(whole, context, objects)
        lesions = [lesion for mark in whole.marks for lesion in _placed(placer, mark)]
        placed = [placer.measurements(one) for one in whole.measurements]
    except Refused as refusal:
        yield UnusableFile(name, str(refusal))
        return
    except SegmentationsMissing as missing:
        yield _kept_aside(name, found, {name: found}, context, objects, missing.uids)
        return
    except ImagesMissing:
        yield _kept_aside(name, found, parts, context, objects)
        return
    measurements = [one for ones in placed for one in ones]
    if lesions or not placed or whole.verdict or whole.image_findings:
        reading = _reading(name, whole, lesions, context)
        yield replace(reading, follows_own=reading.reader in readers)
    if measurements:
        # For themselves: on what they measure they say nothing of lesions.
        images = [one.image for one in measurements]
        measurer = whole.reader or context.reader
        yield ForeignReading(name, measurer, images, complete=False, measurements=measurements)
    across = sum(not ones for ones in placed)
    notes = [*whole.notes, *([_ACROSS.format(count=across)] if across else [])]
    yield from (UnusableFile(f"{name}: a part of it", note) for note in notes)


def _placed(placer: Placer, mark: FoundMark) -> Iterator[ForeignLesion]:
    """The lesions of a mark; Refused tells which mark it was."""
    try:
        yield from placer.lesions(mark)
    except Refused as refusal:
        raise Refused(f"{mark.finding}: {refusal}") from refusal


def _with_segments(
    name: str, found: FoundObject, segmentations: Segmentations
) -> tuple[FoundObject, Mapping[str, FoundObject], set[str]]:
    """The object with the masks of the segments it refers to; those of its segmentations that are files beside it, by name;
    whose readings were made of its segmentations alone. SegmentationsMissing where one is not here."""
    marks: list[FoundMark] = []
    parts, readers = {name: found}, set[str]()
    missing: dict[str, None] = {}
    referred: FoundObject | None = None
    for mark in found.marks:
        if mark.segment is None:
            marks.append(mark)
            continue
        held = segmentations(mark.segment[0])
        if held is None:
            missing[mark.segment[0]] = None
            continue
        referred = held.found
        readers.add(held.reader)
        if held.name:
            parts[held.name] = referred
        segment = next((one for one in referred.marks if one.number == mark.segment[1]), None)
        if segment is None:
            raise Refused(f"It refers to segment {mark.segment[1]}, which its segmentation does not have.")
        score = mark.score if mark.score is not None else segment.score
        marks.append(replace(mark, masks=segment.masks, segment=None, score=score))
    if missing:
        raise SegmentationsMissing(list(missing))
    if referred is None:
        return found, parts, readers
    series = (*referred.series, *found.series)
    uid = found.frame_of_reference_uid or referred.frame_of_reference_uid
    return replace(found, marks=tuple(marks), series=series, frame_of_reference_uid=uid), parts, readers


def _reading(name: str, found: FoundObject, lesions: list[ForeignLesion], context: ReadContext) -> ForeignReading:
    """Where an object does not say otherwise its marks are all there are; findings alone speak of the image as a whole."""
    images = [ImageReference(uid) for uid in found.images or found.evidence]
    if lesions:
        images = [reference for lesion in lesions for reference in _pictures(lesion)]
    if not lesions and not found.verdict and not found.image_findings and found.modality != "SEG":
        raise Refused("It marks nothing that can be read.")
    complete = found.verdict != "image" and bool(lesions or found.verdict or not found.image_findings)
    return ForeignReading(
        source=name,
        reader=found.reader or context.reader,
        images=images,
        lesions=lesions,
        image_findings=found.image_findings,
        complete=complete,
        readable=found.verdict != "not_readable",
    )


def _pictures(lesion: ForeignLesion) -> list[ImageReference]:
    return [lesion.image] if lesion.image is not None else [reference for reference, _ in lesion.masks]


def _kept_aside(
    name: str,
    found: FoundObject,
    parts: Mapping[str, FoundObject],
    context: ReadContext,
    objects: ObjectContext,
    segmentations: Sequence[str] = (),
) -> ForeignReading | UnusableFile:
    uids = found.images or found.evidence or tuple(uid for part in parts.values() for uid in part.images or part.evidence)
    if not uids and not segmentations:
        return UnusableFile(name, "It names no image, only a place in a patient, and no images of that place are here.")
    kept = {f"{part}{KEPT_SUFFIXES[one.modality]}": objects.aside(one) for part, one in parts.items()}
    return ForeignReading(
        source=name, reader=found.reader or context.reader, images=[ImageReference(uid) for uid in uids], keep_data=kept,
        segmentations=segmentations,
    )  # fmt: skip


def marked_readings(export: Export, item: ExportCase) -> Iterator[tuple[Reading, MarkedReading]]:
    """Every reading of a case of an export as the writers of objects take it."""
    types = {finding_type.pk: finding_type for finding_type in export.finding_types}
    sources = case_sources(item.frames, export.header)
    for reading in item.readings:
        name = export.reader_names[reading.reader_id]
        marked = marked_reading(reading, lesions_of(reading), item.frames, sources, types, name)
        yield reading, replace(marked, complete=export.label_kind(reading) == "full")


def object_path(item: ExportCase, reading: Reading, modality: str) -> str:
    """Where an object lies in an export: by case and reader."""
    reader = slugify(reading.reader.name)[:40] or "reader"
    return f"{item.case.name}/{reader}-{reading.reader_id}.{modality.lower()}.dcm"


def file_bytes(dataset: FileDataset) -> bytes:
    """A data set as a DICOM file."""
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
