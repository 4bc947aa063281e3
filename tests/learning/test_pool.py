"""A version reads many cases: decoding, network and disk side by side, and each case as if it had been alone."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from backend.jobs.services import JobCancelled, cancel_job, claim_job
from backend.learning.models import Round
from backend.learning.services import start_round
from backend.projects.models import Case
from backend.readings.models import Lesion, Reading
from backend.registry.models import ModelVersion
from backend.registry.services import order_predictions, promote_version
from tests.rows import make_model
from workers import pool
from workers.datasets import case_frames, case_images, frames_of_cases
from workers.networks import load_version
from workers.pool import CHUNK, predict_pool, read_cases
from workers.reporting import Reporter


@pytest.fixture
def version(quick_project: Any, lead: Any, work: Any) -> ModelVersion:
    """A version that serves, and a POOL of images and one series that nobody and nothing has read."""
    return work(start_round(project=quick_project, by=lead)).model_version


@pytest.fixture
def report(quick_project: Any, lead: Any) -> Reporter:
    """The report of a running job, which a lead can cancel."""
    round_ = start_round(project=quick_project, by=lead)
    lease = claim_job(Round.objects.get(pk=round_.pk).job_id)
    assert lease is not None
    return Reporter(lease)


def waiting_cases(project: Any, draw_case: Any) -> list[Case]:
    pixels = np.random.default_rng(1).integers(0, 255, (5, 24, 40), dtype=np.uint8)
    made = [draw_case(index % 3) for index in range(2 * CHUNK)] + [draw_case(pixels=pixels), draw_case(1)]
    return list(Case.objects.filter(pk__in=[case.pk for case in made]).order_by("number"))


def test_cases_that_are_read_together_are_read_as_each_would_be_alone(version, report, quick_project, draw_case) -> None:
    cases = waiting_cases(quick_project, draw_case)
    told: list[int] = []
    read_cases(version, cases, report=report, on_chunk=lambda done, measured: told.append(done))
    assert told == [CHUNK, 2 * CHUNK, len(cases)]
    loaded = load_version(version)
    for case in cases:
        ((_, alone),) = loaded.read([case_images(case, loaded.plan)])
        stored = Lesion.objects.filter(reading__case=case, reading__reader__model_version=version)
        assert sorted((one.mask_origin, one.mask_shape) for one in stored) == sorted(
            (list(one.origin), list(one.mask.shape)) for one in alone
        )
        np.testing.assert_allclose(sorted(one.score for one in stored), sorted(one.score for one in alone), atol=2e-3)


def test_the_frames_of_many_cases_are_those_of_each(quick_project, draw_case, django_assert_num_queries) -> None:
    cases = waiting_cases(quick_project, draw_case)
    Case.objects.filter(pk=cases[-1].pk).update(instance=None)  # the whole series
    cases[-1].refresh_from_db()
    with django_assert_num_queries(2):
        together = frames_of_cases(cases)
    assert together == [case_frames(case) for case in cases]
    assert {len(frames) for frames in together} == {1, 5}


def test_the_threads_beside_the_network_ask_no_database(version, report, quick_project, draw_case, monkeypatch) -> None:
    from django.db.backends.utils import CursorWrapper

    asked: set[str] = set()
    execute = CursorWrapper.execute

    def told(self: Any, *given: Any, **more: Any) -> Any:
        asked.add(threading.current_thread().name)
        return execute(self, *given, **more)

    monkeypatch.setattr(CursorWrapper, "execute", told)
    read_cases(version, waiting_cases(quick_project, draw_case), report=report, on_chunk=lambda done, measured: None)
    assert asked == {threading.current_thread().name}


def test_what_goes_wrong_beside_the_network_ends_the_reading_with_its_own_words(
    version, report, quick_project, draw_case, monkeypatch
) -> None:
    def no_room(found: Any) -> Any:
        raise OSError("There is no room left on the disk.")

    monkeypatch.setattr(pool, "store_masks", no_room)
    with pytest.raises(OSError, match="no room left"):
        read_cases(version, waiting_cases(quick_project, draw_case), report=report, on_chunk=lambda done, measured: None)
    assert not [one for one in threading.enumerate() if one.name.startswith("beside-the-network")]


def test_who_cancels_waits_for_no_more_than_what_is_in_hand(version, report, quick_project, draw_case, lead) -> None:
    cases = waiting_cases(quick_project, draw_case)

    def cancels(done: int, measured: list[Any]) -> None:
        cancel_job(job=report.lease.job, by=lead)

    with pytest.raises(JobCancelled):
        read_cases(version, cases, report=report, on_chunk=cancels)
    assert Reading.objects.filter(case__in=cases, reader__model_version=version).count() == CHUNK


@pytest.mark.parametrize("begins", [True, False])
def test_a_version_stops_reading_once_another_serves_and_ends_quietly(
    version, quick_project, draw_case, lead, monkeypatch, begins: bool
) -> None:
    cases = waiting_cases(quick_project, draw_case)
    lease = claim_job(order_predictions(version=version, by=lead).pk)
    assert lease is not None
    other = make_model(quick_project, state="kept", number=2).model_version
    stored: list[int] = []
    store = pool.store_model_readings

    def serves_another(**given: Any) -> None:
        store(**given)
        stored.append(len(given["found"]))
        if len(stored) == 1:
            promote_version(version=other, by=lead, reason="finds more")

    monkeypatch.setattr(pool, "store_model_readings", serves_another)
    if not begins:
        promote_version(version=other, by=lead, reason="finds more")
    predict_pool(lease)
    assert stored == ([CHUNK] if begins else [])
    read = Reading.objects.filter(case__in=cases, reader__model_version=version).count()
    assert lease.result == {"cases": read} and read == sum(stored)
    assert not [one for one in threading.enumerate() if one.name.startswith("beside-the-network")]


def test_a_version_that_serves_on_reads_all(version, quick_project, draw_case, lead) -> None:
    cases = waiting_cases(quick_project, draw_case)
    lease = claim_job(order_predictions(version=version, by=lead).pk)
    assert lease is not None
    predict_pool(lease)
    assert lease.result == {"cases": len(cases)}
    assert Reading.objects.filter(case__in=cases, reader__model_version=version).count() == len(cases)
