"""A version is made again bit for bit from its lineage, or it is said what differs."""

from __future__ import annotations

import json

import pytest

from backend.audit.models import Event
from backend.learning.models import TrainingPolicy
from backend.learning.services import start_round
from backend.readings.models import Reading
from backend.registry.models import ModelVersion

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_versions(project, lead, draw_case, read_truth, work):
    """A version from scratch, and one that started warm from it."""
    steps = {"steps_scratch": 6, "steps_warm": 4, "image_size": 32}
    TrainingPolicy.objects.create(project=project, unproven_serves=True, **steps)
    for index in range(8):
        read_truth(draw_case(index % 3))
    first = work(start_round(project=project, by=lead)).model_version
    second = work(start_round(project=project, by=lead)).model_version
    assert second.parent == first
    return first, second


def remade(capsys, *more: str, version: int) -> tuple[int, list[dict]]:
    from workers.remaking import main

    code = main(["--project", "breast", "--version", str(version), "--json", *more])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_version_from_scratch_and_a_warm_one_come_out_identical(two_versions, capsys) -> None:
    first, second = two_versions
    code, (told,) = remade(capsys, version=1)
    assert (code, told["identical"], told["sha256"], told["parent"]) == (0, True, first.weights_sha256, "scratch")
    assert told["differs"] == []
    code, (told,) = remade(capsys, version=2)
    assert (code, told["sha256"], told["parent"]) == (0, second.weights_sha256, "version 1, as stored")
    ModelVersion.objects.filter(pk=first.pk).update(weights_key="models/gone")
    code, told = remade(capsys, version=2)
    assert (code, told) == (2, [])
    code, told = remade(capsys, "--chain", version=2)
    assert code == 0 and [one["version"] for one in told] == [1, 2] and all(one["identical"] for one in told)
    assert Event.objects.filter(verb="model.remade").count() == 3


def test_what_differs_is_said(two_versions, capsys) -> None:
    from workers.remaking import main

    first, _ = two_versions
    recipe = {**first.config["recipe"], "seed": 99}
    environment = {**first.config["environment"], "torch": "1.0"}
    ModelVersion.objects.filter(pk=first.pk).update(
        config={**first.config, "recipe": recipe, "environment": environment}, code_version="cnn-another"
    )
    assert main(["--project", "breast", "--version", "1"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("Version 1 (from scratch): differs: sha256 ") and f"recorded {first.weights_sha256}" in said
    assert "code: cnn-another then" in said and "torch: 1.0 then" in said
    assert main(["--project", "breast", "--version", "9"]) == 2


def test_a_reading_that_was_changed_since_is_taken_as_it_was(two_versions, capsys) -> None:
    """Imported readings keep no revisions: then the change is named. Those of persons do."""
    import uuid

    from backend.readings.models import ReadingRevision
    from backend.readings.selectors import reading_documents

    first, _ = two_versions
    reading = Reading.objects.filter(case__split="POOL", reader__kind="imported", lesions__isnull=False).first()
    then = reading_documents([reading])[0]
    reading.lesions.all().delete()
    Reading.objects.filter(pk=reading.pk).update(revision=2, verdict="no_lesion")
    code, (told,) = remade(capsys, version=1)
    assert code == 1 and f"({reading.case.name})" in told["differs"][0]
    ReadingRevision.objects.create(id=uuid.uuid4(), reading=reading, number=1, content=then, request_digest="")
    code, (told,) = remade(capsys, version=1)
    assert code == 0 and told["sha256"] == first.weights_sha256


def test_a_version_whose_encoder_had_learned_before_comes_out_identical_too(
    project, lead, draw_case, read_truth, work, capsys
) -> None:
    TrainingPolicy.objects.create(project=project, unproven_serves=True, steps_scratch=4, image_size=64)
    for index in range(6):
        read_truth(draw_case(index % 3))
    version = work(start_round(project=project, by=lead)).model_version
    assert version.config["net"]["encoder"] == "efficientnet_lite0"
    code, (told,) = remade(capsys, version=1)
    assert (code, told["identical"], told["sha256"]) == (0, True, version.weights_sha256)
