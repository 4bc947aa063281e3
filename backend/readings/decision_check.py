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
    together = [item for item in taken if item["at_once"]]
    if together and not project.accept_all:
        raise ReadingRefused(
            "accept_all", "This project does not allow accepting all findings at once: decide each of them."
        )
    for item in together:
        predicted = shown.get(item["predicted"])
        if predicted is None or (predicted.score is not None and predicted.score < item["threshold"]):
            raise ReadingRefused("not_shown", f"Finding {item['predicted']} was not shown when all were accepted.")
    by_hand = [item for item in taken if not item["at_once"]]
    if len(by_hand) < 2:
        return
    stored = dict(
        Decision.objects.filter(reading=reading, at_once=False)
        .exclude(kind=DecisionKind.REJECTED)
        .values_list("predicted_id", "at_seconds")
    )
    times = [item["at_seconds"] for item in by_hand if _is_new(item, stored)]
    if len(times) < 2:
        return
    if None in times or any(later - earlier < NEAREST_SECONDS for earlier, later in pairwise(sorted(times))):
        message = "Several findings were taken over at one time. Decide each by itself, with its own time (at_seconds)"
        raise ReadingRefused("accept_all", f"{message}{', or say at_once.' if project.accept_all else '.'}")


def _is_new(item: Mapping[str, Any], stored: Mapping[UUID, float | None]) -> bool:
    return item["predicted"] not in stored or stored[item["predicted"]] != item["at_seconds"]
