"""DICOM SR, TID 1500 measurement reports: marks as they were drawn, attributes, measurements, findings of the image, "no
lesion".

Masks lie in a segmentation, which comes beside the report, came before it or is waited for; both are read together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from backend.dicom.object_reading import object_uid
from backend.dicom.refusal import Refused
from backend.exchange.foreign import ForeignReading, UnusableFile
from backend.exchange.formats.dicom_objects import (
    HeldSegmentation,
    file_bytes,
    head_of,
    is_kept,
    marked_readings,
    object_context,
    object_path,
    objects_of,
    readings_of,
    threshold_of,
)
from backend.exchange.formats.family import Carries, Export, ExportFile, Folder, ReadContext
from backend.exchange.formats.options import THRESHOLD
from backend.exchange.formats.pictures import dicom_files
from backend.exchange.marked_readings import MEASURED_KINDS, report_of

TITLE: Final = "DICOM SR"
READ_OPTIONS: Final = (THRESHOLD,)
SPECIFICITY: Final = 1
"""Asked before the segmentations: those that a report refers to are part of it."""
CARRIES: Final = Carries(
    kinds=frozenset({"box", "ellipse", "polygon", "freehand", "mask", "point"}),
    attributes=True,
    image_findings=True,
    no_lesion=True,
    codes=True,
    measurements=MEASURED_KINDS,
    notes=("Names of finding types, attributes and measurements, and values of attributes, keep 64 characters.",),
)


def write(export: Export) -> Iterator[ExportFile]:
    """A report for each reading and, where it has masks, the segmentation that it refers to; with `pictures` the DICOM
    images of every case read."""
    for item in export.cases:
        yield from dicom_files(export, item)
        for reading, marked in marked_readings(export, item):
            report, masks = report_of(marked)
            yield ExportFile(object_path(item, reading, "SR"), [file_bytes(report)])
            if masks is not None and any(lesion.kind == "mask" for lesion in marked.lesions):
                yield ExportFile(object_path(item, reading, "SEG"), [file_bytes(masks)])


def recognises(files: Folder) -> bool:
    """Whether a file is a structured report."""
    return bool(objects_of(files, "SR"))


def claims(files: Folder) -> Collection[str]:
    """The files that are a structured report: they are no images, and the door need not be asked."""
    return objects_of(files, "SR")


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """Every measurement report as a reading of whoever observed, with the segmentations that it refers to."""
    objects, threshold = object_context(context), threshold_of(context)
    segmentations = _Segmentations(files, context)
    for name in objects_of(files, "SR"):
        try:
            found = objects.read(files[name], threshold)
            yield from readings_of(name, found, context, segmentations.of)
        except Refused as refusal:
            yield UnusableFile(name, str(refusal))


class _Segmentations:
    """Segmentations by UID, those among the files first; they are read when a report refers to one, and one is held."""

    def __init__(self, files: Folder, context: ReadContext) -> None:
        self._files, self._objects, self._threshold = files, object_context(context), threshold_of(context)
        self._names: dict[str, str] | None = None
        self._held: tuple[str, HeldSegmentation | None] = ("", None)

    def of(self, uid: str) -> HeldSegmentation | None:
        """The segmentation of a SOP Instance UID, None where it is neither among the files nor came another time."""
        if self._held[0] != uid:
            if self._names is None:
                self._names = dict(self._indexed())
            name = self._names.get(uid)
            self._held = uid, self._came_before(uid) if name is None else self._beside(name)
        return self._held[1]

    def _beside(self, name: str) -> HeldSegmentation:
        found = self._objects.read(self._files[name], self._threshold)
        return HeldSegmentation(found, name, self._objects.remember(found, ""))

    def _came_before(self, uid: str) -> HeldSegmentation | None:
        known = self._objects.remembered(uid)
        return HeldSegmentation(known[0], reader=known[1]) if known is not None else None

    def _indexed(self) -> Iterator[tuple[str, str]]:
        """UIDs by a look at the first bytes: what no report refers to stays unopened, to be read for itself."""
        for name in objects_of(self._files, "SEG"):
            if is_kept(name):
                yield self._objects.read(self._files[name], self._threshold).sop_instance_uid, name
            elif uid := object_uid(head_of(self._files, name)):
                yield uid, name
