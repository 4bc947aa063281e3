"""Reads a measurement report (PS3.16 TID 1500): its measurement groups, their regions, and who observed.

Regions are SCOORD on a picture (PS3.3 C.18.6), SCOORD3D in the patient (C.18.9), or segments of a segmentation object. An
open line that a length or an angle is inferred from is a measurement, on a picture or in the patient.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from pydicom.dataset import Dataset

from backend.dicom.found import FindingSettings, FoundMark, FoundMeasurement, FoundObject, FoundShape
from backend.dicom.found_values import code_of, items, numbers, plain, reader_name, unique
from backend.dicom.marked import MEASUREMENT, SCHEME, VERDICTS
from backend.dicom.refusal import Refused

REPORT_CLASSES: Final = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.88.11",  # Basic Text SR
        "1.2.840.10008.5.1.4.1.1.88.22",  # Enhanced SR
        "1.2.840.10008.5.1.4.1.1.88.33",  # Comprehensive SR
        "1.2.840.10008.5.1.4.1.1.88.34",  # Comprehensive 3D SR
        "1.2.840.10008.5.1.4.1.1.88.35",  # Extensible SR
    }
)
_GROUP: Final = ("DCM", "125007")
_EVALUATIONS: Final = ("UMLS", "C0034375")
_TRACKING_IDENTIFIER: Final = ("DCM", "112039")
_TRACKING_UID: Final = ("DCM", "112040")
_FINDING: Final = ("DCM", "121071")
_SITES: Final = frozenset({("SCT", "363698007"), ("SRT", "G-C0E3")})
_PURPOSE: Final = ("DCM", "130400")
_BOUNDED_BY: Final = "75958009"
_OBSERVER_NAMES: Final = (("DCM", "121008"), ("DCM", "121013"), ("DCM", "121015"))
_PERSON_NAME: Final = ("DCM", "121008")
_ALGORITHM_NAME: Final = ("DCM", "111001")
_ALGORITHM_VERSION: Final = ("DCM", "111003")
MEASUREMENT_KIND: Final = "measurement"
_LESION: Final = frozenset({("SCT", "52988006"), ("SRT", "M-01000")})
_PRESENT: Final = frozenset({("SCT", "52101004"), ("SRT", "G-A203"), ("SCT", "373066001"), ("SRT", "R-0038D")})
_ABSENT: Final = frozenset({("SCT", "272519000"), ("SCT", "2667000"), ("SRT", "R-4073"), ("SCT", "373067005")})
_KINDS: Final = {"FREEHAND": "freehand", MEASUREMENT.value: MEASUREMENT_KIND}
_POINTS: Final = {"POINT": 1, "CIRCLE": 2, "ELLIPSE": 4}
_AREAS: Final = frozenset({"POLYLINE", "CIRCLE", "ELLIPSE", "POLYGON"})
_SEGMENTATIONS: Final = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})
_NO_UNITS: Final = frozenset({"1", "{1}", ""})
_LENGTH_UNITS: Final = frozenset({"mm", "cm", "m", "um", "{pixels}", "{pixel}", "px", "pixels"})
"""As codes or as what they mean: programs that know no spacing write no unit that means pixels."""
_ANGLE_UNITS: Final = frozenset({"deg", "rad"})
_LONG_AXIS: Final = frozenset({("SCT", "103339001"), ("SRT", "G-A185")})
_SHORT_AXIS: Final = frozenset({("SCT", "103340004"), ("SRT", "G-A186")})
_LONGEST_TEXT: Final = 120


def found_report(dataset: Dataset, settings: FindingSettings) -> FoundObject:
    """What a measurement report says; Refused with the reason if it holds none."""
    groups = [_read_group(group, settings) for group in _containers(dataset, _GROUP)]
    # What the container of qualitative evaluations holds is said as by a group without a region.
    said = [_read_group(container, settings) for container in _containers(dataset, _EVALUATIONS)]
    read = [*groups, *(one for one in said if one.findings or one.verdict)]
    if not read:
        title = code_of(dataset, "ConceptNameCodeSequence")[2]
        raise Refused(f"The report{f' ({title})' if title else ''} holds no measurement groups (TID 1500).")
    marks = tuple(mark for one in read for mark in one.marks())
    findings: dict[str, bool] = {}
    for one in read:
        if not one.has_region:
            findings.update(one.findings)
    verdict = next((one.verdict for one in read if one.verdict), "")
    measurements = tuple(measurement for one in read for measurement in one.measurements())
    lines = sum(one.lines for one in read)
    bare = sum(not one.has_region and not one.findings and not one.verdict for one in groups)
    notes = []
    if lines:
        notes.append(f"{lines} of its shapes are lines or bodies, not areas, points or measurements, and were not read.")
    if bare:
        notes.append(f"{bare} of its measurement groups have no region and were not read.")
    evidence = [
        series
        for keyword in ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence")
        for study in items(dataset, keyword)
        for series in items(study, "ReferencedSeriesSequence")
    ]
    referred = [
        one.get("ReferencedSOPInstanceUID") for series in evidence for one in items(series, "ReferencedSOPSequence")
        if str(one.get("ReferencedSOPClassUID")) not in _SEGMENTATIONS
    ]  # fmt: skip
    named = [shape.sop_instance_uid for mark in marks for shape in mark.shapes]
    measured = [one.sop_instance_uid for one in measurements]
    sources = [uid for one in read for uid in one.images]
    frames = unique(uid for one in read for uid in one.frames_of_reference)
    if len(frames) > 1:
        raise Refused("Its regions lie in several frames of reference.")
    return FoundObject(
        modality="SR",
        sop_instance_uid=plain(dataset.get("SOPInstanceUID"), 64),
        reader=_reader(dataset, groups, settings),
        frame_of_reference_uid=next(iter(frames), ""),
        images=unique([*named, *sources, *measured]),
        evidence=unique(referred),
        series=unique(series.get("SeriesInstanceUID") for series in evidence),
        marks=marks,
        measurements=measurements,
        image_findings=findings,
        verdict=verdict,
        notes=tuple(notes),
    )


def _containers(node: Dataset, name: tuple[str, str]) -> Iterator[Dataset]:
    for item in items(node, "ContentSequence"):
        if item.get("ValueType") == "CONTAINER":
            if code_of(item, "ConceptNameCodeSequence")[:2] == name:
                yield item
            yield from _containers(item, name)


@dataclass
class _Group:
    """One measurement group, as far as it is read."""

    finding: str = ""
    code: tuple[str, str, str] = ("", "", "")
    tracking_uid: str = ""
    kind: str = ""
    shapes: list[FoundShape] = field(default_factory=list)
    measured: list[tuple[tuple[str, str], FoundMeasurement]] = field(default_factory=list)
    segments: list[tuple[str, int]] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    frames_of_reference: list[str] = field(default_factory=list)
    attributes: dict[str, str | float] = field(default_factory=dict)
    findings: dict[str, bool] = field(default_factory=dict)
    score: float | None = None
    verdict: str = ""
    algorithm: str = ""
    version: str = ""
    lines: int = 0

    @property
    def has_region(self) -> bool:
        """Whether it says where."""
        return bool(self.shapes or self.segments or self.measured or self.lines)

    def marks(self) -> Iterator[FoundMark]:
        """Its marks: each segment and each shape of its own, but contours that make one volume together."""
        shapes = [tuple([shape]) for shape in self.shapes]
        if len(self.shapes) > 1 and all(shape.graphic in _AREAS for shape in self.shapes):
            shapes = [tuple(self.shapes)]
        for number, regions in enumerate(shapes, 1):
            yield self._mark(number, regions, None)
        for number, segment in enumerate(self.segments, 1):
            yield self._mark(number, (), segment)

    def measurements(self) -> Iterator[FoundMeasurement]:
        """Its measurements, by what the group calls them: a long and a short axis on one picture are two diameters."""
        found = [one for _, one in self.measured]
        names = [name for name, _ in self.measured]
        if len(found) == 2 and found[0].kind == found[1].kind == "length" and _are_axes(*names):
            first, second = found
            if (first.sop_instance_uid, first.frame) == (second.sop_instance_uid, second.frame):
                found = [replace(first, kind="bidirectional", points=(*first.points, *second.points))]
        return (replace(one, text=self.finding[:_LONGEST_TEXT]) for one in found)

    def _mark(self, number: int, shapes: tuple[FoundShape, ...], segment: tuple[str, int] | None) -> FoundMark:
        return FoundMark(
            finding=self.finding or "Lesion", code=self.code, number=number, tracking_uid=self.tracking_uid, kind=self.kind,
            shapes=shapes, segment=segment, attributes=dict(self.attributes), score=self.score,
        )  # fmt: skip


def _read_group(group: Dataset, settings: FindingSettings) -> _Group:
    found = _Group()
    for item in items(group, "ContentSequence"):
        name = code_of(item, "ConceptNameCodeSequence")
        kind = str(item.get("ValueType"))
        if kind == "CODE":
            _read_code(found, item, name)
        elif kind == "NUM":
            _read_number(found, item, name)
        elif kind in ("SCOORD", "SCOORD3D"):
            _read_shape(found, item)
        elif kind == "IMAGE":
            _read_image(found, item)
        elif kind in ("TEXT", "UIDREF"):
            _read_text(found, item, name, settings)
    if found.kind == MEASUREMENT_KIND:
        _take_for_measurements(found)
    return found


def _take_for_measurements(found: _Group) -> None:
    """The ellipses of a group that says it is a measurement are regions that were measured, no lesions."""
    for shape in found.shapes:
        if shape.graphic == "ELLIPSE" and len(shape.points[0]) == 2:
            region = FoundMeasurement("roi", shape.points, shape.sop_instance_uid, shape.frame)
            found.measured.append((("", ""), region))
        else:
            found.lines += 1
    found.shapes.clear()


def _are_axes(one: tuple[str, str], other: tuple[str, str]) -> bool:
    return (one in _LONG_AXIS and other in _SHORT_AXIS) or (one in _SHORT_AXIS and other in _LONG_AXIS)


def _read_code(found: _Group, item: Dataset, name: tuple[str, str, str]) -> None:
    value = code_of(item, "ConceptCodeSequence")
    if name[:2] == _FINDING:
        found.code, found.finding = value, value[2] or value[1]
    elif name[:2] == _PURPOSE:
        found.kind = "box" if value[1] == _BOUNDED_BY else found.kind
    elif name[:2] == (SCHEME, "MARK_KIND"):
        found.kind = _KINDS.get(value[1], found.kind)
    elif name[:2] == (SCHEME, "VERDICT"):
        found.verdict = next((key for key, concept in VERDICTS.items() if concept.value == value[1]), "")
    elif value[:2] in _PRESENT or value[:2] in _ABSENT:
        present = value[:2] in _PRESENT
        if name[:2] in _LESION and not present:
            found.verdict = found.verdict or "no_lesion"
        else:
            found.findings[name[2] or name[1]] = present
        found.attributes[name[2] or name[1]] = value[2]
    elif name[:2] in _SITES:
        details = [code_of(one, "ConceptCodeSequence")[2] for one in items(item, "ContentSequence")]
        found.attributes["Finding site"] = ", ".join(filter(None, [value[2] or value[1], *details]))[:200]
    elif name[2] or name[1]:
        found.attributes[name[2] or name[1]] = value[2] or value[1]


def _read_number(found: _Group, item: Dataset, name: tuple[str, str, str]) -> None:
    """A measurement is an attribute; the unit stays in its name unless it is an attribute of our own vocabulary. Where it is
    inferred from a line it is a measurement besides."""
    units: set[str] = set()
    for measured in items(item, "MeasuredValueSequence")[:1]:
        value = plain(measured.get("NumericValue"), 20)
        unit = code_of(measured, "MeasurementUnitsCodeSequence")
        units = {unit[1], unit[2]}
        if name[:2] == (SCHEME, "SCORE"):
            found.score = float(value)
        elif name[0] == SCHEME:
            # As it was typed: 12.50 stays 12.50.
            typed = f"{float(value):.6f}".rstrip("0").rstrip(".")
            found.attributes[name[2] or name[1]] = float(value) if typed == value else value
        elif unit[1] in _NO_UNITS:
            found.attributes[name[2] or name[1]] = float(value)
        else:
            found.attributes[f"{name[2] or name[1]} ({unit[1]})"] = float(value)
    for part in items(item, "ContentSequence"):
        if part.get("ValueType") in ("SCOORD", "SCOORD3D"):
            _read_shape(found, part, name[:2], units)


def _read_shape(
    found: _Group, item: Dataset, measures: tuple[str, str] = ("", ""), units: Collection[str] = frozenset()
) -> None:
    """A region; `measures` and `units` are those of the number that is inferred from it."""
    graphic = plain(item.get("GraphicType")).upper()
    width = 3 if item.get("ValueType") == "SCOORD3D" else 2
    data = numbers(item.get("GraphicData"))
    if not data or len(data) % width:
        raise Refused("Damaged: a region's graphic data is no list of points.")
    points = tuple(data[start : start + width] for start in range(0, len(data), width))
    if width == 3 and item.get("ReferencedFrameOfReferenceUID"):
        found.frames_of_reference.append(str(item.ReferencedFrameOfReferenceUID))
    uid, frame = "", 1
    for image in items(item, "ContentSequence"):
        if image.get("ValueType") == "IMAGE":
            uid, frame = _referenced(image)
    if graphic == "POLYLINE":
        if len(points) < 4 or points[0] != points[-1]:
            _read_line(found, FoundShape(graphic, points, uid, frame), measures, units)
            return
        points = points[:-1]
    elif graphic == "MULTIPOINT":
        found.shapes += [FoundShape("POINT", (point,), uid, frame) for point in points]
        return
    elif len(points) != _POINTS.get(graphic, len(points)):
        raise Refused(f"Damaged: a region of type {graphic} has {len(points)} points.")
    elif graphic not in ("POINT", "CIRCLE", "ELLIPSE", "POLYGON"):
        found.lines += 1
        return
    found.shapes.append(FoundShape(graphic, points, uid, frame))


def _read_line(found: _Group, line: FoundShape, measures: tuple[str, str], units: Collection[str]) -> None:
    kind = _measurement_kind(line.points, units)
    if kind:
        found.measured.append((measures, FoundMeasurement(kind, line.points, line.sop_instance_uid, line.frame)))
    else:
        found.lines += 1


def _measurement_kind(points: tuple[tuple[float, ...], ...], units: Collection[str]) -> str:
    """What an open line measures in such a unit; empty where it is no measurement of ours."""
    if len(points) == 2 and not _LENGTH_UNITS.isdisjoint(units):
        return "length"
    return "angle" if len(points) == 3 and not _ANGLE_UNITS.isdisjoint(units) else ""


def _referenced(item: Dataset) -> tuple[str, int]:
    reference = next(iter(items(item, "ReferencedSOPSequence")), Dataset())
    frames = numbers(reference.get("ReferencedFrameNumber"))
    return plain(reference.get("ReferencedSOPInstanceUID"), 64), int(frames[0]) if frames else 1


def _read_image(found: _Group, item: Dataset) -> None:
    reference = next(iter(items(item, "ReferencedSOPSequence")), Dataset())
    uid = plain(reference.get("ReferencedSOPInstanceUID"), 64)
    if str(reference.get("ReferencedSOPClassUID")) in _SEGMENTATIONS:
        found.segments += [(uid, int(number)) for number in numbers(reference.get("ReferencedSegmentNumber"))]
    elif uid:
        found.images.append(uid)


def _read_text(found: _Group, item: Dataset, name: tuple[str, str, str], settings: FindingSettings) -> None:
    value = plain(item.get("UID") if item.get("ValueType") == "UIDREF" else item.get("TextValue"))
    if name[:2] == _TRACKING_UID:
        found.tracking_uid = value[:64]
    elif name[:2] == _ALGORITHM_NAME:
        found.algorithm = value
    elif name[:2] == _ALGORITHM_VERSION:
        found.version = value
    elif name[:2] == _FINDING and not found.finding and settings.keeps_texts:
        found.finding = value
    elif name[:2] != _TRACKING_IDENTIFIER and settings.keeps_texts and name[2] and item.get("ValueType") == "TEXT":
        found.attributes[name[2]] = value


def _reader(dataset: Dataset, groups: list[_Group], settings: FindingSettings) -> str:
    """The algorithm that all groups name, else the person, else the device that observed; empty where none is told."""
    algorithms = {(one.algorithm, one.version) for one in groups}
    if len(algorithms) == 1 and groups[0].algorithm:
        return groups[0].algorithm[:100]
    named: dict[tuple[str, str], str] = {}
    for item in items(dataset, "ContentSequence"):
        name = code_of(item, "ConceptNameCodeSequence")[:2]
        if item.get("RelationshipType") == "HAS OBS CONTEXT" and name in _OBSERVER_NAMES and name not in named:
            value = item.get("PersonName") if item.get("ValueType") == "PNAME" else item.get("TextValue")
            named[name] = reader_name(value, settings) if name == _PERSON_NAME else plain(value, 100)
    return next((named[name] for name in _OBSERVER_NAMES if named.get(name)), "")
