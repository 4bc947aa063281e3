"""OHIF, as published, opens a study of ours and lays readings that a lead has published over its images."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.test import Client
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from backend.config.supervisor import end_with_parent
from tests.bench.viewer.ohif import is_fetched, ohif_pages
from tests.exchange import phantoms
from tests.exchange.published import publish
from tests.journeys.conftest import ROOT, free_port

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
SLICES = 12
SIDE = 90
BOX = [[300.0, 100.0], [390.0, 160.0]]


@pytest.fixture
def viewer(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """Where OHIF's pages are served around our DICOMweb, by the product's own kind of server on the test's database."""
    from django.db import connection

    if not is_fetched():
        pytest.skip("OHIF's pages are not installed: `make ohif` fetches them from npm")
    values, port = connection.settings_dict, free_port()
    database = f"sqlite:///{values['NAME']}"
    if connection.vendor != "sqlite":
        database = f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"
    environment = {**os.environ, "DATABASE_URL": database, "BENCH_PEERS": f"{port}={ohif_pages('phantom')}"}
    command = [sys.executable, "-m", "gunicorn", "tests.bench.viewer.pages:application", "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", "gthread", "--workers", "1", "--threads", "8"]
    with (tmp_path / "gunicorn.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, preexec_fn=end_with_parent)
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30):
                break
        except OSError:
            assert time.monotonic() < deadline and process.poll() is None, (tmp_path / "gunicorn.log").read_text()
            time.sleep(0.2)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(20)


@pytest.fixture
def published(transactional_db: None, real_data: Path, tmp_path: Path, make_person: Callable[..., Any]) -> Any:
    """Slices of a real CT, a reading that marks a block in the middle of them, and the lead who has published it.

    A second one, with a box, is published as a report and as a structure set.
    """
    from backend.exchange.export_selection import case_frames
    from backend.projects.models import Membership

    project = phantoms.make_project(unit="series", deid="none")
    (tmp_path / "ct").mkdir()
    for path in sorted((real_data / "ct_nlst_101287" / "ct").glob("*.dcm"))[:SLICES]:
        shutil.copy(path, tmp_path / "ct")
    (case,) = phantoms.import_images(project, tmp_path / "ct")
    lead = make_person("lena")
    Membership.objects.create(project=project, user=lead, role="lead")
    reading = phantoms.add_reading(project, case, "Ärztin Nr. 2", "lesions", {})
    frames = case_frames(case)
    block = np.ones((SLICES - 2, SIDE, SIDE), bool)
    mark = phantoms.stored_mask(block, [1, 256 - SIDE // 2, 256 - SIDE // 2])
    phantoms.add_lesion(reading, project.finding_types.get(name="Nodule"), frames[1], mark, {})
    publish(project, lead)
    second = phantoms.add_reading(project, case, "LIDC 1", "lesions", {})
    box = {"kind": "box", "points": BOX}
    phantoms.add_lesion(second, project.finding_types.get(name="Mass, other"), frames[5], box, {})
    publish(project, lead, "dicom_sr")
    publish(project, lead, "dicom_rtstruct")
    return project, lead, case.series.study.study_instance_uid


def test_a_published_segmentation_structure_set_and_report_are_listed_and_lie_over_the_image(
    published: Any, viewer: str, browser: Browser
) -> None:
    _, lead, study = published
    client = Client()
    client.force_login(lead)
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", service_workers="block")
    context.add_cookies([{
        "name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value, "url": viewer,
    }])  # fmt: skip
    refused: list[str] = []
    context.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
    page = context.new_page()
    page.set_default_timeout(90_000)
    page.goto(f"{viewer}/segmentation?StudyInstanceUIDs={study}")
    pane = page.locator('[data-cy="viewport-pane"]')
    expect(pane.get_by_text("(1/12)")).to_be_visible()
    assert not _amber(pane).any()

    page.get_by_text("Segmentation: Ärztin").dblclick()
    page.locator('[data-cy="viewport-notification"]').get_by_role("button", name="Yes").click()
    expect(page.locator('[data-cy="segmentation-select-value-Labelmap"]')).to_have_text("Segmentation: Ärztin Nr. 2")
    expect(page.locator('[data-cy="data-row-title"]')).to_have_text("Nodule")
    expect(page.locator('[data-cy="viewport-notification"]')).to_have_count(0)
    marked = _coloured(pane)
    _shoot(page, "segmentation")
    # The image fills the pane, and the block lies in its middle: 90 of 512 pixels wide and high.
    height, width = marked.shape
    rows, columns = (np.flatnonzero(marked.sum(axis=axis) > SIDE) for axis in (1, 0))
    expected = min(height, width) * SIDE / 512
    for found, middle in ((rows, height / 2), (columns, width / 2)):
        assert abs(found[-1] - found[0] + 1 - expected) < 6 and abs((found[0] + found[-1]) / 2 - middle) < 4
    assert marked[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean() > 0.9
    # In the finding type's own colour, laid over what is below.
    pixels = np.asarray(Image.open(BytesIO(pane.screenshot())).convert("RGB"))[marked]
    red, green, blue = pixels.astype(int).mean(axis=0)
    assert red > green + 20 > blue + 40

    page.goto(f"{viewer}/viewer?StudyInstanceUIDs={study}")
    page.get_by_text("Skip all").click()
    for name, shape in (("Structure set", "path"), ("Measurement report", "polyline")):
        page.get_by_text(f"{name}: LIDC 1").dblclick()
        _assert_is_the_box(pane, pane.locator(f"svg.svg-layer {shape}"))
        _shoot(page, name)
    # What it asks of a report: only what it takes over stands in its panel of measurements.
    page.locator('[data-cy="viewport-notification"]').get_by_role("button", name="Yes").click()
    page.locator('[data-cy="trackedMeasurements-btn"]').click()
    expect(page.locator('[data-cy="data-row-title"]')).to_have_text("Mass, other")
    _shoot(page, "measurements")
    assert refused == []
    context.close()


def _shoot(page: Page, name: str) -> None:
    if folder := os.environ.get("OVERREAD_TEST_PICTURES"):
        page.screenshot(path=Path(folder) / f"ohif-{name.replace(' ', '-').lower()}.png")


def _assert_is_the_box(pane: Locator, shape: Locator) -> None:
    """The one outline over the image, which is 512 pixels wide and fills the height of the pane, is the box to the pixel."""
    expect(shape).to_have_count(1)
    place = pane.bounding_box()
    assert place is not None
    scale = place["height"] / 512
    (left, top), (right, bottom) = BOX
    expected = (place["width"] / 2 + (left - 256) * scale, top * scale, (right - left) * scale, (bottom - top) * scale)
    # The outline itself: the line's width lies half outside.
    found = shape.evaluate("one => { const { x, y, width, height } = one.getBBox(); return [x, y, width, height]; }")
    assert np.abs(np.subtract(found, expected)).max() < 1


def _amber(pane: Locator) -> NDArray[np.bool_]:
    """Where the picture of a place on the page, whose image is grey, is red or amber."""
    pixels = np.asarray(Image.open(BytesIO(pane.screenshot())).convert("RGB")).astype(int)
    return np.asarray(pixels[..., 0] - pixels[..., 2] > 25)


def _coloured(pane: Locator) -> NDArray[np.bool_]:
    """The same, once the segmentation is drawn."""
    deadline = time.monotonic() + 90
    before = 0
    while (marked := _amber(pane)).sum() < 5000 or marked.sum() != before:
        before = marked.sum()
        assert time.monotonic() < deadline, "no segmentation was drawn over the image"
        time.sleep(0.5)
    return marked
