"""The cases behind a number: the right ones, the worst first, and none that the caller is still to read blinded."""

from __future__ import annotations

from typing import Any

import pytest

from backend.learning.calibrating import fitted_calibration
from backend.learning.score_sets import score_sets, with_probabilities
from backend.learning.subgroups import grouped, size_cuts
from backend.learning.vocabulary import Vocabulary
from backend.projects.models import Assignment, Case
from backend.registry.models import Evaluation
from tests.measured import measured_cases
from tests.rows import make_case, make_model

pytestmark = pytest.mark.django_db

PAGE = "/api/v1/projects/breast/models/1/cases/"
N = 60


@pytest.fixture
def evaluation(project: Any) -> Evaluation:
    """A version measured on 60 VALIDATION cases."""
    version = make_model(project).model_version
    words = Vocabulary((1, 2), (), {1: 1, 2: 1})
    cases = [{**case, "case": str(make_case(project, split="VALIDATION").pk)} for case in measured_cases(N)]
    cases = grouped(cases, cuts=size_cuts(cases))
    sets = score_sets(cases, words)
    _, probabilities = fitted_calibration(sets)
    cases = with_probabilities(cases, sets, probabilities)
    return Evaluation.objects.create(
        model_version=version, split="VALIDATION", metrics=[], per_case=cases, n_cases=N, n_patients=40
    )


def read_all(person: Any) -> None:
    """The person has read and submitted every case."""
    for case in Case.objects.all():
        Assignment.objects.create(case=case, user=person, arm="blinded", arm_probability=1, state="submitted")


def test_a_lead_is_told_nothing_of_cases_that_are_still_to_be_read_blinded(evaluation, lead, as_person) -> None:
    told = as_person(lead).get(PAGE).json()
    assert (told["cases"], told["total"], told["blinded"]) == ([], 0, N)
    read_all(lead)
    told = as_person(lead).get(PAGE).json()
    assert (told["total"], told["blinded"], len(told["cases"])) == (N, 0, N)
    Assignment.objects.filter(case__number=2).update(state="in_progress")
    assert as_person(lead).get(PAGE).json()["blinded"] == 1


def test_a_point_of_the_froc_leads_to_what_is_wrong_at_its_threshold(evaluation, lead, as_person) -> None:
    read_all(lead)
    told = as_person(lead).get(PAGE + "?threshold=0.8&wrong=true").json()
    assert told["threshold"] == 0.8 and 0 < told["total"] < N
    expected = {
        case["case"]
        for case in evaluation.per_case
        if any(hit is None or hit < 0.8 for hit in case["hits"]) or any(score >= 0.8 for score in case["false"])
    }
    assert {row["id"] for row in told["cases"]} == expected
    missed = [row["missed"] for row in told["cases"]]
    assert missed == sorted(missed, reverse=True) and all(row["missed"] or row["false_positives"] for row in told["cases"])


def test_a_row_of_subgroups_and_a_bin_of_the_diagram_lead_to_their_cases(evaluation, lead, as_person) -> None:
    read_all(lead)
    client = as_person(lead)
    small = client.get(PAGE + "?dimension=size&group=small").json()
    assert small["total"] == sum("small" in case["groups"]["size"] for case in evaluation.per_case)
    unstated = client.get(PAGE + "?dimension=scanner&group=").json()
    assert unstated["total"] == sum("" in case["groups"]["scanner"] for case in evaluation.per_case)
    high = client.get(PAGE + "?score=any&low=0.7&high=1").json()
    assert high["total"] == sum(case["scores"]["any"] >= 0.7 for case in evaluation.per_case)
    mended = client.get(PAGE + "?score=any&calibrated=true&low=0&high=1").json()
    assert mended["total"] in (0, N)


def test_an_embargoed_case_and_an_unmeasured_version_have_nothing_to_show(project, evaluation, lead, as_person) -> None:
    read_all(lead)
    Case.objects.filter(number=1).update(split="EMBARGOED")
    assert as_person(lead).get(PAGE).json()["total"] == N - 1
    make_model(project, number=2, state="candidate")
    assert as_person(lead).get(PAGE.replace("/1/", "/2/")).json()["total"] == 0
    assert as_person(lead).get(PAGE + "?threshold=2").status_code == 400


def test_readers_and_reviewers_are_not_told(evaluation, reader, as_person) -> None:
    assert as_person(reader).get(PAGE).status_code == 403
