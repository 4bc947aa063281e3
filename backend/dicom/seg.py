"""Reads a DICOM Segmentation (PS3.3 A.51): BINARY, FRACTIONAL and LABELMAP, one frame in memory at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from backend.dicom.found import (
    MAX_FRAME_PIXELS,
    FindingSettings,
    FoundMark,
    FoundMask,
    FoundObject,
    FoundPlane,
    PackedMask,
    cropped,
)
from backend.dicom.found_values import code_of, finding_name, items, numbers, plain, reader_name, unique
from backend.dicom.refusal import Refused

SEGMENTATION_CLASSES: Final = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})
MAX_PIXELS: Final = 8 * 1024**3
_WHOLE_SLIDE: Final = "1.2.840.10008.5.1.4.1.1.77.1.6"
_BACKGROUND: Final = ("DCM", "125040")

Pixels = NDArray[Any]


def found_segmentation(dataset: FileDataset, settings: FindingSettings) -> FoundObject:
    """What a SEG says; Refused with the reason if it cannot be used."""
    kind = plain(dataset.get("SegmentationType")).upper()
    if kind not in ("BINARY", "FRACTIONAL", "LABELMAP"):
        raise Refused(f"Its Segmentation Type {kind or '(none)'} is not known.")
    _refuse_tiles(dataset)
    segments = {int(item.SegmentNumber): item for item in items(dataset, "SegmentSequence")}
    if not segments:
        raise Refused("Damaged: it describes no segment.")
    collected: dict[int, list[FoundMask]] = {number: [] for number in segments}
    sums: dict[int, list[float]] = {number: [0.0, 0.0] for number in segments}
    for place, pixels in zip(_places(dataset), _frames(dataset, kind), strict=True):
        for number, mask in _masks(dataset, kind, place, pixels, segments, settings, sums):
            found = cropped(mask)
            if found is not None:
                corner, box = found
                mask_of = FoundMask(place.plane, corner, PackedMask.of(box), place.sop_instance_uid, place.frame)
                collected[number].append(mask_of)
    marks = tuple(
        _mark(dataset, item, collected[number], sums[number], settings)
        for number, item in segments.items()
        if collected[number]
    )
    empty = [number for number in segments if not collected[number] and not _is_background(segments[number])]
    series = items(dataset, "ReferencedSeriesSequence")
    referred = [one.get("ReferencedSOPInstanceUID") for item in series for one in items(item, "ReferencedInstanceSequence")]
    sources = [mask.sop_instance_uid for masks in collected.values() for mask in masks]
    return FoundObject(
        modality="SEG",
        sop_instance_uid=plain(dataset.get("SOPInstanceUID"), 64),
        reader=_reader(dataset, list(segments.values()), settings),
        frame_of_reference_uid=plain(dataset.get("FrameOfReferenceUID"), 64),
        images=unique(sources),
        evidence=unique(referred),
        series=unique(item.get("SeriesInstanceUID") for item in series),
        marks=marks,
        notes=(f"{len(empty)} of its segments mark nothing.",) if empty else (),
    )


class _Place:
    """Which picture a frame marks, which segment it is of, and where it lies."""

    __slots__ = ("frame", "plane", "segment", "sop_instance_uid")

    def __init__(self, plane: FoundPlane, sop_instance_uid: str, frame: int, segment: int) -> None:
        self.plane, self.sop_instance_uid, self.frame, self.segment = plane, sop_instance_uid, frame, segment


def _refuse_tiles(dataset: Dataset) -> None:
    classes = {
        str(one.get("ReferencedSOPClassUID"))
        for item in items(dataset, "ReferencedSeriesSequence")
        for one in items(item, "ReferencedInstanceSequence")
    }
    tiled = plain(dataset.get("DimensionOrganizationType")).startswith("TILED") or "TotalPixelMatrixColumns" in dataset
    if tiled or _WHOLE_SLIDE in classes:
        raise Refused("It marks tiles of a whole-slide microscopy image; such images cannot be read here.")


def _places(dataset: Dataset) -> Iterator[_Place]:
    count = int(dataset.get("NumberOfFrames") or 1)
    own = items(dataset, "PerFrameFunctionalGroupsSequence")
    if len(own) != count:
        raise Refused(f"Damaged: it has {count} frames and says of {len(own)} what they are.")
    shared = items(dataset, "SharedFunctionalGroupsSequence")[:1]
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    for group in own:
        groups = [group, *shared]

        def macro(keyword: str, groups: list[Dataset] = groups) -> Dataset:
            return next((item for one in groups for item in items(one, keyword)[:1]), Dataset())

        plane = FoundPlane(
            rows,
            columns,
            numbers(macro("PlanePositionSequence").get("ImagePositionPatient")),
            numbers(macro("PlaneOrientationSequence").get("ImageOrientationPatient")),
            numbers(macro("PixelMeasuresSequence").get("PixelSpacing")),
        )
        source = next(
            (image for one in groups for item in items(one, "DerivationImageSequence")
             for image in items(item, "SourceImageSequence")), Dataset(),
        )  # fmt: skip
        frames = numbers(source.get("ReferencedFrameNumber"))
        segment = macro("SegmentIdentificationSequence").get("ReferencedSegmentNumber")
        yield _Place(
            plane,
            plain(source.get("ReferencedSOPInstanceUID"), 64),
            int(frames[0]) if frames else 1,
            int(segment) if segment is not None and not isinstance(segment, list) else -1,
        )


def _frames(dataset: FileDataset, kind: str) -> Iterator[Pixels]:
    """Frame after frame [rows, columns]; bits run on from frame to frame without padding (PS3.5 8.1.1)."""
    rows, columns, count = int(dataset.Rows), int(dataset.Columns), int(dataset.get("NumberOfFrames") or 1)
    bits = int(dataset.BitsAllocated)
    if min(rows, columns, count) < 1 or rows * columns * count > MAX_PIXELS or rows * columns > MAX_FRAME_PIXELS:
        raise Refused(f"Too big: {rows}×{columns}×{count} pixels; the limit is {MAX_PIXELS >> 20} million.")
    if bits not in ((1, 8) if kind == "BINARY" else (8, 16) if kind == "LABELMAP" else (8,)):
        raise Refused(f"A {kind} segmentation of {bits} bits a pixel is not known.")
    if "PixelData" not in dataset:
        raise Refused("Damaged: the file ends before its pixels.")
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    if syntax.is_encapsulated:
        yield from _decoded(dataset, syntax)
        return
    data = dataset.PixelData
    due = -(-rows * columns * count * bits // 8)
    if len(data) < due:
        raise Refused(f"The file ends too early: {due} bytes of pixels are due, {len(data)} are there.")
    size = rows * columns
    if bits == 1:
        packed = np.frombuffer(data, dtype=np.uint8)
        for index in range(count):
            first, last = index * size, (index + 1) * size
            piece = np.unpackbits(packed[first // 8 : -(-last // 8)], bitorder="little")
            yield piece[first % 8 : first % 8 + size].reshape(rows, columns)
        return
    order = ">" if not syntax.is_little_endian else "<"
    values = np.frombuffer(data, dtype=f"{order}u{bits // 8}", count=size * count).reshape(count, rows, columns)
    yield from values


def _decoded(dataset: FileDataset, syntax: UID) -> Iterator[Pixels]:
    try:
        decoder = get_decoder(syntax)
        for pixels, _meta in decoder.iter_array(dataset, raw=True):
            yield pixels
    except (NotImplementedError, RuntimeError, ValueError) as error:
        raise Refused(f"Its compression ({syntax.name}) cannot be decoded.") from error


def _masks(
    dataset: Dataset,
    kind: str,
    place: _Place,
    pixels: Pixels,
    segments: dict[int, Dataset],
    settings: FindingSettings,
    sums: dict[int, list[float]],
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """What each segment marks on a frame: of a label map every label that is described and no background."""
    if kind == "LABELMAP":
        padding = dataset.get("PixelPaddingValue")
        for label in (int(value) for value in np.unique(pixels)):
            if label == padding or (label in segments and _is_background(segments[label])):
                continue
            if label == 0 and label not in segments:
                continue
            if label not in segments:
                raise Refused(f"Damaged: its pixels name segment {label}, which it does not describe.")
            yield label, pixels == label
        return
    if place.segment not in segments:
        raise Refused(f"Damaged: a frame is of segment {place.segment}, which it does not describe.")
    if kind == "BINARY":
        yield place.segment, pixels != 0
        return
    most = int(dataset.get("MaximumFractionalValue") or 255)
    mask = pixels >= max(math.ceil(settings.threshold * most - 1e-9), 1)
    total = sums[place.segment]
    total[0] += float(pixels[mask].sum(dtype=np.float64)) / most
    total[1] += float(mask.sum())
    yield place.segment, mask


def _is_background(item: Dataset) -> bool:
    return code_of(item, "SegmentedPropertyTypeCodeSequence")[:2] == _BACKGROUND


def _mark(
    dataset: Dataset, item: Dataset, masks: list[FoundMask], sums: list[float], settings: FindingSettings
) -> FoundMark:
    """A segment; the score of a probability map is the mean probability of what it marks."""
    code = code_of(item, "SegmentedPropertyTypeCodeSequence")
    is_probability = plain(dataset.get("SegmentationFractionalType")).upper() == "PROBABILITY"
    attributes: dict[str, str | float] = {}
    for region in items(item, "AnatomicRegionSequence")[:1]:
        site = plain(region.get("CodeMeaning"), 120)
        if site:
            attributes["Finding site"] = site
    return FoundMark(
        finding=finding_name(item.get("SegmentLabel"), code, settings),
        code=code,
        number=int(item.SegmentNumber),
        tracking_uid=plain(item.get("TrackingUID"), 64),
        kind="mask",
        masks=tuple(masks),
        attributes=attributes,
        score=round(sums[0] / sums[1], 6) if is_probability and sums[1] else None,
    )


def _reader(dataset: Dataset, segments: list[Dataset], settings: FindingSettings) -> str:
    """The algorithm where all segments are an algorithm's, else whoever made the content; empty where neither is told."""
    kinds = {plain(item.get("SegmentAlgorithmType")).upper() for item in segments if not _is_background(item)}
    names = unique(plain(item.get("SegmentAlgorithmName"), 60) for item in segments)
    if kinds == {"AUTOMATIC"} and names:
        return ", ".join(names)[:100]
    return reader_name(dataset.get("ContentCreatorName"), settings) or ", ".join(names)[:100]
