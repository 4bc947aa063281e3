"""Which labels a fast round trains on: the newest, and a replay of those that came before.

Short training on new labels alone forgets the old ones; all labels of a large project take longer to load than a fast
round may last. So the replay is a random sample, in which no finding type is missing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from backend.learning.models import Round, SnapshotItem
from backend.readings.models import Lesion

NEWEST_SHARE: Final = 0.25
"""Of each batch, so much is drawn among the newest labels; the rest among all."""
LEAST: Final = 256
"""So many labels of each kind are loaded also by a round that draws fewer images."""
CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Readings by id: all that are trained on, and the newest among them."""

    readings: frozenset[UUID]
    newest: frozenset[UUID]


def fast_training_set(round_: Round, *, images: int) -> TrainingSet:
    """The labels of a round that draws so many `images`; newest is what the base version's snapshot does not hold.

    It follows from the two frozen snapshots and the round's seed: a round that is resumed trains on the same.
    """
    own = _rows(round_.snapshot_id)
    base = Round.objects.filter(model_version=round_.base_version_id, snapshot__isnull=False).first()
    before = set(_rows(base.snapshot_id)) if base and round_.base_version_id else set(own)
    source, most = random.Random(round_.settings["seed"]), max(LEAST, images)
    newest = _sample([pk for pk, revision in own if (pk, revision) not in before], most, source)
    replayed = _sample([pk for pk, revision in own if (pk, revision) in before], most, source)
    return TrainingSet(frozenset(newest) | frozenset(replayed), frozenset(newest))


def _rows(snapshot_id: int | None) -> list[tuple[UUID, int]]:
    """(reading, revision) of a snapshot, in a fixed order."""
    rows = SnapshotItem.objects.filter(snapshot=snapshot_id).order_by("reading").values_list("reading", "revision")
    return list(rows)


def _sample(readings: Sequence[UUID], most: int, source: random.Random) -> list[UUID]:
    """All of them, or `most`: half of these evenly by finding type, as far as there are any, the rest at random."""
    if len(readings) <= most:
        return list(readings)
    of_type: dict[int, list[UUID]] = {}
    for start in range(0, len(readings), CHUNK):
        lesions = Lesion.objects.filter(reading__in=readings[start : start + CHUNK]).order_by("finding_type", "reading")
        for kind, reading in lesions.values_list("finding_type", "reading").distinct():
            of_type.setdefault(kind, []).append(reading)
    chosen: dict[UUID, None] = {}
    for kind in sorted(of_type):
        each = min(len(of_type[kind]), most // (2 * len(of_type)))
        chosen |= dict.fromkeys(source.sample(of_type[kind], each))
    rest = [pk for pk in readings if pk not in chosen]
    return [*chosen, *source.sample(rest, most - len(chosen))]
