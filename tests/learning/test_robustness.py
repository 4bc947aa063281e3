"""Rounds that meet a full disk, or images that cannot be decoded any more.

A pool of ten thousand cases stands in `tests/soak/test_large_pool`. What is thin about the labels (none, three, one patient,
no lesion, a type without an example, an empty VALIDATION) and a loss that is no number stand in `test_rounds`.
"""

from __future__ import annotations

import resource
import shutil

import pytest

from backend.archive.store import StoreFull, delete_object, has_object
from backend.jobs.models import Job
from backend.jobs.services import claim_job
from backend.learning.documents import round_document
from backend.learning.models import RoundState
from backend.learning.services import start_round, tend_models
from backend.readings.models import Reading
from backend.registry.models import ModelVersion

pytestmark = pytest.mark.django_db


@pytest.fixture
def quick(quick_project):
    """The project of discs, all assisted, with rounds of three steps whose versions serve unproven."""
    quick_project.blinded_share = 0.0
    quick_project.save()
    return quick_project


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
    disc_project, lead, work, settings, monkeypatch
) -> None:
    from workers import rounds

    disc_project.blinded_share = 0.0
    disc_project.save()
    disc_project.training_policy.unproven_serves = True  # without two of its cases VALIDATION proves nothing
    disc_project.training_policy.save()
    labelled = disc_project.cases.filter(split="POOL", is_open=False).first()
    held_out = list(disc_project.cases.filter(split="VALIDATION")[:2])
    unread = disc_project.cases.filter(split="POOL", is_open=True).first()
    delete_object(labelled.instance.frames_key)
    evaluate = rounds.STEPS[RoundState.EVALUATING]

    def vanish_first(round_, report):
        shutil.rmtree(settings.DATA_DIR / "cache", ignore_errors=True)
        for case in (*held_out, unread):
            delete_object(case.instance.frames_key)
        evaluate(round_, report)

    monkeypatch.setitem(rounds.STEPS, RoundState.EVALUATING, vanish_first)
    done = work(start_round(project=disc_project, by=lead))
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
