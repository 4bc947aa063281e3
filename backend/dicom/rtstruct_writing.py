"""A reading as an RT Structure Set (PS3.3 A.19): a region of interest per lesion, closed planar contours in patient mm.

An outline stays the outline it is. A mask becomes the borders of its pixels on each picture; holes are contours of their own
inside, to be read by exclusive or. Contours need a frame of reference: projection images have none and are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset

from backend.dicom.cielab import rgb_values
from backend.dicom.marked import (
    MarkedLesion,
    MarkedReading,
    SourceFrame,
    code_item,
    concept_of,
    object_dataset,
    person_name,
    plain_text,
    referenced_instance,
    sources_by_series,
)
from backend.dicom.refusal import Refused
from backend.dicom.seg_writing import decimal

RTSTRUCT_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.481.3"
MARK: Final = "Overread mark: "
"""How ROI Generation Description tells what kind of mark a region was drawn as."""
_STUDY_CLASS: Final = "1.2.840.10008.3.1.2.3.1"

Outlines = Sequence[tuple[int, Sequence[Sequence[Sequence[float]]]]]
"""For each picture (index of source) the closed outlines there, as SCOORD points."""


def structure_set(reading: MarkedReading, outlines: Sequence[Outlines]) -> FileDataset:
    """The RTSTRUCT of a reading; `outlines` are those of each lesion in turn. Refused without a place in space."""
    frame_of_reference = str(reading.sources[0].header.get("FrameOfReferenceUID") or "")
    if not frame_of_reference or any(reading.sources[index].plane is None for one in outlines for index, _ in one):
        raise Refused("Its images do not say where they lie in the patient; a structure set cannot mark them.")
    made = object_dataset(
        reading, sop_class=RTSTRUCT_STORAGE, modality="RTSTRUCT", purpose="RTSTRUCT", title="Structure set"
    )
    del made.ContentDate, made.ContentTime
    made.StructureSetLabel, made.StructureSetName = "READING", plain_text(f"Reading of {reading.reader}", 64)
    made.StructureSetDate, made.StructureSetTime = made.SeriesDate, made.SeriesTime
    made.FrameOfReferenceUID, made.PositionReferenceIndicator = frame_of_reference, ""
    made.OperatorsName = person_name(reading.reader)
    made.ReferencedFrameOfReferenceSequence = [_frame_of_reference(reading, frame_of_reference)]
    made.StructureSetROISequence, made.ROIContourSequence, made.RTROIObservationsSequence = [], [], []
    for number, (lesion, found) in enumerate(zip(reading.lesions, outlines, strict=True), 1):
        made.StructureSetROISequence.append(_region(number, lesion, reading, frame_of_reference))
        made.ROIContourSequence.append(_contours(number, lesion, reading, found))
        made.RTROIObservationsSequence.append(_observation(number, lesion, reading))
    return made


def patient_points(points: Sequence[Sequence[float]], source: SourceFrame) -> NDArray[np.float64]:
    """SCOORD points of a picture as patient mm [n, 3]: its first pixel's centre is 0.5\\0.5 (PS3.3 C.7.6.2.1.1)."""
    plane = source.plane
    assert plane is not None
    array = np.asarray(points, dtype=float) - 0.5
    along_row = np.array(plane.along_row) * plane.column_spacing
    along_column = np.array(plane.along_column) * plane.row_spacing
    return np.array(plane.origin) + array[:, :1] * along_row + array[:, 1:] * along_column


def _frame_of_reference(reading: MarkedReading, uid: str) -> Dataset:
    study = Dataset()
    study.ReferencedSOPClassUID = _STUDY_CLASS
    study.ReferencedSOPInstanceUID = reading.sources[0].header.StudyInstanceUID
    study.RTReferencedSeriesSequence = []
    for series, instances in sources_by_series(reading.sources).items():
        item = Dataset()
        item.SeriesInstanceUID = series
        item.ContourImageSequence = [referenced_instance(source) for source in instances]
        study.RTReferencedSeriesSequence.append(item)
    item = Dataset()
    item.FrameOfReferenceUID = uid
    item.RTReferencedStudySequence = [study]
    return item


def _region(number: int, lesion: MarkedLesion, reading: MarkedReading, frame_of_reference: str) -> Dataset:
    item = Dataset()
    item.ROINumber, item.ReferencedFrameOfReferenceUID = number, frame_of_reference
    item.ROIName = plain_text(lesion.finding, 64) or "Lesion"
    item.ROIGenerationAlgorithm = "AUTOMATIC" if reading.is_model else "SEMIAUTOMATIC" if lesion.algorithm else "MANUAL"
    item.ROIGenerationDescription = f"{MARK}{lesion.kind}"
    return item


def _contours(number: int, lesion: MarkedLesion, reading: MarkedReading, outlines: Outlines) -> Dataset:
    item = Dataset()
    item.ReferencedROINumber = number
    if colour := rgb_values(lesion.colour):
        item.ROIDisplayColor = colour
    item.ContourSequence = list(_each(lesion, reading, outlines))
    return item


def _each(lesion: MarkedLesion, reading: MarkedReading, outlines: Outlines) -> Iterator[Dataset]:
    for index, closed in outlines:
        source = reading.sources[index]
        image = referenced_instance(source)
        if int(source.header.get("NumberOfFrames") or 1) > 1:
            image.ReferencedFrameNumber = source.number
        for points in closed:
            item = Dataset()
            item.ContourImageSequence = [image]
            item.ContourGeometricType = "POINT" if lesion.kind == "point" else "CLOSED_PLANAR"
            item.NumberOfContourPoints = len(points)
            item.ContourData = [decimal(value) for value in patient_points(points, source).ravel()]
            yield item


def _observation(number: int, lesion: MarkedLesion, reading: MarkedReading) -> Dataset:
    item = Dataset()
    item.ObservationNumber = item.ReferencedROINumber = number
    item.RTROIInterpretedType = ""
    item.ROIInterpreter = person_name(reading.reader)
    item.RTROIIdentificationCodeSequence = [code_item(concept_of(lesion.finding, lesion.concept))]
    item.ROIObservationLabel = plain_text(lesion.finding, 16)
    item.ROIObservationDescription = f"Lesion {lesion.id}"
    return item
