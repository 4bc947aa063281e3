"""Rounds that meet a full disk, images that cannot be decoded any more, or a pool of ten thousand cases.

What is thin about the labels (none, three, one patient, no lesion, a type without an example, an empty VALIDATION) and a
loss that is no number stand in `test_rounds`.
"""

from __future__ import annotations

import resource
import shutil
from copy import copy

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backend.archive.models import Instance
from backend.archive.store import StoreFull, delete_object, has_object
from backend.jobs.models import Job
from backend.jobs.services import claim_job
from backend.learning.documents import round_document
from backend.learning.models import AcquisitionScore, Round, RoundState
from backend.learning.ranking import CaseMeasured, Chosen, scored, store_measures, unscored, write_ranking
from backend.learning.selectors import cases_to_predict
from backend.learning.services import end_round, start_round, tend_models
from backend.projects.models import Case
from backend.readings.models import Reading
from backend.registry.models import ModelVersion
from tests.rows import make_case, make_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def quick(disc_project):
    """The project of discs, all assisted, with rounds of three steps."""
    policy = disc_project.training_policy
    policy.steps_scratch, policy.steps_warm = 3, 2
    policy.save()
    disc_project.blinded_share = 0.0
    disc_project.save()
    return disc_project


@pytest.fixture
def small_disk():
    """Files of this process can grow to a size only; the write that goes beyond fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_at_the_checkpoint_fails_the_round_with_the_reason_and_the_next_one_works(
    quick, lead, work, settings, small_disk
) -> None:
    from workers.rounds import run_round

    settings.CHECKPOINT_SECONDS = 0
    served = work(start_round(project=quick, by=lead)).model_version
    read = Reading.objects.filter(reader__model_version=served).count()
    made = start_round(project=quick, by=lead)
    small_disk(12_000_000)  # a checkpoint has 20 MB, the weights 5
    with pytest.raises(StoreFull):
        run_round(claim_job(made.job_id))
    small_disk(resource.RLIM_INFINITY)
    made.refresh_from_db()
    assert made.state == RoundState.FAILED
    assert made.message.endswith("There is no room left to store anything. What served before is unchanged.")
    assert round_document(made)["message"] == made.message
    assert not has_object(f"checkpoints/{made.pk}/latest")
    assert ModelVersion.objects.get() == served and served.state == "serves"
    assert Reading.objects.filter(reader__model_version=served).count() == read
    assert work(start_round(project=quick, by=lead)).state == RoundState.DONE


def test_a_round_that_fails_while_the_pool_is_read_says_what_serves_and_the_rest_is_read_later(
    quick, lead, work, monkeypatch
) -> None:
    from workers import rounds

    work(start_round(project=quick, by=lead))
    Reading.objects.filter(case__split="VALIDATION").delete()  # so few steps: the gate could go either way
    made = start_round(project=quick, by=lead)

    def is_full(round_, report):
        raise StoreFull(28, "There is no room left to store anything")

    monkeypatch.setitem(rounds.STEPS, RoundState.PREDICTING, is_full)
    with pytest.raises(StoreFull):
        rounds.run_round(claim_job(made.job_id))
    Job.objects.filter(pk=made.job_id).update(state="failed")
    made.refresh_from_db()
    assert made.message.endswith("Version 2 serves; what it has not read yet is read next.")
    tend_models()
    assert Job.objects.get(task="learning.predict_pool").arguments == {"version": made.model_version_id}


def test_images_that_vanish_in_the_middle_of_a_round_are_counted_and_left_out(
    quick, lead, work, settings, monkeypatch
) -> None:
    from workers import rounds

    labelled = quick.cases.filter(split="POOL", is_open=False).first()
    held_out = list(quick.cases.filter(split="VALIDATION")[:2])
    unread = quick.cases.filter(split="POOL", is_open=True).first()
    delete_object(labelled.instance.frames_key)
    evaluate = rounds.STEPS[RoundState.EVALUATING]

    def vanish_first(round_, report):
        shutil.rmtree(settings.DATA_DIR / "cache", ignore_errors=True)
        for case in (*held_out, unread):
            delete_object(case.instance.frames_key)
        evaluate(round_, report)

    monkeypatch.setitem(rounds.STEPS, RoundState.EVALUATING, vanish_first)
    done = work(start_round(project=quick, by=lead))
    assert done.state == RoundState.DONE
    for sentence in (
        "1 labelled case could not be decoded and was left out.",
        "2 VALIDATION cases could not be decoded and were left out.",
        "1 unread case could not be decoded and was left out.",
    ):
        assert sentence in done.message
    assert done.model_version.evaluations.get().n_cases == 28
    assert Reading.objects.filter(reader__kind="model").count() == 9


def test_a_round_of_which_no_image_can_be_decoded_fails_with_that_sentence(project, lead, draw_case, read_truth) -> None:
    from workers.rounds import run_round
    from workers.training import NothingToLearn

    for _ in range(3):
        case = draw_case(1)
        read_truth(case)
        delete_object(case.instance.frames_key)
    made = start_round(project=project, by=lead)
    with pytest.raises(NothingToLearn):
        run_round(claim_job(made.job_id))
    made.refresh_from_db()
    assert made.state == RoundState.FAILED and "None of the labelled images can be used." in made.message


def make_copy(instance: Instance, number: int) -> Instance:
    """Another image with the same frames."""
    made = copy(instance)
    made.pk, made.sop_instance_uid = None, f"1.2.9.{number}"
    made.received_digest = made.original_uid_digest = made.pixel_digest = f"n{number}"
    return made


@pytest.mark.slow
def test_ten_thousand_unread_cases_are_kept_account_of_and_ranked_in_few_queries_and_little_memory(project) -> None:
    first = make_case(project)
    instances = [make_copy(first.instance, number) for number in range(2, 10_001)]
    Instance.objects.bulk_create(instances, batch_size=500)
    Case.objects.bulk_create(
        [
            Case(
                project=project, series=first.series, instance=instance, number=number, name=f"US-{number:05}",
                split="POOL", group_key=f"g{number}", is_open=True,
            )
            for number, instance in enumerate(instances, 2)
        ],
        batch_size=500,
    )  # fmt: skip
    version = make_model(project).model_version
    round_ = Round.objects.create(
        project=project, number=1, settings={"acquisition": "entropy", "seed": 0, "track": "fast", "start": "warm"}
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with CaptureQueriesContext(connection) as asked:
        waiting = list(unscored(round_, version, cases_to_predict(project)))
    assert len(waiting) == 10_000 and len(asked) == 1
    generator = np.random.default_rng(0)
    for start in range(0, 10_000, 500):
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
    assert len(asked) <= 8 * 100 + 20  # by hundreds, never one by one
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 400, f"{grown:.0f} MB"
    order = list(cases_to_predict(project).values_list("pk", flat=True)[:16])
    assert order == [one.case_id for one in batch]
    assert AcquisitionScore.objects.filter(round=round_, embedding__isnull=False).count() == 0
    end_round(round_=round_, to=RoundState.FAILED, message="done with")
