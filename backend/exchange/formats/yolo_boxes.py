"""YOLO detection: the box of each lesion on each picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backend.exchange.export_selection import ExportCase, ImageFrame
from backend.exchange.formats.boxes import lesion_boxes
from backend.exchange.formats.family import Carries, Export, ExportFile
from backend.exchange.formats.yolo_files import read_dataset, recognises, write_dataset
from backend.readings.models import Lesion

__all__ = ["CARRIES", "SPECIFICITY", "TITLE", "read", "recognises", "write"]

TITLE: Final = "YOLO boxes"
SPECIFICITY: Final = -1
CARRIES: Final = Carries(kinds=frozenset({"box"}), others_become="box", exact_masks=False, volumes=False, no_lesion=True)

read = read_dataset


def write(export: Export) -> Iterator[ExportFile]:
    """A dataset per reader."""
    yield from write_dataset(export, _rows)


def _rows(lesion: Lesion, item: ExportCase) -> Iterator[tuple[ImageFrame, list[float]]]:
    """Centre and size."""
    for frame, (left, top, right, bottom) in lesion_boxes(lesion, item):
        yield frame, [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
