"""The two tracks of training, and when each is due.

Fast: a few steps from the version that serves, after every batch of readings, so that what readers see is fresh.
Slow: from scratch or from weights that were shrunk and perturbed, when the labels have grown by a share or at an hour:
it removes the drift that many short trainings leave (Ash and Adams 2020) and must win against what serves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from backend.learning.models import Round, Start, Track, TrainingPolicy
from backend.learning.selectors import labels, live_round, new_labels, new_since
from backend.projects.models import Project, Split
from backend.registry.selectors import serving_version

NIGHT_APART: Final = timedelta(hours=20)
"""Two rounds of the same nightly hour lie farther apart than this."""


@dataclass(frozen=True, slots=True)
class Due:
    """A round that the policy asks for, and why: what the round keeps as its `reason`."""

    track: Track
    reason: dict[str, Any]


def due_round(policy: TrainingPolicy, *, now: datetime | None = None) -> Due | None:
    """The round that should start now, if any; freshness comes first, drift can wait for the round after."""
    project = policy.project
    if live_round(project) is not None:
        return None
    fresh = new_labels(project)
    if fresh >= policy.every_n_readings:
        if serving_version(project) is None:
            return Due(Track.SLOW, {"code": "first", "n": fresh})
        return Due(Track.FAST, {"code": "readings", "n": fresh})
    return _slow_due(policy, now or timezone.now())


def _slow_due(policy: TrainingPolicy, now: datetime) -> Due | None:
    """A slow round is due by growth or by the hour; never a second one on the same labels, also where one has failed."""
    last = last_slow_round(policy.project)
    if last is None or last.snapshot_id is None:
        return None
    percent = label_growth(last)
    if policy.slow_growth and percent >= policy.slow_growth:
        number = last.model_version.number if last.model_version else None
        return Due(Track.SLOW, {"code": "growth", "percent": percent, "version": number})
    rested = now - last.created_at > NIGHT_APART
    if policy.slow_hour == now.astimezone(UTC).hour and rested:
        more = new_since(last.snapshot_id, policy.project)
        return Due(Track.SLOW, {"code": "nightly", "n": more}) if more else None
    return None


def last_slow_round(project: Project) -> Round | None:
    """The newest slow round that got as far as its snapshot."""
    slow = Round.objects.filter(project=project, settings__track=Track.SLOW, snapshot__isnull=False)
    return slow.select_related("model_version", "project").order_by("-number").first()


def label_growth(slow: Round) -> int:
    """By how many per cent (rounded down) the labels have grown since the snapshot of a slow round."""
    assert slow.snapshot is not None
    before = slow.snapshot.items.count()
    return max(0, (labels(slow.project, Split.POOL).count() - before) * 100 // max(1, before))


def start_of(policy: TrainingPolicy, track: Track, *, has_base: bool) -> Start:
    """What a round of the track begins with; without a version that serves there is nothing but chance."""
    if not has_base:
        return Start.SCRATCH
    return Start.WARM if track == Track.FAST else Start(policy.slow_start)
