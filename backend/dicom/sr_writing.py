"""A reading as a structured report: TID 1500 Measurement Report (PS3.16) in a Comprehensive SR document (PS3.3 A.35.3).

Each lesion is a measurement group with its region: SCOORD for what was drawn, a referenced segment for a mask; drawn ones
come first, because OHIF begins with the first group and can show no segment. A measurement is a group without a region: its
values (TID 300) are inferred each from the SCOORD that it was measured along. What is said of the image as a whole (its
findings, "no lesion", "not readable") stands in the template's container of qualitative evaluations (row 12): a group
without a region, which it was in reports of older versions, keeps OHIF 3.13 from showing any other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    CodeContentItem,
    CodedConcept,
    ContainerContentItem,
    ContentSequence,
    CoordinatesForMeasurement,
    DeviceObserverIdentifyingAttributes,
    ImageRegion,
    LanguageOfContentItemAndDescendants,
    Measurement,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    ReferencedSegment,
    RelationshipTypeValues,
    SourceImageForRegion,
    SourceImageForSegmentation,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.dataset import Dataset, FileDataset

from backend.dicom.marked import (
    MANUFACTURER,
    MARK_KIND,
    MEASUREMENT,
    SCHEME,
    SCORE,
    VERDICT,
    VERDICTS,
    Concept,
    MarkedLesion,
    MarkedMeasurement,
    MarkedReading,
    MeasuredValue,
    SourceFrame,
    concept_of,
    lesion_uid,
    object_dataset,
    own_concept,
    person_name,
    plain_text,
    referenced_instance,
    sources_by_series,
)
from backend.dicom.refusal import Refused

COMPREHENSIVE_SR_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.88.33"
LESION: Final = Concept("SCT", "52988006", "Lesion")
PRESENT: Final = Concept("SCT", "52101004", "Present")
ABSENT: Final = Concept("SCT", "272519000", "Absent")
BOUNDED_BY: Final = Concept("SCT", "75958009", "Bounded by")
EVALUATIONS: Final = Concept("UMLS", "C0034375", "Qualitative Evaluations")
_TITLE: Final = Concept("DCM", "126000", "Imaging Measurement Report")
_ENGLISH: Final = Concept("RFC5646", "en-US", "English (United States)")
_REPORTED: Final = Concept("DCM", "121058", "Procedure reported")
_MEASUREMENTS: Final = Concept("DCM", "126010", "Imaging Measurements")
_PERSON: Final = Concept("DCM", "121006", "Person")
_DEVICE: Final = Concept("DCM", "121007", "Device")
_PURPOSE: Final = "SR/3"
"""What the UIDs are made for; another number whenever the same reading is written differently."""
_PROCEDURE: Final = Concept("SCT", "363679005", "Imaging procedure")
_NUMBER: Final = re.compile(r"-?\d{1,12}(\.\d{1,12})?")
_NO_UNITS: Final = Concept("UCUM", "1", "no units")
_MEASURED: Final = {
    "length": Concept("SCT", "410668003", "Length"),
    "long axis": Concept("SCT", "103339001", "Long axis"),
    "short axis": Concept("SCT", "103340004", "Short axis"),
    "angle": Concept("SCT", "1483009", "Angle"),
    "area": Concept("SCT", "42798000", "Area"),
}
"""Concept names of measured values, as PS3.16 has them in SNOMED CT."""
_UNITS: Final = {
    "mm": Concept("UCUM", "mm", "millimeter"),
    "mm²": Concept("UCUM", "mm2", "square millimeter"),
    "°": Concept("UCUM", "deg", "degree"),
    # UCUM has no pixel; what stands in braces is a remark and counts as 1.
    "px": Concept("UCUM", "{pixels}", "pixels"),
    "px²": Concept("UCUM", "{pixels}", "square pixels"),
}

SegmentOf = Mapping[UUID, tuple[Dataset, int]]
"""The segmentation and the segment number that hold a lesion, by the lesion's id."""


def measurement_report(reading: MarkedReading, segments: SegmentOf) -> FileDataset:
    """The SR document of a reading; Refused where a mask has no segment to refer to."""
    made = object_dataset(
        reading, sop_class=COMPREHENSIVE_SR_STORAGE, modality="SR", purpose=_PURPOSE, title="Measurement report"
    )
    for element in _content(reading, segments):
        made[element.tag] = element
    made.CompletionFlag, made.VerificationFlag = "COMPLETE", "UNVERIFIED"
    made.PerformedProcedureCodeSequence = []
    made.ReferencedPerformedProcedureStepSequence = []
    made.CurrentRequestedProcedureEvidenceSequence = [_evidence(reading, segments)]
    return made


def _content(reading: MarkedReading, segments: SegmentOf) -> ContainerContentItem:
    """The template's rows; highdicom's own class knows no container of qualitative evaluations."""
    root = ContainerContentItem(name=_coded(_TITLE), template_id="1500")
    observer = "observer_device_context" if reading.is_model else "observer_person_context"
    rows = ContentSequence(LanguageOfContentItemAndDescendants(_coded(_ENGLISH)), is_root=False)
    rows.extend(ObservationContext(**{observer: _observer(reading)}))
    rows.append(CodeContentItem(_coded(_REPORTED), _coded(_PROCEDURE), RelationshipTypeValues.HAS_CONCEPT_MOD))
    drawn = [lesion for lesion in reading.lesions if lesion.kind != "mask"]
    masks = [lesion for lesion in reading.lesions if lesion.kind == "mask"]
    groups = [item for lesion in drawn for item in _group(reading, lesion, segments)]
    groups += [item for measurement in reading.measurements for item in _measurement_group(reading, measurement)]
    groups += [item for lesion in masks for item in _group(reading, lesion, segments)]
    if groups:
        rows.append(_container(_MEASUREMENTS, groups))
    rows.append(_container(EVALUATIONS, _of_the_image(reading)))
    root.ContentSequence = rows
    return root


def _container(name: Concept, contained: Sequence[Any]) -> ContainerContentItem:
    container = ContainerContentItem(name=_coded(name), relationship_type=RelationshipTypeValues.CONTAINS)
    container.ContentSequence = ContentSequence(contained)
    return container


def _coded(concept: Concept) -> CodedConcept:
    return CodedConcept(concept.value, concept.scheme, concept.meaning)


def _observer(reading: MarkedReading) -> ObserverContext:
    if reading.is_model:
        device = DeviceObserverIdentifyingAttributes(
            uid=reading.series_uid("device"), name=plain_text(reading.reader, 64), manufacturer_name=MANUFACTURER
        )
        return ObserverContext(observer_type=_coded(_DEVICE), observer_identifying_attributes=device)
    # The caret ends the family name; without any component mark highdicom doubts that it is a person's name.
    person = PersonObserverIdentifyingAttributes(name=f"{person_name(reading.reader) or 'Reader'}^")
    return ObserverContext(observer_type=_coded(_PERSON), observer_identifying_attributes=person)


def _algorithm(reading: MarkedReading) -> AlgorithmIdentification | None:
    if not reading.is_model:
        return None
    return AlgorithmIdentification(name=plain_text(reading.reader, 64), version=plain_text(reading.version or "1", 64))


def _group(reading: MarkedReading, lesion: MarkedLesion, segments: SegmentOf) -> Any:
    numbers = {name for name, value in lesion.attributes.items() if name in lesion.units and _NUMBER.fullmatch(value)}
    measurements = [
        _number(own_concept(name), value, lesion.units[name]) for name, value in lesion.attributes.items() if name in numbers
    ]
    if lesion.score is not None:
        measurements.append(_number(SCORE, repr(round(lesion.score, 6)), ""))
    evaluations = [
        QualitativeEvaluation(_coded(own_concept(name)), _coded(own_concept(value)))
        for name, value in lesion.attributes.items()
        if name not in numbers
    ]
    if lesion.kind == "freehand":
        evaluations.append(QualitativeEvaluation(_coded(MARK_KIND), _coded(Concept(SCHEME, "FREEHAND", "Freehand"))))
    common: dict[str, Any] = {
        "tracking_identifier": TrackingIdentifier(uid=lesion_uid(lesion.id), identifier=f"{lesion.finding} {lesion.id}"),
        "finding_type": _coded(concept_of(lesion.finding, lesion.concept)),
        "algorithm_id": _algorithm(reading),
        "measurements": measurements or None,
        "qualitative_evaluations": evaluations or None,
    }
    if lesion.kind == "mask":
        return VolumetricROIMeasurementsAndQualitativeEvaluations(
            referenced_segment=_segment(reading, lesion, segments), **common
        )
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        referenced_region=_region(lesion, reading.sources[lesion.source]),
        geometric_purpose=_coded(BOUNDED_BY) if lesion.kind == "box" else None,
        **common,
    )


def _number(name: Concept, value: str, unit: str) -> Measurement:
    measured = Measurement(
        name=_coded(name), value=float(value), unit=_coded(Concept("UCUM", unit[:16], unit[:64]) if unit else _NO_UNITS)
    )
    measured[0].MeasuredValueSequence[0].NumericValue = value
    return measured


def _measurement_group(reading: MarkedReading, measurement: MarkedMeasurement) -> Any:
    """TID 1501: what its reader called it is its finding, by which viewers list it."""
    source = reading.sources[measurement.source]
    names = " and ".join(one.name for one in measurement.values)
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=lesion_uid(measurement.id), identifier=f"{names} {measurement.id}"),
        finding_type=_coded(own_concept(measurement.text)) if measurement.text else None,
        algorithm_id=_algorithm(reading),
        measurements=[_measured(one, source) for one in measurement.values],
        qualitative_evaluations=[QualitativeEvaluation(_coded(MARK_KIND), _coded(MEASUREMENT))],
    )


def _measured(one: MeasuredValue, source: SourceFrame) -> Measurement:
    points = np.maximum(np.asarray(one.points, dtype=float), 0.0)
    graphic = "ELLIPSE" if one.name == "area" else "POLYLINE"
    where = CoordinatesForMeasurement(graphic, points, _source_image(SourceImageForRegion, source))
    return Measurement(
        name=_coded(_MEASURED[one.name]), value=round(one.value, 4), unit=_coded(_UNITS[one.unit]),
        referenced_coordinates=[where],
    )  # fmt: skip


def _segment(reading: MarkedReading, lesion: MarkedLesion, segments: SegmentOf) -> ReferencedSegment:
    if lesion.id not in segments:
        raise Refused("A report refers to a mask by its segment; this mask lies in no segmentation.")
    segmentation, number = segments[lesion.id]
    sources = [reading.sources[index] for index, mask in lesion.masks if mask.any()]
    return ReferencedSegment(
        sop_class_uid=segmentation.SOPClassUID,
        sop_instance_uid=segmentation.SOPInstanceUID,
        segment_number=number,
        source_images=[_source_image(SourceImageForSegmentation, source) for source in sources],
    )


def _region(lesion: MarkedLesion, source: SourceFrame) -> ImageRegion:
    """Our points are SCOORD's already (PS3.3 C.18.6.1.1); outlines are told closed, a box as its four corners."""
    points = np.maximum(np.asarray(lesion.points, dtype=float), 0.0)
    graphic = {"point": "POINT", "ellipse": "ELLIPSE"}.get(lesion.kind, "POLYLINE")
    if lesion.kind == "box":
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        points = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    if graphic == "POLYLINE":
        points = np.vstack([points, points[:1]])
    return ImageRegion(graphic, points, _source_image(SourceImageForRegion, source))


def _source_image(kind: Any, source: SourceFrame) -> Any:
    frames = [source.number] if int(source.header.get("NumberOfFrames") or 1) > 1 else None
    return kind(source.header.SOPClassUID, source.header.SOPInstanceUID, frames)


def _of_the_image(reading: MarkedReading) -> list[CodeContentItem]:
    said = [(concept_of(name, concept), PRESENT if present else ABSENT) for name, concept, present in reading.image_findings]
    if reading.verdict == "no_lesion" and reading.complete:
        said.append((LESION, ABSENT))
    said.append((VERDICT, VERDICTS[reading.verdict if reading.complete else "image"]))
    return [CodeContentItem(_coded(name), _coded(value), RelationshipTypeValues.CONTAINS) for name, value in said]


def _evidence(reading: MarkedReading, segments: SegmentOf) -> Dataset:
    """Every instance that the report refers to (PS3.3 C.17.2), by series."""
    used = {0} | {lesion.source for lesion in reading.lesions if lesion.kind != "mask"}
    used |= {measurement.source for measurement in reading.measurements}
    used |= {index for lesion in reading.lesions if lesion.kind == "mask" for index, _ in lesion.masks}
    item = Dataset()
    item.StudyInstanceUID = reading.sources[0].header.StudyInstanceUID
    item.ReferencedSeriesSequence = []
    for series, instances in sources_by_series([reading.sources[index] for index in sorted(used)]).items():
        item.ReferencedSeriesSequence.append(_series(series, [referenced_instance(source) for source in instances]))
    referred = [segments[lesion.id][0] for lesion in reading.lesions if lesion.kind == "mask"]
    for segmentation in {str(one.SOPInstanceUID): one for one in referred}.values():
        one = Dataset()
        one.ReferencedSOPClassUID = segmentation.SOPClassUID
        one.ReferencedSOPInstanceUID = segmentation.SOPInstanceUID
        item.ReferencedSeriesSequence.append(_series(segmentation.SeriesInstanceUID, [one]))
    return item


def _series(uid: str, instances: Sequence[Dataset]) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = uid
    item.ReferencedSOPSequence = list(instances)
    return item
