"""Submitted readings with their marks as arrays, from the project's COCO export (masks as exact run lengths)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .masks import Mask, decode_coco
from .transport import Transport


@dataclass(frozen=True)
class Picture:
    """One frame of an image: `index` is its place (from 0) in the case's reading order."""

    case: str
    case_id: str
    split: str
    sop_instance_uid: str
    frame: int
    index: int
    rows: int
    columns: int


@dataclass
class Lesion:
    """One mark: `points` [n, 2] as (column, row), the top-left corner of the image is (0, 0); empty for a mask.

    `pictures` are those that it touches, `masks` what it covers of each, [rows, columns], decoded when first asked for.
    """

    id: str
    finding_type: str
    finding_type_id: int
    kind: str
    points: NDArray[np.float64]
    attributes: dict[str, str]
    origin: str
    document: Mapping[str, Any]
    pictures: list[Picture] = field(default_factory=list)
    _segmentations: list[Mapping[str, Any]] = field(default_factory=list, repr=False)

    @cached_property
    def masks(self) -> list[Mask]:
        """One mask for each of `pictures`."""
        return [decode_coco(one["counts"], (one["size"][0], one["size"][1])) for one in self._segmentations]

    def volume(self, frames: int) -> Mask:
        """The lesion in a case of that many frames of one size: [frames, rows, columns]."""
        made = np.zeros((frames, self.pictures[0].rows, self.pictures[0].columns), dtype=bool)
        for picture, mask in zip(self.pictures, self.masks, strict=True):
            made[picture.index] = mask
        return made


@dataclass
class Reading:
    """All that one reader found in one case; `image_findings` by name: "present" or "absent"."""

    id: str
    case: str
    split: str
    reader: str
    reader_kind: str
    verdict: str
    image_findings: dict[str, str]
    submitted_at: str | None
    document: Mapping[str, Any]
    lesions: list[Lesion] = field(default_factory=list)


def fetch_readings(
    transport: Transport, slug: str, *, readers: Sequence[int] = (), finding_types: Sequence[int] = ()
) -> list[Reading]:
    """The submitted readings that this caller may take out, with their lesions."""
    query = {"segmentation": "rle", "reader": list(readers), "finding_type": list(finding_types)}
    return readings_of(transport.call("export_coco", query=query, slug=slug))


def readings_of(coco: Mapping[str, Any]) -> list[Reading]:
    """The readings of a COCO document that Overread wrote."""
    names = {one["id"]: one["name"] for one in coco["categories"]}
    readers = {one["id"]: one for one in coco["readers"]}
    pictures = {one["id"]: _picture(one) for one in coco["images"]}
    readings = {one["id"]: _reading(one, readers) for one in coco["readings"]}
    lesions: dict[str, Lesion] = {}
    for annotation in coco["annotations"]:
        lesion = lesions.get(annotation["lesion_id"])
        if lesion is None:
            lesion = lesions[annotation["lesion_id"]] = _lesion(annotation, names)
            readings[annotation["reading_id"]].lesions.append(lesion)
        lesion.pictures.append(pictures[annotation["image_id"]])
        lesion._segmentations.append(annotation["segmentation"])
    return list(readings.values())


def lesions_of(readings: Sequence[Reading]) -> Iterator[tuple[Reading, Lesion]]:
    """Every lesion with its reading."""
    for reading in readings:
        for lesion in reading.lesions:
            yield reading, lesion


def _picture(one: Mapping[str, Any]) -> Picture:
    return Picture(
        case=one["case"],
        case_id=one["case_id"],
        split=one["split"],
        sop_instance_uid=one["sop_instance_uid"],
        frame=one["frame"],
        index=one["index"],
        rows=one["height"],
        columns=one["width"],
    )


def _reading(one: Mapping[str, Any], readers: Mapping[int, Any]) -> Reading:
    reader = readers[one["reader_id"]]
    return Reading(
        id=one["id"],
        case=one["case"],
        split=one["split"],
        reader=reader["name"],
        reader_kind=reader["kind"],
        verdict=one["verdict"],
        image_findings=one["image_findings"],
        submitted_at=one["submitted_at"],
        document=one,
    )


def _lesion(one: Mapping[str, Any], names: Mapping[int, str]) -> Lesion:
    return Lesion(
        id=one["lesion_id"],
        finding_type=names[one["category_id"]],
        finding_type_id=one["category_id"],
        kind=one["mark"]["kind"],
        points=np.asarray(one["mark"]["points"], dtype=np.float64).reshape(-1, 2),
        attributes=one["attributes"],
        origin=one["origin"],
        document=one,
    )
