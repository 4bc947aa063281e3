"""Findings of the model are taken over one by one; all with one command only where the project's lead allows it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from backend.projects.models import Project
from backend.readings.models import Decision, DecisionKind, Lesion, Reading
from backend.readings.refusals import ReadingRefused

NEAREST_SECONDS: Final = 0.1
"""Two findings taken over by hand lie further apart: a key that is held down repeats faster."""


def check_decisions_made_one_by_one(
    *, project: Project, reading: Reading, change: Mapping[str, Any], shown: Mapping[UUID, Lesion]
) -> None:
    """Refuse a save that takes over several findings at once, unless it says so and the lead allows it.

    A decision made by hand carries its own time. Many of them may come in one save, after a time without network, but
    no two of one time, nor without one. Those of one command say `at_once`, and are of findings above their threshold.
    """
    taken = [item for item in change.get("decisions", {}).get("upsert", []) if item["kind"] != DecisionKind.REJECTED]
    if len(taken) < 2 and not any(item["at_once"] for item in taken):
        return
    stored = _stored(reading)
    fresh = [item for item in taken if _is_new(item, stored)]
    if any(item["at_once"] for item in fresh) and not project.accept_all:
        raise ReadingRefused(
            "accept_all", "This project does not allow accepting all findings at once: decide each of them."
        )
    for item in (item for item in taken if item["at_once"]):
        predicted = shown.get(item["predicted"])
        if predicted is None or (predicted.score is not None and predicted.score < item["threshold"]):
            raise ReadingRefused("not_shown", f"Finding {item['predicted']} was not shown when all were accepted.")
    times = [item["at_seconds"] for item in fresh if not item["at_once"]]
    if len(times) < 2:
        return
    if None in times or any(later - earlier < NEAREST_SECONDS for earlier, later in pairwise(sorted(times))):
        message = "Several findings were taken over at one time. Decide each by itself, with its own time (at_seconds)"
        raise ReadingRefused("accept_all", f"{message}{', or say at_once.' if project.accept_all else '.'}")


def _stored(reading: Reading) -> dict[UUID, tuple[bool, float | None]]:
    """What is stored of findings taken over: whether at once, and when."""
    taken = Decision.objects.filter(reading=reading).exclude(kind=DecisionKind.REJECTED)
    rows = taken.values_list("predicted_id", "at_once", "at_seconds")
    return {predicted: (at_once, at_seconds) for predicted, at_once, at_seconds in rows}


def _is_new(item: Mapping[str, Any], stored: Mapping[UUID, tuple[bool, float | None]]) -> bool:
    """What is stored may be sent again, as when an accepted finding is edited; the lead may have forbidden it since."""
    at_once, at_seconds = stored.get(item["predicted"], (None, None))
    return at_once is not item["at_once"] or (not at_once and at_seconds != item["at_seconds"])
