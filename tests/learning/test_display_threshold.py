"""From which score on a version's findings are shown: as many false ones as the lead allows, by VALIDATION."""

from __future__ import annotations

from typing import Any

import pytest

from backend.learning.display_threshold import STRICTEST, display_threshold
from backend.learning.services import start_round
from backend.registry.models import ModelVersion


def cases(n: int, *, false: Any = lambda number: [], groups: Any = str, complete: bool = True) -> list[dict[str, Any]]:
    """Measured cases with one lesion each, found with 0.9, and these false findings."""
    return [
        {"group": groups(number), "complete": complete, "hits": [0.9], "false": false(number), "found": [0.9]}
        for number in range(n)
    ]


def test_the_threshold_is_the_lowest_that_shows_no_more_false_findings_than_allowed() -> None:
    # One false finding an image, with scores from 0.50 to 0.89.
    measured = cases(40, false=lambda number: [0.5 + number / 100])
    assert display_threshold(measured, least=0.5, allowed=1.0) == 0.5
    assert display_threshold(measured, least=0.5, allowed=0.5) == 0.7
    assert display_threshold(measured, least=0.5, allowed=0.25) == 0.8
    assert display_threshold(measured, least=0.5, allowed=0.01) == 0.9


def test_it_never_lies_below_the_projects_however_few_are_false() -> None:
    assert display_threshold(cases(40), least=0.35, allowed=4.0) == 0.35
    assert display_threshold(cases(40), least=0.355, allowed=0.1) == 0.355
    assert display_threshold(cases(40), least=1.0, allowed=0.1) == 1.0


def test_where_no_score_keeps_to_what_is_allowed_it_is_the_strictest() -> None:
    assert display_threshold(cases(40, false=lambda number: [1.0, 1.0]), least=0.5, allowed=0.5) == STRICTEST


def test_too_few_images_or_patients_choose_none() -> None:
    assert display_threshold(cases(19), least=0.5, allowed=0.5) is None
    assert display_threshold(cases(40, groups=lambda number: str(number % 9)), least=0.5, allowed=0.5) is None
    assert display_threshold(cases(40, complete=False), least=0.5, allowed=0.5) is None


@pytest.mark.django_db
def test_a_round_shows_findings_from_the_score_that_keeps_to_the_leads_number(
    disc_project: Any, lead: Any, work: Any
) -> None:
    disc_project.display_threshold, disc_project.false_positives_allowed = 0.1, 0.01
    disc_project.save()
    round_ = work(start_round(project=disc_project, by=lead))
    first = ModelVersion.objects.get(number=1)
    told = first.evaluations.get()
    assert any(score >= 0.1 for case in told.per_case for score in case["false"]), "nothing false to keep from readers"
    assert round_.state == "done" and 0.1 < first.display_threshold <= STRICTEST
    assert f"Findings are shown from a score of {first.display_threshold:g}" in round_.message
    assert _number(first, "false_positives_per_image") == 0
    assert all(case["measured_as"].endswith(f" {first.display_threshold:g}") for case in told.per_case)

    disc_project.false_positives_allowed = None
    disc_project.save()
    work(start_round(project=disc_project, by=lead))
    second = ModelVersion.objects.get(number=2)
    assert second.display_threshold == 0.1
    # Each is compared as it is shown, and of the first one nothing had to be measured again.
    assert first.evaluations.count() == 1
    assert (second.gate["against"], second.gate["n_patients"]) == (1, 30) and second.gate["metrics"]


@pytest.mark.django_db
def test_a_round_says_that_validation_is_too_small_to_choose(disc_project: Any, lead: Any, work: Any) -> None:
    from backend.projects.models import Split
    from backend.readings.models import Reading

    few = Reading.objects.filter(case__project=disc_project, case__split=Split.VALIDATION)
    Reading.objects.filter(pk__in=few.values("pk")[:20]).update(state="draft")
    disc_project.false_positives_allowed = 0.5
    disc_project.save()
    round_ = work(start_round(project=disc_project, by=lead))
    assert "VALIDATION has too few labelled cases to choose a display threshold: 0.5" in round_.message
    assert ModelVersion.objects.get().display_threshold == 0.5


def _number(version: ModelVersion, metric: str) -> float:
    (told,) = [one for one in version.evaluations.get().metrics if one["metric"] == metric and one["finding_type"] is None]
    value: float = told["value"]
    return value
