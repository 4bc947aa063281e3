"""Stores what a model version found: readings of a reader of kind MODEL, in short transactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from uuid import UUID

import numpy as np
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray

from backend.archive.store import ObjectGroup
from backend.geometry.rle import blob_key, encode_mask, mask_digest
from backend.readings.models import Lesion, MarkKind, Origin, Reader, ReaderKind, Reading, ReadingState, Verdict
from backend.registry.models import ModelVersion


@dataclass(frozen=True, slots=True)
class FoundLesion:
    """A predicted lesion: `mask` [frames, rows, columns] laid at `origin` in the case's grid, and the frame it starts on."""

    finding_type_id: int
    instance_id: int
    frame: int
    origin: tuple[int, int, int]
    mask: NDArray[np.bool_]
    score: float


@dataclass(frozen=True, slots=True)
class CaseFound:
    """All that a version found in a case; `image_findings` maps a finding type's id (text) to its score."""

    case_id: UUID
    lesions: Sequence[FoundLesion]
    image_findings: dict[str, float] = field(default_factory=dict)


def model_reader_of(version: ModelVersion) -> Reader:
    """The reader that this version is, made at its first reading."""
    reader, _ = Reader.objects.get_or_create(
        kind=ReaderKind.MODEL,
        model_version=version,
        defaults={"project": version.project, "name": f"v{version.number}"},
    )
    return reader


def store_masks(found: Sequence[CaseFound]) -> list[list[str]]:
    """Put the masks' run-length blobs where they are not yet; their digests by case and lesion. Asks no database."""
    blobs = [[encode_mask(lesion.mask) for lesion in case.lesions] for case in found]
    digests = [[mask_digest(blob) for blob in of_case] for of_case in blobs]
    named = dict(zip(chain.from_iterable(digests), chain.from_iterable(blobs), strict=True))
    with ObjectGroup() as group:
        for digest, blob in named.items():
            group.write_new(key=blob_key(digest), data=blob)
        group.synchronise()
        group.publish([blob_key(digest) for digest in named])
    return digests


def store_model_readings(
    *, version: ModelVersion, found: Sequence[CaseFound], digests: Sequence[Sequence[str]] | None = None
) -> int:
    """Write the readings of some cases; returns how many. A case that this version has read is left as it is.

    Lesions below the display threshold are stored too: they were not shown, which is something else than rejected.
    `digests`: what `store_masks` gave for them, where that has been done.
    """
    reader = model_reader_of(version)
    digests = store_masks(found) if digests is None else digests
    now = timezone.now()
    with transaction.atomic():
        known = set(
            Reading.objects.filter(reader=reader, case__in=[c.case_id for c in found]).values_list("case_id", flat=True)
        )
        fresh = [(case, of_case) for case, of_case in zip(found, digests, strict=True) if case.case_id not in known]
        readings = Reading.objects.bulk_create([_reading(version, reader, case) for case, _ in fresh])
        Reading.objects.filter(pk__in=[reading.pk for reading in readings]).update(submitted_at=now)
        Lesion.objects.bulk_create(
            [
                Lesion(
                    reading=reading,
                    finding_type_id=lesion.finding_type_id,
                    kind=MarkKind.MASK,
                    instance_id=lesion.instance_id,
                    frame=lesion.frame,
                    mask_origin=list(lesion.origin),
                    mask_shape=list(lesion.mask.shape),
                    mask_digest=digest,
                    score=round(lesion.score, 4),
                    origin=Origin.PREDICTED,
                )
                for reading, (case, of_case) in zip(readings, fresh, strict=True)
                for lesion, digest in zip(case.lesions, of_case, strict=True)
            ]
        )
    return len(fresh)


def _reading(version: ModelVersion, reader: Reader, case: CaseFound) -> Reading:
    shown = any(lesion.score >= version.display_threshold for lesion in case.lesions)
    return Reading(
        case_id=case.case_id,
        reader=reader,
        state=ReadingState.SUBMITTED,
        verdict=Verdict.LESIONS if shown else Verdict.NO_LESION,
        image_findings=case.image_findings,
        display_threshold=version.display_threshold,
        vocabulary_version=version.project.vocabulary_version,
        revision=1,
    )
