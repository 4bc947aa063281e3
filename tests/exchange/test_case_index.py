"""A UID leads to the case that it names."""

from __future__ import annotations

from typing import Any

import pytest

from backend.archive.models import Study
from backend.exchange.case_index import CaseIndex
from backend.projects.models import Project
from tests.rows import make_case

pytestmark = pytest.mark.django_db


@pytest.fixture
def chest(project: Any) -> Any:
    """A project whose cases are series."""
    Project.objects.filter(pk=project.pk).update(unit="series")
    project.refresh_from_db()
    return project


def test_a_series_whose_uid_is_also_that_of_another_study_is_found_by_it(chest: Any) -> None:
    """Real collections hold such a pair: LIDC-IDRI-0193's series has the UID of another patient's study."""
    ours, other = make_case(chest), make_case(chest)
    uid = ours.series.series_instance_uid
    Study.objects.filter(pk=other.series.study_id).update(study_instance_uid=uid)
    found = CaseIndex(chest).by_uid(uid)
    assert found is not None and found.case_name == ours.name


def test_what_speaks_of_a_series_does_not_go_to_a_study_of_that_uid(chest: Any) -> None:
    other = make_case(chest)
    assert CaseIndex(chest).by_uid(other.series.study.study_instance_uid) is None


def test_a_series_of_two_cases_is_neither(project: Any) -> None:
    ours, other = make_case(project), make_case(project)
    uid = ours.series.series_instance_uid
    other.series_id = ours.series_id
    other.save()
    assert CaseIndex(project).by_uid(uid) is None
