"""A training from scratch learns from the images that nobody has read, too: from which ones, when, and when not."""

from __future__ import annotations

import json
from importlib import import_module

import pytest
from django.apps import apps

from backend.archive.store import delete_object
from backend.jobs.models import Job
from backend.jobs.services import JobCancelled, cancel_job, claim_job
from backend.learning import selectors
from backend.learning.documents import round_document
from backend.learning.models import Round, Snapshot, TrainingPolicy, UnreadItem
from backend.learning.selectors import draw_unread, unread_cases
from backend.learning.services import freeze_unread, start_round
from backend.projects.case_services import embargo_case
from backend.projects.models import Case
from backend.readings.models import Reader, Reading
from backend.registry.models import ModelVersion
from tests.cnn.conftest import make_samples
from tests.rows import make_case, make_model, make_reading
from workers.cnn.checkpoint import CheckpointCorrupt, decode_checkpoint, encode_checkpoint
from workers.cnn.model import NetConfig
from workers.cnn.self_training import SelfTraining, Unread
from workers.cnn.train import Recipe, Training

RECIPE = Recipe(steps=4, seed=0)
pytestmark = pytest.mark.django_db


@pytest.fixture
def keen(quick_project):
    """The project of discs, 24 labels and 10 unread images, with rounds from scratch of six steps."""
    policy = quick_project.training_policy
    policy.steps_scratch = 6
    policy.save()
    assert policy.learns_unread, "a new project does"
    return quick_project


@pytest.fixture
def net_of_discs():
    """Labels, unread images and a small network."""
    other = make_samples(6, seed=5)
    net = NetConfig(n_types=2, n_findings=3, widths=(8, 8, 16))
    return make_samples(6), Unread(other.images, other.content), net


def unread_pks(project) -> set:
    return set(Case.objects.filter(project=project, split="POOL", is_open=True).values_list("pk", flat=True))


def test_a_round_from_scratch_learns_from_the_unread_images_and_says_so(keen, lead, work) -> None:
    unread = unread_pks(keen)
    done = work(start_round(project=keen, by=lead))
    assert {case.pk for case in unread_cases(done)} == unread and len(unread) == 10
    assert "Also learned from 10 unread images, by what a first training was sure of in them." in done.message
    assert done.model_version.config["unread"] == 10 and done.model_version.steps == 6
    assert done.model_version.n_labels == 24, "an image that nobody read is no label"
    told = round_document(done)
    assert (told["n_unread"], told["second_from"]) == (10, 3), "the loss starts anew with the second training"
    assert [point[0] for point in done.history][-1] == 6


def test_what_the_teacher_says_of_an_unread_image_is_no_reading(keen, lead, work) -> None:
    before = set(Reading.objects.values_list("pk", flat=True))
    done = work(start_round(project=keen, by=lead))
    made = Reading.objects.exclude(pk__in=before)
    assert {(row.reader.kind, row.reader.model_version_id) for row in made} == {("model", done.model_version_id)}


def test_from_which_images_it_learns_stays_as_it_was_told_whoever_reads_them_meanwhile(
    keen, lead, work, settings, monkeypatch
) -> None:
    from workers.rounds import run_round

    settings.CHECKPOINT_SECONDS = 0
    made = start_round(project=keen, by=lead)
    advance = Training.advance

    def dies(self):
        if UnreadItem.objects.exists():  # Not yet where the machine's precision is probed.
            raise ConnectionError("the machine is gone")
        return advance(self)

    monkeypatch.setattr(Training, "advance", dies)
    with pytest.raises(ConnectionError):
        run_round(claim_job(made.job_id))
    monkeypatch.setattr(Training, "advance", advance)
    made.refresh_from_db()
    Case.objects.filter(pk=unread_cases(made)[0].pk).update(is_open=False)
    Job.objects.update(state="queued", lease_expires_at=None)
    done = work(made)
    assert done.model_version.config["unread"] == 10 == UnreadItem.objects.filter(snapshot=done.snapshot).count()


def test_of_many_unread_images_the_rounds_seed_draws_some(keen, monkeypatch) -> None:
    monkeypatch.setattr(selectors, "MOST_UNREAD", 4)
    snapshot = Snapshot.objects.create(project=keen, hash="0" * 64, vocabulary_version=1)
    one, again, other = (
        draw_unread(Round(project=keen, snapshot=snapshot, number=number, settings={"seed": seed}))
        for number, seed in ((1, 1), (2, 1), (3, 2))
    )
    assert one == again != other
    assert all(len(found) == 4 and found == sorted(found) and set(found) <= unread_pks(keen) for found in (one, other))


def test_other_splits_series_and_what_was_read_are_not_among_them(keen) -> None:
    there = unread_pks(keen)
    for split in ("VALIDATION", "HOLDOUT", "EMBARGOED"):
        make_case(keen, split=split)
    make_case(keen, frames=3)
    snapshot = Snapshot.objects.create(project=keen, hash="0" * 64, vocabulary_version=1)
    read = Case.objects.filter(pk__in=there).first()
    imported = Reader.objects.get(project=keen, kind="imported")
    make_reading(imported, read)
    Reading.objects.filter(case=read).update(verdict="not_readable")
    make_reading(make_model(keen), Case.objects.filter(pk__in=there).last())
    made = Round(project=keen, snapshot=snapshot, number=1, settings={"seed": 0})
    assert set(draw_unread(made)) == there - {read.pk}, "what a person called unreadable was read; a model is no reader here"


def test_a_lead_who_does_not_want_it_gets_one_training_from_the_labels_alone(keen, lead, work) -> None:
    keen.training_policy.learns_unread = False
    keen.training_policy.save()
    done = work(start_round(project=keen, by=lead))
    assert "unread" not in done.model_version.config and not done.snapshot.unread.exists()
    assert (round_document(done)["n_unread"], round_document(done)["second_from"]) == (0, None)
    assert "Also learned from" not in done.message and "labels alone" not in done.message


def test_a_fast_round_goes_on_from_what_serves_with_labels_alone(keen, lead, work) -> None:
    work(start_round(project=keen, by=lead))
    fast = work(start_round(project=keen, by=lead))
    assert fast.settings["start"] == "warm" and "unread" not in fast.model_version.config
    assert not fast.snapshot.unread.exists() and "labels alone" not in fast.message


def test_too_few_labels_make_no_teacher(keen, lead, work) -> None:
    few = Reading.objects.filter(case__split="POOL", reader__kind="imported").order_by("pk")
    for reading in list(few)[5:]:
        reading.delete()
    done = work(start_round(project=keen, by=lead))
    assert "Only 5 labelled images" in done.message and "unread" not in done.model_version.config
    assert "Learned from the labels alone: unread images teach from 20 labels on." in done.message


def test_without_an_unread_image_it_learns_from_the_labels_alone(keen, lead, work) -> None:
    Case.objects.filter(project=keen, split="POOL", is_open=True).delete()
    done = work(start_round(project=keen, by=lead))
    assert round_document(done)["n_unread"] == 0 and "unread" not in done.model_version.config
    assert "Learned from the labels alone: no image of the POOL is unread." in done.message


def test_an_unread_image_that_cannot_be_decoded_is_left_out_and_named_in_the_log(keen, lead, work) -> None:
    case = Case.objects.filter(project=keen, split="POOL", is_open=True).first()
    delete_object(case.instance.frames_key)
    done = work(start_round(project=keen, by=lead))
    assert done.model_version.config["unread"] == 9
    assert case.name in done.job.log and "Also learned from 9 unread images" in done.message
    assert round_document(done)["n_unread"] == 9


def test_where_no_unread_image_can_be_decoded_there_is_one_training(keen, lead, work) -> None:
    for case in Case.objects.filter(project=keen, split="POOL", is_open=True):
        delete_object(case.instance.frames_key)
    done = work(start_round(project=keen, by=lead))
    assert "unread" not in done.model_version.config and "Also learned from" not in done.message
    assert "10 unread cases" in done.message
    assert (round_document(done)["n_unread"], round_document(done)["second_from"]) == (0, None)


@pytest.mark.parametrize("first", [True, False], ids=["a teacher's checkpoint", "a plain one"])
def test_a_checkpoint_of_the_other_kind_of_training_is_not_gone_on_from(first, net_of_discs) -> None:
    samples, unread, net = net_of_discs
    kinds = [
        SelfTraining(samples, unread, recipe=RECIPE, begin=lambda both, half: Training(both, net=net, recipe=half)),
        Training(samples, net=net, recipe=RECIPE),
    ]
    kept, other = kinds if first else reversed(kinds)
    with pytest.raises(CheckpointCorrupt, match="teacher"):
        other.restore(decode_checkpoint(encode_checkpoint(kept.state())))


def test_whether_it_learns_from_unread_images_is_decided_once(keen, lead, work, settings, monkeypatch) -> None:
    """A label that is taken back while a worker is away makes the labels few: the round goes on as it began."""
    from workers import training as training_step
    from workers.rounds import run_round

    settings.CHECKPOINT_SECONDS = 0
    monkeypatch.setattr("workers.reporting.SECONDS_BETWEEN", 0.0)
    made = start_round(project=keen, by=lead)
    advance, stepped = Training.advance, []

    def dies_in_the_student(self):
        if UnreadItem.objects.exists():
            if len(stepped) == 5:
                raise ConnectionError("the machine is gone")
            stepped.append(self.step)
        return advance(self)

    monkeypatch.setattr(Training, "advance", dies_in_the_student)
    with pytest.raises(ConnectionError):
        run_round(claim_job(made.job_id))
    monkeypatch.setattr(Training, "advance", advance)
    monkeypatch.setattr(training_step, "FEW_LABELS", 100)
    Job.objects.update(state="queued", lease_expires_at=None)
    done = work(made)
    assert done.state == "done" and done.model_version.config["unread"] == 10
    assert "resumed at step 5" in done.job.log


def test_a_lead_who_cancels_while_unread_images_are_loaded_is_heard(keen, lead, work, monkeypatch) -> None:
    from workers import training as training_step
    from workers.rounds import run_round

    made, load = start_round(project=keen, by=lead), training_step.unread_images

    def cancelled(cases, *, plan, on_case):
        cancel_job(job=Job.objects.get(pk=made.job_id), by=lead)
        return load(cases, plan=plan, on_case=on_case)

    monkeypatch.setattr(training_step, "unread_images", cancelled)
    with pytest.raises(JobCancelled):
        run_round(claim_job(made.job_id))
    made.refresh_from_db()
    assert "Also learned from" not in made.message


def test_an_image_that_has_taught_is_embargoed_no_more(keen, lead, work) -> None:
    """Else its next look-alike would be compared with nothing, and a version measured on what it learned from."""
    done = work(start_round(project=keen, by=lead))
    case = unread_cases(done)[0]
    assert Case.objects.filter(project=keen, has_taught=True).count() == 10
    embargo_case(case_id=case.pk, reason="Looks almost the same.")
    case.refresh_from_db()
    assert (case.split, case.is_open) == ("POOL", True)


def test_what_was_taken_out_of_use_while_the_draw_was_made_does_not_teach(keen) -> None:
    snapshot = Snapshot.objects.create(project=keen, hash="0" * 64, vocabulary_version=1)
    made = Round.objects.create(project=keen, snapshot=snapshot, number=1, settings={"seed": 0})
    drawn = draw_unread(made)
    embargo_case(case_id=drawn[0], reason="Looks almost the same.")
    freeze_unread(round_=made, cases=drawn)
    assert {case.pk for case in unread_cases(made)} == set(drawn[1:])


def remade(capsys) -> tuple[int, list[dict]]:
    from workers.remaking import main

    code = main(["--project", "breast", "--version", "1", "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_version_that_learned_from_unread_images_is_made_again_bit_for_bit(keen, lead, work, capsys) -> None:
    version = work(start_round(project=keen, by=lead)).model_version
    Case.objects.filter(project=keen, split="POOL").update(is_open=False)
    code, (told,) = remade(capsys)
    assert (code, told["identical"], told["differs"]) == (0, True, [])
    assert told["sha256"] == version.weights_sha256


def test_of_a_version_whose_unread_images_are_gone_it_is_said_how_many(keen, lead, work, capsys) -> None:
    done = work(start_round(project=keen, by=lead))
    unread_cases(done)[0].delete()
    code, (told,) = remade(capsys)
    assert code == 1 and told["differs"] == ["left out: 10 unread images could be read then, 9 now"]
    for case in unread_cases(done):
        case.delete()
    code, told = remade(capsys)
    assert (code, told) == (2, []) and ModelVersion.objects.count() == 1


def test_a_project_from_before_whose_lead_never_saved_a_policy_goes_on_as_it_did(project) -> None:
    assert not TrainingPolicy.objects.exists()
    import_module("backend.learning.migrations.0011_self_training").keep_as_it_is(apps, None)
    policy = TrainingPolicy.objects.get()
    assert (policy.project, policy.learns_unread, policy.steps_scratch) == (project, False, 2000)
