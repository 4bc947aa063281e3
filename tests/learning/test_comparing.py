"""Does choosing help here: the command on a project with both arms, and where it cannot tell."""

from __future__ import annotations

import json
import subprocess

import pytest
from django.core.management import call_command

from backend.learning.models import AcquisitionScore, Round
from backend.learning.selectors import labels_by_arm
from backend.projects.models import Case
from backend.readings.models import Reading
from tests.rows import make_model
from workers.comparing import main

pytestmark = pytest.mark.django_db

OPTIONS = ["--image-size", "32", "--steps-scratch", "2"]


def choose(project, cases) -> None:
    """Let an earlier round have chosen these cases."""
    version = make_model(project).model_version
    round_ = Round.objects.create(project=project, number=1, state="done")
    Case.objects.filter(pk__in=[case.pk for case in cases]).update(is_random_arm=False)
    AcquisitionScore.objects.bulk_create(
        AcquisitionScore(round=round_, case=case, model_version=version, acquisition="entropy", score=1.0, arm="acquired")
        for case in cases
    )


def test_both_arms_train_equally_often_and_the_answer_has_its_numbers(disc_project, draw_case, read_truth, capsys) -> None:
    fresh = [draw_case(index % 3) for index in range(22)]
    for case in fresh:
        read_truth(case)
    choose(disc_project, fresh)
    beyond = draw_case(1)
    read_truth(beyond)
    Case.objects.filter(pk=beyond.pk).update(is_random_arm=False)
    chosen, random = labels_by_arm(disc_project)
    assert (len(chosen), len(random)) == (22, 24), "what was read beyond the batch belongs to neither arm"
    before = Reading.objects.count()
    assert main(["--project", "breast", "--seeds", "3", *OPTIONS, "--json"]) == 0
    *seeds, told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["seed"] for one in seeds] == [0, 1, 2]
    assert told["answer"] in ("helps", "does_not", "cannot_tell") and told["n_labels"] == 22
    assert (told["n_seeds"], told["n_cases"], told["n_patients"]) == (3, 20, 20)
    assert told["low"] <= told["difference"] <= told["high"]
    assert told["difference"] == pytest.approx(told["chosen"] - told["random"])
    assert Reading.objects.count() == before
    assert main(["--project", "breast", "--seeds", "2", *OPTIONS]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Cannot tell: 2 seeds are too few."


def test_without_readings_of_both_arms_it_says_how_many_are_needed(disc_project, capsys) -> None:
    assert main(["--project", "breast"]) == 0
    assert capsys.readouterr().out == "Cannot tell: the smaller arm has 0 readings, 20 are needed.\n"
    assert main(["--project", "nothing"]) == 1


def test_the_command_hands_its_options_to_a_process_of_its_own(project, monkeypatch) -> None:
    given = []

    def run(command, *, check, env):
        given.append(command[1:])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr("subprocess.run", run)
    call_command("compare_arms", "--project", "breast", "--seeds", "4", "--json")
    assert given == [["-m", "workers", "compare_arms", "--project", "breast", "--seeds", "4", "--json"]]
