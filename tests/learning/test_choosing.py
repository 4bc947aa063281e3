"""From the policy's acquisition function to the batch of a real round."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.jobs.models import Job
from backend.jobs.services import claim_job
from backend.learning.models import AcquisitionScore, Round, RoundState
from backend.learning.ranking import REASONS, MixedVersions, scored
from backend.learning.reading_times import reading_times
from backend.learning.services import advance_round, start_round
from backend.projects.models import Case, CaseHash
from backend.readings.models import Lesion, Reading
from backend.registry.models import ModelState, ModelVersion
from backend.registry.services import promote_version
from workers.cnn.acquisition import CHOOSING

pytestmark = pytest.mark.django_db

LOCALES = Path(__file__).parents[2] / "frontend" / "src" / "locales"


@pytest.fixture
def choose_by(quick_project):
    """Sets the project's acquisition function, with few steps."""

    def choose(name: str):
        policy = quick_project.training_policy
        policy.acquisition, policy.steps_scratch, policy.steps_warm = name, 6, 3
        policy.save()
        return quick_project

    return choose


@pytest.mark.parametrize(
    "name", ["clasp_pe", "bald", "tta_variance", "k_center", "k_means", "likely_positive", "cost_aware"]
)
def test_a_round_chooses_by_the_function_of_its_policy(choose_by, lead, work, name) -> None:
    round_ = work(start_round(project=choose_by(name), by=lead))
    assert round_.state == RoundState.DONE and round_.settings["acquisition"] == name
    rows = AcquisitionScore.objects.filter(round=round_)
    assert {row.acquisition for row in rows} == {name} and all(row.score is not None for row in rows)
    assert all(row.embedding is None for row in rows), "embeddings are let go when the batch is drawn"
    assert sorted(rows.filter(rank__isnull=False).values_list("rank", flat=True)) == [1, 2, 3, 4]
    detail = Case.objects.filter(acquisition_scores__arm="acquired").first().priority_detail
    assert detail["acquisition"] == name and detail["version"] == 1 and detail["slices"] == []


def test_the_first_round_has_no_committee_and_says_so_and_the_second_has_one(choose_by, lead, work) -> None:
    project = choose_by("ensemble")
    first = work(start_round(project=project, by=lead))
    assert first.settings["acquisition"] == "entropy"
    assert "No other version like version 1 is kept: chosen by entropy instead." in first.message
    project.training_policy.image_size = 32
    second = work(start_round(project=project, by=lead))
    if ModelVersion.objects.get(number=1).state == ModelState.KEPT:
        assert second.settings["acquisition"] == "ensemble" and "instead" not in second.message
        assert AcquisitionScore.objects.filter(round=second, acquisition="ensemble").count() == 10


def test_a_version_that_kept_no_weights_of_its_training_cannot_choose_by_them_and_the_round_says_so(
    choose_by, lead, work
) -> None:
    from workers.networks import usable_acquisition

    work(start_round(project=choose_by("entropy"), by=lead))
    version = ModelVersion.objects.get()
    assert "snapshots" not in version.config
    name, because = usable_acquisition(version, "bald")
    assert name == "entropy" and because == "Version 1 kept no weights from its training: chosen by entropy instead."
    assert usable_acquisition(version, "tta_variance") == ("tta_variance", "")


def test_scores_of_two_versions_are_not_put_in_one_order(choose_by, lead, work) -> None:
    round_ = work(start_round(project=choose_by("entropy"), by=lead))
    version = ModelVersion.objects.get()
    other = ModelVersion.objects.get()
    other.pk, other.number, other.state = None, 2, ModelState.KEPT
    other.save()
    row = AcquisitionScore.objects.filter(round=round_).first()
    assert len(scored(round_, version)) == 10
    AcquisitionScore.objects.filter(pk=row.pk).update(model_version=other)
    with pytest.raises(MixedVersions, match="other versions than 1"):
        scored(round_, version)


def test_where_another_version_has_come_to_serve_meanwhile_it_measures_the_cases_anew(
    choose_by, lead, work, monkeypatch
) -> None:
    from workers import rounds

    work(start_round(project=choose_by("entropy"), by=lead))
    made = start_round(project=choose_by("entropy"), by=lead)
    rank = rounds.STEPS[RoundState.RANKING]
    asked = []

    def after_a_change_of_mind(round_, report):
        old = ModelVersion.objects.exclude(state=ModelState.SERVES).first()
        promote_version(version=old, by=lead, reason="a change of mind")
        asked.append(old)
        rank(round_, report)

    monkeypatch.setitem(rounds.STEPS, RoundState.RANKING, after_a_change_of_mind)
    done = work(made)
    assert done.state == RoundState.DONE
    assert set(AcquisitionScore.objects.filter(round=done).values_list("model_version", flat=True)) == {asked[0].pk}


def test_the_same_round_twice_chooses_the_same_batch(choose_by, lead, work) -> None:
    from workers.networks import _warm

    batches = []
    for _ in range(2):
        round_ = work(start_round(project=choose_by("clasp_pe"), by=lead))
        rows = AcquisitionScore.objects.filter(round=round_, rank__isnull=False).order_by("rank")
        batches.append(list(rows.values_list("case", "arm", "score")))
        Reading.objects.filter(reader__kind="model").delete()
        Round.objects.all().delete()
        ModelVersion.objects.all().delete()
        _warm.clear()
    assert batches[0] == batches[1]


def test_every_function_that_chooses_has_a_reason_and_its_sentence_in_both_languages() -> None:
    assert set(REASONS) == set(CHOOSING)
    for language in ("en", "zh"):
        words = json.loads((LOCALES / language / "learning.json").read_text())
        assert set(words["acquisition"]) == set(words["acquisitionNote"]) == set(CHOOSING)
        assert all(words["acquisitionNote"].values()) and set(REASONS.values()) <= set(words["next"])


def test_a_series_tells_at_which_slices_to_begin_but_not_to_who_reads_it_blinded(
    choose_by, lead, work, draw_case, as_person
) -> None:
    project = choose_by("entropy")
    project.blinded_share = 0.0
    project.save()
    series = draw_case(1, frames=7)
    round_ = work(start_round(project=project, by=lead))
    row = AcquisitionScore.objects.get(round=round_, case=series)
    scores = [score for _, score in row.measures["slices"]]
    assert len(scores) == 5 and scores == sorted(scores, reverse=True)
    series.refresh_from_db()
    assert series.priority_detail["slices"] == [index + 1 for index, _ in row.measures["slices"][:3]]

    def told() -> dict | None:
        rows = as_person(lead).get("/api/v1/projects/breast/worklist/").json()["results"]
        return next(one["reason"] for one in rows if one["id"] == str(series.pk))

    shown = told()
    assert shown is not None and shown["slices"] == series.priority_detail["slices"]
    project.blinded_share = 1.0
    project.save()
    assert told() is None


def test_a_round_stopped_while_predicting_measures_only_what_is_missing(choose_by, lead, work, monkeypatch) -> None:
    from workers import pool, rounds

    made = start_round(project=choose_by("entropy"), by=lead)
    store, seen = rounds.store_measures, []

    def dies_after_a_chunk(**given):
        store(**given)
        seen.extend(one.case_id for one in given["measured"])
        raise ConnectionError("gone")

    monkeypatch.setattr(rounds, "store_measures", dies_after_a_chunk)
    with pytest.raises(ConnectionError):
        rounds.run_round(claim_job(made.job_id))
    assert len(seen) == pool.CHUNK

    def remembers(**given):
        seen.extend(one.case_id for one in given["measured"])
        store(**given)

    monkeypatch.setattr(rounds, "store_measures", remembers)
    Job.objects.update(state="queued", lease_expires_at=None)
    assert work(made).state == RoundState.DONE
    assert len(seen) == 10 == len(set(seen))


def test_of_images_that_look_almost_the_same_a_batch_has_one_whatever_their_patients(choose_by, lead, work) -> None:
    project = choose_by("random")
    unread = list(Case.objects.filter(split="POOL", is_open=True).order_by("number"))
    alike, others = {case.pk for case in unread[:8]}, unread[8:]
    hashes = [*range(8), (1 << 64) - 1, (1 << 128) - 1]
    for case, dhash in zip(unread, hashes, strict=True):
        CaseHash.objects.create(case=case, project=project, dhash=f"{dhash:064x}")
    assert len({case.group_key for case in unread}) == 10
    round_ = work(start_round(project=project, by=lead))
    drawn = AcquisitionScore.objects.filter(round=round_, rank__isnull=False)
    assert len(drawn) == 3 and {case.pk for case in others} < {row.case_id for row in drawn}
    (at_random,) = (row for row in drawn if row.arm == "random")
    share = 1 / 3 / (8 if at_random.case_id in alike else 1)
    assert at_random.inclusion_probability == pytest.approx(share), "of three groups one, then a case of it"


def test_recorded_reading_times_come_with_findings_and_frames(project, reader, draw_case) -> None:
    from backend.readings.models import Reader

    person = Reader.objects.create(project=project, kind="person", name="rita", user=reader)
    one, series = draw_case(1), draw_case(1, frames=3)
    for case, seconds, marks in ((one, 30.0, 2), (series, 90.0, 0)):
        made = Reading.objects.create(case=case, reader=person, state="submitted", active_seconds=seconds)
        for _ in range(marks):
            kind = project.finding_types.filter(scope="lesion").first()
            Lesion.objects.create(reading=made, finding_type=kind, kind="point", instance=case.instance, points=[[1, 1]])
    Reading.objects.create(case=draw_case(0), reader=person, state="draft", active_seconds=5.0)
    assert sorted(reading_times(project)) == [(0, 3, 90.0), (2, 1, 30.0)]


def test_a_round_that_is_done_cannot_be_ranked_again(choose_by, lead, work) -> None:
    from backend.learning.services import IllegalTransition

    round_ = work(start_round(project=choose_by("random"), by=lead))
    with pytest.raises(IllegalTransition):
        advance_round(round_=round_, to=RoundState.RANKING)
