"""The PACS page against a real Orthanc: a node is entered, a study found, picked and pulled, a reading sent back."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from backend.accounts.models import User
from backend.dimse.models import Transfer
from backend.projects.models import Case
from tests.dimse.conftest import ct_slice, orthanc  # noqa: F401
from tests.dimse.test_pacs import submitted_reading
from tests.journeys.axe import violations
from tests.orthanc import Orthanc
from workers.tasks import transfer as run_transfer

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def picture(page: Page, name: str) -> None:
    """Keep pictures of this state at both sizes, where somebody asked for them."""
    folder = os.environ.get("OVERREAD_SCREENSHOTS")
    if not folder:
        return
    for width, height in ((1440, 900), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=Path(folder) / f"pacs-{name}-{width}.png")


def work() -> None:
    """What the worker does with the newest transfer."""
    newest = Transfer.objects.latest("created_at")
    run_transfer(str(newest.job_id))


def test_a_lead_finds_pulls_and_sends_back(
    orthanc: Orthanc,
    project: Any,
    lead: User,
    reader: User,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    project.unit, project.modality = "series", "CT"
    project.save()
    for study, count, patient in (("1.2.840.1", 3, "P-17"), ("1.2.840.2", 2, "P-18")):
        for number in range(1, count + 1):
            dataset, content = ct_slice(number, study=study, series=f"{study}.1", patient=patient), io.BytesIO()
            pydicom.dcmwrite(content, dataset, enforce_file_format=True)
            orthanc.store(content.getvalue())
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/pacs")
    expect(page.get_by_text("No PACS yet")).to_be_visible()
    picture(page, "empty")

    page.get_by_role("button", name="Add node").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Main PACS")
    dialog.get_by_label("Host").fill("127.0.0.1")
    dialog.get_by_label("Port").fill(str(orthanc.dicom_port))
    dialog.get_by_label("Its AE title").fill("ORTHANC")
    picture(page, "node")
    encrypted = dialog.get_by_role("switch", name="Encrypted")
    encrypted.check(force=True)
    dialog.get_by_label("Certificate of its authority").fill("-----BEGIN NONSENSE-----")
    dialog.get_by_role("button", name="Add node").click()
    expect(dialog.get_by_text("not a certificate in PEM")).to_be_visible()
    picture(page, "node-tls")
    assert violations(page) == []
    encrypted.uncheck(force=True)
    dialog.get_by_label("Certificate of its authority").wait_for(state="hidden")
    dialog.get_by_role("button", name="Add node").click()
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_text("It answers")).to_be_visible()

    page.keyboard.press("/")
    page.keyboard.type("Doe")
    page.keyboard.press("Enter")
    expect(page.get_by_role("cell", name="P-17")).to_be_visible()
    expect(page.get_by_text("2 studies", exact=True)).to_be_visible()
    page.get_by_role("region", name="Studies found").click()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Lung 2.0")).to_be_visible()
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(page.get_by_text("1 study picked")).to_be_visible()
    picture(page, "found")
    assert violations(page) == []
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("1 study from Main PACS")).to_be_visible()
    work()
    expect(page.get_by_text("done", exact=True)).to_be_visible()
    case = Case.objects.get(project=project)

    submitted_reading(project, case, user=reader)
    page.get_by_role("radio", name="Send results").click()
    expect(page.get_by_text("1 reading picked")).to_be_visible()
    page.get_by_role("button", name="Send to Main PACS").click()
    expect(page.get_by_text("1 reading to Main PACS")).to_be_visible()
    work()
    expect(page.get_by_role("cell", name="Main PACS")).to_be_visible()
    picture(page, "sent")
    assert violations(page) == []
    there = {orthanc.call("GET", f"/series/{one}")["MainDicomTags"]["Modality"] for one in orthanc.call("GET", "/series")}
    assert {"SEG", "SR"} <= there

    orthanc.process.kill()
    orthanc.process.wait()
    page.get_by_role("radio", name="Search and pull").click()
    page.get_by_label("Patient ID").fill("P-17")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_text("Main PACS did not answer the search")).to_be_visible()
    picture(page, "unreachable")
    User.objects.filter(pk=lead.pk).update(language="zh-hans")
    page.reload()
    expect(page.get_by_text("查找并拉取")).to_be_visible()
    picture(page, "chinese")
