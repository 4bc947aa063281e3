"""A reading of the database as what the writers of SEG, SR and RTSTRUCT take (`backend.dicom.marked`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset

from backend.dicom.marked import Concept, MarkedLesion, MarkedReading, source_frame
from backend.dicom.rtstruct_writing import Outlines, structure_set
from backend.dicom.seg_writing import segmentation
from backend.dicom.sr_writing import SegmentOf, measurement_report
from backend.exchange.export_selection import ExportCase, ImageFrame, lesion_masks
from backend.geometry.contour import mask_outlines
from backend.projects.models import FindingType
from backend.readings.models import Lesion, Origin, ReaderKind, Reading

_HELPED: Final = "Overread pre-annotation"


@dataclass(frozen=True)
class _Masks:
    """The pixels of a lesion on each picture, decoded anew each time: only one picture is in memory at a time."""

    lesion: Lesion
    frames: list[ImageFrame]

    def __iter__(self) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        return ((frame.index, mask) for frame, mask in lesion_masks(self.lesion, self.frames))


def marked_reading(
    item: ExportCase,
    reading: Reading,
    lesions: list[Lesion],
    header: Callable[[ImageFrame], Dataset],
    types: Mapping[int, FindingType],
) -> MarkedReading:
    """All that a reading says, ready to be written; `header` gives the stored header of a picture."""
    version = reading.reader.model_version if reading.reader.kind == ReaderKind.MODEL else None
    return MarkedReading(
        id=reading.pk,
        revision=reading.revision,
        reader=reading.reader.name,
        is_model=version is not None,
        version=str(version.number) if version is not None else "",
        when=reading.submitted_at or timezone.now(),
        sources=[source_frame(header(frame), frame.number) for frame in item.frames],
        lesions=[_lesion(lesion, item.frames, types[lesion.finding_type_id]) for lesion in lesions],
        verdict=reading.verdict if reading.verdict in ("lesions", "no_lesion", "not_readable") else "lesions",
        complete=reading.label_kind == "full",
        image_findings=[
            (types[int(key)].name, _concept(types[int(key)]), value == "present")
            for key, value in reading.image_findings.items()
            if int(key) in types and value in ("present", "absent")
        ],
    )


def _lesion(lesion: Lesion, frames: list[ImageFrame], finding_type: FindingType) -> MarkedLesion:
    place = next(
        (frame.index for frame in frames if (frame.instance_id, frame.number) == (lesion.instance_id, lesion.frame)), 0
    )
    units = {
        attribute["name"]: attribute["number"].get("unit") or ""
        for attribute in finding_type.attributes
        if attribute.get("number")
    }
    return MarkedLesion(
        id=lesion.pk,
        finding=finding_type.name,
        concept=_concept(finding_type),
        kind=lesion.kind,
        source=place,
        points=lesion.points,
        masks=_Masks(lesion, frames),
        attributes={name: str(value) for name, value in lesion.attributes.items() if value not in (None, "")},
        units=units,
        score=lesion.score,
        algorithm=_HELPED if lesion.origin in (Origin.ACCEPTED, Origin.EDITED) else "",
    )


def _concept(finding_type: FindingType) -> Concept | None:
    if not finding_type.code_value:
        return None
    return Concept(finding_type.code_scheme, finding_type.code_value, finding_type.code_meaning or finding_type.name)


def segmentation_of(reading: MarkedReading) -> tuple[FileDataset | None, SegmentOf]:
    """The SEG of a reading with every lesion as a segment, None where it has none; and which segment each lesion is."""
    if not reading.lesions:
        return None, {}
    made = segmentation(reading, reading.lesions)
    return made, {lesion.id: (made, number) for number, lesion in enumerate(reading.lesions, 1)}


def report_of(reading: MarkedReading) -> tuple[FileDataset, FileDataset | None]:
    """The SR of a reading, and the SEG that holds the masks it refers to, where it has lesions."""
    masks, segments = segmentation_of(reading)
    return measurement_report(reading, segments), masks


def structure_set_of(reading: MarkedReading) -> FileDataset:
    """The RTSTRUCT of a reading; ellipses and masks become the borders of their pixels."""
    return structure_set(reading, [_outlines(lesion) for lesion in reading.lesions])


def _outlines(lesion: MarkedLesion) -> Outlines:
    if lesion.kind in ("polygon", "freehand", "point"):
        return [(lesion.source, [lesion.points])]
    if lesion.kind == "box":
        (left, top), (right, bottom) = np.min(lesion.points, axis=0), np.max(lesion.points, axis=0)
        return [(lesion.source, [[[left, top], [right, top], [right, bottom], [left, bottom]]])]
    return [(source, mask_outlines(mask)) for source, mask in lesion.masks]
