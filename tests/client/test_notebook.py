"""The notebook of docs/client.md, block by block, against a running product: gunicorn, workers, real training."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import backend.client
from backend.dicom.phantom import radiograph
from tests.journeys.conftest import ROOT, Product, product  # noqa: F401

pytestmark = [pytest.mark.queue, pytest.mark.slow]


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


def test_the_notebook_runs_as_it_stands(
    product: Product,
    notebook_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    product.manage(
        "shell", "-c", "from backend.accounts.models import User; User.objects.update(must_change_password=False)"
    )
    token = re.search(r"ovr_\S+", product.manage("create_token", "admin"))
    assert token
    monkeypatch.setenv("OVERREAD_URL", product.url)
    monkeypatch.setenv("OVERREAD_TOKEN", token.group())
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "client.md").read_text(), re.DOTALL)
    assert len(blocks) == 6
    names: dict[str, Any] = {}
    for block in blocks:
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
