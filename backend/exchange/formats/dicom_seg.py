"""DICOM Segmentation: every lesion a segment of its pixels, BINARY; read are BINARY, FRACTIONAL and LABELMAP."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from backend.dicom.refusal import Refused
from backend.exchange.foreign import ForeignReading, UnusableFile
from backend.exchange.formats.dicom_objects import (
    file_bytes,
    marked_readings,
    object_context,
    object_path,
    objects_of,
    readings_of,
    threshold_of,
)
from backend.exchange.formats.family import Carries, Export, ExportFile, Folder, ReadContext
from backend.exchange.marked_readings import segmentation_of

TITLE: Final = "DICOM SEG"
CARRIES: Final = Carries(
    kinds=frozenset({"mask"}),
    codes=True,
    notes=("Names of finding types keep 64 characters.",),
)


def write(export: Export) -> Iterator[ExportFile]:
    """One object a reading with lesions."""
    for item, reading, marked in marked_readings(export):
        made, _ = segmentation_of(marked)
        if made is not None:
            yield ExportFile(object_path(item, reading, "SEG"), [file_bytes(made)])


def recognises(files: Folder) -> bool:
    """Whether a file is a segmentation object."""
    return bool(objects_of(files, "SEG"))


def claims(files: Folder) -> Collection[str]:
    """The files that are a segmentation object: they are no images, and the door need not be asked."""
    return objects_of(files, "SEG")


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """Every segmentation as a reading of whoever made it."""
    objects, threshold = object_context(context), threshold_of(context)
    for name in objects_of(files, "SEG"):
        try:
            found = objects.read(files[name], threshold)
        except Refused as refusal:
            yield UnusableFile(name, str(refusal))
            continue
        yield from readings_of(name, found, context)
