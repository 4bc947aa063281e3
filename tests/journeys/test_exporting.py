"""A lead exports: what is lost is told before, progress and proof after, and the file is there to fetch."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.dicom.conftest import as_file, make_dicom  # noqa: F401
from tests.exchange import phantoms
from tests.journeys.axe import violations

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def _shoot(page: Any, name: str) -> None:
    """A picture for people, where a folder is named."""
    folder = os.environ.get("OVERREAD_TEST_PICTURES")
    for width, height in ((1440, 900), (1280, 720)) if folder else ():
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=Path(folder or "") / f"{name}-{width}.png")


def test_a_lead_exports_proves_and_fetches_and_sees_what_waits(
    tmp_path: Path,
    make_dicom: Any,
    as_file: Any,
    make_person: Callable[..., Any],
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    from django.core.management import call_command

    from backend.exchange.models import ExportRun
    from backend.projects.models import Membership
    from workers.tasks import export_run, verify_run

    project = phantoms.make_project(unit="series", deid="none", slug="breast")
    phantoms.write_images(tmp_path / "given", make_dicom, as_file, slices=phantoms.SLICES)
    phantoms.read_cases(project, phantoms.import_images(project, tmp_path / "given"))
    lead = make_person("lena")
    Membership.objects.create(project=project, user=lead, role="lead")
    image = {"id": 1, "width": 9, "height": 9, "file_name": "scan_17.png"}
    mark = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 3, 3]}
    document = {"images": [image], "annotations": [mark], "categories": [{"id": 1, "name": "Nodule"}]}
    (tmp_path / "elsewhere.json").write_text(json.dumps(document))
    call_command("import_readings", str(tmp_path / "elsewhere.json"), "--project", "breast", "--reader", "Challenge")

    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/export")
    expect(page.get_by_text("No export yet")).to_be_visible()
    expect(page.get_by_text("This format carries all of it.")).to_be_visible()
    page.get_by_role("combobox", name="Format").click()
    expect(page.get_by_role("option", name="DICOM SEG")).to_be_visible()
    assert violations(page) == []  # a list that is open, too
    page.get_by_role("option", name="DICOM SEG").click()
    expect(page.get_by_text("stay BINARY")).to_have_count(0)
    page.get_by_text("LABELMAP", exact=True).click()
    expect(page.get_by_text("Readings whose lesions overlap stay BINARY")).to_be_visible()
    assert violations(page) == []
    _shoot(page, "export-label-map")
    page.get_by_role("combobox", name="Format").click()
    page.get_by_role("option", name="Pascal VOC").click()
    expect(page.get_by_text("1 ellipse becomes a box")).to_be_visible()
    assert violations(page) == []
    _shoot(page, "export-order")
    page.get_by_role("button", name="Start export").click()
    expect(page.get_by_text("waits for its turn")).to_be_visible()
    run = ExportRun.objects.get()
    assert run.job is not None
    export_run(str(run.job.pk))
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("verifying")).to_be_visible()
    run.refresh_from_db()
    assert run.verification_job is not None
    verify_run(str(run.verification_job.pk))
    expect(page.get_by_text("round trip identical")).to_be_visible()
    assert violations(page) == []
    _shoot(page, "export-done")
    with page.expect_download() as begun:
        page.get_by_role("link", name="Download").click()
    archive = zipfile.ZipFile(begun.value.path())
    assert json.loads(archive.read("verification.json"))["ok"] and archive.testzip() is None

    page.goto(f"{live_server.url}/p/breast/import")
    expect(page.get_by_role("heading", name="Waiting for their images")).to_be_visible()
    expect(page.get_by_text("speaks of scan_17.png")).to_be_visible()
    assert violations(page) == []
    _shoot(page, "import-waiting")
    page.get_by_role("button", name="Drop this reading: elsewhere.json: scan_17.png").click()
    page.get_by_role("button", name="Drop", exact=True).click()
    expect(page.get_by_text("Waiting for their images")).to_have_count(0)

    lead.language = "zh-hans"
    lead.save()
    page.goto(f"{live_server.url}/p/breast/export")
    expect(page.get_by_text("往返一致")).to_be_visible()
    _shoot(page, "export-zh")
