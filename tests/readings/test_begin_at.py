"""The room of an unread series opens at the slice that the last ranking told, where the model may be seen at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from backend.projects.models import Case, Project, Unit
from tests.rows import make_case

pytestmark = pytest.mark.django_db
BASE = "/api/v1/projects/breast"
Open = Callable[[Case], dict[str, Any]]


@pytest.fixture
def of_series(project: Project) -> Project:
    project.unit, project.blinded_share = Unit.SERIES, 0.0
    project.save()
    return project


@pytest.fixture
def ranked(of_series: Project) -> Callable[..., Case]:
    """Makes a case of twelve slices whose ranking names some."""

    def make(*slices: int, **more: Any) -> Case:
        detail = {"slices": list(slices), "score": 0.5}
        case: Case = make_case(of_series, count=12, priority_detail=detail, priority_reason="uncertain", **more)
        return case

    return make


@pytest.fixture
def opened(reader: Any, as_person: Any) -> Open:
    return lambda case: dict(as_person(reader).post(f"{BASE}/cases/{case.pk}/open/").json())


def test_an_assisted_reader_begins_at_the_slice_that_says_most(ranked: Any, opened: Open) -> None:
    assert opened(ranked(9, 3, 4))["begin_at"] == 9
    assert opened(ranked())["begin_at"] is None
    assert opened(ranked(13))["begin_at"] is None, "there is no such slice"
    assert opened(ranked(9, is_open=False))["begin_at"] is None, "it is read"


@pytest.mark.parametrize("split", ["POOL", "VALIDATION", "HOLDOUT"])
def test_a_blinded_reader_is_told_no_slice(of_series: Project, ranked: Any, opened: Open, split: str) -> None:
    of_series.blinded_share = 1.0
    of_series.save()
    told = opened(ranked(9, 3, split=split))
    assert (told["arm"], told["begin_at"]) == ("blinded", None)


def test_before_a_first_look_no_slice_is_told(of_series: Project, ranked: Any, opened: Open) -> None:
    of_series.first_look = True
    of_series.save()
    told = opened(ranked(9))
    assert (told["arm"], told["first_look"], told["begin_at"]) == ("assisted", True, None)


def test_a_single_image_has_no_slice_to_begin_at(project: Project, opened: Open) -> None:
    project.blinded_share = 0.0
    project.save()
    assert opened(make_case(project, priority_detail={"slices": [1]}))["begin_at"] is None
