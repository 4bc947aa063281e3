"""A project that asks yes or no of each image and marks no lesion: what judges its versions, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from backend.learning import inquiries
from backend.learning.documents import learning_curve
from backend.learning.evaluation import metrics_of
from backend.learning.leading_metric import project_metric
from backend.learning.models import Inquiry, TrainingPolicy
from backend.learning.services import start_round
from backend.learning.vocabulary import Vocabulary, vocabulary_of
from backend.metrics.intervals import MIN_PATIENTS
from backend.readings.models import Lesion, Reader, Reading
from backend.registry.models import Evaluation, ModelVersion
from backend.registry.selectors import serving_version
from tests.learning.test_comparing import choose
from tests.learning.test_gate import whole_images
from tests.rows import make_case, make_model
from workers import evaluating
from workers.comparing import main
from workers.evaluating import fast_sample
from workers.inquiring import answer_inquiry
from workers.running import running

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/projects/breast"


@pytest.fixture
def answer_case(project, reader) -> Any:
    """A reader says of a case whether it shows the one finding."""
    (finding,) = vocabulary_of(project).findings
    person = Reader.objects.create(project=project, kind="person", name="Rita", user=reader)

    def answer(case: Any, present: bool) -> Reading:
        return Reading.objects.create(
            case=case, reader=person, state="submitted", verdict="lesions" if present else "no_lesion",
            image_findings={str(finding): "present" if present else "absent"}, vocabulary_version=1,
        )  # fmt: skip

    return answer


@pytest.fixture
def yes_or_no(project, draw_case, answer_case) -> Any:
    """No lesion type; 40 answered cases of the POOL and 60 of VALIDATION, every other one with a bright disc; 4 unread."""
    project.finding_types.filter(scope="lesion").delete()
    for index in range(40):
        answer_case(draw_case(index % 2), bool(index % 2))
    for index in range(60):
        answer_case(draw_case(index % 2, split="VALIDATION"), bool(index % 2))
    for index in range(4):
        draw_case(index % 2)
    TrainingPolicy.objects.create(
        project=project, image_size=32, steps_scratch=20, steps_warm=5, batch_size=4, gate_margin=None
    )
    return project


@pytest.fixture
def as_lead(lead) -> APIClient:
    client = APIClient()
    client.force_login(lead)
    return client


def turn_round(project: Any) -> None:
    """Every answer of the POOL becomes the opposite."""
    for reading in Reading.objects.filter(case__project=project, case__split="POOL", reader__kind="person"):
        turned = {pk: "absent" if value == "present" else "present" for pk, value in reading.image_findings.items()}
        Reading.objects.filter(pk=reading.pk).update(image_findings=turned, revision=reading.revision + 1)


def test_a_version_serves_by_its_findings_and_one_that_learned_them_wrong_does_not_take_its_place(
    yes_or_no, lead, as_lead, work
) -> None:
    first = work(start_round(project=yes_or_no, by=lead)).model_version
    assert (first.state, first.gate["reasons"]) == ("serves", ["proven"])
    (point,) = learning_curve(yes_or_no)
    assert point["metric"] == "findings_auc" and point["n_patients"] == 60
    assert 0.5 < point["low"] <= point["value"] <= point["high"] <= 1
    told = as_lead.get(f"{ROOT}/learning/").json()
    assert told["metric"] == "findings_auc" and told["curve"][0]["value"] == point["value"]
    assert "findings_auc" in {one["metric"] for one in told["rounds"][0]["metrics"]}
    good = work(start_round(project=yes_or_no, by=lead)).model_version
    assert (good.state, good.gate["reasons"]) == ("serves", ["proven", "not_worse"])
    assert [one["metric"] for one in good.gate["metrics"]] == ["findings_auc"]
    turn_round(yes_or_no)
    round_ = work(start_round(project=yes_or_no, by=lead, track="slow"))
    assert round_.model_version.state == "waits" and "worse" in round_.model_version.gate["reasons"]
    assert "Worse than version 2 on VALIDATION (AUC of image findings): it waits." in round_.message
    assert serving_version(yes_or_no) == good
    codes = {limit["code"] for limit in as_lead.get(f"{ROOT}/models/1/card/").json()["limits"]}
    assert "few_validation" not in codes, "it has been measured, by its findings"


def test_curve_and_forecast_speak_of_the_findings_also_where_the_newest_sample_is_too_small(project, as_lead) -> None:
    make = {"split": "VALIDATION", "n_cases": 60, "n_patients": 60}
    blank = {"finding_type": None, "value": None, "low": None, "high": None, "n_patients": 60, "n_positive": 0}
    no_dice = {**blank, "metric": "dice", "note": "too few: 0 positive, at least 20 needed"}
    for number, n in enumerate((20, 40, 60, 80, 100, 120, 140), 1):
        make_model(project, state="kept" if n < 140 else "serves", number=number)
        ModelVersion.objects.filter(number=number).update(n_labels=n)
        value = 0.95 - 1.2 * n**-0.5
        told = {**blank, "metric": "findings_auc", "value": value, "low": value - 0.02, "high": value + 0.02, "note": ""}
        version = ModelVersion.objects.get(number=number)
        Evaluation.objects.create(model_version=version, metrics=[no_dice, told], **make)
    make_model(project, state="waits", number=8)
    Evaluation.objects.create(model_version=ModelVersion.objects.get(number=8), metrics=[no_dice], **make)
    as_lead.patch(f"{ROOT}/policy/", {"target_dice": 0.86}, format="json")
    learning = as_lead.get(f"{ROOT}/learning/").json()
    assert learning["metric"] == "findings_auc" and [one["version"] for one in learning["curve"]] == [1, 2, 3, 4, 5, 6, 7]
    assert {one["metric"] for one in learning["curve"]} == {"findings_auc"}
    assert learning["forecast"]["answer"] == "about" and learning["forecast"]["target"] == 0.86
    lesions = {**no_dice, "value": 0.6, "low": 0.5, "high": 0.7, "n_positive": 20, "note": ""}
    Evaluation.objects.filter(model_version__number=8).update(metrics=[lesions])
    learning = as_lead.get(f"{ROOT}/learning/").json()
    assert learning["metric"] == "dice" and learning["curve"][-1]["value"] == 0.6, "lesions have been marked since"


def test_before_there_is_a_curve_the_readings_of_validation_say_what_will_be_measured(
    project, draw_case, answer_case
) -> None:
    for index in range(39):
        answer_case(draw_case(0, split="VALIDATION"), bool(index % 2))
    assert project_metric(project) == "dice", "19 of 39 show it: one more is needed, and lesions may still come"
    answer_case(draw_case(0, split="VALIDATION"), True)
    assert project_metric(project) == "findings_auc"
    marked = Reading.objects.filter(case__split="VALIDATION").first()
    Lesion.objects.create(
        reading=marked, kind="point", instance=marked.case.instance, points=[[5, 5]], origin="drawn",
        finding_type=project.finding_types.get(scope="lesion", position=0), id="00000000-0000-4000-8000-000000000001",
    )  # fmt: skip
    assert project_metric(project) == "dice"
    Lesion.objects.all().delete()
    Reading.objects.all().delete()
    project.finding_types.filter(scope="lesion").delete()
    assert project_metric(project) == "findings_auc", "nothing else can ever be measured"


def test_an_evaluation_tells_the_auc_of_findings_only_where_there_is_no_lesion() -> None:
    def told(cases: list[dict[str, Any]], *types: int) -> dict[str, Any] | None:
        words = Vocabulary(types, (7, 8), {pk: 1 for pk in (*types, 7, 8)})
        blank = {"hit_types": [], "nsd": None, "hd95": None, "unit": "px", "sizes": [], "found": [], "false": []}
        blank["false_types"] = []
        found = metrics_of([{**blank, **case} for case in cases], vocabulary=words, threshold=0.5)
        return next((one for one in found if one["metric"] == "findings_auc"), None)

    cases = whole_images(2.5, 2.5)
    both = told(cases, 1)
    assert both is not None and both["note"] == "mean over 2 findings of the whole image" and both["n_patients"] == 120
    assert both["n_positive"] == min(sum(case["truth"][name] for case in cases) for name in ("finding:7", "finding:8"))
    assert told([{**case, "hits": [0.9]} for case in cases], 1) is None
    assert told(cases[:MIN_PATIENTS], 1) is None
    few = told(cases[:MIN_PATIENTS])
    assert few is not None and few["value"] is None
    assert few["note"] == "too few: 3 cases show a finding, 7 do not, of 10 patients"


def test_a_fast_round_measures_so_many_that_each_finding_can_be_told(project, answer_case, monkeypatch) -> None:
    monkeypatch.setattr(evaluating, "FAST_CASES", 30)
    readings = [answer_case(make_case(project, split="VALIDATION"), index % 5 == 0) for index in range(200)]
    sample = fast_sample(readings, key="00", vocabulary=vocabulary_of(project))
    present = sum("present" in reading.image_findings.values() for reading in sample)
    assert present == 20 and 30 < len(sample) < 200
    Reading.objects.update(verdict="no_lesion")
    again = fast_sample(list(Reading.objects.order_by("case__number")), key="00", vocabulary=vocabulary_of(project))
    assert [one.pk for one in again] == [one.pk for one in sample], "the verdict has no part in it"


@pytest.fixture
def two_arms(yes_or_no, draw_case, answer_case, monkeypatch) -> Any:
    """22 more answered cases, which an acquisition function chose; trainings of two steps."""
    monkeypatch.setattr(inquiries, "SEEDS", 1)
    TrainingPolicy.objects.update(steps_scratch=2)
    fresh = [draw_case(index % 2) for index in range(22)]
    for index, case in enumerate(fresh):
        answer_case(case, bool(index % 2))
    choose(yes_or_no, fresh)
    return yes_or_no


def test_whether_choosing_helps_is_answered_by_the_auc_of_the_findings(two_arms, as_lead, capsys) -> None:
    assert as_lead.get(f"{ROOT}/inquiries/arms/").json()["refusal"] is None
    assert as_lead.post(f"{ROOT}/inquiries/arms/").status_code == 201
    inquiry = Inquiry.objects.get()
    assert inquiry.settings["metric"] == "findings_auc"
    with running(inquiry.job_id) as lease:
        answer_inquiry(lease)
    answer = as_lead.get(f"{ROOT}/inquiries/arms/").json()["answer"]
    assert (answer["metric"], answer["answer"], answer["reason"]) == ("findings_auc", "cannot_tell", "few_seeds")
    assert (answer["n_cases"], answer["n_patients"]) == (60, 60)
    options = ["--image-size", "32", "--steps-scratch", "2"]
    assert main(["--project", "breast", "--seeds", "3", *options]) == 0
    *seeds, told = capsys.readouterr().out.splitlines()
    assert len(seeds) == 3 and ": AUC of image findings " in told and "3 seeds, 60 patients." in told


def test_whether_choosing_helps_is_not_asked_where_no_finding_can_be_measured(two_arms, as_lead) -> None:
    kept = Reading.objects.filter(case__split="VALIDATION").order_by("case__number")[:30].values_list("pk", flat=True)
    Reading.objects.filter(case__split="VALIDATION").exclude(pk__in=list(kept)).delete()
    refusal = as_lead.get(f"{ROOT}/inquiries/arms/").json()["refusal"]
    assert refusal["code"] == "few_findings"
    assert refusal["counts"] == {"present": 15, "absent": 15, "patients": 30, "needed": 20, "needed_patients": 10}
    assert as_lead.post(f"{ROOT}/inquiries/arms/").json()["code"] == "few_findings"
