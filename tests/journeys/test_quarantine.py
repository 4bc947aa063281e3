"""A lead looks at an image that was held, draws over its text, and the case appears without it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import BrowserContext, Page, expect

from backend.accounts.models import User
from backend.archive.models import Instance
from backend.archive.rendering import render_frame
from backend.audit.models import Event
from backend.exchange.import_options import ImportOptions
from backend.exchange.models import ImportItem, ImportRun
from backend.exchange.quarantine_services import run_release
from backend.exchange.services import import_from_server, perform_import, run_import
from backend.exchange.sources import upload_folder
from backend.jobs.models import Job
from backend.jobs.services import claim_job, finish_job
from backend.projects.models import Membership, Project
from tests.dicom.conftest import as_file, make_dicom  # noqa: F401
from tests.journeys.axe import violations

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def held(
    project: Project, lead: User, make_dicom: Callable[..., Any], as_file: Callable[..., bytes], tmp_path: Path
) -> Project:
    """Three ultrasound images with a name written into them, and a file that ends too early; the lead may learn names."""
    Membership.objects.filter(project=project, user=lead).update(may_reidentify=True)
    project.archive.deid_profile = "basic"
    project.archive.deid_options = ["modified_dates", "clean_pixels", "clean_descriptors"]
    project.archive.save()
    rows, columns = np.mgrid[0:480, 0:640]
    for number in range(3):
        noise = np.random.default_rng(number).gamma(2, 22, (480, 640))
        fan = (np.hypot(rows - 30, columns - 320) < 430) & (np.abs(np.arctan2(columns - 320, rows - 30)) < 0.6)
        picture = Image.fromarray(np.where(fan & (rows > 60), noise, 0).clip(0, 220).astype("u1"))
        ImageDraw.Draw(picture).text((12, 10), "QUISENBERRY, THADDEUS  1961-02-03  MRN7734551", fill=255)
        made = make_dicom(np.asarray(picture), SOPInstanceUID=f"1.2.9.{number}", SeriesInstanceUID=f"1.2.9.{number}.1")
        made.Modality, made.Manufacturer, made.ManufacturerModelName = "US", "ACME", "Sono 9"
        (tmp_path / f"scan_{number + 1}.dcm").write_bytes(as_file(made))
    whole = as_file(make_dicom(np.zeros((64, 64), "u2"), SOPInstanceUID="1.2.8"))
    (tmp_path / "cut.dcm").write_bytes(whole[:-4000])
    options = ImportOptions(source=str(tmp_path))
    import_from_server(project=project, by=None, options=options, limit=None, on_item=lambda *_: None)
    return project


def test_text_is_blanked_by_a_lead_and_the_images_come_in(
    held: Project, lead: User, live_server: Any, sign_in: Callable[..., BrowserContext]
) -> None:
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/import")
    page.get_by_role("link", name="3 images wait for your look").click()
    picture = page.get_by_role("img", name="Preview of scan_1.dcm")
    expect(picture).to_be_visible()
    expect(page.get_by_text("Ultrasound without the place of its picture.").first).to_be_visible()
    box = picture.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.06, steps=4)
    page.mouse.up()
    expect(page.get_by_role("textbox", name="Width")).to_have_count(1)
    page.get_by_role("checkbox", name="The same for all images of this device and size").check()
    photograph(page, "quarantine")
    assert violations(page) == []
    page.get_by_role("button", name="Blank and let in").click()
    expect(page.get_by_text("3 on their way into the project")).to_be_visible()
    lease = claim_job(Job.objects.get(task="exchange.run_release").pk)
    assert lease is not None
    run_release(lease)
    assert Instance.objects.count() == 3
    for instance in Instance.objects.all():
        assert render_frame(instance, 1)[8:24, 10:300].max() == 0
    page.get_by_role("radio", name="Rules").click()
    expect(page.get_by_text("ACME Sono 9")).to_be_visible()
    photograph(page, "quarantine-rules")
    page.get_by_role("radio", name="Refused 1").click()
    expect(page.get_by_text("cut.dcm")).to_be_visible()
    expect(page.get_by_text("64 × 64 px")).to_be_visible()
    assert violations(page) == []
    photograph(page, "quarantine-refused")


def test_many_are_looked_at_on_one_sheet_and_let_in_together(
    held: Project, lead: User, live_server: Any, sign_in: Callable[..., BrowserContext]
) -> None:
    page = sign_in(lead).new_page()
    page.set_viewport_size({"width": 1280, "height": 520})
    page.goto(f"{live_server.url}/p/breast/quarantine")
    page.get_by_role("checkbox", name="Choose all 3").check()
    release = page.get_by_role("button", name="None shows text: let 3 in")
    page.get_by_role("textbox", name="Reason").fill("A phantom: the name is nobody's.")
    expect(page.get_by_text("2 of 3 seen")).to_be_visible()
    expect(release).to_be_disabled()
    page.get_by_role("button", name="Enlarge scan_3.dcm").scroll_into_view_if_needed()
    expect(page.get_by_text("3 of 3 seen")).to_be_visible()
    page.get_by_role("button", name="Leave scan_2.dcm out").click()
    page.get_by_role("button", name="Add a rectangle").click()
    photograph(page, "quarantine-many")
    assert violations(page) == []
    page.get_by_role("button", name="Blank and let 2 in").click()
    expect(page.get_by_text("2 on their way into the project")).to_be_visible()
    assert Event.objects.get(verb="quarantine.release").detail["reason"].startswith("A phantom")
    assert Event.objects.filter(verb="quarantine.viewed").count() >= 3
    page.get_by_role("radio", name="Refused 1").click()
    page.get_by_role("checkbox", name="Choose 1").check()
    page.get_by_role("button", name="Discard 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    expect(page.get_by_text("No refused file is kept")).to_be_visible()


def test_a_refused_file_is_had_back_as_it_came_and_tried_again(
    project: Project, lead: User, live_server: Any, sign_in: Callable[..., BrowserContext]
) -> None:
    run = ImportRun.objects.create(project=project, created_by=lead)
    for name in ("scan.zip", "report.xml"):
        data = b"PK\x03\x04 and nothing ..." if name == "scan.zip" else b"<words>"
        item = ImportItem.objects.create(run=run, name=name, size=len(data), received=len(data), state="waiting")
        upload_folder(run.pk).mkdir(parents=True, exist_ok=True)
        (upload_folder(run.pk) / str(item.pk)).write_bytes(data)
    perform_import(run=run, on_item=lambda *_: None)
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/quarantine")
    page.get_by_role("radio", name="Refused 2").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download scan.zip").click()
    assert Path(download.value.path()).read_bytes() == b"PK\x03\x04 and nothing ..."
    page.get_by_role("checkbox", name="Choose all 2").check()
    page.get_by_role("button", name="Try 2 again").click()
    expect(page.get_by_text("2 files are imported once more")).to_be_visible()
    photograph(page, "quarantine-trying")
    lease = claim_job(Job.objects.get(task="exchange.run_import").pk)
    assert lease is not None
    run_import(lease)
    finish_job(lease, {})
    expect(page.get_by_text("2 files were tried once more. What could not be used is still here.")).to_be_visible()
    assert violations(page) == []
    photograph(page, "quarantine-tried")


def test_the_wizard_says_what_is_kept_and_what_is_removed(
    project: Project, lead: User, live_server: Any, sign_in: Callable[..., BrowserContext]
) -> None:
    lead.may_create_projects = True
    lead.save()
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/new")
    page.get_by_role("textbox", name="Name").first.fill("Lung")
    page.get_by_role("button", name="Images").first.click()
    expect(page.get_by_role("checkbox", name="Blank text that is burnt into the images")).to_be_checked()
    page.get_by_role("radio", name="real dates").click()
    expect(page.get_by_text("Choose this only if you may.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Keep an encrypted table of identities")).to_be_disabled()
    expect(page.get_by_text("This server has no key for such a table.")).to_be_visible()
    photograph(page, "wizard-deid")
    assert violations(page) == []


def photograph(page: Page, name: str) -> None:
    """Keep a picture of the page where `OVERREAD_SCREENSHOTS` names a folder for it."""
    folder = os.environ.get("OVERREAD_SCREENSHOTS", "")
    if not folder:
        return
    for width, height in ((1440, 900), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(400)
        page.screenshot(path=Path(folder) / f"{name}-{width}.png")
    page.set_viewport_size({"width": 1440, "height": 900})
