"""DICOM RT Structure Set: a region of interest per lesion, outlines in patient coordinates."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from backend.exchange.foreign import ForeignReading, UnusableFile
from backend.exchange.formats.dicom_objects import (
    file_bytes,
    marked_readings,
    object_path,
    objects_of,
    readings_of_objects,
)
from backend.exchange.formats.family import Carries, Export, ExportFile, Folder, ReadContext
from backend.exchange.formats.pictures import dicom_files
from backend.exchange.marked_readings import structure_set_of

TITLE: Final = "DICOM RTSTRUCT"
CARRIES: Final = Carries(
    kinds=frozenset({"box", "polygon", "freehand", "mask", "point"}),
    codes=True,
    needs_space=True,
    notes=("Names of finding types keep 64 characters.",),
)


def write(export: Export) -> Iterator[ExportFile]:
    """One structure set a reading with lesions, where its images lie in a frame of reference; with `pictures` the DICOM
    images of every case read."""
    for item in export.cases:
        yield from dicom_files(export, item)
        for reading, marked in marked_readings(export, item):
            sources = marked.sources
            in_space = "FrameOfReferenceUID" in sources[0].header and all(one.plane is not None for one in sources)
            if marked.lesions and in_space:
                yield ExportFile(object_path(item, reading, "RTSTRUCT"), [file_bytes(structure_set_of(marked))])


def recognises(files: Folder) -> bool:
    """Whether a file is a structure set."""
    return bool(objects_of(files, "RTSTRUCT"))


def claims(files: Folder) -> Collection[str]:
    """The files that are a structure set: they are no images, and the door need not be asked."""
    return objects_of(files, "RTSTRUCT")


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """Every structure set as a reading of whoever drew it."""
    yield from readings_of_objects(files, context, "RTSTRUCT")
