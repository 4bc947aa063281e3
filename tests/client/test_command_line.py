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
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from backend.client import Project
from backend.client.command_line import main
from backend.exchange.export_runs import ExportOrder, export_now, run_export
from backend.exchange.models import ExportRun
from backend.jobs.services import claim_job
from backend.readings.models import Lesion
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


@pytest.fixture
def read_twice(signed_in, project, reader):
    """Two cases, each read by a person and by an imported reader, on days of their own."""
    person = project.readers.create(kind="person", name="rita", user=reader)
    truth = project.readers.create(kind="imported", name="Truth")
    cases = [make_case(project), make_case(project, split="VALIDATION")]
    for day, case in enumerate(cases, 1):
        for one in (person, truth):
            make_reading(one, case, scores=[None], submitted_at=datetime(2026, 11, day, 12, tzinfo=UTC))
    mass = project.finding_types.get(name="Malignant mass")
    Lesion.objects.filter(reading__reader=truth).update(finding_type=mass)
    return cases


def exported(tmp_path, *arguments: str) -> list[tuple[str, str]]:
    """Reader and case of each reading that an export of the command holds, its worker's side done here."""
    waits = Project.wait_for_export

    def works(self, export_id, **more):
        lease = claim_job(ExportRun.objects.get(pk=export_id).job_id)
        assert lease is not None
        run_export(lease)
        return waits(self, export_id, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Project, "wait_for_export", works)
        assert main(["export", "breast", str(tmp_path / "out.zip"), *arguments]) == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        document = json.loads(archive.read("annotations.json"))
    names = {one["id"]: one["name"] for one in document["readers"]}
    (tmp_path / "out.zip").unlink()
    return sorted((names[one["reader_id"]], one["case"]) for one in document["readings"])


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--reader", "rita"], [("rita", "US-0001"), ("rita", "US-0002")]),
        (["--kind", "imported", "--split", "VALIDATION"], [("Truth", "US-0002")]),
        (["--since", "2026-11-02", "--reader", "rita", "--reader", "Truth"], [("Truth", "US-0002"), ("rita", "US-0002")]),
        (["--until", "2026-11-01", "--review", "none"], [("Truth", "US-0001"), ("rita", "US-0001")]),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_an_export_is_limited_by_what_the_command_is_told(read_twice, tmp_path, arguments, found):
    assert exported(tmp_path, *arguments) == found


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--reader", "nobody"], "There is no reading of 'nobody' that can be exported; readers are Truth, rita."),
        (["--finding", "Cyst"], "The project has no finding type 'Cyst' of lesions"),
        (["--since", "2026-11-02", "--until", "2026-11-01"], "--until 2026-11-01 is before --since 2026-11-02."),
        (["--review", "agreed"], "There is no submitted reading that these choices let through."),
        (["--split", "POOL", "--resume", "x"], "it takes no filter"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_a_filter_that_lets_nothing_through_is_told(read_twice, tmp_path, capsys, arguments, told):
    assert main(["export", "breast", str(tmp_path / "out.zip"), *arguments]) == 1
    assert told in capsys.readouterr().err
    assert not ExportRun.objects.exists() and not (tmp_path / "out.zip").exists()


@pytest.mark.django_db(transaction=True)
def test_an_export_of_one_finding_holds_its_lesions_alone(read_twice, project, tmp_path):
    assert len(exported(tmp_path, "--finding", "Malignant mass")) == 4
    run = ExportRun.objects.get()
    assert run.filter["finding_types"] == [project.finding_types.get(name="Malignant mass").pk]
    assert run.counts["lesions"] == 2


@pytest.mark.django_db(transaction=True)
def test_two_readers_of_one_name_are_told_apart_by_their_ids(read_twice, project, tmp_path, capsys):
    other = project.readers.create(kind="imported", name="rita")
    make_reading(other, read_twice[0], scores=[None])
    assert main(["export", "breast", str(tmp_path / "out.zip"), "--reader", "rita"]) == 1
    assert f"Several readers are called rita: say which by its id, {other.pk}" in capsys.readouterr().err
    assert [case for _, case in exported(tmp_path, "--reader", str(other.pk))] == ["US-0001"]


@pytest.fixture
def predictions(tmp_path):
    """Writes the file of a model's predictions; a mask of one pixel lies beside it."""
    mask = np.zeros((80, 100), np.uint8)
    mask[79, 99] = 255
    (tmp_path / "masks").mkdir()
    np.save(tmp_path / "masks" / "one.npy", mask)

    def written(*entries) -> str:
        (tmp_path / "found.json").write_text(json.dumps(entries))
        return str(tmp_path / "found.json")

    return written


BOX = {"finding_type": "Benign mass", "score": 0.6, "kind": "box", "points": [[0, 0], [5, 5]]}


@pytest.mark.django_db(transaction=True)
def test_a_foreign_model_is_registered_and_its_readings_put_from_a_file(signed_in, project, predictions, capsys):
    first, second = (make_case(project, rows=80, columns=100) for _ in range(2))
    mask = {"finding_type": "Malignant mass", "score": 0.9, "mask": "masks/one.npy"}
    file = predictions(
        {"case": first.name, "lesions": [BOX, mask], "image_findings": {"Normal tissue": 0.05}},
        {"case": str(second.pk)},
    )
    assert main(["foreign", "breast", "CADe", "2.1", "--threshold", "0.4"]) == 0
    reader = project.readers.get(kind="model")
    assert f"CADe 2.1, reader {reader.pk}" in capsys.readouterr().out
    assert main(["foreign", "breast", "CADe", "2.1", "--put", file]) == 0
    assert "2 readings put" in capsys.readouterr().out
    read = {one.case_id: one for one in reader.readings.all()}
    assert set(read) == {first.pk, second.pk} and not read[second.pk].lesions.exists()
    stored = read[first.pk].lesions.get(kind="mask")
    assert (stored.score, stored.mask_origin, stored.mask_shape) == (0.9, [0, 79, 99], [1, 1, 1])
    assert read[first.pk].lesions.get(kind="box").points == [[0, 0], [5, 5]]
    revisions = [one.revision for one in reader.readings.all()]
    assert main(["foreign", "breast", "CADe", "2.1", "--threshold", "0.4", "--put", file, "--resume"]) == 0
    assert "0 readings put" in capsys.readouterr().out
    assert [one.revision for one in reader.readings.all()] == revisions
    assert main(["foreign", "breast"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["CADe", "2.1", "False", "2"]
    assert main(["foreign", "breast", "CADe", "2.1", "--threshold", "0.5"]) == 1
    assert "another threshold is another version" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"case": "US-0009"}, "The project has no case US-0009."),
        ({"case": "US-0001", "lesions": [{**BOX, "finding_type": "Cyst"}]}, "has no lesion finding Cyst"),
        ({"case": "US-0001", "lesions": [{**BOX, "score": 1.5}]}, "a score is a number from 0 to 1, not 1.5"),
        ({"case": "US-0001", "lesions": [{**BOX, "mask": "masks/one.npy"}]}, "either points or a mask"),
        ({"case": "US-0001", "lesions": [{"finding_type": "Cyst", "score": 1, "mask": "none.npy"}]}, "none.npy is no NumPy"),
        ({"case": "US-0001", "findings": []}, "there is no field 'findings'"),
        ({"lesions": []}, "it lacks case"),
        ({"case": "US-0002"}, "speaks of a case twice"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_nothing_of_a_file_is_put_where_one_entry_cannot_be_used(signed_in, project, predictions, capsys, entry, told):
    make_case(project), make_case(project)
    file = predictions({"case": "US-0002", "lesions": [BOX]}, entry)
    assert main(["foreign", "breast", "CADe", "1", "--put", file]) == 1
    assert told in capsys.readouterr().err
    assert not Lesion.objects.exists()


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
