"""The notebook of docs/client.md, block by block, against a live server and the tasks of the workers, training included."""

from __future__ import annotations

import re
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from celery import current_app
from django.db import connections
from PIL import Image

import backend.client
from backend.accounts.models import User
from backend.dicom.phantom import radiograph
from backend.jobs.models import Job
from backend.projects.models import Project

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def notebook_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Synthetic radiographs with the masks of their nodules, and the client under the name that it is installed by."""
    masks = tmp_path / "images" / "masks"
    masks.mkdir(parents=True)
    for number in range(1, 5):
        made = radiograph(number)
        made.dataset.save_as(tmp_path / "images" / f"{number}.dcm", enforce_file_format=True)
        union = np.zeros((made.dataset.Rows, made.dataset.Columns), bool)
        for _, mask in made.lesions:
            union |= mask
        Image.fromarray(union.astype(np.uint8) * 255).save(masks / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "overread_client", backend.client)
    yield tmp_path


@pytest.fixture
def worker() -> Iterator[None]:
    """Runs every job that waits by its own task, in a thread: what the queues' workers do, training included."""
    import workers.learning_tasks
    import workers.tasks  # noqa: F401

    stop = threading.Event()

    def work() -> None:
        try:
            while not stop.wait(0.2):
                for job in Job.objects.filter(state="queued"):
                    with suppress(Exception):  # What failed is written in the job.
                        current_app.tasks[job.task](str(job.pk))
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_the_notebook_runs_as_it_stands(
    live_server: Any,
    worker: None,
    lead: User,
    token: str,
    notebook_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lead.may_create_projects = True
    lead.save()
    monkeypatch.setenv("OVERREAD_URL", live_server.url)
    monkeypatch.setenv("OVERREAD_TOKEN", token)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "client.md").read_text(), re.DOTALL)
    assert len(blocks) == 6
    names: dict[str, Any] = {}
    for block in blocks:
        if "import_paths" in block:
            # Of two marked images chance may leave neither in the POOL, and then there is nothing to start a round from.
            Project.objects.update(validation_share=0.0, holdout_share=0.0)
        if "start_round" in block:
            # As long as a training must be to prove that it runs, not as long as one that is to learn something.
            policy = {"steps_scratch": 10, "image_size": 128}
            names["project"].transport.call("policy_update", json=policy, slug=names["project"].slug)
        exec(compile(block, "docs/client.md", "exec"), names)
    assert names["run"]["counts"]["imported"] == 8 and names["run"]["state"] == "done"
    readings = names["project"].readings()
    drawn = sum(len(radiograph(number).lesions) > 0 for number in range(1, 5))
    assert len(readings) == 4 and sum(bool(reading.lesions) for reading in readings) == drawn > 0
    by_case = {case.name: case for case in names["project"].cases()}
    for reading in readings:
        number = by_case[reading.case].row["source_name"].partition(".")[0]
        union = np.zeros_like(np.asarray(Image.open(f"images/masks/{number}.png")) > 0)
        for lesion in reading.lesions:
            union |= lesion.masks[0]
        assert np.array_equal(union, np.asarray(Image.open(f"images/masks/{number}.png")) > 0)
    with zipfile.ZipFile(names["path"]) as archive:
        assert "annotations.json" in archive.namelist()
    assert names["project"].rounds()[0]["state"] == "done", capsys.readouterr().out
    assert names["model"].document["cases_read"] == 0 and len(list(names["model"].cases())) == 4
