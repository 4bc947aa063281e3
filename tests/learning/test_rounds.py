"""A round from the button to the order of the worklist."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from backend.jobs.models import Job
from backend.jobs.services import JobCancelled, cancel_job, claim_job, fail_job, finish_job
from backend.learning.documents import learning_curve, round_document
from backend.learning.models import AcquisitionScore, Round, RoundState
from backend.learning.services import (
    IllegalTransition,
    RoundRefused,
    advance_round,
    cancel_round,
    order_missing_predictions,
    settle_rounds,
    start_due_rounds,
    start_round,
)
from backend.learning.states import ENDED, TRANSITIONS
from backend.projects.models import Case
from backend.readings.models import Lesion, Reading
from backend.registry.models import ModelVersion
from backend.registry.services import promote_version
from tests.rows import make_model

UNREAD = 10
"""So many unread POOL cases the project of discs has."""

pytestmark = pytest.mark.django_db


def test_a_round_trains_measures_serves_reads_the_unread_and_orders_the_worklist(disc_project, lead, work) -> None:
    from workers.rounds import STEPS

    round_ = work(start_round(project=disc_project, by=lead))
    assert round_.state == RoundState.DONE
    assert set(STEPS) == set(TRANSITIONS) - ENDED
    version = ModelVersion.objects.get()
    assert (version.state, version.number, version.n_labels, version.steps) == ("serves", 1, 24, 60)
    evaluation = version.evaluations.get()
    assert (evaluation.split, evaluation.n_cases, evaluation.n_patients) == ("VALIDATION", 30, 30)
    told = {(one["metric"], one["finding_type"]): one for one in evaluation.metrics}
    assert told["dice", None]["value"] > 0.4 and told["dice", None]["n_positive"] == 20
    assert told["dice", None]["low"] <= told["dice", None]["value"] <= told["dice", None]["high"]
    assert told["auc", None]["value"] is None and told["auc", None]["note"] == "too few: 10 negative, at least 20 needed"
    assert told["sensitivity_at_1", None]["n_positive"] == 20
    first_type = disc_project.finding_types.get(scope="lesion", position=0).pk
    assert told["dice", first_type]["value"] is None and "too few: 10" in told["dice", first_type]["note"]

    readings = Reading.objects.filter(reader__kind="model")
    assert {reading.case.split for reading in readings} == {"POOL"}
    assert readings.count() == 10 and all(reading.case.is_open for reading in readings)
    lesion = Lesion.objects.filter(reading__in=readings).first()
    assert lesion.kind == "mask" and lesion.origin == "predicted" and 0 < lesion.score <= 1
    scores = AcquisitionScore.objects.filter(round=round_)
    assert scores.count() == 10
    assert sorted(scores.filter(rank__isnull=False).values_list("rank", "arm")) and scores.filter(arm="random").count() == 1
    head = list(Case.objects.filter(split="POOL", is_open=True).order_by("-priority", "number").values_list("pk", flat=True))
    assert head[:4] == list(scores.filter(rank__isnull=False).order_by("rank").values_list("case_id", flat=True))
    drawn = Case.objects.get(acquisition_scores__arm="random")
    assert drawn.is_random_arm and drawn.inclusion_probability == pytest.approx(0.1) and drawn.priority_reason == "random"


def test_a_second_round_starts_warm_and_passes_the_gate_against_the_first(disc_project, lead, work) -> None:
    work(start_round(project=disc_project, by=lead))
    second = work(start_round(project=disc_project, by=lead))
    assert second.settings["track"] == "fast" and second.settings["steps"] == 10
    version = second.model_version
    assert version.parent.number == 1 and version.gate["against"] == 1
    assert {one["metric"] for one in version.gate["metrics"]} == {"dice"}, "ten images without a lesion rank nothing"
    states = dict(ModelVersion.objects.values_list("number", "state"))
    assert states == {1: "kept", 2: "serves"} or states == {1: "serves", 2: "waits"}
    points = learning_curve(disc_project)
    assert [point["version"] for point in points] == [1, 2] and all(point["value"] is not None for point in points)


def test_a_version_that_is_surely_worse_waits(disc_project, lead, work) -> None:
    work(start_round(project=disc_project, by=lead))
    disc_project.training_policy.steps_warm = 1
    disc_project.training_policy.save()
    made = start_round(project=disc_project, by=lead)
    ModelVersion.objects.filter(number=1).update(weights_key="models/gone")
    made.settings |= {"steps_scratch": 1}
    made.save()
    from workers.networks import load_version

    load_version(ModelVersion.objects.get())  # the champion is still warm in this worker
    second = work(made)
    assert second.settings["start"] == "scratch"
    assert second.model_version.state == "waits" and second.model_version.gate["decision"] == "waits"
    assert "Worse than version 1" in second.message
    assert Reading.objects.filter(reader__model_version=second.model_version).count() == 0


def test_without_labels_or_with_no_lesion_at_all_a_round_does_not_start_and_says_why(
    project, lead, draw_case, read_truth
) -> None:
    with pytest.raises(RoundRefused, match="No submitted reading") as refused:
        start_round(project=project, by=lead)
    assert refused.value.code == "no_labels"
    read_truth(draw_case(0))
    with pytest.raises(RoundRefused, match="nothing to tell apart") as refused:
        start_round(project=project, by=lead)
    assert refused.value.code == "no_lesions"
    assert not Job.objects.exists() and not Round.objects.exists()


def test_a_handful_of_labels_and_an_empty_validation_still_make_a_version_that_says_so(
    project, lead, draw_case, read_truth, work
) -> None:
    from backend.learning.models import TrainingPolicy

    TrainingPolicy.objects.create(project=project, image_size=32, steps_scratch=3, batch_size=4)
    read_truth(draw_case(1))
    draw_case(2)
    round_ = work(start_round(project=project, by=lead))
    assert round_.state == RoundState.DONE
    assert "Only 1 labelled image:" in round_.message and "nothing could be measured" in round_.message
    version = round_.model_version
    assert version.state == "waits" and version.gate["reasons"] == ["few_to_prove"]
    assert "No version serves" in round_.message and not Reading.objects.filter(reader__kind="model").exists()
    assert all(one["value"] is None and one["note"].startswith("too few") for one in version.evaluations.get().metrics)
    (point,) = learning_curve(project)
    assert point["value"] is None and "too few" in point["note"]


def test_a_finding_type_without_an_example_and_labels_without_a_normal_image_are_told(
    project, lead, draw_case, read_truth, work
) -> None:
    from backend.learning.models import TrainingPolicy

    TrainingPolicy.objects.create(project=project, image_size=32, steps_scratch=40, batch_size=4)
    for _ in range(20):
        read_truth(draw_case(1))
    unread = draw_case(1)
    round_ = work(start_round(project=project, by=lead))
    absent = project.finding_types.get(scope="lesion", position=1)
    assert round_.state == RoundState.DONE
    assert f"No labelled image shows {absent.name}: not learned yet." in round_.message
    assert "No labelled image is free of lesions" in round_.message
    assert not Lesion.objects.filter(reading__case=unread, finding_type=absent, score__gte=0.5).exists()


def test_three_labels_of_one_patient_make_a_version_that_promises_nothing(
    project, lead, draw_case, read_truth, work
) -> None:
    from backend.learning.models import TrainingPolicy

    TrainingPolicy.objects.create(project=project, image_size=32, steps_scratch=3, batch_size=4, unproven_serves=True)
    for index in range(3):
        read_truth(draw_case(index, group="one patient"))
    for index in range(25):
        read_truth(draw_case(1 + index % 2, split="VALIDATION", group="another patient"))
    for index in range(3):
        draw_case(index, group="one patient")
    first = work(start_round(project=project, by=lead))
    assert first.state == RoundState.DONE and "Only 3 labelled images" in first.message
    told = first.model_version.evaluations.get().metrics
    assert all(one["value"] is None for one in told)
    dice = next(one for one in told if one["metric"] == "dice" and one["finding_type"] is None)
    assert dice["note"] == "too few: 1 patient, at least 10 needed"
    assert AcquisitionScore.objects.filter(round=first, rank__isnull=False).count() == 1  # one case a patient and batch
    assert Reading.objects.filter(reader__kind="model").count() == 3
    second = work(start_round(project=project, by=lead))
    assert "too few labelled cases to show this version better than chance (1 patient)" in second.message
    assert "the policy lets it serve unproven" in second.message
    assert second.model_version.state == "serves"


def test_two_rounds_at_once_are_refused(disc_project, lead) -> None:
    start_round(project=disc_project, by=lead)
    with pytest.raises(RoundRefused, match="still running"):
        start_round(project=disc_project, by=lead)


@pytest.mark.parametrize(("unread", "dies_at"), [(0, 9), (UNREAD, 9), (UNREAD, 10), (UNREAD, 14)])
def test_a_round_goes_on_from_its_checkpoint_and_ends_with_the_weights_of_an_undisturbed_one(
    disc_project, lead, work, settings, monkeypatch, unread, dies_at
) -> None:
    from workers import training as training_step
    from workers.cnn.train import Training

    settings.CHECKPOINT_SECONDS = 0
    monkeypatch.setattr("workers.reporting.SECONDS_BETWEEN", 0.0)
    disc_project.training_policy.steps_scratch = 20
    disc_project.training_policy.learns_unread = bool(unread)
    disc_project.training_policy.save()
    whole = work(start_round(project=disc_project, by=lead)).model_version
    Round.objects.all().delete()
    ModelVersion.objects.all().delete()

    made = start_round(project=disc_project, by=lead)
    advance, stepped = Training.advance, []

    def dies_after(self):
        if len(stepped) == dies_at:
            raise ConnectionError("the machine is gone")
        stepped.append(self.step)
        return advance(self)

    monkeypatch.setattr(Training, "advance", dies_after)
    from workers.rounds import run_round

    with pytest.raises(ConnectionError):
        run_round(claim_job(made.job_id))
    Job.objects.update(state="queued", lease_expires_at=None)
    monkeypatch.setattr(Training, "advance", lambda self: (stepped.append(self.step), advance(self))[1])
    done = work(made)
    assert done.state == RoundState.DONE
    assert stepped == ([*range(10), *range(10)] if unread else [*range(20)]), "a teacher and a student, or one"
    assert done.model_version.weights_sha256 == whole.weights_sha256
    assert whole.config.get("unread", 0) == done.model_version.config.get("unread", 0) == unread
    assert f"resumed at step {dies_at}" in Job.objects.get(pk=made.job_id).log
    assert [point[0] for point in done.history] == list(range(1, 21))
    from backend.archive.store import has_object

    assert not has_object(training_step._checkpoint_key(done))


@pytest.mark.parametrize("at", ["training", "evaluating", "gating", "predicting", "ranking"])
def test_a_worker_that_dies_at_the_door_of_a_step_leaves_a_round_that_another_finishes(
    quick_project, lead, work, monkeypatch, at
) -> None:
    from workers import rounds

    made = start_round(project=quick_project, by=lead)
    step = rounds.STEPS[RoundState(at)]

    def dies(round_, report):
        raise ConnectionError("gone")

    monkeypatch.setitem(rounds.STEPS, RoundState(at), dies)
    with pytest.raises(ConnectionError):
        rounds.run_round(claim_job(made.job_id))
    monkeypatch.setitem(rounds.STEPS, RoundState(at), step)
    Job.objects.update(state="queued", lease_expires_at=None)
    assert work(made).state == RoundState.DONE
    assert ModelVersion.objects.count() == 1
    assert AcquisitionScore.objects.count() == Reading.objects.filter(reader__kind="model").count() == 10


def test_a_waiting_round_is_cancelled_at_once_and_a_running_one_at_its_next_look(
    disc_project, lead, work, monkeypatch
) -> None:
    waiting = cancel_round(round_=start_round(project=disc_project, by=lead), by=lead)
    assert waiting.state == RoundState.CANCELLED and waiting.finished_at is not None
    monkeypatch.setattr("workers.reporting.SECONDS_BETWEEN", 0.0)
    running = start_round(project=disc_project, by=lead)
    lease = claim_job(running.job_id)
    from workers.cnn.train import Training
    from workers.rounds import run_round

    advance = Training.advance

    def cancels_at_five(self):
        if self.step == 5:
            cancel_job(job=Job.objects.get(pk=running.job_id), by=lead)
        return advance(self)

    monkeypatch.setattr(Training, "advance", cancels_at_five)
    with pytest.raises(JobCancelled):
        run_round(lease)
    running.refresh_from_db()
    assert running.state == RoundState.CANCELLED and len(running.history) == 5
    assert not ModelVersion.objects.exists()
    assert start_round(project=disc_project, by=lead).number == 3


def test_a_loss_that_is_no_number_fails_the_round_with_one_sentence_and_the_old_version_serves_on(
    quick_project, lead, work, monkeypatch
) -> None:
    from workers import training as training_step
    from workers.cnn.train import TrainingDiverged
    from workers.rounds import run_round

    served = work(start_round(project=quick_project, by=lead)).model_version
    made = start_round(project=quick_project, by=lead)
    monkeypatch.setattr(training_step, "FAST_RATE", float("inf"))
    with pytest.raises(TrainingDiverged):
        run_round(claim_job(made.job_id))
    made.refresh_from_db()
    assert made.state == RoundState.FAILED
    assert made.message.endswith("Training diverged: the loss at step 2 is nan. What served before is unchanged.")
    assert list(ModelVersion.objects.filter(state="serves")) == [served] and ModelVersion.objects.count() == 1
    failed = {step["name"]: step["state"] for step in round_document(made)["steps"]}
    assert failed["train"] in ("failed", "todo")
    monkeypatch.undo()
    assert start_round(project=quick_project, by=lead).number == 3


def test_a_round_whose_job_was_given_up_is_told_as_failed_and_does_not_block_the_next(disc_project, lead) -> None:
    made = start_round(project=disc_project, by=lead)
    Job.objects.filter(pk=made.job_id).update(state="failed", error="Gave up after 5 attempts.")
    made.refresh_from_db()
    assert round_document(Round.objects.get())["state"] == "failed"
    settle_rounds(project=disc_project)
    made.refresh_from_db()
    assert (made.state, made.message) == ("failed", "Gave up after 5 attempts.")
    assert start_round(project=disc_project, by=lead).number == 2


def test_a_policy_starts_a_round_after_n_new_readings_and_not_before(project, draw_case, read_truth) -> None:
    from backend.learning.models import TrainingPolicy

    TrainingPolicy.objects.create(project=project, enabled=True, every_n_readings=3, image_size=32)
    for index in range(2):
        read_truth(draw_case(index))
    read_truth(draw_case(1, split="VALIDATION"))
    assert start_due_rounds() == []
    read_truth(draw_case(2))
    (started,) = start_due_rounds()
    assert (started.trigger, started.started_by) == ("policy", None)
    assert start_due_rounds() == []


def test_a_round_moves_only_along_the_table(disc_project, lead) -> None:
    made = start_round(project=disc_project, by=lead)
    with pytest.raises(IllegalTransition):
        advance_round(round_=made, to=RoundState.RANKING)
    stale = Round.objects.get()
    advance_round(round_=made, to=RoundState.SNAPSHOT)
    with pytest.raises(IllegalTransition, match="no longer"):
        advance_round(round_=stale, to=RoundState.SNAPSHOT)
    for following in TRANSITIONS.values():
        assert following <= set(TRANSITIONS)


def test_cases_imported_after_a_version_are_read_by_it_without_a_round(quick_project, lead, work, draw_case) -> None:
    version = work(start_round(project=quick_project, by=lead)).model_version
    assert order_missing_predictions(version=version) is None
    fresh = draw_case(1)
    job = order_missing_predictions(version=version)
    assert order_missing_predictions(version=version) is None
    from workers.pool import predict_pool

    lease = claim_job(job.pk)
    predict_pool(lease)
    finish_job(lease, lease.result)
    assert Reading.objects.filter(case=fresh, reader__model_version=version).exists()
    assert order_missing_predictions(version=version) is None


def test_a_case_that_cannot_be_read_is_tried_once_and_not_every_15_seconds(quick_project, lead, work, draw_case) -> None:
    from backend.archive.store import delete_object
    from workers.pool import predict_pool

    version = work(start_round(project=quick_project, by=lead)).model_version
    delete_object(draw_case(1).instance.frames_key)
    lease = claim_job(order_missing_predictions(version=version).pk)
    predict_pool(lease)
    finish_job(lease, lease.result)
    assert "cannot be decoded" in Job.objects.get(pk=lease.job.pk).log
    assert order_missing_predictions(version=version) is None


def passes(minutes: int) -> None:
    """Everything that failed has failed so much longer ago."""
    for job in Job.objects.filter(state="failed"):
        Job.objects.filter(pk=job.pk).update(finished_at=job.finished_at - timedelta(minutes=minutes))


def fails(job: Job) -> None:
    lease = claim_job(job.pk)
    assert lease is not None
    fail_job(lease, "StoreFull: There is no room left to store anything")


def loses_its_workers(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(attempts=job.max_attempts)
    assert claim_job(job.pk) is None
    job.refresh_from_db()
    assert job.error.startswith("Gave up after 5 attempts")


@pytest.mark.parametrize("ends", [fails, loses_its_workers])
def test_a_reading_that_failed_is_ordered_again_after_ten_minutes_and_ever_later_at_most_an_hour(
    quick_project, lead, work, draw_case, ends: Any
) -> None:
    version = work(start_round(project=quick_project, by=lead)).model_version
    draw_case(1)
    for minutes in (10, 20, 30, 40, 50, 60, 60, 60):
        ordered = order_missing_predictions(version=version)
        assert ordered is not None
        ends(ordered)
        passes(minutes - 1)
        assert order_missing_predictions(version=version) is None, "not every 15 seconds"
        passes(1)
    again = order_missing_predictions(version=version)
    assert again is not None
    from workers.pool import predict_pool

    lease = claim_job(again.pk)
    predict_pool(lease)
    finish_job(lease, lease.result)
    draw_case(2)
    ended = order_missing_predictions(version=version)
    assert ended is not None, "one that succeeded ends the waiting"
    ends(ended)
    passes(10)
    assert order_missing_predictions(version=version) is not None, "and the counting"


def test_a_reading_that_a_person_cancelled_is_not_ordered_again(quick_project, lead, work, draw_case) -> None:
    version = work(start_round(project=quick_project, by=lead)).model_version
    draw_case(1)
    cancel_job(job=order_missing_predictions(version=version), by=lead)
    assert order_missing_predictions(version=version) is None


def test_what_a_version_left_unread_when_another_came_to_serve_waits_for_it_when_it_serves_again(
    quick_project, lead, work, draw_case
) -> None:
    version = work(start_round(project=quick_project, by=lead)).model_version
    draw_case(1)
    left = claim_job(order_missing_predictions(version=version).pk)
    other = make_model(quick_project, state="kept", number=2).model_version
    promote_version(version=other, by=lead, reason="finds more")
    finish_job(left, {"cases": 0})
    version.refresh_from_db()
    promote_version(version=version, by=lead, reason="finds less")
    fails(Job.objects.get(state="queued", arguments={"version": version.pk}))
    passes(10)
    assert order_missing_predictions(version=version) is not None


def test_a_case_that_cannot_be_decoded_is_left_out_with_a_line_in_the_log(quick_project, lead, work) -> None:
    from backend.archive.store import delete_object

    broken = quick_project.cases.filter(split="POOL").first()
    unread = quick_project.cases.filter(split="POOL", is_open=True).first()
    for case in (broken, unread):
        delete_object(case.instance.frames_key)
    made = work(start_round(project=quick_project, by=lead))
    assert made.state == RoundState.DONE
    log = Job.objects.get(pk=made.job_id).log
    assert f"{broken.name} frame 1 cannot be decoded" in log and f"{unread.name} frame 1 cannot be decoded" in log
