"""A reading as it was after an earlier save, from its revisions, which are never changed."""

from __future__ import annotations

import copy
from typing import Any

from backend.archive.models import Instance
from backend.readings.models import Lesion, Reading, ReadingRevision


def reading_at(reading: Reading, number: int) -> Reading | None:
    """The reading after its save `number`, with its lesions, not to be saved; None where that save was not kept.

    `reading` itself where it has not changed since.
    """
    if reading.revision == number:
        return reading
    row = ReadingRevision.objects.filter(reading=reading, number=number).first()
    if row is None:
        return None
    past, told = copy.copy(reading), row.content
    for name in ("state", "verdict", "image_findings", "vocabulary_version", "revision"):
        setattr(past, name, told[name])
    past.slices_read = told.get("slices_read")
    instances = dict(Instance.objects.filter(series=reading.case.series_id).values_list("sop_instance_uid", "pk"))
    lesions = [_lesion(past, one, instances[one["sop_instance_uid"]]) for one in told["lesions"]]
    # `lesions.all()` answers what a prefetch has put here.
    past._prefetched_objects_cache = {"lesions": lesions}  # type: ignore[attr-defined]
    return past


def _lesion(reading: Reading, told: dict[str, Any], instance_id: int) -> Lesion:
    mask = told["mask"] or {}
    return Lesion(
        id=told["id"],
        reading=reading,
        finding_type_id=told["finding_type"],
        kind=told["kind"],
        instance_id=instance_id,
        frame=told["frame"],
        points=told["points"],
        mask_origin=mask.get("origin"),
        mask_shape=mask.get("shape"),
        mask_digest=mask.get("digest", ""),
    )
