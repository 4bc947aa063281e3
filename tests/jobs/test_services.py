"""The life of a job, one step at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from backend.audit.models import Event
from backend.jobs.models import Job, JobState
from backend.jobs.services import (
    JobCancelled,
    LeaseLost,
    append_log,
    cancel_job,
    change_arguments,
    claim_job,
    enqueue_job,
    expire_leases,
    finish_job,
    heartbeat,
    is_cancelled,
    reconcile_jobs,
    release_job,
    report_progress,
)
from workers.running import running

pytestmark = pytest.mark.django_db


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the jobs whose doorbell was rung, instead of a broker."""
    ids: list[str] = []
    monkeypatch.setattr("backend.jobs.services.current_app.send_task", lambda task, args, **rest: ids.append(args[0]))
    return ids


def let_lease_expire(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def test_doorbell_rings_only_after_commit(rung: list[str], django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = enqueue_job(task="exchange.run_import", queue="default")
        assert rung == []
    assert rung == [str(job.pk)]
    assert Job.objects.get(pk=job.pk).enqueued_at is not None


def test_a_broker_that_is_away_does_not_fail_the_request(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    from kombu.exceptions import OperationalError

    def refuse(*args: object, **rest: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("backend.jobs.services.current_app.send_task", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        job = enqueue_job(task="exchange.run_import", queue="default")
    assert Job.objects.get(pk=job.pk).enqueued_at is None


def test_a_claimed_job_cannot_be_claimed_again_until_its_lease_expires(rung: list[str]) -> None:
    job = enqueue_job(task="t", queue="default")
    first = claim_job(job.pk)
    assert first is not None and first.token == 1
    assert claim_job(job.pk) is None
    let_lease_expire(job)
    second = claim_job(job.pk)
    assert second is not None and second.token == 2 and second.job.attempts == 2


def test_every_write_of_a_worker_whose_lease_was_taken_is_refused(rung: list[str]) -> None:
    job = enqueue_job(task="t", queue="default")
    stale = claim_job(job.pk)
    let_lease_expire(job)
    fresh = claim_job(job.pk)
    assert stale is not None and fresh is not None
    for write in (
        lambda: heartbeat(stale),
        lambda: report_progress(stale, step=1),
        lambda: change_arguments(stale, {}),
        lambda: append_log(stale, "line"),
        lambda: finish_job(stale, {}),
        lambda: release_job(stale),
        lambda: is_cancelled(stale),
    ):
        with pytest.raises(LeaseLost):
            write()
    finish_job(fresh, {"n": 1})
    assert Job.objects.get(pk=job.pk).result == {"n": 1}


def test_a_missing_or_finished_job_is_not_claimed(rung: list[str]) -> None:
    assert claim_job(uuid4()) is None
    job = enqueue_job(task="t", queue="default")
    lease = claim_job(job.pk)
    assert lease is not None
    finish_job(lease, {})
    assert claim_job(job.pk) is None


def test_progress_is_merged_and_log_lines_are_kept_in_order(rung: list[str]) -> None:
    job = enqueue_job(task="t", queue="default")
    lease = claim_job(job.pk)
    assert lease is not None
    report_progress(lease, step=1, steps=10)
    report_progress(lease, step=2)
    append_log(lease, "one")
    append_log(lease, "two\n")
    job.refresh_from_db()
    assert job.progress == {"step": 2, "steps": 10}
    assert job.log == "one\ntwo\n"


def test_log_keeps_its_newest_part(rung: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.jobs.services.LOG_CHARACTERS", 10)
    job = enqueue_job(task="t", queue="default")
    lease = claim_job(job.pk)
    assert lease is not None
    append_log(lease, "0123456789abc")
    append_log(lease, "end")
    job.refresh_from_db()
    assert job.log == "89abc\nend\n"


def test_a_waiting_job_is_cancelled_at_once_and_the_audit_says_by_whom(rung: list[str], lead: Any) -> None:
    job = cancel_job(job=enqueue_job(task="t", queue="default"), by=lead)
    assert job.state == JobState.CANCELLED and job.finished_at is not None
    assert claim_job(job.pk) is None
    event = Event.objects.get(verb="job.cancel")
    assert (event.actor, event.object_id) == ("lena", str(job.pk))


def test_a_running_job_learns_that_it_was_cancelled(rung: list[str]) -> None:
    job = enqueue_job(task="t", queue="default")
    lease = claim_job(job.pk)
    assert lease is not None and not is_cancelled(lease)
    assert cancel_job(job=job, by=None).state == JobState.RUNNING
    assert is_cancelled(lease)


def test_reconciler_gives_up_after_the_last_attempt(rung: list[str]) -> None:
    job = enqueue_job(task="t", queue="default")
    Job.objects.filter(pk=job.pk).update(max_attempts=1)
    claim_job(job.pk)
    let_lease_expire(job)
    reconcile_jobs()
    job.refresh_from_db()
    assert job.state == JobState.FAILED and "Gave up after 1 attempt" in job.error


def test_reconciler_ends_a_cancelled_job_whose_worker_died(rung: list[str]) -> None:
    job = enqueue_job(task="t", queue="default")
    claim_job(job.pk)
    cancel_job(job=job, by=None)
    let_lease_expire(job)
    reconcile_jobs()
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_reconciler_leaves_live_jobs_alone(rung: list[str]) -> None:
    job = enqueue_job(task="t", queue="default")
    claim_job(job.pk)
    assert reconcile_jobs() == []
    job.refresh_from_db()
    assert job.state == JobState.RUNNING and rung == []


def test_leases_ended_by_a_supervisor_that_starts_are_claimable_at_once(rung: list[str]) -> None:
    job = enqueue_job(task="t", queue="default")
    claim_job(job.pk)
    assert expire_leases() == 1
    second = claim_job(job.pk)
    assert second is not None and second.token == 2


def test_work_that_ends_well_finishes_the_job_with_its_result(rung: list[str]) -> None:
    job = enqueue_job(task="t", queue="default")
    with running(str(job.pk)) as lease:
        assert lease is not None
        lease.result["imported"] = 3
    job.refresh_from_db()
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"imported": 3})


def test_an_error_of_the_work_fails_the_job_with_its_message(rung: list[str]) -> None:
    job = enqueue_job(task="t", queue="default")
    with pytest.raises(ValueError), running(str(job.pk)):
        raise ValueError("the third slice is missing")
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.FAILED, "ValueError: the third slice is missing")


def test_a_passing_error_of_the_surroundings_gives_the_job_back_until_its_last_attempt(rung: list[str]) -> None:
    job = enqueue_job(task="t", queue="default")
    Job.objects.filter(pk=job.pk).update(max_attempts=2)
    for expected in (JobState.QUEUED, JobState.FAILED):
        with running(str(job.pk)):
            raise ConnectionError("object store is away")
        job.refresh_from_db()
        assert job.state == expected


def test_cancelled_work_ends_as_cancelled(rung: list[str]) -> None:
    job = enqueue_job(task="t", queue="default")
    with running(str(job.pk)):
        raise JobCancelled
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_work_whose_lease_was_taken_changes_nothing(rung: list[str]) -> None:
    job = enqueue_job(task="t", queue="default")
    with running(str(job.pk)) as lease:
        assert lease is not None
        let_lease_expire(job)
        other = claim_job(job.pk)
        assert other is not None
        report_progress(lease, step=1)
    job.refresh_from_db()
    assert job.state == JobState.RUNNING and job.progress == {}


def test_a_second_run_of_the_same_job_has_nothing_to_do(rung: list[str]) -> None:
    job = enqueue_job(task="t", queue="default")
    with running(str(job.pk)), running(str(job.pk)) as second:
        assert second is None


def test_heartbeats_keep_the_lease_alive_while_the_work_goes_on(rung: list[str], settings: Any) -> None:
    job = enqueue_job(task="t", queue="default")
    lease = claim_job(job.pk)
    assert lease is not None
    let_lease_expire(job)
    heartbeat(lease)
    assert claim_job(job.pk) is None
