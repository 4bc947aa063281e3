"""Questions put to the labels: asked by a lead, answered training by training, stopped, gone on with, and kept."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from backend.jobs.models import Job
from backend.jobs.services import JobCancelled, cancel_job, claim_job, release_job
from backend.learning import inquiries
from backend.learning.models import Inquiry, Round
from backend.projects.models import Case
from backend.readings.models import Lesion, Reading
from tests.learning.test_comparing import choose
from workers.command_line import NothingToDo
from workers.inquiring import answer_inquiry
from workers.running import running

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/projects/breast"


@pytest.fixture
def as_lead(lead) -> APIClient:
    client = APIClient()
    client.force_login(lead)
    return client


@pytest.fixture
def short(disc_project, monkeypatch) -> Any:
    """Trainings of two steps, and one seed: `test_comparing` has more."""
    monkeypatch.setattr(inquiries, "SEEDS", 1)
    disc_project.training_policy.steps_scratch = 2
    disc_project.training_policy.save()
    return disc_project


@pytest.fixture
def two_arms(short, draw_case, read_truth) -> Any:
    """The project with 22 readings of cases that an acquisition function chose, beside the 24 random ones."""
    fresh = [draw_case(index % 3) for index in range(22)]
    for case in fresh:
        read_truth(case)
    choose(short, fresh)
    return short


def run(job_id: Any) -> None:
    with running(job_id) as lease:
        assert lease is not None
        answer_inquiry(lease)


def asked(client: APIClient, kind: str) -> Inquiry:
    answer = client.post(f"{ROOT}/inquiries/{kind}/")
    assert answer.status_code == 201, answer.content
    return Inquiry.objects.get(kind=kind, answered_at=None)


def test_a_lead_asks_whether_choosing_helps_and_the_answer_has_its_numbers(two_arms, as_lead) -> None:
    before = as_lead.get(f"{ROOT}/inquiries/arms/").json()
    assert (before["refusal"], before["state"], before["answer"], before["trainings"]) == (None, None, None, 2)
    inquiry = asked(as_lead, "arms")
    assert as_lead.get(f"{ROOT}/inquiries/arms/").json()["refusal"]["code"] == "inquiry_running"
    assert as_lead.post(f"{ROOT}/inquiries/arms/").status_code == 409
    run(inquiry.job_id)
    told = as_lead.get(f"{ROOT}/inquiries/arms/").json()
    answer = told["answer"]
    assert told["state"] == "succeeded" and told["refusal"] is None
    assert (answer["n_labels"], answer["n_seeds"], answer["n_cases"], answer["n_patients"]) == (22, 1, 20, 20)
    assert (answer["answer"], answer["reason"]) == ("cannot_tell", "few_seeds")
    assert (answer["versions"], answer["acquisitions"], answer["asked_by"]) == ([1], ["entropy"], "lena")
    assert answer["answered_at"] and not Inquiry.objects.get(pk=inquiry.pk).parts


def test_readings_that_are_gone_before_the_first_training_end_it_with_how_many_there_are(two_arms, as_lead) -> None:
    inquiry = asked(as_lead, "arms")
    Reading.objects.filter(case__is_random_arm=False).first().delete()
    with pytest.raises(NothingToDo):
        run(inquiry.job_id)
    told = as_lead.get(f"{ROOT}/inquiries/arms/").json()
    assert (told["state"], told["answer"]) == ("failed", None)
    gone = "NothingToDo: 22 readings of each kind were there when this was asked, 21 are now"
    assert told["error"] == gone, "these words are known to `server-words.ts`"


def test_a_worker_that_is_stopped_leaves_its_trainings_to_the_next_one_and_the_answer_is_the_same(
    short, as_lead, monkeypatch
) -> None:
    whole = asked(as_lead, "labels")
    run(whole.job_id)
    expected = Inquiry.objects.get(pk=whole.pk).answer
    broken = asked(as_lead, "labels")
    lease = claim_job(broken.job_id)
    assert lease is not None
    keep, kept = inquiries.keep_part, []

    def stop_after_the_first(*, inquiry: Inquiry, part: dict[str, Any]) -> None:
        keep(inquiry=inquiry, part=part)
        kept.append(part["fold"])
        if len(kept) == 1:
            raise SystemExit

    monkeypatch.setattr("workers.inquiring.keep_part", stop_after_the_first)
    with pytest.raises(SystemExit):
        answer_inquiry(lease)
    release_job(lease)
    run(broken.job_id)
    assert kept == [0, 1], "nothing is trained twice"
    assert Inquiry.objects.get(pk=broken.pk).answer == expected


def test_a_cancelled_question_ends_within_a_training_and_the_last_answer_stays(short, as_lead, lead) -> None:
    run(asked(as_lead, "labels").job_id)
    first = as_lead.get(f"{ROOT}/inquiries/labels/").json()["answer"]
    inquiry = asked(as_lead, "labels")
    lease = claim_job(inquiry.job_id)
    assert lease is not None
    cancel_job(job=Job.objects.get(pk=inquiry.job_id), by=lead)
    with pytest.raises(JobCancelled):
        answer_inquiry(lease)
    Job.objects.filter(pk=inquiry.job_id).update(state="cancelled")
    assert as_lead.post(f"{ROOT}/inquiries/labels/").status_code == 201
    waiting = as_lead.post(f"{ROOT}/inquiries/labels/cancel/").json()
    assert waiting["state"] == "cancelled" and waiting["answer"] == first and waiting["refusal"] is None


def test_what_cannot_be_answered_is_refused_before_a_training_and_says_what_is_missing(disc_project, as_lead) -> None:
    told = as_lead.get(f"{ROOT}/inquiries/arms/").json()["refusal"]
    assert told["code"] == "few_labels" and told["counts"] == {"chosen": 0, "random": 24, "needed": 20}
    refused = as_lead.post(f"{ROOT}/inquiries/arms/")
    assert refused.status_code == 409 and refused.json()["code"] == "few_labels"
    assert as_lead.get(f"{ROOT}/inquiries/labels/").json()["refusal"] is None
    Reading.objects.all().delete()
    assert as_lead.get(f"{ROOT}/inquiries/labels/").json()["refusal"]["code"] == "few_patients"
    assert not Job.objects.exists() and as_lead.get(f"{ROOT}/inquiries/nothing/").status_code == 404


def test_the_cost_is_judged_by_the_last_round(short, as_lead) -> None:
    assert as_lead.get(f"{ROOT}/inquiries/labels/").json()["expected_seconds"] is None
    job = Job.objects.create(task="learning.run_round", progress={"elapsed": 30.0})
    Round.objects.create(project=short, number=1, state="done", job=job, settings={"steps": 60, "image_size": 16})
    # 0.5 s a step at a quarter of the area, two steps, two trainings.
    assert as_lead.get(f"{ROOT}/inquiries/labels/").json()["expected_seconds"] == 8.0


def test_a_label_that_lost_its_lesion_is_listed_with_what_the_model_sees_until_it_is_changed(
    short, as_lead, reader, monkeypatch
) -> None:
    # A network of two steps is sure of nothing; the journey trains one that is.
    monkeypatch.setattr("backend.learning.second_look.DOUBTED", 0)
    short.blinded_share = 0
    short.save()
    Case.objects.filter(readings__isnull=False).update(is_open=False)
    wrong = Reading.objects.filter(case__split="POOL", verdict="lesions").order_by("case__number").first()
    types = [row.pk for row in short.finding_types.filter(scope="lesion")]
    Lesion.objects.filter(reading=wrong).delete()
    Reading.objects.filter(pk=wrong.pk).update(verdict="no_lesion")
    assert as_lead.get(f"{ROOT}/second-look/").json()["doubts"] is None
    run(asked(as_lead, "labels").job_id)
    told = as_lead.get(f"{ROOT}/second-look/").json()["doubts"]
    assert told["n_labels"] == 24 and len(told["cases"]) == 24
    (found,) = [one for one in told["cases"] if one["case"] == str(wrong.case_id)]
    assert (found["labelled"], found["reader"], found["finding_types"]) == (None, "truth", [])
    assert found["instead"] in types and 0 < found["doubt"] < 1
    Reading.objects.filter(pk=wrong.pk).update(revision=wrong.revision + 1)
    again = as_lead.get(f"{ROOT}/second-look/").json()["doubts"]
    assert again["changed"] == 1 and str(wrong.case_id) not in [one["case"] for one in again["cases"]]
    stranger = APIClient()
    stranger.force_login(reader)
    assert stranger.get(f"{ROOT}/second-look/").status_code == 403
