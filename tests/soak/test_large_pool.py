"""A round over a large pool of unread cases: the whole of it, and its bookkeeping alone."""

from __future__ import annotations

import resource
from copy import copy

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backend.archive.models import Instance
from backend.learning.models import AcquisitionScore, Round, RoundState
from backend.learning.ranking import CaseMeasured, Chosen, scored, store_measures, unscored, write_ranking
from backend.learning.selectors import cases_to_predict
from backend.learning.services import end_round, start_round
from backend.projects.models import Case
from backend.readings.models import Reading
from tests.learning.conftest import disc_project, draw_case, quick_project, quiet_machine, read_truth, work  # noqa: F401
from tests.rows import make_case, make_model

pytestmark = pytest.mark.django_db


def make_copy(instance: Instance, number: int) -> Instance:
    """Another image with the same frames."""
    made = copy(instance)
    made.pk, made.sop_instance_uid = None, f"1.2.9.{number}"
    made.received_digest = made.original_uid_digest = made.pixel_digest = f"n{number}"
    return made


def add_copies(project, first: Case, count: int) -> None:
    """So many more unread POOL cases with the image of the first, each of another patient."""
    last = Case.objects.filter(project=project).order_by("-number").values_list("number", flat=True)[0]
    numbers = range(last + 1, last + 1 + count)
    instances = [make_copy(first.instance, number) for number in numbers]
    Instance.objects.bulk_create(instances, batch_size=500)
    Case.objects.bulk_create(
        [
            Case(
                project=project, series=first.series, instance=instance, number=number, name=f"US-{number:05}",
                split="POOL", group_key=f"g{number}", is_open=True,
            )
            for number, instance in zip(numbers, instances, strict=True)
        ],
        batch_size=500,
    )  # fmt: skip


@pytest.mark.timeout(3600)  # Of ten thousand.
def test_a_round_learns_from_a_large_pool_reads_all_of_it_and_draws_a_batch(quick_project, lead, work, long_run) -> None:
    first = cases_to_predict(quick_project).exclude(readings__isnull=False)[0]
    add_copies(quick_project, first, 10_000 if long_run else 200)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    round_ = work(start_round(project=quick_project, by=lead))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert round_.state == RoundState.DONE, round_.message
    read = Reading.objects.filter(reader__model_version=round_.model_version, case__is_open=True)
    assert read.count() == cases_to_predict(quick_project).count()
    batch = cases_to_predict(quick_project)[: quick_project.training_policy.batch_size]
    assert set(round_.scores.exclude(arm="rest").values_list("case", flat=True)) == {case.pk for case in batch}
    assert grown < 700, f"{grown:.0f} MB"


@pytest.mark.timeout(3600)
def test_a_large_pool_is_kept_account_of_and_ranked_in_few_queries_and_little_memory(project, long_run) -> None:
    count = 10_000 if long_run else 1_000
    add_copies(project, make_case(project), count - 1)
    version = make_model(project).model_version
    round_ = Round.objects.create(
        project=project, number=1, settings={"acquisition": "entropy", "seed": 0, "track": "fast", "start": "warm"}
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with CaptureQueriesContext(connection) as asked:
        waiting = list(unscored(round_, version, cases_to_predict(project)))
    assert len(waiting) == count and len(asked) == 1
    generator = np.random.default_rng(0)
    for start in range(0, count, 500):
        store_measures(
            round_=round_,
            version=version,
            measured=[
                CaseMeasured(case.pk, {"entropy": 0.5}, [], generator.normal(size=128).astype("<f4").tobytes())
                for case in waiting[start : start + 500]
            ],
        )
    assert not unscored(round_, version, cases_to_predict(project)).exists()
    with CaptureQueriesContext(connection) as asked:
        rows = scored(round_, version)
        batch = [Chosen(row.case_id, "acquired", None) for row in rows[:16]]
        scores = {row.case_id: float(value) for row, value in zip(rows, generator.random(len(rows)), strict=True)}
        write_ranking(round_=round_, version=version, batch=batch, scores=scores)
    assert len(asked) <= 8 * count / 100 + 20  # by hundreds, never one by one
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 400, f"{grown:.0f} MB"
    order = list(cases_to_predict(project).values_list("pk", flat=True)[:16])
    assert order == [one.case_id for one in batch]
    assert AcquisitionScore.objects.filter(round=round_, embedding__isnull=False).count() == 0
    end_round(round_=round_, to=RoundState.FAILED, message="done with")
