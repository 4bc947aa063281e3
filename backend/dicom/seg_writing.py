"""A reading as a DICOM Segmentation (PS3.3 A.51) or Label Map Segmentation (Supplement 243): one segment a lesion, only
frames that hold something.

Written here and not by highdicom, whose constructor takes all segments of all frames in one array: twenty lesions of a chest
CT are gigabytes there. What is written is read back by highdicom in the tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.valuerep import DSfloat

from backend.dicom.cielab import cielab_values
from backend.dicom.marked import (
    Concept,
    MarkedLesion,
    MarkedReading,
    SourceFrame,
    code_item,
    concept_of,
    lesion_uid,
    object_dataset,
    person_name,
    plain_text,
    referenced_instance,
    sources_by_series,
)
from backend.dicom.refusal import Refused
from backend.dicom.volumes import Plane

SEGMENTATION_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.66.7"
MAX_FRAMES: Final = 60_000
_MAX_LABEL: Final = 0xFFFF
_BACKGROUND: Final = Concept("DCM", "125040", "Background")
_ABNORMAL: Final = Concept("SCT", "49755003", "Morphologically Abnormal Structure")
_SEGMENTATION: Final = Concept("DCM", "113076", "Segmentation")
_SOURCE_IMAGE: Final = Concept("DCM", "121322", "Source image for image processing operation")
_ARTIFICIAL_INTELLIGENCE: Final = Concept("DCM", "123110", "Artificial Intelligence")

Placed = tuple[int, int]
"""Segment number (0: of a label map, all of them) and index of the source."""


class Overlapping(Refused):
    """Lesions share a pixel, which has one label only in a label map."""


def segmentation(reading: MarkedReading, lesions: Sequence[MarkedLesion]) -> FileDataset:
    """The SEG object of these lesions of a reading, in their order; Refused where it cannot hold them."""
    if not lesions:
        raise Refused("A segmentation needs at least one lesion.")
    placed: list[Placed] = []
    shapes: set[tuple[int, ...]] = set()
    pixels = packed_bits(_collected(lesions, placed, shapes))
    if not placed or len(placed) > MAX_FRAMES:
        raise Refused(f"A segmentation holds 1 to {MAX_FRAMES} frames, not {len(placed)}.")
    if len(shapes) > 1:
        raise Refused("The images of this series have different sizes; one segmentation cannot mark them.")
    rows, columns = shapes.pop()
    used = {source: reading.sources[source] for _, source in placed}
    made = object_dataset(
        reading, sop_class=SEGMENTATION_STORAGE, modality="SEG", purpose="SEG", title="Segmentation"
    )  # fmt: skip
    _put_image_module(made, reading, rows, columns, len(placed))
    made.SegmentSequence = [_segment(number, lesion, reading) for number, lesion in enumerate(lesions, 1)]
    made.ReferencedSeriesSequence = _referenced_series(list(used.values()))
    _put_frames(made, reading, placed)
    made.PixelData = pixels
    made["PixelData"].VR = "OB"
    return made


def label_map(reading: MarkedReading, lesions: Sequence[MarkedLesion]) -> FileDataset:
    """The Label Map Segmentation of these lesions, whose pixels are their segments' numbers; `Overlapping` where two share
    a pixel, Refused where it cannot hold them."""
    labels = _labelled(lesions)
    if not labels or len(labels) > MAX_FRAMES or len(lesions) > _MAX_LABEL:
        raise Refused(f"A label map holds 1 to {MAX_FRAMES} frames and up to {_MAX_LABEL} lesions.")
    if len({image.shape for image in labels.values()}) > 1:
        raise Refused("The images of this series have different sizes; one segmentation cannot mark them.")
    sources = sorted(labels)
    rows, columns = labels[sources[0]].shape
    made = object_dataset(
        reading, sop_class=LABEL_MAP_STORAGE, modality="SEG", purpose="SEG label map", title="Segmentation"
    )  # fmt: skip
    _put_image_module(made, reading, rows, columns, len(sources))
    bits = labels[sources[0]].itemsize * 8
    made.BitsAllocated, made.BitsStored, made.HighBit = bits, bits, bits - 1
    made.SegmentationType, made.SegmentsOverlap, made.PixelPaddingValue = "LABELMAP", "NO", 0
    made["PixelPaddingValue"].VR = "US"
    described = (_segment(number, lesion, reading) for number, lesion in enumerate(lesions, 1))
    made.SegmentSequence = [_background(), *described]
    made.ReferencedSeriesSequence = _referenced_series([reading.sources[source] for source in sources])
    _put_frames(made, reading, [(0, source) for source in sources])
    pixels = b"".join(labels[source].tobytes() for source in sources)
    made.PixelData = pixels + b"\0" * (len(pixels) % 2)
    made["PixelData"].VR = "OB" if bits == 8 else "OW"
    return made


def _labelled(lesions: Sequence[MarkedLesion]) -> dict[int, NDArray[np.uint8] | NDArray[np.uint16]]:
    """By source the number (from 1) of the lesion that each pixel is of, 0 where it is of none."""
    kind = np.dtype(np.uint8 if len(lesions) <= 0xFF else "<u2")
    found: dict[int, NDArray[np.uint8] | NDArray[np.uint16]] = {}
    for number, lesion in enumerate(lesions, 1):
        for source, mask in lesion.masks:
            if not mask.any():
                continue
            labels = found.setdefault(source, np.zeros(mask.shape, kind))
            if labels.shape != mask.shape or labels[mask].any():
                raise Overlapping("Two of its lesions share a pixel; a label map cannot hold both.")
            labels[mask] = number
    return found


def _background() -> Dataset:
    """Segment 0 (PS3.3 C.8.20.2): what no lesion is."""
    item = Dataset()
    item.SegmentNumber, item.SegmentLabel, item.SegmentAlgorithmType = 0, "Background", "MANUAL"
    item.SegmentedPropertyCategoryCodeSequence = [code_item(_BACKGROUND)]
    item.SegmentedPropertyTypeCodeSequence = [code_item(_BACKGROUND)]
    return item


def _collected(
    lesions: Sequence[MarkedLesion], placed: list[Placed], shapes: set[tuple[int, ...]]
) -> Iterator[NDArray[np.bool_]]:
    """Each picture of each lesion in turn, one in memory at a time; tells where it lies and how large it is."""
    for number, lesion in enumerate(lesions, 1):
        for source, mask in lesion.masks:
            if mask.any():
                placed.append((number, source))
                shapes.add(mask.shape)
                yield mask


def segment_frames(dataset: Dataset) -> dict[int, list[int]]:
    """Frame numbers (from 1) of a SEG that was written here, by segment."""
    found: dict[int, list[int]] = {}
    for number, item in enumerate(dataset.PerFrameFunctionalGroupsSequence, 1):
        segment = int(item.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        found.setdefault(segment, []).append(number)
    return found


def packed_bits(masks: Iterable[NDArray[np.bool_]]) -> bytes:
    """Frames of one bit a pixel, the first in the lowest bit, without padding between frames (PS3.5 8.1.1)."""
    pieces: list[bytes] = []
    waiting: list[NDArray[np.bool_]] = []
    for mask in masks:
        waiting.append(mask.ravel())
        if len(waiting) == 8 or mask.size % 8 == 0 and len(waiting) == 1:  # ends on a whole byte
            pieces.append(np.packbits(np.concatenate(waiting), bitorder="little").tobytes())
            waiting = []
    if waiting:
        pieces.append(np.packbits(np.concatenate(waiting), bitorder="little").tobytes())
    packed = b"".join(pieces)
    return packed + b"\0" * (len(packed) % 2)


def decimal(value: float) -> DSfloat:
    """A number as DS takes it: at most 16 characters."""
    return DSfloat(float(value), auto_format=True)


def _put_image_module(made: Dataset, reading: MarkedReading, rows: int, columns: int, frames: int) -> None:
    source = reading.sources[0].header
    made.ImageType = ["DERIVED", "PRIMARY"]
    made.Rows, made.Columns, made.NumberOfFrames = rows, columns, frames
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 1, 1, 0, 0
    made.LossyImageCompression = "01" if source.get("LossyImageCompression") == "01" else "00"
    if made.LossyImageCompression == "01":
        made.LossyImageCompressionRatio = source.get("LossyImageCompressionRatio") or "1"
        made.LossyImageCompressionMethod = source.get("LossyImageCompressionMethod") or "ISO_10918_1"
    made.SegmentationType, made.SegmentsOverlap = "BINARY", "UNDEFINED"
    made.ContentLabel, made.ContentDescription = "READING", "Lesions of a reading"
    made.ContentCreatorName = person_name(reading.reader)
    if source.get("FrameOfReferenceUID"):
        made.FrameOfReferenceUID = source.FrameOfReferenceUID
        made.PositionReferenceIndicator = source.get("PositionReferenceIndicator") or ""


def _segment(number: int, lesion: MarkedLesion, reading: MarkedReading) -> Dataset:
    item = Dataset()
    item.SegmentNumber, item.SegmentLabel = number, plain_text(lesion.finding, 64) or "Lesion"
    item.SegmentedPropertyCategoryCodeSequence = [code_item(_ABNORMAL)]
    item.SegmentedPropertyTypeCodeSequence = [code_item(concept_of(lesion.finding, lesion.concept))]
    if colour := cielab_values(lesion.colour):
        item.RecommendedDisplayCIELabValue = colour
    item.TrackingID, item.TrackingUID = f"{lesion.finding} {lesion.id}", lesion_uid(lesion.id)
    if reading.is_model:
        item.SegmentAlgorithmType, item.SegmentAlgorithmName = "AUTOMATIC", plain_text(reading.reader, 64)
        item.SegmentationAlgorithmIdentificationSequence = [_algorithm(reading)]
    elif lesion.algorithm:
        item.SegmentAlgorithmType, item.SegmentAlgorithmName = "SEMIAUTOMATIC", plain_text(lesion.algorithm, 64)
    else:
        item.SegmentAlgorithmType = "MANUAL"
    return item


def _algorithm(reading: MarkedReading) -> Dataset:
    item = Dataset()
    item.AlgorithmFamilyCodeSequence = [code_item(_ARTIFICIAL_INTELLIGENCE)]
    item.AlgorithmName, item.AlgorithmVersion = plain_text(reading.reader, 64), plain_text(reading.version or "1", 64)
    return item


def _referenced_series(sources: Sequence[SourceFrame]) -> list[Dataset]:
    """Common Instance Reference module (PS3.3 C.12.2): every instance whose picture is marked."""
    found = []
    for series, instances in sources_by_series(sources).items():
        item = Dataset()
        item.SeriesInstanceUID = series
        item.ReferencedInstanceSequence = [referenced_instance(source) for source in instances]
        found.append(item)
    return found


def _put_frames(made: Dataset, reading: MarkedReading, placed: Sequence[Placed]) -> None:
    """Dimensions and functional groups (PS3.3 C.7.6.16, C.7.6.17): a frame's segment, picture and place."""
    order = {source: place for place, source in enumerate(sorted({source for _, source in placed}), 1)}
    planes = [plane for source in order if (plane := reading.sources[source].plane) is not None]
    in_space = len(planes) == len(order) and "FrameOfReferenceUID" in made
    made.DimensionOrganizationSequence = [_dimension(reading)]
    place = (0x00200032, 0x00209113) if in_space else (0x00209057, 0x00209111)
    in_segments = any(number for number, _ in placed)
    made.DimensionIndexSequence = [
        *([_dimension(reading, 0x0062000B, 0x0062000A, "Segment")] if in_segments else []),
        _dimension(reading, *place, "Image Position" if in_space else "Picture"),
    ]
    if in_space:
        made.SharedFunctionalGroupsSequence = [_shared(planes)]
    else:
        made.SharedFunctionalGroupsSequence = [Dataset()]
    derivations = {source: _derivation(reading.sources[source]) for source in order}
    made.PerFrameFunctionalGroupsSequence = []
    for number, source in placed:
        item = Dataset()
        item.DerivationImageSequence = [derivations[source]]
        content = Dataset()
        content.DimensionIndexValues = [number, order[source]] if in_segments else [order[source]]
        if not in_space:
            content.StackID, content.InStackPositionNumber = "1", order[source]
        item.FrameContentSequence = [content]
        if in_space:
            _put_place(item, reading.sources[source], planes)
        if in_segments:
            segment = Dataset()
            segment.ReferencedSegmentNumber = number
            item.SegmentIdentificationSequence = [segment]
        made.PerFrameFunctionalGroupsSequence.append(item)


def _dimension(reading: MarkedReading, pointer: int = 0, group: int = 0, label: str = "") -> Dataset:
    item = Dataset()
    item.DimensionOrganizationUID = reading.uid("SEG dimensions")
    if pointer:
        item.DimensionIndexPointer, item.FunctionalGroupPointer, item.DimensionDescriptionLabel = pointer, group, label
    return item


def _shared(planes: Sequence[Plane]) -> Dataset:
    """Orientation and pixel measures where all frames share them."""
    item = Dataset()
    if len({_direction(plane) for plane in planes}) == 1:
        item.PlaneOrientationSequence = [_orientation(planes[0])]
    if len({_spacing(plane) for plane in planes}) == 1:
        item.PixelMeasuresSequence = [_measures(planes[0], planes)]
    return item


def _put_place(item: Dataset, source: SourceFrame, planes: Sequence[Plane]) -> None:
    plane = source.plane
    assert plane is not None
    position = Dataset()
    position.ImagePositionPatient = [decimal(value) for value in plane.origin]
    item.PlanePositionSequence = [position]
    if len({_direction(one) for one in planes}) > 1:
        item.PlaneOrientationSequence = [_orientation(plane)]
    if len({_spacing(one) for one in planes}) > 1:
        item.PixelMeasuresSequence = [_measures(plane, [plane])]


def _direction(plane: Plane) -> tuple[object, object]:
    return (plane.along_row, plane.along_column)


def _spacing(plane: Plane) -> tuple[object, object]:
    return (plane.row_spacing, plane.column_spacing)


def _orientation(plane: Plane) -> Dataset:
    item = Dataset()
    item.ImageOrientationPatient = [decimal(v) for v in (*plane.along_row, *plane.along_column)]
    return item


def _measures(plane: Plane, planes: Sequence[Plane]) -> Dataset:
    item = Dataset()
    item.PixelSpacing = [decimal(plane.row_spacing), decimal(plane.column_spacing)]
    positions = sorted(one.position for one in planes)
    gaps = np.diff(positions)
    gap = float(gaps[gaps > 1e-3].min()) if (gaps > 1e-3).any() else 1.0
    item.SliceThickness = item.SpacingBetweenSlices = decimal(gap)
    return item


def _derivation(source: SourceFrame) -> Dataset:
    image = referenced_instance(source)
    if int(source.header.get("NumberOfFrames") or 1) > 1:
        image.ReferencedFrameNumber = source.number
    image.PurposeOfReferenceCodeSequence = [code_item(_SOURCE_IMAGE)]
    image.SpatialLocationsPreserved = "YES"
    item = Dataset()
    item.DerivationCodeSequence = [code_item(_SEGMENTATION)]
    item.SourceImageSequence = [image]
    return item
