"""The replay of the loop: the readings that are there play the reader."""

from __future__ import annotations

import json
import subprocess

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from backend.projects.models import Case
from backend.readings.models import Reading
from workers.cnn.acquisition import CHOOSING
from workers.simulate import main

OPTIONS = ["--image-size", "32", "--steps-scratch", "3", "--steps-warm", "2", "--json"]


@pytest.mark.django_db
@pytest.mark.parametrize("acquisition", CHOOSING)
def test_each_round_reads_a_batch_more_and_says_what_it_measured(disc_project, capsys, acquisition) -> None:
    before = list(Case.objects.values_list("pk", "priority")), Reading.objects.count()
    asked = ["--project", "breast", "--acquisition", acquisition, "--start", "6", "--batch", "4", "--rounds", "2", *OPTIONS]
    assert main(asked) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["round"], one["n_labels"], one["steps"]) for one in told] == [(0, 6, 3), (1, 10, 2), (2, 14, 2)]
    first = "entropy" if acquisition == "ensemble" else acquisition
    assert [one["chosen_by"] for one in told] == ["random", first, acquisition]
    dice = next(one for one in told[2]["metrics"] if one["metric"] == "dice")
    assert dice["n_positive"] == 20 and dice["low"] <= dice["value"] <= dice["high"]
    assert (list(Case.objects.values_list("pk", "priority")), Reading.objects.count()) == before
    assert main(asked) == 0
    again = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for one in (*told, *again):
        one.pop("core_seconds")
    assert again == told


@pytest.mark.django_db
def test_a_project_that_is_not_there_or_not_labelled_is_told_in_one_sentence(project, capsys) -> None:
    assert main(["--project", "nothing"]) == 1 and main(["--project", "breast"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "There is no project nothing.",
        "breast: 0 labelled POOL cases, 16 are needed.",
    ]


@pytest.mark.django_db(transaction=True)
def test_the_command_runs_it_in_a_process_of_its_own(project, monkeypatch, capfd, database_url) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    with pytest.raises(CommandError, match="exit code 1"):
        call_command("simulate", "--project", "breast")
    assert capfd.readouterr().err.splitlines()[-1] == "breast: 0 labelled POOL cases, 16 are needed."


@pytest.mark.django_db
def test_the_command_waits_passively_and_leaves_a_core_free_unless_told_otherwise(project, monkeypatch) -> None:
    given = []

    def run(command: list[str], *, check: bool, env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
        given.append((env["OMP_WAIT_POLICY"], env["OMP_NUM_THREADS"]))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr("subprocess.run", run)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    for name in ("OMP_WAIT_POLICY", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    call_command("simulate", "--project", "breast")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    call_command("simulate", "--project", "breast")
    assert given == [("passive", "7"), ("passive", "3")]
