"""Readings as COCO JSON, written piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
from django.db.models import QuerySet
from django.utils import timezone
from numpy.typing import NDArray

from backend.exchange.coco import bounding_box, polygon_segmentation, rle_segmentation
from backend.exchange.export_selection import (
    ExportCase,
    ExportFilter,
    ImageFrame,
    export_cases,
    exported_readers,
    lesion_masks,
    lesions_of,
)
from backend.geometry.measurements import measured_values
from backend.projects.models import FindingType, Project
from backend.readings.models import Lesion, Reading

Form = Literal["rle", "polygon"]


def coco_pieces(*, project: Project, readings: QuerySet[Reading], chosen: ExportFilter, form: Form) -> Iterator[str]:
    """The COCO document of these readings as pieces of text.

    `images` are the pictures of all cases read, also of those without a lesion; `readings` tells the verdicts.
    """
    first_ids: dict[int, int] = {}
    yield f'{{"info": {_text(_info(project))}, "licenses": []'
    yield from _section("categories", (_category(finding_type) for finding_type in _categories(project, chosen)))
    yield from _section("readers", _readers(readings))
    yield from _section("images", _images(export_cases(readings=readings, chosen=chosen), first_ids))
    yield from _section("readings", _readings(project, export_cases(readings=readings, chosen=chosen)))
    yield from _section("annotations", _annotations(export_cases(readings=readings, chosen=chosen), first_ids, form))
    yield "}\n"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _section(name: str, items: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield f', "{name}": ['
    separator = "\n"
    for item in items:
        yield separator + _text(item)
        separator = ",\n"
    yield "]"


def _info(project: Project) -> dict[str, Any]:
    now = timezone.now()
    return {
        "description": project.name,
        "version": "1.0",
        "year": now.year,
        "contributor": "Overread",
        "date_created": now.isoformat(timespec="seconds"),
        "project": project.slug,
        "question": project.question,
        "modality": project.modality,
        "unit": project.unit,
        "synthetic": project.synthetic,
        "vocabulary_version": project.vocabulary_version,
        "coordinates": "column, row in pixels; 0,0 is the top-left corner of the image (DICOM PS3.3 C.18.6.1.1)",
    }


def _categories(project: Project, chosen: ExportFilter) -> QuerySet[FindingType]:
    found = FindingType.objects.filter(project=project, scope="lesion")
    return found.filter(pk__in=chosen.finding_types) if chosen.finding_types else found


def _category(finding_type: FindingType) -> dict[str, Any]:
    code = {"scheme": finding_type.code_scheme, "value": finding_type.code_value, "meaning": finding_type.code_meaning}
    return {"id": finding_type.pk, "name": finding_type.name, "supercategory": "lesion", "code": code}


def _readers(readings: QuerySet[Reading]) -> Iterator[dict[str, Any]]:
    for reader in exported_readers(readings):
        yield {"id": reader.pk, "kind": reader.kind, "name": reader.name}


def _images(cases: Iterable[ExportCase], first_ids: dict[int, int]) -> Iterator[dict[str, Any]]:
    """COCO images; `first_ids` learns the id of each instance's first frame."""
    number = 0
    for item in cases:
        for frame in item.frames:
            number += 1
            first_ids.setdefault(frame.instance_id, number)
            yield {
                "id": number,
                "width": frame.columns,
                "height": frame.rows,
                "file_name": f"{item.picture_name(frame)}.png",
                "case": item.case.name,
                "case_id": str(item.case.pk),
                "split": item.case.split,
                "sop_instance_uid": frame.sop_instance_uid,
                "frame": frame.number,
                "index": frame.index,
            }


def _readings(project: Project, cases: Iterable[ExportCase]) -> Iterator[dict[str, Any]]:
    names = dict(FindingType.objects.filter(project=project, scope="image").values_list("pk", "name"))
    for item in cases:
        for reading in item.readings:
            findings = {names[int(key)]: value for key, value in reading.image_findings.items() if int(key) in names}
            yield {
                "id": str(reading.pk),
                "case": item.case.name,
                "split": item.case.split,
                "reader_id": reading.reader_id,
                "verdict": reading.verdict,
                "verdict_reason": reading.verdict_reason,
                "image_findings": findings,
                "measurements": [_measurement(one, item.frames) for one in reading.measurements],
                "label_kind": reading.label_kind,
                "vocabulary_version": reading.vocabulary_version,
                "submitted_at": reading.submitted_at.isoformat() if reading.submitted_at else None,
                "revealed_at": reading.revealed_at.isoformat() if reading.revealed_at else None,
            }


def _measurement(stored: dict[str, Any], frames: Sequence[ImageFrame]) -> dict[str, Any]:
    """A measurement with what it measures; no lesion, so no annotation."""
    place = (stored["sop_instance_uid"], stored["frame"])
    frame = next(frame for frame in frames if (frame.sop_instance_uid, frame.number) == place)
    return {**stored, "values": measured_values(kind=stored["kind"], points=stored["points"], spacing=frame.spacing)}


def _annotations(cases: Iterable[ExportCase], first_ids: dict[int, int], form: Form) -> Iterator[dict[str, Any]]:
    """One annotation per lesion and picture; the slices of one lesion share `lesion_id`."""
    number = 0
    for item in cases:
        for reading in item.readings:
            for lesion in lesions_of(reading):
                for frame, mask in lesion_masks(lesion, item.frames):
                    if mask.any():
                        number += 1
                        yield _annotation(number, first_ids, reading, lesion, frame, mask, form)


def _annotation(
    number: int,
    first_ids: dict[int, int],
    reading: Reading,
    lesion: Lesion,
    frame: ImageFrame,
    mask: NDArray[np.bool_],
    form: Form,
) -> dict[str, Any]:
    polygons = polygon_segmentation(mask) if form == "polygon" else None
    return {
        "id": number,
        "image_id": first_ids[frame.instance_id] + frame.number - 1,
        "category_id": lesion.finding_type_id,
        "segmentation": polygons if polygons is not None else rle_segmentation(mask),
        "area": int(mask.sum()),
        "bbox": bounding_box(mask),
        "iscrowd": 0,
        "lesion_id": str(lesion.pk),
        "reading_id": str(reading.pk),
        "reader_id": reading.reader_id,
        "mark": {"kind": lesion.kind, "points": lesion.points},
        "drawn_as": lesion.drawn_as,
        "prompted": lesion.prompted,
        "attributes": lesion.attributes,
        "origin": lesion.origin,
        "origin_score": lesion.origin_score,
        "moved_pixels": lesion.moved_pixels,
        "look": lesion.look,
    }
