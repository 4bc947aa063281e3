"""A reading of the database as what the writers of SEG, SR and RTSTRUCT take (`backend.dicom.marked`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset

from backend.dicom.marked import (
    Concept,
    MarkedLesion,
    MarkedMeasurement,
    MarkedReading,
    MeasuredValue,
    SourceFrame,
    source_frame,
)
from backend.dicom.rtstruct_writing import Outlines, structure_set
from backend.dicom.seg_writing import segmentation
from backend.dicom.sr_writing import SegmentOf, measurement_report
from backend.exchange.export_selection import ImageFrame, lesion_masks
from backend.geometry.contour import mask_outlines
from backend.geometry.measurements import measured_values
from backend.projects.models import FindingType
from backend.readings.models import Lesion, Origin, ReaderKind, Reading

MEASURED_KINDS: Final = frozenset({"length", "bidirectional", "angle", "roi"})
"""Measurements that a report holds; an arrow measures nothing."""
_HELPED: Final = "Overread pre-annotation"


@dataclass(frozen=True)
class _Masks:
    """The pixels of a lesion on each picture, decoded anew each time: only one picture is in memory at a time."""

    lesion: Lesion
    frames: Sequence[ImageFrame]

    def __iter__(self) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        return ((frame.index, mask) for frame, mask in lesion_masks(self.lesion, self.frames))


def case_sources(frames: Sequence[ImageFrame], header: Callable[[ImageFrame], Dataset]) -> list[SourceFrame]:
    """The pictures of a case for the writers; `header` gives the stored header of one and is asked once an instance."""
    headers: dict[int, Dataset] = {}
    for frame in frames:
        if frame.instance_id not in headers:
            headers[frame.instance_id] = header(frame)
    return [source_frame(headers[frame.instance_id], frame.number) for frame in frames]


def marked_reading(
    reading: Reading,
    lesions: Sequence[Lesion],
    frames: Sequence[ImageFrame],
    sources: Sequence[SourceFrame],
    types: Mapping[int, FindingType],
    reader_name: str = "",
) -> MarkedReading:
    """All that a reading says, ready to be written, by a reader of this name (its own where none is given)."""
    version = reading.reader.model_version if reading.reader.kind == ReaderKind.MODEL else None
    return MarkedReading(
        id=reading.pk,
        revision=reading.revision,
        reader=reader_name or reading.reader.name,
        is_model=version is not None,
        version=str(version.number) if version is not None else "",
        when=reading.submitted_at or timezone.now(),
        sources=sources,
        lesions=[_lesion(lesion, frames, types[lesion.finding_type_id]) for lesion in lesions],
        verdict=reading.verdict if reading.verdict in ("lesions", "no_lesion", "not_readable") else "lesions",
        complete=reading.label_kind == "full",
        image_findings=[
            (types[int(key)].name, _concept(types[int(key)]), value == "present")
            for key, value in reading.image_findings.items()
            if int(key) in types and value in ("present", "absent")
        ],
        measurements=[_measurement(one, frames) for one in reading.measurements if one["kind"] in MEASURED_KINDS],
    )


def _measurement(stored: Mapping[str, Any], frames: Sequence[ImageFrame]) -> MarkedMeasurement:
    place = (stored["sop_instance_uid"], stored["frame"])
    frame = next(frame for frame in frames if (frame.sop_instance_uid, frame.number) == place)
    values = list(_measured(stored["kind"], stored["points"], frame.spacing))
    return MarkedMeasurement(id=UUID(str(stored["id"])), source=frame.index, values=values, text=stored["text"])


def _measured(kind: str, points: Sequence[Sequence[float]], spacing: Sequence[float] | None) -> Iterator[MeasuredValue]:
    """The values of a measurement; of two diameters each, whichever of them is the longer."""
    told = measured_values(kind=kind, points=points, spacing=spacing)
    if kind == "length":
        yield MeasuredValue("length", float(told["length"]), str(told["unit"]), points)
    elif kind == "angle":
        yield MeasuredValue("angle", float(told["degrees"]), "°", points)
    elif kind == "roi":
        yield MeasuredValue("area", float(told["area"]), str(told["unit"]), points)
    else:
        axes = [(measured_values(kind="length", points=axis, spacing=spacing), axis) for axis in (points[:2], points[2:])]
        lengths = [float(one["length"]) for one, _ in axes]
        names = ("long axis", "short axis") if lengths[0] >= lengths[1] else ("short axis", "long axis")
        for name, (one, axis) in zip(names, axes, strict=True):
            yield MeasuredValue(name, float(one["length"]), str(one["unit"]), axis)


def _lesion(lesion: Lesion, frames: Sequence[ImageFrame], finding_type: FindingType) -> MarkedLesion:
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
        colour=finding_type.colour,
        algorithm=_HELPED if _is_helped(lesion) else "",
    )


def _is_helped(lesion: Lesion) -> bool:
    """Whether it began as a finding of a model; where the lesion that an edit began from is gone, its score tells."""
    while lesion.origin == Origin.REVIEWED and lesion.origin_lesion is not None:
        lesion = lesion.origin_lesion
    return lesion.origin in (Origin.ACCEPTED, Origin.EDITED) or lesion.origin_score is not None


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
