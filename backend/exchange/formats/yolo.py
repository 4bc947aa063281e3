"""YOLO segmentation: an outline per lesion and picture. Holes and parts are joined by bridges, so no pixel is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from backend.exchange.export_selection import ExportCase, ImageFrame, lesion_masks
from backend.exchange.formats.family import Carries, Export, ExportFile
from backend.exchange.formats.outlines import Outline, mark_outline, single_outline
from backend.exchange.formats.yolo_files import read_dataset, recognises, write_dataset
from backend.readings.models import Lesion

__all__ = ["CARRIES", "TITLE", "read", "recognises", "write"]

TITLE: Final = "YOLO segmentation"
CARRIES: Final = Carries(kinds=frozenset({"polygon"}), others_become="polygon", volumes=False, no_lesion=True)

read = read_dataset


def write(export: Export) -> Iterator[ExportFile]:
    """A dataset per reader."""
    yield from write_dataset(export, _rows)


def _rows(lesion: Lesion, item: ExportCase) -> Iterator[tuple[ImageFrame, list[float]]]:
    drawn = mark_outline(lesion)
    for frame, mask in lesion_masks(lesion, item.frames):
        if mask.any():
            yield frame, _flat(drawn if drawn is not None else single_outline(mask))


def _flat(outline: Outline) -> list[float]:
    return [value for point in outline for value in point]
