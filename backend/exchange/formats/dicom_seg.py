"""DICOM Segmentation: every lesion a segment of its pixels, BINARY or LABELMAP; FRACTIONAL is read, too."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from pydicom.dataset import FileDataset

from backend.dicom.marked import MarkedReading
from backend.dicom.seg_writing import Overlapping, label_map
from backend.exchange.foreign import ForeignReading, UnusableFile
from backend.exchange.formats.dicom_objects import (
    file_bytes,
    marked_readings,
    object_path,
    objects_of,
    readings_of_objects,
)
from backend.exchange.formats.family import Carries, Export, ExportFile, Folder, ReadContext
from backend.exchange.formats.options import THRESHOLD, FormatOption
from backend.exchange.formats.pictures import dicom_files
from backend.exchange.marked_readings import segmentation_of

TITLE: Final = "DICOM SEG"
READ_OPTIONS: Final = (THRESHOLD,)
_TYPE: Final = FormatOption(
    "segmentation_type", "choice", "binary: a plane for every segment; labelmap: one picture of all (Supplement 243).",
    ("binary", "labelmap"), "binary",
    costs={"labelmap": "Readings whose lesions overlap stay BINARY: a pixel of a label map has one segment."},
)  # fmt: skip
WRITE_OPTIONS: Final = (_TYPE,)
CARRIES: Final = Carries(
    kinds=frozenset({"mask"}),
    codes=True,
    notes=("Names of finding types keep 64 characters.",),
)


def write(export: Export) -> Iterator[ExportFile]:
    """One object a reading with lesions; with `pictures` the DICOM images of every case read."""
    wants_label_map = _TYPE.of(export.options) == "labelmap"
    for item in export.cases:
        yield from dicom_files(export, item)
        for reading, marked in marked_readings(export, item):
            made = _as_label_map(marked) if wants_label_map else None
            if made is None:
                made, _ = segmentation_of(marked)
            if made is not None:
                yield ExportFile(object_path(item, reading, "SEG"), [file_bytes(made)])


def _as_label_map(marked: MarkedReading) -> FileDataset | None:
    """None where its lesions overlap, or there are none."""
    try:
        return label_map(marked, marked.lesions) if marked.lesions else None
    except Overlapping:
        return None


def recognises(files: Folder) -> bool:
    """Whether a file is a segmentation object."""
    return bool(objects_of(files, "SEG"))


def claims(files: Folder) -> Collection[str]:
    """The files that are a segmentation object: they are no images, and the door need not be asked."""
    return objects_of(files, "SEG")


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """Every segmentation as a reading of whoever made it."""
    yield from readings_of_objects(files, context, "SEG")
