"""One version serves; HOLDOUT stays shut until somebody stands for a version."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from backend.audit.models import Event
from backend.jobs.models import Job
from backend.registry.models import ModelVersion, Promotion
from backend.registry.selectors import serving_beside, serving_version
from backend.registry.services import (
    NotReleased,
    hold_version,
    order_holdout_evaluation,
    promote_version,
    record_evaluation,
    release_version,
    settle_gate,
)
from tests.rows import make_case, make_model, make_reading

pytestmark = pytest.mark.django_db


def test_promotion_and_rollback_keep_exactly_one_version_serving(project, lead) -> None:
    first = make_model(project, state="serves", number=1).model_version
    second = make_model(project, state="candidate", number=2).model_version
    promote_version(version=second, by=None, gate={"decision": "serves"})
    assert dict(ModelVersion.objects.values_list("number", "state")) == {1: "kept", 2: "serves"}
    first.refresh_from_db()
    with pytest.raises(ValueError, match="says why"):
        promote_version(version=first, by=lead, reason=" ")
    promote_version(version=first, by=lead, reason="v2 misses small masses")
    assert serving_version(project) == first
    assert Event.objects.filter(verb="model.promoted").count() == 2
    assert Event.objects.filter(verb="model.promoted").latest("pk").detail["reason"] == "v2 misses small masses"
    promotion = Promotion.objects.first()
    assert (promotion.model_version, promotion.instead_of, promotion.by) == (first, second, lead)
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.update(state="serves")


def test_a_version_that_waits_does_not_serve(project) -> None:
    version = make_model(project, state="candidate").model_version
    hold_version(version=version, gate={"text": "Worse."})
    assert serving_version(project) is None and ModelVersion.objects.get().state == "waits"


def test_a_version_that_a_person_let_serve_meanwhile_serves_on_whatever_the_gate_says(project, lead) -> None:
    first = make_model(project, state="serves", number=1).model_version
    second = make_model(project, state="candidate", number=2).model_version
    promote_version(version=ModelVersion.objects.get(pk=second.pk), by=lead, reason="seen by hand")
    assert serving_beside(second) == first
    assert settle_gate(version=second, against=first, gate={"decision": "waits", "text": "Too few."})
    assert dict(ModelVersion.objects.values_list("number", "state")) == {1: "kept", 2: "serves"}
    assert ModelVersion.objects.get(pk=second.pk).gate["text"] == "Too few."


@pytest.mark.parametrize("decision", ["serves", "waits"])
def test_the_gate_decides_nothing_beside_a_version_that_no_longer_serves(decision, project, lead) -> None:
    first = make_model(project, state="kept", number=1).model_version
    second = make_model(project, state="serves", number=2).model_version
    third = make_model(project, state="candidate", number=3).model_version
    promote_version(version=first, by=lead, reason="v2 misses small masses")
    assert not settle_gate(version=third, against=second, gate={"decision": decision, "text": ""})
    assert dict(ModelVersion.objects.values_list("number", "state")) == {1: "serves", 2: "kept", 3: "candidate"}
    assert settle_gate(version=third, against=first, gate={"decision": decision, "text": ""})
    assert ModelVersion.objects.get(number=3).state == decision


def test_holdout_is_shut_until_release(project, lead) -> None:
    version = make_model(project).model_version
    numbers = {"metrics": [], "curves": {}, "per_case": [], "n_patients": 0}
    with pytest.raises(NotReleased):
        record_evaluation(version=version, split="HOLDOUT", **numbers)
    with pytest.raises(NotReleased):
        order_holdout_evaluation(version=version, by=lead)
    release_version(version=version, by=lead)
    at = version.released_at
    assert release_version(version=version, by=lead).released_at == at
    record_evaluation(version=version, split="HOLDOUT", requested_by=lead, **numbers)
    assert order_holdout_evaluation(version=version, by=lead).queue == "infer"


def test_after_a_rollback_the_older_versions_findings_are_what_a_reader_starts_from(
    project, reader, lead, as_person
) -> None:
    project.blinded_share = 0.0
    project.save()
    first, second = make_model(project, state="kept", number=1), make_model(project, state="serves", number=2)
    case = make_case(project)
    found = {
        one.name: make_reading(one, case, scores=[score]).lesions.get() for one, score in ((first, 0.71), (second, 0.82))
    }

    def shown() -> str:
        return as_person(reader).post(f"/api/v1/projects/breast/cases/{case.pk}/open/").content.decode()

    promote_version(version=first.model_version, by=lead, reason="v2 misses small masses")
    told = shown()
    assert str(found["v1"].pk) in told and str(found["v2"].pk) not in told
    assert Job.objects.get(task="learning.predict_pool").arguments == {"version": first.model_version.pk}
