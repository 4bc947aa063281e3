"""What a format's writer is given: the readings chosen, and ways to their images' headers, pixels and files."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from backend.archive.models import Instance
from backend.archive.part10 import part10
from backend.archive.rendering import read_frame, render_frame
from backend.dicom.header import frame_format
from backend.dicom.stored_frames import decoded_frame
from backend.exchange.case_geometry import case_affine
from backend.exchange.export_selection import ExportCase, ExportFilter, ImageFrame, export_cases, exported_readers
from backend.exchange.formats.family import Export
from backend.projects.models import FindingType, Project
from backend.readings.models import Reading

_HELD: Final = 4
_PIXEL_TAGS: Final = ("7FE00010", "7FE00008", "7FE00009", "00083002")


class _Images:
    """The instances that a writer is busy with; it works case by case, so a few are enough."""

    def __init__(self) -> None:
        self._held: OrderedDict[int, Instance] = OrderedDict()

    def instance(self, frame: ImageFrame) -> Instance:
        found = self._held.get(frame.instance_id)
        if found is None:
            found = self._held[frame.instance_id] = Instance.objects.get(pk=frame.instance_id)
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
        self._held.move_to_end(frame.instance_id)
        return found

    def header(self, frame: ImageFrame) -> Dataset:
        header = json.loads(self.instance(frame).dicom_json)
        return Dataset.from_json({tag: item for tag, item in header.items() if tag not in _PIXEL_TAGS})

    def pixels(self, frame: ImageFrame) -> NDArray[Any]:
        instance = self.instance(frame)
        return decoded_frame(read_frame(instance, frame.number), frame_format(json.loads(instance.dicom_json)))

    def rendered(self, frame: ImageFrame) -> NDArray[np.uint8]:
        return render_frame(self.instance(frame), frame.number)

    def dicom(self, frame: ImageFrame) -> Iterator[bytes]:
        return part10(self.instance(frame)).pieces


def reader_names(readings: QuerySet[Reading]) -> dict[int, str]:
    """Names of the readers by id; where two have one name their kind, and then a number, keeps them apart."""
    names: dict[int, str] = {}
    for reader in exported_readers(readings):
        name = reader.name
        if name in names.values():
            name = f"{reader.name} ({reader.kind})"
        number = 2
        while name in names.values():
            name, number = f"{reader.name} ({reader.kind} {number})", number + 1
        names[reader.pk] = name
    return names


def export_of(
    *,
    project: Project,
    readings: QuerySet[Reading],
    chosen: ExportFilter,
    pictures: bool = False,
    options: Mapping[str, str] | None = None,
    cases: Iterator[ExportCase] | None = None,
) -> Export:
    """The readings as a writer takes them; `cases` where the caller follows how far the writer is."""
    images = _Images()
    types = FindingType.objects.filter(project=project)
    if chosen.finding_types:
        types = types.filter(pk__in=chosen.finding_types) | types.filter(scope="image")
    return Export(
        project=project,
        finding_types=list(types),
        cases=cases if cases is not None else export_cases(readings=readings, chosen=chosen),
        header=images.header,
        pixels=images.pixels,
        affine=lambda item: case_affine(item.case, item.frames),
        rendered=images.rendered,
        reader_names=reader_names(readings),
        dicom=images.dicom,
        pictures=pictures,
        filtered=bool(chosen.finding_types),
        options=dict(options or {}),
    )
