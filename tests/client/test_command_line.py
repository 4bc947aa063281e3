"""The command `overread`: its words, its documents, its ends; and the package on its own."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from backend.client.command_line import main
from backend.exchange.export_runs import ExportOrder, export_now
from tests.rows import make_case, make_reading

CLIENT = Path(__file__).resolve().parents[2] / "backend" / "client"


@pytest.fixture
def signed_in(live_server, project, token, monkeypatch, tmp_path):
    """The environment that names server and token."""
    monkeypatch.setenv("OVERREAD_URL", live_server.url)
    monkeypatch.setenv("OVERREAD_TOKEN", token)
    monkeypatch.setenv("OVERREAD_CREDENTIALS", str(tmp_path / "kept" / "credentials.json"))


def finished_export(project) -> str:
    """The id of a COCO export that was written here and now."""
    by = project.memberships.get(role="lead").user
    return str(export_now(project=project, by=by, order=ExportOrder(format="coco")).pk)


@pytest.mark.django_db(transaction=True)
def test_projects_readings_and_exports_are_printed_and_written(signed_in, project, reader, tmp_path, capsys):
    person = project.readers.create(kind="person", name="rita", user=reader)
    make_reading(person, make_case(project), scores=[None])
    assert main(["projects"]) == 0
    assert "breast" in capsys.readouterr().out
    assert main(["projects", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["slug"] == "breast"
    assert main(["readings", "breast", "--npz", str(tmp_path / "marks.npz")]) == 0
    with np.load(tmp_path / "marks.npz") as arrays:
        (row,) = json.loads(str(arrays["lesions"]))
        assert arrays[row["lesion"]].sum() == 100 and row["reader"] == "rita"
    assert "1 readings with 1 lesions" in capsys.readouterr().out
    export = finished_export(project)
    assert main(["export", "breast", str(tmp_path / "labels.zip"), "--resume", export, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["lesions"] == 1
    with zipfile.ZipFile(tmp_path / "labels.zip") as archive:
        assert json.loads(archive.read("annotations.json"))["annotations"]
    assert main(["rounds", "breast", "--start"]) == 0
    assert main(["import", "breast", "/nowhere"]) == 1
    assert "no file or folder" in capsys.readouterr().err


@pytest.mark.django_db(transaction=True)
def test_login_keeps_the_token_for_its_owner_alone(signed_in, live_server, token, monkeypatch, capsys):
    kept = Path(os.environ["OVERREAD_CREDENTIALS"])
    monkeypatch.delenv("OVERREAD_TOKEN")
    monkeypatch.setattr(sys, "stdin", io.StringIO(token + "\n"))
    assert main(["login", live_server.url]) == 0
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 and stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    monkeypatch.delenv("OVERREAD_URL")
    assert main(["projects"]) == 0
    kept.chmod(0o640)
    assert main(["projects"]) == 1
    assert "Others can read" in capsys.readouterr().err
    kept.chmod(0o600)
    monkeypatch.setenv("OVERREAD_URL", "https://elsewhere.example.org")
    assert main(["projects"]) == 1
    assert "holds a token for" in capsys.readouterr().err


@pytest.mark.slow
def test_the_package_installs_on_its_own_and_imports_nothing_of_the_product(tmp_path):
    copy = shutil.copytree(CLIENT, tmp_path / "source", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    target = tmp_path / "installed"
    done = subprocess.run([*pip, "--target", str(target), str(copy)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    script = (
        "import sys, overread_client, overread_client.command_line as command\n"
        "assert not [name for name in sys.modules if name.split('.')[0] in ('backend', 'django', 'pydicom', 'yaml')]\n"
        "assert overread_client.__file__.startswith(sys.argv[1])\n"
        "raise SystemExit(command.main(['projects']))"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(target), "OVERREAD_CREDENTIALS": str(tmp_path / "none")}
    ran = subprocess.run(
        [sys.executable, "-c", script, str(target)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, "overread login" in ran.stderr) == (1, True), ran.stderr
    assert (target / "bin" / "overread").is_file()
