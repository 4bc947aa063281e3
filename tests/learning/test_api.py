"""The Learning page and the model page over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backend.jobs.models import Job
from backend.learning.models import Round, TrainingPolicy
from backend.learning.services import start_round
from backend.registry.models import Evaluation, ModelVersion
from tests.rows import make_model

pytestmark = pytest.mark.django_db

BASE = "/api/v1/projects/breast"


def test_the_lead_starts_a_round_and_polls_it_until_it_is_cancelled(disc_project, lead, as_person) -> None:
    client = as_person(lead)
    made = client.post(f"{BASE}/rounds/")
    assert made.status_code == 201 and made.json()["state"] == "queued" and made.json()["started_by"] == "lena"
    assert [step["state"] for step in made.json()["steps"]] == ["todo"] * 6
    answer = client.get(f"{BASE}/rounds/1/")
    assert answer.status_code == 200
    again = client.get(f"{BASE}/rounds/1/", headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304 and not again.content
    Job.objects.update(progress={"step": 3, "steps": 9, "details": {"train": "step 3 of 9"}})
    changed = client.get(f"{BASE}/rounds/1/", headers={"If-None-Match": answer["ETag"]})
    assert changed.status_code == 200 and changed.json()["progress"] == {"step": 3, "steps": 9}
    refused = client.post(f"{BASE}/rounds/")
    assert refused.status_code == 409 and refused.json()["code"] == "round_running"
    cancelled = client.post(f"{BASE}/rounds/1/cancel/")
    assert cancelled.json()["state"] == "cancelled"
    assert [row["state"] for row in client.get(f"{BASE}/rounds/").json()] == ["cancelled"]


@pytest.mark.slow
def test_the_learning_page_has_everything_before_the_first_round_and_after_it(disc_project, lead, as_person, work) -> None:
    client = as_person(lead)
    empty = client.get(f"{BASE}/learning/").json()
    assert empty["labels"] == {"training": 24, "validation": 30} and empty["new_readings"] == 24
    assert empty["live"] is None and empty["rounds"] == [] == empty["curve"] == empty["next"] and empty["serving"] is None
    disc_project.blinded_share = 0.0
    disc_project.save()
    work(start_round(project=disc_project, by=lead))
    full = client.get(f"{BASE}/learning/").json()
    assert full["serving"] == 1 and full["new_readings"] == 0 and full["live"] is None
    assert full["last"]["number"] == 1 and {step["state"] for step in full["last"]["steps"]} == {"done"}
    assert [one["rank"] for one in full["next"]] == [1, 2, 3, 4]
    assert full["curve"][0]["n_labels"] == 24 and full["curve"][0]["value"] is not None
    assert "arm" not in full["curve"][0]  # It learned from all labels: of chosen cases, and of drawn ones.
    row = full["rounds"][0]
    assert row["model_version"] == 1 and row["model_state"] == "serves"
    assert {"dice", "auc"} <= {one["metric"] for one in row["metrics"]}


def test_what_will_be_read_next_leaves_out_what_the_lead_reads_blinded(quick_project, lead, as_person, work) -> None:
    """The batch tells a rank and a score: of a case that one reads blinded, that is a trace of the model."""
    quick_project.blinded_share = 0.0
    quick_project.save()
    work(start_round(project=quick_project, by=lead))
    client = as_person(lead)
    batch = client.get(f"{BASE}/learning/").json()["next"]
    opened = batch[0]["case"]
    assert client.post(f"{BASE}/cases/{opened}/open/").status_code == 200
    quick_project.blinded_share = 1.0
    quick_project.save()
    assert [one["case"] for one in client.get(f"{BASE}/learning/").json()["next"]] == [opened]


def test_the_policy_is_read_with_defaults_and_refuses_nonsense(project, lead, as_person) -> None:
    client = as_person(lead)
    told = client.get(f"{BASE}/policy/").json()
    assert (told["acquisition"], told["encoder"]) == ("clasp_pe", "pretrained")
    assert not TrainingPolicy.objects.exists()
    changed = client.patch(f"{BASE}/policy/", {"enabled": True, "every_n_readings": 5}, format="json")
    assert changed.status_code == 200 and changed.json()["enabled"] is True
    assert (changed.json()["dimension"], changed.json()["image_size"]) == ("auto", None), "the images decide"
    for wrong in (
        {"acquisition": "magic"},
        {"random_share": 1.5},
        {"image_size": 100},
        {"steps_warm": 0},
        {"dimension": "4d"},
        {"encoder": "resnet"},
    ):
        answer = client.patch(f"{BASE}/policy/", wrong, format="json")
        assert answer.status_code == 400 and list(answer.json()) == list(wrong)
    assert TrainingPolicy.objects.get().every_n_readings == 5


def test_a_round_without_labels_answers_409_with_the_reason(project, lead, as_person) -> None:
    answer = as_person(lead).post(f"{BASE}/rounds/")
    assert answer.status_code == 409 and answer.json()["code"] == "no_labels"
    assert not Round.objects.exists()


@pytest.mark.parametrize("path", ["learning/", "policy/", "rounds/", "rounds/1/", "models/", "models/1/"])
def test_readers_and_outsiders_see_nothing_of_learning(project, reader, outsider, as_person, path) -> None:
    assert as_person(reader).get(f"{BASE}/{path}").status_code == 403
    assert as_person(outsider).get(f"{BASE}/{path}").status_code == 404


def test_a_model_version_is_shown_promoted_and_released_and_only_then_looked_at_on_holdout(
    disc_project, lead, as_person, work
) -> None:
    work(start_round(project=disc_project, by=lead))
    client = as_person(lead)
    refused = client.post(f"{BASE}/models/1/evaluate-holdout/")
    assert refused.status_code == 409 and refused.json()["code"] == "not_released"
    assert client.post(f"{BASE}/models/1/release/").json()["released_at"] is not None
    ordered = client.post(f"{BASE}/models/1/evaluate-holdout/")
    assert ordered.status_code == 202
    from backend.jobs.services import claim_job
    from workers.pool import evaluate_holdout

    evaluate_holdout(claim_job(ordered.json()["job"]))
    shown = client.get(f"{BASE}/models/1/").json()
    assert shown["holdout_looks"] == 1 and [one["split"] for one in shown["evaluations"]] == ["HOLDOUT", "VALIDATION"]
    assert shown["config"]["image_size"] == 32 and shown["code_version"].startswith("cnn-")
    assert shown["evaluations"][1]["curves"]["froc"]
    other = make_model(disc_project, state="waits", number=2).model_version
    assert client.post(f"{BASE}/models/2/promote/").status_code == 400
    assert client.post(f"{BASE}/models/2/promote/", {"reason": " "}, format="json").status_code == 400
    assert client.post(f"{BASE}/models/2/promote/", {"reason": "Finds more."}, format="json").json()["state"] == "serves"
    assert [(row["number"], row["state"]) for row in client.get(f"{BASE}/models/").json()] == [(2, "serves"), (1, "kept")]
    assert Job.objects.get(task="learning.predict_pool").arguments == {"version": other.pk}
    assert client.get(f"{BASE}/models/9/").status_code == 404


def test_the_learning_page_tells_when_the_target_would_be_reached_or_why_it_cannot(project, lead, as_person) -> None:
    client = as_person(lead)
    empty = client.get(f"{BASE}/learning/").json()["forecast"]
    assert (empty["answer"], empty["reason"], empty["target"]) == ("cannot_tell", "few_points", 0.75)
    for number, n in enumerate((20, 40, 60, 80, 100, 120, 140), 1):
        make_model(project, state="kept" if n < 140 else "serves", number=number)
        ModelVersion.objects.filter(number=number).update(n_labels=n)
        value = 0.85 - 1.2 * n**-0.5
        told = {"metric": "dice", "finding_type": None, "value": value, "low": value - 0.02, "high": value + 0.02}
        Evaluation.objects.create(
            model_version=ModelVersion.objects.get(number=number), split="VALIDATION", n_cases=40, n_patients=40,
            metrics=[{**told, "n_patients": 40, "n_positive": 40, "note": ""}],
        )  # fmt: skip
    assert client.patch(f"{BASE}/policy/", {"target_dice": 0.76}, format="json").status_code == 200
    told = client.get(f"{BASE}/learning/").json()["forecast"]
    assert told["answer"] == "about" and told["target"] == 0.76
    assert told["low"] <= told["more"] <= told["high"] and told["more"] == pytest.approx(38, abs=8)
    assert all(len(point) == 4 for point in told["curve"])
    client.patch(f"{BASE}/policy/", {"target_dice": 0.6}, format="json")
    assert client.get(f"{BASE}/learning/").json()["forecast"]["answer"] == "reached"


@pytest.fixture
def add_round(project: Any) -> Callable[[int], Round]:
    """Makes a round that is done, with its job and its version, measured twice."""

    def add(number: int) -> Round:
        version = make_model(project, state="kept", number=number).model_version
        for value in (0.5, 0.6):
            told = {"metric": "dice", "finding_type": None, "value": value, "low": value, "high": value, "n_patients": 40}
            Evaluation.objects.create(
                model_version=version, split="VALIDATION", n_cases=1, n_patients=40, per_case=[{"case": "one"}],
                metrics=[{**told, "n_positive": 40, "note": ""}],
            )  # fmt: skip
        job = Job.objects.create(task="learning.run_round", queue="train", state="succeeded", log="step 1\n")
        return Round.objects.create(
            project=project, number=number, state="done", job=job, model_version=version, history=[[1, 0.5]],
            settings={"track": "fast", "start": "warm"},
        )  # fmt: skip

    return add


@pytest.mark.parametrize("path", ["learning/", "rounds/", "rounds/2/", "models/", "models/2/"])
def test_what_is_polled_fetches_no_single_cases_and_asks_no_more_for_more_rounds(
    lead, as_person, add_round, path: str
) -> None:
    client = as_person(lead)
    add_round(1)
    add_round(2)
    with CaptureQueriesContext(connection) as few:
        assert client.get(f"{BASE}/{path}").status_code == 200
    for number in range(3, 9):
        add_round(number)
    with CaptureQueriesContext(connection) as many:
        assert client.get(f"{BASE}/{path}").status_code == 200
    assert len(many) == len(few)
    assert not [one["sql"] for one in many if "per_case" in one["sql"]]


def test_the_lists_fetch_neither_curves_nor_logs(lead, as_person, add_round) -> None:
    client = as_person(lead)
    add_round(1)
    with CaptureQueriesContext(connection) as asked:
        rounds, models = client.get(f"{BASE}/rounds/").json(), client.get(f"{BASE}/models/").json()
    told = " ".join(one["sql"] for one in asked)
    assert not [name for name in ('"curves"', '"subgroups"', '"log"', '"history"') if name in told]
    assert rounds[0]["metrics"][0]["value"] == models[0]["metrics"][0]["value"] == 0.6, "the newest evaluation"


def test_the_learning_page_tells_the_newest_numbers_of_each_version_and_the_log_of_the_last_round(
    lead, as_person, add_round
) -> None:
    add_round(1)
    add_round(2)
    told = as_person(lead).get(f"{BASE}/learning/").json()
    assert [point["value"] for point in told["curve"]] == [0.6, 0.6]
    assert [row["metrics"][0]["value"] for row in told["rounds"]] == [0.6, 0.6]
    last = told["last"]
    assert (last["number"], last["log"], last["loss"], last["metrics"][0]["value"]) == (2, ["step 1"], [[1, 0.5]], 0.6)
