"""Two versions case by case: what got better, what got worse, and whether that is more than chance."""

from __future__ import annotations

from typing import Any

import pytest

from backend.projects.models import Assignment, Case
from backend.registry.models import Evaluation, ModelVersion
from tests.rows import make_case, make_model

pytestmark = pytest.mark.django_db
URL = "/api/v1/projects/breast/models/2/compare/"


def measured(case: Case, *, dice: float, hit: float | None, false: list[float], score: float) -> dict[str, Any]:
    return {
        "case": str(case.pk),
        "name": case.name,
        "group": case.group_key,
        "complete": True,
        "dice": dice,
        "hits": [hit],
        "hit_types": [1],
        "sizes": [{"px": 10.0, "mm": None}],
        "false": false,
        "scores": {"any": score},
        "truth": {"any": 1},
    }


def keep(version: ModelVersion, cases: list[dict[str, Any]]) -> None:
    Evaluation.objects.create(
        model_version=version, split="VALIDATION", metrics=[], per_case=cases, n_cases=len(cases), n_patients=len(cases)
    )


@pytest.fixture
def pair(project) -> tuple[ModelVersion, ModelVersion, list[Case]]:
    """24 VALIDATION cases on which version 2 is 0.1 better in Dice, but for one in which it lost the lesion."""
    project.blinded_share = 0.0
    project.save()
    cases = [make_case(project, split="VALIDATION", is_open=False) for _ in range(24)]
    first = make_model(project, state="kept", number=1).model_version
    second = make_model(project, state="serves", number=2).model_version
    keep(first, [measured(case, dice=0.6, hit=0.9, false=[0.7, 0.3], score=0.6) for case in cases])
    told = [measured(case, dice=0.7, hit=0.9, false=[], score=0.8) for case in cases]
    told[5] = measured(cases[5], dice=0.0, hit=0.2, false=[0.9, 0.9, 0.9], score=0.1)
    keep(second, told)
    return first, second, cases


@pytest.fixture
def submitted(project, lead, pair) -> None:
    """The lead has read every case: nothing is left to read blinded."""
    for case in pair[2]:
        Assignment.objects.create(case=case, user=lead, arm="blinded", arm_probability=1, state="submitted")


def test_the_largest_change_comes_first_and_the_sum_has_its_interval(submitted, pair, lead, as_person) -> None:
    cases = pair[2]
    told = as_person(lead).get(URL, {"other": 1}).json()
    assert (told["n_cases"], told["n_patients"], told["unshared"], told["changed"], told["blinded"]) == (24, 24, 0, 0, 0)
    worst = told["cases"][0]
    assert worst["id"] == str(cases[5].pk) and worst["change"] == pytest.approx(-0.6)
    assert (worst["own"]["sensitivity"], worst["others"]["sensitivity"]) == (0, 1)
    assert (worst["own"]["false_positives"], worst["others"]["false_positives"]) == (3, 1)
    assert worst["thumbnail"].endswith(f"/cases/{cases[5].pk}/thumbnail/")
    dice, sensitivity, false_positives, auc = told["metrics"]
    assert dice["difference"] == pytest.approx((23 * 0.1 - 0.6) / 24) and dice["low"] < dice["difference"] < dice["high"]
    assert (dice["better"], dice["worse"]) == (23, 1)
    assert sensitivity["difference"] == pytest.approx(-1 / 24) and (sensitivity["better"], sensitivity["worse"]) == (0, 1)
    assert false_positives["metric"] == "false_positives_per_image" and (
        false_positives["better"],
        false_positives["worse"],
    ) == (23, 1)
    assert auc["difference"] is None and auc["note"]
    by_score = as_person(lead).get(URL, {"other": 1, "by": "score"}).json()
    assert by_score["cases"][0]["change"] == pytest.approx(-0.5)
    assert as_person(lead).get(URL, {"other": 9}).status_code == 404
    assert as_person(lead).get(URL, {"other": 1, "by": "beauty"}).status_code == 400


def test_only_cases_count_that_both_were_measured_on_with_the_same_truth(submitted, pair, lead, as_person) -> None:
    first, _, cases = pair
    evaluation = first.evaluations.get()
    rows = evaluation.per_case[1:]
    rows[0]["hit_types"] = [1, 1]
    Evaluation.objects.filter(pk=evaluation.pk).update(per_case=rows)
    told = as_person(lead).get(URL, {"other": 1}).json()
    assert (told["n_cases"], told["unshared"], told["changed"]) == (22, 1, 1)
    assert not {str(cases[0].pk), str(cases[1].pk)} & {case["id"] for case in told["cases"]}
    Evaluation.objects.filter(pk=evaluation.pk).delete()
    empty = as_person(lead).get(URL, {"other": 1}).json()
    assert empty["n_cases"] == 0 and empty["cases"] == [] and empty["other_measured_at"] is None


def test_a_case_that_the_lead_is_still_to_read_blinded_is_counted_and_not_shown(project, pair, lead, as_person) -> None:
    told = as_person(lead).get(URL, {"other": 1}).json()
    assert told["blinded"] == 24 and told["cases"] == [] and told["n_cases"] == 24
    assert told["metrics"][0]["difference"] is not None
