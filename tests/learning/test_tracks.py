"""The two tracks: when each is due, with what it begins, what it trains on, and what readers see meanwhile."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from django.utils import timezone

from backend.audit.models import Event
from backend.jobs.models import Job
from backend.jobs.services import claim_job
from backend.learning.documents import round_document
from backend.learning.models import AcquisitionScore, Round, RoundState, Snapshot, TrainingPolicy
from backend.learning.replay import fast_training_set
from backend.learning.selectors import next_cases
from backend.learning.services import RoundRefused, start_due_rounds, start_round
from backend.learning.tracks import due_round
from backend.projects.models import Assignment
from backend.projects.reading_order import open_cases_in_order
from backend.projects.shown_names import names_in_records
from backend.readings.models import Reading
from backend.readings.selectors import model_reading_shown
from backend.readings.worklist_selectors import worklist_page
from backend.registry.models import Evaluation, ModelVersion
from backend.registry.services import promote_version
from tests.rows import make_case, make_model, make_reading

pytestmark = pytest.mark.django_db


@pytest.fixture
def quick(quick_project):
    """The project of discs, all assisted, with rounds of three steps whose versions serve unproven."""
    policy = quick_project.training_policy
    policy.steps_warm, policy.every_n_readings, policy.enabled = 2, 3, True
    policy.save()
    quick_project.blinded_share = 0.0
    quick_project.save()
    return quick_project


def slow_round(project, *, n_labels: int, days_ago: float = 1.0, state: str = "done") -> Round:
    """A slow round that saw so many of the project's labels."""
    from backend.learning.selectors import labels

    rows = list(labels(project, "POOL").order_by("pk").values_list("case_id", "pk", "revision")[:n_labels])
    snapshot = Snapshot.objects.create(project=project, hash="0" * 64, vocabulary_version=1)
    snapshot.items.bulk_create(
        [snapshot.items.model(snapshot=snapshot, case_id=c, reading_id=r, revision=n) for c, r, n in rows]
    )
    made = Round.objects.create(
        project=project, number=project.rounds.count() + 1, state=state, snapshot=snapshot,
        settings={"track": "slow", "start": "scratch", "seed": 0},
    )  # fmt: skip
    Round.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(days=days_ago))
    made.refresh_from_db()
    return made


@pytest.fixture
def labelled(project, draw_case, read_truth):
    """Ten labels, a version that serves and was trained on eight of them."""
    for index in range(10):
        read_truth(draw_case(index % 3))
    policy = TrainingPolicy.objects.create(project=project, enabled=True, every_n_readings=3, image_size=32)
    slow = slow_round(project, n_labels=8)
    slow.model_version = make_model(project).model_version
    slow.save()
    return policy


def test_the_first_round_is_slow_and_says_that_it_is_the_first(project, draw_case, read_truth) -> None:
    policy = TrainingPolicy.objects.create(project=project, enabled=True, every_n_readings=2, image_size=32)
    assert due_round(policy) is None
    for _ in range(2):
        read_truth(draw_case(1))
    (made,) = start_due_rounds()
    assert (made.settings["track"], made.settings["start"], made.reason) == ("slow", "scratch", {"code": "first", "n": 2})


def test_a_fast_round_is_due_after_n_readings_and_a_slow_one_by_growth(labelled, draw_case, read_truth) -> None:
    due = due_round(labelled)
    assert due is not None and (due.track, due.reason) == ("slow", {"code": "growth", "percent": 25, "version": 1})
    read_truth(draw_case(1))
    due = due_round(labelled)  # three new ones: freshness comes before growth
    assert due is not None and (due.track, due.reason) == ("fast", {"code": "readings", "n": 3})
    labelled.every_n_readings, labelled.slow_growth = 100, 50
    assert due_round(labelled) is None
    labelled.slow_growth = 0
    for _ in range(10):
        read_truth(draw_case(1))
    assert due_round(labelled) is None


def test_a_slow_round_that_failed_is_not_tried_again_on_the_same_labels(labelled) -> None:
    slow_round(labelled.project, n_labels=10, state="failed")
    assert due_round(labelled) is None


def test_the_nightly_hour_starts_one_slow_round_a_night_and_only_with_new_labels(labelled) -> None:
    labelled.slow_growth, labelled.slow_hour = 0, 3
    night = timezone.now().replace(hour=3, minute=5)
    due = due_round(labelled, now=night + timedelta(days=1))
    assert due is not None and due.reason == {"code": "nightly", "n": 2}
    assert due_round(labelled, now=night.replace(hour=4) + timedelta(days=1)) is None
    slow_round(labelled.project, n_labels=9, days_ago=0.0)
    assert due_round(labelled, now=timezone.now().replace(hour=3)) is None  # one tonight already
    slow_round(labelled.project, n_labels=10, days_ago=2.0)
    assert due_round(labelled, now=night + timedelta(days=1)) is None  # nothing new


def test_by_hand_a_round_is_fast_unless_the_slow_track_is_asked_for_and_the_page_says_why(labelled, lead, as_person) -> None:
    client = as_person(lead)
    assert client.post("/api/v1/projects/breast/rounds/", {"track": "sideways"}, format="json").status_code == 400
    told = client.post("/api/v1/projects/breast/rounds/", {"track": "slow"}, format="json").json()
    assert (told["track"], told["start"], told["reason"]["code"]) == ("slow", "scratch", "by_hand")
    client.post("/api/v1/projects/breast/rounds/2/cancel/")
    told = client.post("/api/v1/projects/breast/rounds/").json()
    assert (told["track"], told["start"]) == ("fast", "warm") and told["settings"]["steps"] == 30
    recorded = Event.objects.filter(verb="round.started").latest("pk").detail
    assert (recorded["track"], recorded["reason"]) == ("fast", {"code": "by_hand"})
    page = client.get("/api/v1/projects/breast/learning/").json()
    assert page["growth_percent"] == 25 and page["rounds"][0]["track"] == "fast"


def test_the_slow_track_of_the_policy_is_checked_and_audited(project, lead, as_person) -> None:
    client = as_person(lead)
    wrong = ({"slow_growth": -1}, {"slow_hour": 24}, {"slow_start": "warm"}, {"slow_start": "luck"})
    for change in wrong:
        assert client.patch("/api/v1/projects/breast/policy/", change, format="json").status_code == 400
    change = {"slow_growth": 40, "slow_hour": 2, "slow_start": "shrink_perturb"}
    assert client.patch("/api/v1/projects/breast/policy/", change, format="json").json() | change == (
        client.get("/api/v1/projects/breast/policy/").json()
    )
    assert Event.objects.get(verb="policy.update").detail == change
    assert client.patch("/api/v1/projects/breast/policy/", {"slow_hour": None}, format="json").json()["slow_hour"] is None


def test_a_fast_round_loads_the_newest_labels_and_a_replay_in_which_no_type_is_missing(project, reader, monkeypatch) -> None:
    from backend.learning import replay
    from backend.readings.models import Lesion, Reader

    monkeypatch.setattr(replay, "LEAST", 20)
    someone = Reader.objects.create(project=project, kind="imported", name="someone")
    readings = [make_reading(someone, make_case(project), scores=[None]) for _ in range(60)]
    rare = project.finding_types.get(scope="lesion", position=1)
    Lesion.objects.filter(reading=readings[7]).update(finding_type=rare)
    base = slow_round(project, n_labels=0)
    seen = Snapshot.objects.get(pk=base.snapshot_id)
    seen.items.bulk_create(
        [seen.items.model(snapshot=seen, case=one.case, reading=one, revision=one.revision) for one in readings[:50]]
    )
    base.model_version = make_model(project).model_version
    base.save()
    own = slow_round(project, n_labels=60)
    own.base_version, own.settings = base.model_version, {"seed": 5}
    chosen = fast_training_set(own, images=16)
    assert chosen.newest == {one.pk for one in readings[50:]}
    assert len(chosen.readings) == 30 and readings[7].pk in chosen.readings
    assert fast_training_set(own, images=16) == chosen
    own.settings = {"seed": 6}
    assert fast_training_set(own, images=16) != chosen
    Reading.objects.filter(pk=readings[0].pk).update(revision=5)
    own.snapshot.items.filter(reading=readings[0]).update(revision=5)
    assert readings[0].pk in fast_training_set(own, images=16).newest  # said anew: as good as new


def test_a_fast_round_replays_and_measures_the_serving_version_only_where_it_was_not_measured(
    disc_project, lead, work, draw_case, read_truth, monkeypatch
) -> None:
    from workers import rounds

    policy = disc_project.training_policy
    policy.steps_scratch, policy.steps_warm = 3, 2
    policy.save()
    first = work(start_round(project=disc_project, by=lead)).model_version
    promote_version(version=first, by=lead, reason="after so few steps no gate lets it pass")
    read_truth(draw_case(2))
    asked = []
    measure = rounds.measure_readings

    def counts(readings, versions, **more):
        asked.append(len(readings))
        return measure(readings, versions, **more)

    monkeypatch.setattr(rounds, "measure_readings", counts)
    fast = work(start_round(project=disc_project, by=lead))
    assert fast.settings["track"] == "fast" and asked == [30, 0]
    assert fast.model_version.config["recipe"]["newest_share"] == 0.25
    assert fast.model_version.parent == first
    read_truth(draw_case(1, split="VALIDATION"))
    asked.clear()
    work(start_round(project=disc_project, by=lead))
    assert asked == [31, 1]
    serving = ModelVersion.objects.get(state="serves")
    measured = Evaluation.objects.filter(model_version=serving).count()
    read_truth(draw_case(1, split="VALIDATION"))
    slow = work(start_round(project=disc_project, by=lead, track="slow"))
    assert (slow.settings["track"], slow.model_version.parent, slow.model_version.gate["against"]) == (
        "slow",
        None,
        serving.number,
    )
    assert Evaluation.objects.filter(model_version=serving).count() == measured + 1


def test_a_slow_round_from_shrunk_weights_goes_on_bit_for_bit_after_a_lost_worker(
    quick, lead, work, settings, monkeypatch
) -> None:
    from workers.cnn.train import Training
    from workers.rounds import run_round

    settings.CHECKPOINT_SECONDS = 0
    monkeypatch.setattr("workers.reporting.SECONDS_BETWEEN", 0.0)
    work(start_round(project=quick, by=lead))
    quick.training_policy.slow_start, quick.training_policy.steps_scratch = "shrink_perturb", 6
    quick.training_policy.save()
    advance = Training.advance
    lost = [3]

    def is_lost_once(self):
        if lost and self.step == lost[0]:
            lost.clear()
            raise ConnectionError("gone")
        return advance(self)

    monkeypatch.setattr(Training, "advance", is_lost_once)
    made = start_round(project=quick, by=lead, track="slow")
    with pytest.raises(ConnectionError):
        run_round(claim_job(made.job_id))
    Job.objects.filter(pk=made.job_id).update(state="queued", lease_expires_at=None)
    resumed = work(made)
    assert resumed.settings["start"] == "shrink_perturb" and resumed.model_version.parent == resumed.base_version
    ModelVersion.objects.filter(pk=resumed.model_version.pk).update(state="kept")
    ModelVersion.objects.filter(number=1).update(state="serves")
    whole = start_round(project=quick, by=lead, track="slow")
    whole.settings = resumed.settings
    whole.save()
    assert work(whole).model_version.weights_sha256 == resumed.model_version.weights_sha256


def test_the_next_cases_of_every_active_reader_come_in_turns(project, reader, second_reader) -> None:
    project.blinded_share = 0.0
    project.save()
    cases = [make_case(project, priority=1 - index / 10) for index in range(6)]
    make_case(project, split="VALIDATION", priority=2.0)
    now = timezone.now()
    assert next_cases(project, now=now) == []
    Assignment.objects.create(case=cases[0], user=reader, arm="assisted", arm_probability=1.0, state="submitted")
    assert next_cases(project, now=now, per_reader=2) == cases[1:3]
    Assignment.objects.create(case=cases[1], user=second_reader, arm="assisted", arm_probability=1.0, state="in_progress")
    assert [case.name for case in next_cases(project, now=now, per_reader=2)] == [
        case.name for case in (cases[1], cases[0], cases[2])
    ]
    assert next_cases(project, now=now + timedelta(hours=13)) == []


def test_until_the_rest_is_read_nobody_meets_an_old_versions_marks_and_the_order_is_one_versions(
    quick, lead, reader, work, monkeypatch
) -> None:
    """Fresh for the next cases, nothing for the rest: what an older version said is not shown beside it."""
    from workers import pool, rounds

    first = work(start_round(project=quick, by=lead)).model_version
    open_cases = list(quick.cases.filter(split="POOL", is_open=True))
    Assignment.objects.create(
        case=quick.cases.filter(split="POOL", is_open=False).first(), user=reader, arm="assisted", arm_probability=1.0
    )
    monkeypatch.setattr("workers.rounds.next_cases", partial(next_cases, per_reader=3))
    upcoming = [place.case_id for place in open_cases_in_order(project=quick, user=reader, count=3)]
    before = dict(quick.cases.values_list("pk", "priority"))
    step = rounds.STEPS[RoundState.PREDICTING]

    def dies(round_, report):
        raise ConnectionError("gone")

    monkeypatch.setitem(rounds.STEPS, RoundState.PREDICTING, dies)
    made = start_round(project=quick, by=lead)
    with pytest.raises(ConnectionError):
        rounds.run_round(claim_job(made.job_id))
    second = ModelVersion.objects.get(state="serves")
    assert second.number == 2
    fresh = set(Reading.objects.filter(reader__model_version=second).values_list("case_id", flat=True))
    pool_ahead = {pk for pk in upcoming if quick.cases.get(pk=pk).split == "POOL"}
    assert fresh == pool_ahead and pool_ahead
    for case in open_cases:
        shown = model_reading_shown(reader, case)
        assert (shown is None) == (case.pk not in fresh)
        assert shown is None or shown.reader.model_version == second
    rows = worklist_page(
        project=quick, user=reader, role="reader", state="all", search="", order="score", offset=0, limit=100,
        names=names_in_records(quick.archive),
    )  # fmt: skip
    told_of = {UUID(row["id"]) for row in rows["results"] if row["n_findings"] is not None}
    assert told_of == fresh  # no score of the old version stands among those of the new one
    assert dict(quick.cases.values_list("pk", "priority")) == before
    told = {row.priority_detail["version"] for row in quick.cases.filter(split="POOL", is_open=True)}
    assert told == {first.number}  # the order is still that of the version that made it, and says so

    monkeypatch.setitem(rounds.STEPS, RoundState.PREDICTING, step)
    Job.objects.filter(pk=made.job_id).update(state="queued", lease_expires_at=None)
    monkeypatch.setattr(pool, "CHUNK", 4)
    done = work(made)
    assert done.state == RoundState.DONE
    assert Reading.objects.filter(reader__model_version=second).count() == len(open_cases)
    assert set(AcquisitionScore.objects.filter(round=done).values_list("model_version", flat=True)) == {second.pk}
    told = {row.priority_detail["version"] for row in quick.cases.filter(split="POOL", is_open=True)}
    assert told == {second.number}


def test_rounds_of_before_the_tracks_are_told_by_their_trigger(project) -> None:
    made = slow_round(project, n_labels=0)
    told = round_document(made)
    assert (told["track"], told["reason"]["code"]) == ("slow", "by_hand")
    with pytest.raises(RoundRefused):
        start_round(project=project, by=None, track="slow")


@pytest.fixture
def six_labels(project, draw_case, read_truth):
    """Six labels, and a policy of two steps at 64² for networks with this encoder."""

    def make(encoder: str) -> TrainingPolicy:
        for index in range(6):
            read_truth(draw_case(index % 3))
        return TrainingPolicy.objects.create(
            project=project, image_size=64, encoder=encoder, steps_scratch=2, steps_warm=2, unproven_serves=True
        )

    return make


def test_another_encoder_is_taken_up_by_the_next_training_from_scratch_and_not_before(
    project, lead, six_labels, work
) -> None:
    policy = six_labels("own")
    first = work(start_round(project=project, by=lead)).model_version
    policy.encoder = "pretrained"
    policy.save()
    warm = work(start_round(project=project, by=lead)).model_version
    slow = work(start_round(project=project, by=lead, track="slow")).model_version
    assert [one.config["net"].get("encoder", "") for one in (first, warm, slow)] == ["", "", "efficientnet_lite0"]
    assert warm.parent == first and slow.parent is None
    assert [one.config["plan"]["because"] for one in (first, warm, slow)] == [
        ["images"], ["images"], ["images", "pretrained"],
    ]  # fmt: skip


@pytest.mark.parametrize(("had", "wanted"), [("own", "pretrained"), ("pretrained", "own")])
def test_where_there_is_nothing_to_start_from_the_training_from_scratch_takes_the_encoder_that_was_asked_for(
    project, lead, six_labels, work, had, wanted
) -> None:
    policy = six_labels(had)
    first = work(start_round(project=project, by=lead)).model_version
    ModelVersion.objects.filter(pk=first.pk).update(weights_key="models/gone")
    policy.encoder = wanted
    policy.save()
    round_ = work(start_round(project=project, by=lead))
    assert (round_.state, round_.settings["start"]) == (RoundState.DONE, "scratch")
    encoders = {"own": "", "pretrained": "efficientnet_lite0"}
    assert round_.model_version.config["net"].get("encoder", "") == encoders[wanted]
    assert round_.settings["plan"]["encoder"] == encoders[wanted]


def test_another_image_size_alone_does_not_make_a_fast_round_a_training_from_scratch(
    project, lead, six_labels, work
) -> None:
    policy = six_labels("own")
    first = work(start_round(project=project, by=lead)).model_version
    policy.encoder, policy.image_size = "pretrained", 96
    policy.save()
    warm = work(start_round(project=project, by=lead)).model_version
    assert warm.parent == first and warm.config["image_size"] == 96 and "encoder" not in warm.config["net"]


def test_questions_from_before_there_were_encoders_to_choose_from_are_answered_without_one(project) -> None:
    from backend.learning.models import Inquiry
    from workers.inquiring import _Watch

    settings = {"dimension": "auto", "image_size": 64, "steps_scratch": 2}
    asked = Inquiry.objects.create(project=project, kind="labels", settings=settings)
    watch = _Watch.__new__(_Watch)
    watch.inquiry = asked
    assert watch.scratch.policy.encoder == "own"
    asked.settings |= {"encoder": "pretrained"}
    assert watch.scratch.policy.encoder == "pretrained"
