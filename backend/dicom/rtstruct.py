"""Reads an RT Structure Set (PS3.3 A.19): closed planar contours and points of each region of interest, in patient mm."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset

from backend.dicom.found import FindingSettings, FoundMark, FoundObject, FoundShape
from backend.dicom.found_values import code_of, finding_name, items, numbers, plain, reader_name, unique
from backend.dicom.refusal import Refused
from backend.dicom.rtstruct_writing import MARK

STRUCTURE_SET_CLASS: Final = "1.2.840.10008.5.1.4.1.1.481.3"
_CLOSED: Final = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})
_KINDS: Final = frozenset({"box", "ellipse", "polygon", "freehand", "mask", "point"})


def found_structure_set(dataset: Dataset, settings: FindingSettings) -> FoundObject:
    """What an RTSTRUCT says; Refused with the reason if it cannot be used."""
    regions = {int(item.ROINumber): item for item in items(dataset, "StructureSetROISequence")}
    if not regions:
        raise Refused("Damaged: it describes no region of interest.")
    observed = {int(item.get("ReferencedROINumber") or 0): item for item in items(dataset, "RTROIObservationsSequence")}
    marks: list[FoundMark] = []
    notes: list[str] = []
    for item in items(dataset, "ROIContourSequence"):
        number = int(item.get("ReferencedROINumber") or 0)
        if number not in regions:
            raise Refused(f"Damaged: contours are of region {number}, which it does not describe.")
        shapes, left_out = _shapes(item)
        if left_out:
            notes.append(f"Region {number}: {left_out} open contours enclose nothing and were not read.")
        if shapes:
            marks.append(_mark(number, regions[number], observed.get(number, Dataset()), shapes, settings))
    frames = items(dataset, "ReferencedFrameOfReferenceSequence")
    series = [one for frame in frames for study in items(frame, "RTReferencedStudySequence")
              for one in items(study, "RTReferencedSeriesSequence")]  # fmt: skip
    referred = [image.get("ReferencedSOPInstanceUID") for one in series for image in items(one, "ContourImageSequence")]
    uids = [frame.get("FrameOfReferenceUID") for frame in frames]
    uids += [item.get("ReferencedFrameOfReferenceUID") for item in regions.values()]
    named = [shape.sop_instance_uid for mark in marks for shape in mark.shapes]
    return FoundObject(
        modality="RTSTRUCT",
        sop_instance_uid=plain(dataset.get("SOPInstanceUID"), 64),
        reader=_reader(dataset, list(observed.values()), settings),
        frame_of_reference_uid=next(iter(unique(uids)), ""),
        images=unique(named),
        evidence=unique(referred),
        series=unique(one.get("SeriesInstanceUID") for one in series),
        marks=tuple(marks),
        notes=tuple(notes),
    )


def _shapes(region: Dataset) -> tuple[list[FoundShape], int]:
    """The closed contours and points of a region, and how many open ones were left out."""
    found, left_out = [], 0
    for contour in items(region, "ContourSequence"):
        kind = plain(contour.get("ContourGeometricType")).upper()
        data = numbers(contour.get("ContourData"))
        if len(data) % 3 or not data:
            raise Refused("Damaged: a contour's data is no list of points in space.")
        points = tuple(data[start : start + 3] for start in range(0, len(data), 3))
        if kind not in _CLOSED and kind != "POINT":
            left_out += 1
            continue
        image = next(iter(items(contour, "ContourImageSequence")), Dataset())
        frames = numbers(image.get("ReferencedFrameNumber"))
        uid = plain(image.get("ReferencedSOPInstanceUID"), 64)
        graphic = "POINT" if kind == "POINT" else "POLYGON"
        found.append(FoundShape(graphic, points, uid, int(frames[0]) if frames else 1))
    return found, left_out


def _mark(number: int, region: Dataset, observed: Dataset, shapes: list[FoundShape], settings: FindingSettings) -> FoundMark:
    code = code_of(observed, "RTROIIdentificationCodeSequence")
    interpreted = plain(observed.get("RTROIInterpretedType"), 16).upper()
    description = plain(region.get("ROIGenerationDescription"))
    kind = description.removeprefix(MARK) if description.startswith(MARK) else ""
    return FoundMark(
        finding=finding_name(region.get("ROIName"), code, settings, fallback=interpreted or "Region of interest"),
        code=code,
        number=number,
        kind=kind if kind in _KINDS else "",
        shapes=tuple(shapes),
        attributes={"Interpreted type": interpreted} if interpreted else {},
    )


def _reader(dataset: Dataset, observed: list[Dataset], settings: FindingSettings) -> str:
    """Who drew it: the interpreter, else the operator; for what a program drew, the program; empty where untold."""
    people = [item.get("ROIInterpreter") for item in observed] + [dataset.get("OperatorsName")]
    named = next((name for one in people if (name := reader_name(one, settings))), "")
    kinds = {plain(item.get("ROIGenerationAlgorithm")).upper() for item in items(dataset, "StructureSetROISequence")}
    return named or (plain(dataset.get("ManufacturerModelName"), 100) if kinds == {"AUTOMATIC"} else "")
