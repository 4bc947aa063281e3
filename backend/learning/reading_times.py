"""How long people took to read: what the expected cost of a case is estimated from."""

from __future__ import annotations

from typing import Final

from django.db.models import Count, Sum

from backend.archive.models import Instance
from backend.projects.models import Project
from backend.readings.models import Lesion, ReaderKind, Reading, ReadingState

NEWEST: Final = 2000


def reading_times(project: Project) -> list[tuple[int, int, float]]:
    """Of the newest submitted readings by persons: findings marked, frames of the case, seconds of work.

    A reviewer's edit tells nothing of that: it began from a finished reading.
    """
    rows = Reading.objects.filter(
        case__project=project,
        reader__kind=ReaderKind.PERSON,
        state=ReadingState.SUBMITTED,
        active_seconds__gt=0,
        revises=None,
    ).order_by("-submitted_at", "pk")[:NEWEST]
    chosen = list(rows.values_list("pk", "case__instance__number_of_frames", "case__series_id", "active_seconds"))
    marked = Lesion.objects.filter(reading__in=rows.values("pk")).values("reading_id").annotate(n=Count("pk")).order_by()
    findings = {row["reading_id"]: row["n"] for row in marked}
    series = {series_id for _, frames, series_id, _ in chosen if frames is None}
    counted = Instance.objects.filter(series_id__in=series).values("series_id").annotate(n=Sum("number_of_frames"))
    in_series = {row["series_id"]: row["n"] for row in counted.order_by()}
    return [(findings.get(pk, 0), frames or in_series.get(own, 1), seconds) for pk, frames, own, seconds in chosen]
