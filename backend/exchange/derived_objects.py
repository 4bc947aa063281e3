"""A submitted reading as the DICOM objects that other systems take: what is sent to a PACS."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from pydicom.dataset import Dataset, FileDataset

from backend.archive.models import Instance
from backend.dicom.refusal import Refused
from backend.exchange.export_selection import ImageFrame, case_frames
from backend.exchange.marked_readings import case_sources, marked_reading, report_of, structure_set_of
from backend.projects.models import FindingType
from backend.readings.models import Reading, ReadingState


def derived_objects(reading: Reading, *, structure_set: bool = False) -> list[FileDataset]:
    """A submitted reading as SR (TID 1500) and, where it has lesions, SEG; with `structure_set` as RTSTRUCT, too.

    The objects belong to the study of the images *as stored*: after de-identification, with remapped UIDs. The same
    revision always gives the same objects, UIDs included. The caller asks who may see the reading and audits the act.
    Refused where the reading is a draft, or an object cannot hold it.
    """
    if reading.state != ReadingState.SUBMITTED:
        raise Refused("Only a submitted reading can be sent.")
    frames = case_frames(reading.case)
    types = {row.pk: row for row in FindingType.objects.filter(project=reading.case.project_id)}
    lesions = list(reading.lesions.select_related("origin_lesion").order_by("created_at", "id"))
    marked = marked_reading(reading, lesions, frames, case_sources(frames, stored_headers(frames)), types)
    report, masks = report_of(marked)
    objects = [report] if masks is None else [masks, report]
    return [*objects, structure_set_of(marked)] if structure_set else objects


def stored_headers(frames: Sequence[ImageFrame]) -> Callable[[ImageFrame], Dataset]:
    """The stored headers of the instances of these pictures, each parsed once."""
    known: dict[int, Dataset] = {}
    for pk, encoded in Instance.objects.filter(pk__in={frame.instance_id for frame in frames}).values_list(
        "pk", "dicom_json"
    ):
        known[pk] = Dataset.from_json(json.loads(encoded))
    return lambda frame: known[frame.instance_id]
