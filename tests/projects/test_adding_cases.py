"""Cases are added at a cost that grows with what is new, and near-duplicates are found all the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models.sql import compiler
from django.test.utils import CaptureQueriesContext

from backend.archive.models import Instance
from backend.dicom.near_duplicates import NEAR_DISTANCE, hash_distance, hash_parts, near_parts
from backend.projects.case_services import CaseCandidate, add_cases, mark_as_taught
from backend.projects.models import Case, CaseHash
from tests.rows import make_instances

pytestmark = pytest.mark.django_db


def some_hash(draw: random.Random) -> str:
    return f"{draw.getrandbits(256):064x}"


def nearly(dhash: str, bits: list[int]) -> str:
    changed = int(dhash, 16)
    for bit in bits:
        changed ^= 1 << bit
    return f"{changed:064x}"


@pytest.fixture
def bring(project: Any) -> Callable[[list[str]], list[Case]]:
    """Images of these hashes, each a study of its own, made cases in one call."""

    def bring(hashes: list[str]) -> list[Case]:
        pks = []
        for dhash in hashes:
            instances = make_instances(project, count=3 if project.unit == "series" else 1)
            Instance.objects.filter(pk__in=[one.pk for one in instances]).update(dhash=dhash)
            pks += [one.pk for one in instances]
        return add_cases(project=project, candidates=[CaseCandidate(pk) for pk in pks])

    return bring


@pytest.fixture
def rows_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each question has brought since; to be cleared."""
    found: list[int] = []
    real = compiler.cursor_iter

    def counted(*args: Any) -> Iterator[Any]:
        for rows in real(*args):
            found.append(len(rows))
            yield rows

    monkeypatch.setattr(compiler, "cursor_iter", counted)
    return found


@pytest.mark.parametrize("unit", ["image", "series"])
def test_one_more_study_costs_the_same_in_a_small_and_in_a_large_project(project, bring, rows_read, unit) -> None:
    project.unit = unit
    project.save()
    draw, costs = random.Random(3), []
    for more in (80, 400):
        bring([some_hash(draw) for _ in range(more)])
        rows_read.clear()
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert len(bring([some_hash(draw)])) == 1
        costs.append((len(asked), sum(rows_read)))
    (queries, rows), (queries_later, rows_later) = costs
    assert queries_later <= queries and rows_later <= rows + 8, costs


def test_a_near_duplicate_is_found_among_many_and_joins_its_group(project, bring) -> None:
    draw = random.Random(4)
    hashes = [some_hash(draw) for _ in range(90)]
    known = bring(hashes)
    for number, spread in enumerate(([*range(0, 256, 11)], [*range(24)], [10 * bit for bit in range(24)])):
        (twin,) = bring([nearly(hashes[number], spread)])
        assert twin.group_key == known[number].group_key and twin.split == known[number].split
    (other,) = bring([nearly(hashes[50], [*range(0, 250, 10)])])  # 25 bits apart
    assert other.group_key != known[50].group_key


def test_every_near_hash_shares_a_key() -> None:
    draw = random.Random(5)
    for _ in range(300):
        one = some_hash(draw)
        other = nearly(one, draw.sample(range(256), NEAR_DISTANCE))
        assert hash_distance(one, other) == NEAR_DISTANCE and {*hash_parts(other)} & {*near_parts(one)}


def test_a_series_that_grew_is_known_by_its_new_middle(project, bring) -> None:
    project.unit = "series"
    project.save()
    draw = random.Random(6)
    (case,) = bring([some_hash(draw)])
    newer = some_hash(draw)
    slices = Instance.objects.filter(series=case.series)
    slices.update(dhash=newer)
    assert add_cases(project=project, candidates=[CaseCandidate(one.pk) for one in slices]) == []
    assert CaseHash.objects.get(case=case).dhash == newer
    assert bring([newer])[0].group_key == case.group_key


@pytest.mark.parametrize("unit", ["image", "series"])
def test_cases_from_before_there_were_hashes_get_theirs(project, bring, unit) -> None:
    project.unit = unit
    project.save()
    hashes = [some_hash(random.Random(seed)) for seed in range(3)]
    cases = bring([*hashes, ""])
    CaseHash.objects.all().delete()
    import_module("backend.projects.migrations.0006_case_hashes").hash_known_cases(apps, None)
    assert dict(CaseHash.objects.values_list("case_id", "dhash")) == {
        case.pk: dhash for case, dhash in zip(cases, hashes, strict=False)
    }
    assert bring([nearly(hashes[1], [3, 99])])[0].group_key == cases[1].group_key


@pytest.mark.parametrize("taught", [True, False])
def test_what_looks_like_an_image_that_has_taught_a_network_never_measures_it(project: Any, taught: bool) -> None:
    """An unread image is embargoed with its look-alike; one that has taught stays, and later ones are compared with it."""
    dhash = some_hash(random.Random(7))

    def bring(group: str, validation_share: float) -> Case:
        project.validation_share, project.holdout_share = validation_share, 0.0
        (instance,) = make_instances(project)
        Instance.objects.filter(pk=instance.pk).update(dhash=dhash)
        (case,) = add_cases(project=project, candidates=[CaseCandidate(instance.pk, group=group)])
        return case

    first = bring("one patient", 0.0)
    if taught:
        assert mark_as_taught(cases=[first.pk]) == [first.pk]
    second, third = bring("another", 1.0), bring("a third", 1.0)
    first.refresh_from_db()
    assert (first.split, second.split) == ("POOL" if taught else "EMBARGOED", "EMBARGOED")
    # Where nothing was learned from the first it is harmless: neither it nor the second is used for anything.
    assert third.split == ("EMBARGOED" if taught else "VALIDATION")
