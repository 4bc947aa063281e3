"""Nothing serves unproven silently: what the gate lets through, and what it holds back with which words."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest
from django.apps import apps

from backend.audit.models import Event
from backend.learning.gate import GateRule, gate_decision
from backend.learning.models import TrainingPolicy
from backend.learning.selectors import policy_of
from backend.learning.services import start_round, update_policy
from backend.metrics.chance import CELLS, FULL
from backend.metrics.ranking import auc
from backend.readings.models import Reading
from backend.registry.models import ModelVersion
from backend.registry.selectors import serving_version
from backend.registry.services import promote_version
from workers import rounds


def cases(n: int = 40, *, skill: float = 1.0, dice: float = 0.7, order: float = 2.0, seed: int = 0) -> list[dict[str, Any]]:
    """Half bear a lesion; with `skill` 1 every mark is on it, with 0 on another patient's. `order`: how scores differ."""
    generator = np.random.default_rng(seed)
    where = generator.permutation(CELLS * CELLS)[:n]
    found = []
    for row in range(n):
        bears = row % 2
        own = generator.random() < skill
        found.append(
            {
                "case": str(row),
                "group": f"patient {row}",
                "complete": True,
                "hits": [0.9] if bears else [],
                "dice": float(np.clip(generator.normal(dice, 0.05), 0, 1)) if bears else None,
                "truth": {"any": bears},
                "scores": {"any": float(generator.normal(order * bears, 1))},
                "places": {
                    "true": [int(where[row]), FULL] if bears else [],
                    "shown": [int(where[row if own else (row + 2) % n]), FULL] if bears else [],
                },
            }
        )
    return found


def test_a_first_version_whose_marks_meet_their_lesions_serves() -> None:
    told = gate_decision(cases(), [], against=None)
    assert (told["decision"], told["reasons"]) == ("serves", ["proven"])
    assert told["text"] == "Better than chance on VALIDATION (40 patients)."
    marks, scores = told["proof"]
    assert (marks["check"], marks["value"], marks["n_positive"], marks["passed"]) == ("marks", 1, 20, True)
    assert marks["chance"] < 0.1 and marks["low"] > marks["chance"]
    assert scores["check"] == "any" and scores["chance"] == 0.5 and scores["low"] > 0.5


def test_a_version_whose_marks_or_scores_do_no_better_than_chance_waits_however_the_champion_does() -> None:
    blind = gate_decision(cases(skill=0), [], against=None)
    assert (blind["decision"], blind["reasons"]) == ("waits", ["marks_chance"])
    assert blind["text"] == "Its marks meet the lesions of VALIDATION no better than chance: it waits."
    guessing = gate_decision(cases(order=0), cases(skill=0, order=0), against=3)
    assert guessing["decision"] == "waits" and "scores_chance" in guessing["reasons"]
    silent = [{**case, "places": {**case["places"], "shown": []}} for case in cases()]
    assert gate_decision(silent, [], against=None)["reasons"] == ["marks_chance"]


def test_of_findings_of_the_whole_image_one_above_chance_suffices() -> None:
    def whole(order: float) -> list[dict[str, Any]]:
        return [
            {
                **case,
                "hits": [],
                "truth": {"any": 0, "finding:7": case["truth"]["any"], "finding:8": int(case["case"]) // 2 % 2},
                "scores": {"any": 0.1, "finding:7": case["scores"]["any"], "finding:8": 0.5},
            }
            for case in cases(80, order=order)
        ]

    assert gate_decision(whole(3), [], against=None)["decision"] == "serves"
    refused = gate_decision(whole(0), [], against=None)
    assert refused["reasons"] == ["findings_chance"] and [one["check"] for one in refused["proof"]] == [
        "finding:7",
        "finding:8",
    ]


def whole_images(*skills: float, n: int = 120, seed: int = 0) -> list[dict[str, Any]]:
    """Yes or no of each image and no lesion at all: finding 7, 8, … is told as well as its skill says, 0 not at all."""
    generator = np.random.default_rng(seed)
    truth = {f"finding:{7 + at}": np.random.default_rng(at).random(n) < 0.4 for at in range(len(skills))}
    told = {name: truth[name] * skill + generator.normal(0, 1, n) for name, skill in zip(truth, skills, strict=True)}
    return [
        {
            "case": str(row),
            "group": f"patient {row}",
            "complete": True,
            "hits": [],
            "dice": None,
            "truth": {"any": 0, **{name: int(values[row]) for name, values in truth.items()}},
            "scores": {"any": 0.1, **{name: float(values[row]) for name, values in told.items()}},
            "places": {"true": [], "shown": []},
        }
        for row in range(n)
    ]


def test_where_validation_shows_no_lesion_a_challenger_is_held_to_the_auc_of_the_findings() -> None:
    champion = whole_images(2.5, 2.5)
    good = gate_decision(whole_images(2.6, 2.6, seed=1), champion, against=1)
    assert (good["decision"], good["reasons"]) == ("serves", ["proven", "not_worse"])
    (compared,) = good["metrics"]
    assert compared["metric"] == "findings_auc" and compared["low"] < compared["difference"] < compared["high"]
    worse = gate_decision(whole_images(0.8, 0.8, seed=1), champion, against=1)
    assert (worse["decision"], worse["reasons"]) == ("waits", ["worse"])
    assert worse["text"] == "Worse than version 1 on VALIDATION (AUC of image findings): it waits."
    assert gate_decision(whole_images(0.8, 0.8, seed=1), champion, against=1, rule=GateRule(unproven_serves=True))[
        "reasons"
    ] == ["worse"], "what was shown is not unproven"
    tight = gate_decision(whole_images(2.4, 2.4, seed=1), champion, against=1, rule=GateRule(margin=0.01))
    assert tight["reasons"] == ["wide_interval"] and "(120 patients; AUC of image findings)" in tight["text"]


def test_the_auc_of_findings_is_the_mean_of_those_that_both_versions_know_and_validation_can_measure() -> None:
    challenger, champion = whole_images(2.5, 2.5, 0.2, seed=1), whole_images(2.5, 1.0)
    (compared,) = gate_decision(challenger, champion, against=1)["metrics"]
    gained = [
        auc(
            np.array([case["truth"][name] for case in cases], dtype=bool), np.array([case["scores"][name] for case in cases])
        )
        for cases in (challenger, champion)
        for name in ("finding:7", "finding:8")
    ]
    assert compared["difference"] == pytest.approx((gained[0] + gained[1] - gained[2] - gained[3]) / 2)
    rare = [{**case, "truth": {**case["truth"], "finding:8": int(int(case["case"]) < 19)}} for case in champion]
    (without,) = gate_decision(challenger, rare, against=1)["metrics"]
    assert without["difference"] == pytest.approx(gained[0] - gained[2]), "19 positives are too few"


def test_one_marked_lesion_in_validation_makes_it_a_project_of_lesions_as_ever() -> None:
    champion = whole_images(2.5)
    marked = [{**case, "hits": [0.9], "dice": 0.8} if case["case"] == "0" else case for case in champion]
    assert gate_decision(marked, marked, against=1)["reasons"] == ["few_to_compare"]
    with_findings = [
        {**case, "truth": {**case["truth"], "finding:7": row // 2 % 2}, "scores": {**case["scores"], "finding:7": row}}
        for row, case in enumerate(cases(80))
    ]
    told = gate_decision(with_findings, with_findings, against=1)
    assert [one["metric"] for one in told["metrics"]] == ["dice", "auc"]


def test_a_version_is_not_held_back_for_one_image_without_a_lesion() -> None:
    """Its score rose, nothing else differs: every draw that holds it says the same, which is not the same as being sure."""
    champion = [case for case in cases(80) if case["truth"]["any"]]
    normal = next(case for case in cases(80) if not case["truth"]["any"])
    low, high = ([*champion, {**normal, "scores": {**normal["scores"], "any": score}}] for score in (-9.0, 9.0))
    told = gate_decision(high, low, against=1, rule=GateRule(0.1))
    assert [one["metric"] for one in told["metrics"]] == ["dice"] and told["decision"] == "serves"


def test_where_validation_is_too_small_it_waits_for_the_lead_unless_the_policy_says_otherwise() -> None:
    few = cases(12)
    told = gate_decision(few, [], against=None)
    assert (told["decision"], told["reasons"], told["proof"]) == ("waits", ["few_to_prove"], [])
    assert told["text"].endswith("better than chance (12 patients): it waits for a lead.")
    allowed = gate_decision(few, few, against=1, rule=GateRule(unproven_serves=True))
    assert allowed["decision"] == "serves" and allowed["text"].endswith("the policy lets it serve unproven.")
    one_patient = [{**case, "group": "one"} for case in cases()]
    assert gate_decision(one_patient, [], against=None)["reasons"] == ["few_to_prove"]


def test_a_challenger_must_stay_within_the_margin_that_the_lead_set() -> None:
    champion, same, worse = cases(dice=0.7), cases(dice=0.69, seed=1), cases(dice=0.5)
    loose = gate_decision(same, champion, against=1)
    assert loose["reasons"] == ["proven", "not_worse"] and loose["metrics"][0]["low"] < 0
    assert loose["needed_patients"] is None
    tight = gate_decision(same, champion, against=1, rule=GateRule(margin=0.0))
    assert (tight["decision"], tight["reasons"], tight["needed_patients"]) == ("waits", ["beyond_margin"], None)
    assert "Not shown to be within 0 of version 1 on VALIDATION (dice" in tight["text"]
    dice_alone = [{**case, "truth": {}} for case in same], [{**case, "truth": {}} for case in champion]
    within = gate_decision(*dice_alone, against=1, rule=GateRule(margin=0.08))
    assert within["decision"] == "serves" and "by more than 0.08 on" in within["text"]
    assert within["metrics"][0]["low"] > -0.08
    assert gate_decision(worse, champion, against=1)["reasons"] == ["worse"]
    with pytest.raises(ValueError, match="same cases"):
        gate_decision(same[1:], champion, against=1)


def test_where_only_too_few_patients_stand_against_a_version_it_is_told_how_many_would_do() -> None:
    """As good as the champion in truth: of forty patients an interval reaches beyond the margin, of enough it does not."""
    champion, same = cases(dice=0.7, order=1.2), cases(dice=0.7, order=1.2, seed=1)
    waits = gate_decision(same, champion, against=3, rule=GateRule(margin=0.1))
    assert (waits["decision"], waits["reasons"]) == ("waits", ["wide_interval"])
    auc_alone = next(one for one in waits["metrics"] if one["metric"] == "auc")
    assert auc_alone["difference"] > -0.1 and auc_alone["low"] <= -0.1
    needed = waits["needed_patients"]
    assert needed % 10 == 0 and 40 < needed <= 400
    assert waits["text"] == (
        f"VALIDATION is too small to show it within 0.1 of version 3 (40 patients; auc): it waits. "
        f"About {needed} patients would, if it stays as measured; or a lead promotes it."
    )
    copies = -(-needed // 40) + 1
    many = [[{**case, "case": f"{case['case']} {n}", "group": f"{case['group']} {n}"} for n in range(copies) for case in own]
            for own in (same, champion)]  # fmt: skip
    assert gate_decision(*many, against=3, rule=GateRule(margin=0.1))["reasons"] == ["proven", "not_worse"]


@pytest.mark.django_db
def test_a_project_from_before_whose_lead_never_saved_a_policy_keeps_its_gate(project) -> None:
    assert policy_of(project).gate_margin == 0.1 and not TrainingPolicy.objects.exists()
    import_module("backend.learning.migrations.0012_default_margin").keep_as_it_is(apps, None)
    kept = TrainingPolicy.objects.get()
    assert (kept.project, kept.gate_margin) == (project, None)
    assert policy_of(project).gate_margin is None


@pytest.mark.django_db
def test_of_a_new_project_the_first_serves_by_its_own_rule_and_a_challenger_only_within_the_margin(
    disc_project, lead, work
) -> None:
    policy = disc_project.training_policy
    policy.gate_margin = TrainingPolicy._meta.get_field("gate_margin").default
    policy.save()
    first = work(start_round(project=disc_project, by=lead)).model_version
    assert first.state == "serves" and first.gate["reasons"] == ["proven"], "it is held against nobody"
    as_good = work(start_round(project=disc_project, by=lead)).model_version
    assert as_good.state == "serves" and "Not worse than version 1 by more than 0.1 on" in as_good.gate["text"]
    policy.steps_scratch = 4
    policy.save()
    worse = work(start_round(project=disc_project, by=lead, track="slow"))
    gate = worse.model_version.gate
    assert (gate["margin"], worse.model_version.state) == (0.1, "waits")
    assert gate["reasons"][-1] in ("beyond_margin", "wide_interval") and gate["text"] in worse.message
    assert serving_version(disc_project) == as_good
    promoted = promote_version(version=worse.model_version, by=lead, reason="to see what it does")
    assert serving_version(disc_project) == promoted


@pytest.mark.django_db
def test_the_margin_is_checked_kept_and_audited(project, lead, as_person) -> None:
    client, url = as_person(lead), "/api/v1/projects/breast/policy/"
    assert client.get(url).json()["gate_margin"] == 0.1 and client.get(url).json()["unproven_serves"] is False
    for wrong in (-0.01, 0.5, "wide"):
        assert list(client.patch(url, {"gate_margin": wrong}, format="json").json()) == ["gate_margin"]
    assert client.patch(url, {"gate_margin": 0.03, "unproven_serves": True}, format="json").json()["gate_margin"] == 0.03
    assert Event.objects.get(verb="policy.update").detail == {"gate_margin": 0.03, "unproven_serves": True}
    assert client.patch(url, {"gate_margin": None}, format="json").json()["gate_margin"] is None


@pytest.mark.django_db
def test_the_first_version_serves_if_its_labels_were_true_and_waits_if_they_were_shuffled(
    disc_project, lead, work, shuffle_labels
) -> None:
    """The same images, the same recipe, no champion: only whose labels they are differs."""
    learned = work(start_round(project=disc_project, by=lead)).model_version
    assert learned.state == "serves" and learned.gate["reasons"] == ["proven"]
    assert learned.gate["proof"][0]["n_positive"] == 20
    ModelVersion.objects.all().delete()
    shuffle_labels(disc_project)
    round_ = work(start_round(project=disc_project, by=lead))
    assert round_.model_version.state == "waits" and round_.model_version.gate["reasons"] == ["marks_chance"]
    assert "no better than chance: it waits" in round_.message and "No version serves" in round_.message
    assert round_.state == "done" and serving_version(disc_project) is None
    assert not Reading.objects.filter(reader__kind="model").exists()
    promoted = promote_version(version=round_.model_version, by=lead, reason="to see what it does")
    assert serving_version(disc_project) == promoted


@pytest.mark.django_db
def test_a_challenger_of_shuffled_labels_does_not_take_the_champions_place(disc_project, lead, work, shuffle_labels) -> None:
    first = work(start_round(project=disc_project, by=lead)).model_version
    shuffle_labels(disc_project)
    ModelVersion.objects.filter(pk=first.pk).update(weights_key="models/gone")
    from workers.networks import load_version

    load_version(ModelVersion.objects.get())  # the champion is still warm in this worker
    second = work(start_round(project=disc_project, by=lead))
    assert second.settings["start"] == "scratch" and second.state == "done"
    assert second.model_version.state == "waits" and "marks_chance" in second.model_version.gate["reasons"]
    assert "Worse than version 1 on VALIDATION" in second.message
    assert serving_version(disc_project).number == 1
    assert not Reading.objects.filter(reader__model_version=second.model_version).exists()


@pytest.mark.django_db
def test_a_round_goes_by_the_margin_that_held_when_it_was_started(disc_project, lead, work) -> None:
    disc_project.training_policy.unproven_serves = True
    disc_project.training_policy.save()
    work(start_round(project=disc_project, by=lead))
    update_policy(project=disc_project, by=lead, changes={"gate_margin": 0.0})
    made = start_round(project=disc_project, by=lead)
    update_policy(project=disc_project, by=lead, changes={"gate_margin": None})
    version = work(made).model_version
    assert version.gate["margin"] == 0.0 and version.gate["metrics"]


@pytest.mark.django_db
def test_what_the_lead_decides_while_the_gate_compares_holds(disc_project, lead, work, monkeypatch) -> None:
    """A rollback: the gate compares with what serves then. A promotion of the new version itself: it serves on."""
    first = work(start_round(project=disc_project, by=lead)).model_version
    second = work(start_round(project=disc_project, by=lead)).model_version
    assert second.state == "serves"
    decide, asked = rounds.gate_decision, []

    def decided(own, others, *, against, **options):
        asked.append(against)
        if len(asked) == 1:
            promote_version(version=ModelVersion.objects.get(pk=first.pk), by=lead, reason="v2 misses small masses")
        if len(asked) == 2:
            promote_version(version=ModelVersion.objects.get(number=3), by=lead, reason="seen by hand")
        return {**decide(own, others, against=against, **options), "decision": "waits"}

    monkeypatch.setattr(rounds, "gate_decision", decided)
    third = work(start_round(project=disc_project, by=lead))
    assert asked == [2, 1] and third.state == "done"
    assert dict(ModelVersion.objects.values_list("number", "state")) == {1: "kept", 2: "kept", 3: "serves"}
    assert third.model_version.gate["against"] == 1
    assert Reading.objects.filter(reader__model_version=third.model_version).exists(), "what serves has read the pool"
