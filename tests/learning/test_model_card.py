"""The model card holds what is stored and its limits, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.conf import settings

from backend.audit.models import Event
from backend.learning.services import start_round
from backend.learning.vocabulary import Vocabulary
from backend.registry.models import CardText, ModelVersion
from backend.registry.services import promote_version, record_evaluation
from tests.measured import measured_cases
from tests.rows import make_model
from workers.evaluating import evaluation_of

pytestmark = pytest.mark.django_db
BASE = "/api/v1/projects/breast"


def codes(card: dict) -> list[str]:
    return [limit["code"] for limit in card["limits"]]


def test_the_card_counts_sexes_ages_and_scanners_of_a_table_where_headers_say_nothing(quick_project, lead, as_person, work):
    quick_project.cases.filter(number__lte=12).update(traits={"sex": "F", "age": "052Y", "scanner": "Alpha One"})
    work(start_round(project=quick_project, by=lead))
    counts = as_person(lead).get(f"{BASE}/models/1/card/").json()["training_data"]["counts"]
    assert counts["sex"] == [{"group": "", "n_cases": 12}, {"group": "F", "n_cases": 12}]
    assert counts["age"] == [{"group": "", "n_cases": 12}, {"group": "40-59", "n_cases": 12}]
    assert counts["scanner"] == [{"group": "", "n_cases": 12}, {"group": "Alpha One", "n_cases": 12}]


def test_the_card_counts_what_was_learned_measured_and_decided(disc_project, lead, as_person, work) -> None:
    disc_project.cases.first().series.study.__class__.objects.update(patient_sex="F", patient_age="052Y")
    version = work(start_round(project=disc_project, by=lead)).model_version
    client = as_person(lead)
    card = client.get(f"{BASE}/models/1/card/").json()
    data = card["training_data"]
    assert (data["n_cases"], data["n_readings"], data["n_patients"], data["changed_since"]) == (24, 24, 24, 0)
    assert data["snapshot_sha256"] == version.snapshot_hash
    types = {row["id"]: row["name"] for row in card["finding_types"] if row["scope"] == "lesion"}
    counted = {row["group"]: row["n_cases"] for row in data["counts"]["finding_type"]}
    assert counted == {**{str(pk): 8 for pk in types}, "none": 8}
    assert data["counts"]["sex"] == [{"group": "F", "n_cases": 24}]
    assert data["counts"]["age"] == [{"group": "40-59", "n_cases": 24}]
    assert data["counts"]["modality"] == [{"group": "US", "n_cases": 24}]
    assert {row["split"]: row["n_labelled"] for row in card["splits"]}["VALIDATION"] == 30
    assert card["training"]["start"] == "scratch" and card["training"]["environment"]["threads"] == 1
    assert card["validation"]["n_patients"] == 30 and card["holdout"] is None
    assert card["gate"]["reasons"] == ["proven"] and card["promotions"][0]["by"] is None
    told = codes(card)
    assert {"few_cases", "one_sex", "ages_missing", "no_holdout", "no_intended_use", "not_stated"} <= set(told)
    assert ("uncalibrated" in told) == (card["calibration"]["method"] == "none"), "whether it can be depends on the machine"
    assert card["training"]["unread"] == 10
    assert "few_validation" not in told and told.count("type_unmeasured") >= 2 and "does_not_serve" not in told
    assert next(one for one in card["limits"] if one["code"] == "ages_missing")["groups"] == [
        "0-17",
        "18-39",
        "60-74",
        "75+",
    ]
    assert not any(str(case.pk) in json.dumps(card) for case in disc_project.cases.all())


def test_what_is_not_known_is_null_and_a_limit(project, lead, as_person) -> None:
    version = make_model(project, state="waits").model_version
    words = {"types": [], "findings": [], "since": {}}
    ModelVersion.objects.update(finding_type_ids=words, gate={"decision": "waits", "reasons": ["marks_chance"]})
    card = as_person(lead).get(f"{BASE}/models/1/card/").json()
    assert card["validation"] is None and card["training"]["start"] is None and card["training"]["environment"] is None
    assert card["training_data"]["n_patients"] is None and card["training_data"]["counts"] == {}
    assert codes(card)[:3] == ["snapshot_gone", "few_cases", "unmeasured"]
    assert {"gate_waits", "does_not_serve", "no_holdout"} <= set(codes(card))
    version.refresh_from_db()
    promote_version(version=version, by=lead, reason="a trial")
    card = as_person(lead).get(f"{BASE}/models/1/card/").json()
    assert "promoted_against_gate" in codes(card) and card["promotions"][0]["reason"] == "a trial"


def test_the_lead_writes_what_the_models_are_for_and_earlier_words_stay_on_record(project, lead, as_person) -> None:
    make_model(project)
    ModelVersion.objects.update(finding_type_ids={"types": [], "findings": [], "since": {}})
    client = as_person(lead)
    url = f"{BASE}/card-text/"
    assert client.patch(url, {"intended_use": "Second reader of breast ultrasound."}, format="json").json()["by"] == "lena"
    told = client.patch(url, {"not_for": "Children."}, format="json").json()
    assert (told["intended_use"], told["not_for"]) == ("Second reader of breast ultrasound.", "Children.")
    card = client.get(f"{BASE}/models/1/card/").json()
    assert card["words"]["not_for"] == "Children." and "no_intended_use" not in codes(card)
    assert CardText.objects.count() == 2
    events = Event.objects.filter(verb="model.card_text").order_by("pk").values_list("detail", flat=True)
    assert list(events) == [{"intended_use": "Second reader of breast ultrasound."}, {"not_for": "Children."}]
    assert client.patch(url, {"remarks": "x" * 5000}, format="json").status_code == 400


def test_a_group_with_longer_distances_is_a_limit_and_one_with_a_lower_average_precision_alone_is_none(
    project, lead, as_person
) -> None:
    cases = measured_cases(300)
    for case in cases:
        if case["traits"]["sex"] == "M" and case["hd95"] is not None:
            case["hd95"] += 20
        if case["traits"]["sex"] == "F" and case["truth"]["any"]:
            case["scores"]["any"] = 0.001
    version = make_model(project).model_version
    words = Vocabulary((1, 2), (), {1: 1, 2: 1})
    ModelVersion.objects.update(finding_type_ids=words.as_dict())
    record_evaluation(version=version, split="VALIDATION", **evaluation_of(cases, words, 0.5, 0))
    card = as_person(lead).get(f"{BASE}/models/1/card/").json()
    worse = {(one["group"], one["metric"]) for one in card["limits"] if one["code"] == "group_worse"}
    assert ("M", "hd95_mm") in worse and ("F", "hd95_mm") not in worse
    assert ("F", "auc") in worse and ("F", "average_precision") not in worse


def test_every_reason_of_the_gate_and_every_limit_has_its_sentence_in_both_languages() -> None:
    root = Path(settings.BASE_DIR)
    gate = (root / "backend/learning/gate.py").read_text()
    reasons = set(re.findall(r'\("([a-z_]+)", (?:f?"|sentence)', gate))
    limits = set(re.findall(r'(?:"code": |else )"([a-z_]+)"', (root / "backend/learning/model_card.py").read_text()))
    reasons -= {"dice"}
    assert len(reasons) == 10 and len(limits) > 20
    for language in ("en", "zh"):
        words = json.loads((root / f"frontend/src/locales/{language}/models.json").read_text())
        assert reasons <= set(words["gate"]["reason"])
        assert limits <= {key.removesuffix("_one").removesuffix("_other") for key in words["card"]["limit"]}
