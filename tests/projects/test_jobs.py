"""The project's slow things, as its lead follows them."""

from __future__ import annotations

import pytest

from backend.jobs.models import Job, JobState

pytestmark = pytest.mark.django_db


def test_the_lead_sees_only_what_waits_or_runs_in_his_project(project, lead, as_person) -> None:
    running = Job.objects.create(task="learning.run_round", state=JobState.RUNNING, project_id=project.pk)
    Job.objects.create(task="learning.run_round", state=JobState.SUCCEEDED, project_id=project.pk)
    Job.objects.create(task="learning.run_round", state=JobState.RUNNING)
    answer = as_person(lead).get("/api/v1/projects/breast/jobs/", {"active": 1})
    assert [job["id"] for job in answer.json()] == [str(running.pk)]


def test_a_job_is_polled_by_etag_and_answers_304_until_it_moves(project, lead, as_person) -> None:
    job = Job.objects.create(task="exchange.run_import", state=JobState.RUNNING, project_id=project.pk)
    client, address = as_person(lead), f"/api/v1/projects/breast/jobs/{job.pk}/"
    first = client.get(address)
    assert first.json()["state"] == "running"
    assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304
    Job.objects.filter(pk=job.pk).update(progress={"done": 1, "total": 2})
    assert client.get(address, headers={"If-None-Match": first["ETag"]}).json()["progress"] == {"done": 1, "total": 2}


def test_a_job_of_another_project_is_not_there(project, lead, as_person) -> None:
    foreign = Job.objects.create(task="exchange.run_import")
    assert as_person(lead).get(f"/api/v1/projects/breast/jobs/{foreign.pk}/").status_code == 404
