"""NRRD label volumes and 3D Slicer's segmentations (`.seg.nrrd`), read by the name of their case."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backend.dicom.refusal import Refused
from backend.exchange.case_names import folder_role
from backend.exchange.foreign import ForeignLesion, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats.family import Carries, Folder, ReadContext
from backend.exchange.formats.label_volumes import (
    case_of_file,
    in_grid,
    labels_of,
    lesions_of_labels,
    picture_masks,
    waiting,
)
from backend.exchange.formats.nrrd_files import is_nrrd, read_nrrd
from backend.exchange.formats.options import APART, CASE, LABELS, named_labels

TITLE: Final = "NRRD segmentation"
READ_IN_CHILD = True
READ_OPTIONS: Final = (LABELS, APART, CASE)
CARRIES: Final = Carries(kinds=frozenset({"mask"}), codes=True)


def recognises(files: Folder) -> bool:
    """Whether a NRRD file is among them."""
    return any(_is_mask_file(files, name) for name in files)


def _is_mask_file(files: Folder, name: str) -> bool:
    """Whether it is a NRRD file that is no image of a dataset (`images…/`)."""
    return name.lower().endswith((".nrrd", ".nhdr")) and folder_role(name) != "image" and is_nrrd(files[name], name)


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """A reading per file: a lesion per segment, or per connected part of each label where segments have no names."""
    for name in list(files):
        if _is_mask_file(files, name):
            try:
                yield _reading(files, name, context)
            except Refused as refusal:
                yield UnusableFile(name, str(refusal))


def _reading(files: Folder, name: str, context: ReadContext) -> ForeignReading:
    known = case_of_file(name, context)
    if known is None:
        return waiting(name, context)
    found = read_nrrd(files[name], name)
    lesions: list[ForeignLesion] = []
    if found.segments:
        placed = {number: labels_of(in_grid(found.layer(number), known)) for number in {one.layer for one in found.segments}}
        for segment in found.segments:
            mask = placed[segment.layer] == segment.value
            if mask.any():
                masks = picture_masks(mask, known.frames)
                lesions.append(ForeignLesion(segment.name, "mask", masks=masks, code=segment.code))
    else:
        labels = labels_of(in_grid(found.volume, known))
        apart = APART.of(context.options) != "no"
        names = named_labels(LABELS.of(context.options))
        lesions = list(lesions_of_labels(labels, names, known, apart=apart))
    first = known.frames[0]
    return ForeignReading(name, context.reader, [ImageReference(first.sop_instance_uid, first.number)], lesions)
