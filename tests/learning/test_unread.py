"""A training from scratch learns from the images that nobody has read, too: from which ones, when, and when not."""

from __future__ import annotations

import json

import pytest

from backend.archive.store import delete_object
from backend.jobs.models import Job
from backend.jobs.services import claim_job
from backend.learning import selectors
from backend.learning.documents import round_document
from backend.learning.models import Round, Snapshot, UnreadItem
from backend.learning.selectors import draw_unread, unread_cases
from backend.learning.services import start_round
from backend.projects.models import Case
from backend.readings.models import Reading
from backend.registry.models import ModelVersion
from tests.rows import make_case, make_model, make_reading

pytestmark = pytest.mark.django_db


@pytest.fixture
def keen(quick_project):
    """The project of discs, 24 labels and 10 unread images, with rounds from scratch of six steps."""
    policy = quick_project.training_policy
    policy.steps_scratch = 6
    policy.save()
    assert policy.learns_unread, "a new project does"
    return quick_project


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
    from workers.cnn.train import Training
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
    snapshot.items.create(case=read, reading=make_reading(make_model(keen), read), revision=1)
    made = Round(project=keen, snapshot=snapshot, number=1, settings={"seed": 0})
    assert set(draw_unread(made)) == there - {read.pk}


def test_a_lead_who_does_not_want_it_gets_one_training_from_the_labels_alone(keen, lead, work) -> None:
    keen.training_policy.learns_unread = False
    keen.training_policy.save()
    done = work(start_round(project=keen, by=lead))
    assert "unread" not in done.model_version.config and not done.snapshot.unread.exists()
    assert (round_document(done)["n_unread"], round_document(done)["second_from"]) == (0, None)
    assert "Also learned from" not in done.message


def test_a_fast_round_goes_on_from_what_serves_with_labels_alone(keen, lead, work) -> None:
    work(start_round(project=keen, by=lead))
    fast = work(start_round(project=keen, by=lead))
    assert fast.settings["start"] == "warm" and "unread" not in fast.model_version.config
    assert not fast.snapshot.unread.exists()


def test_too_few_labels_make_no_teacher(keen, lead, work) -> None:
    few = Reading.objects.filter(case__split="POOL", reader__kind="imported").order_by("pk")
    for reading in list(few)[5:]:
        reading.delete()
    done = work(start_round(project=keen, by=lead))
    assert "Only 5 labelled images" in done.message and "unread" not in done.model_version.config


def test_without_an_unread_image_it_learns_from_the_labels_alone(keen, lead, work) -> None:
    Case.objects.filter(project=keen, split="POOL", is_open=True).delete()
    done = work(start_round(project=keen, by=lead))
    assert done.settings["unread"] == 0 and "unread" not in done.model_version.config


def test_an_unread_image_that_cannot_be_decoded_is_left_out_and_named_in_the_log(keen, lead, work) -> None:
    case = Case.objects.filter(project=keen, split="POOL", is_open=True).first()
    delete_object(case.instance.frames_key)
    done = work(start_round(project=keen, by=lead))
    assert done.model_version.config["unread"] == 9
    assert case.name in done.job.log and "Also learned from 9 unread images" in done.message


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
    assert code == 1 and told["differs"] == ["left out: 1 of 10 unread images are gone"]
    for case in unread_cases(done):
        case.delete()
    code, told = remade(capsys)
    assert (code, told) == (2, []) and ModelVersion.objects.count() == 1
