"""Who reads reports a name in a stored CT slice; a lead blanks it, in one slice or all, or says that there is none."""

from __future__ import annotations

import os
import re
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
from backend.exchange.blanking import run_blanking
from backend.jobs.models import Job
from backend.jobs.services import claim_job, finish_job
from backend.projects.models import BurntInReport, Case, Project
from tests.dicom.conftest import as_file, make_dicom  # noqa: F401
from tests.journeys.axe import violations
from tests.journeys.room import imported
from tests.readings.conftest import Reading as Way
from workers.picture_cache import forget_pictures

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def named(project: Project, make_dicom: Callable[..., Any], as_file: Callable[..., bytes], tmp_path: Path) -> Case:
    """Five slices that do not say that a name is written into them."""
    Project.objects.filter(pk=project.pk).update(unit="series", modality="CT")
    project.refresh_from_db()
    rows, columns = np.mgrid[0:256, 0:256]
    for number in range(5):
        body = np.hypot((rows - 140) / 90, (columns - 128) / (110 - 4 * number)) < 1
        noise = np.random.default_rng(number).normal(40, 12, (256, 256))
        picture = Image.fromarray(np.where(body, noise + 60, 4).clip(0, 220).astype("u1"))
        ImageDraw.Draw(picture).text((8, 8), "QUISENBERRY, THADDEUS", fill=255)
        made = make_dicom(np.asarray(picture), SOPInstanceUID=f"1.2.9.{number}")
        made.Modality, made.InstanceNumber = "CT", number + 1
        made.ImagePositionPatient, made.ImageOrientationPatient = [0, 0, 3 * number], [1, 0, 0, 0, 1, 0]
        made.PixelSpacing = [1, 1]
        (tmp_path / f"{number}.dcm").write_bytes(as_file(made))
    return imported(project, tmp_path)[0]


def brightest_text() -> int:
    return max(int(render_frame(one, 1)[4:22, 4:150].max()) for one in Instance.objects.all())


def test_a_name_in_a_stored_series_is_blanked_in_every_slice(
    named: Case, lead: User, live_server: Any, sign_in: Callable[..., BrowserContext]
) -> None:
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/cases")
    page.get_by_role("checkbox", name=named.name).check()
    page.get_by_role("link", name="Blank text…").click()
    picture = page.get_by_role("img", name=f"Preview of {named.name}")
    expect(picture).to_be_visible()
    expect(page.get_by_text("Image 3 of 5").first).to_be_visible()
    action = page.get_by_role("button", name="Blank in 1 image")
    expect(action).to_be_disabled()
    box = picture.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.62, box["y"] + box["height"] * 0.1, steps=4)
    page.mouse.up()
    page.get_by_role("radio", name="In all 5 images").check()
    page.get_by_role("textbox", name="Reason").fill("A reader saw a name.")
    for width, height in ((1440, 900), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        if folder := os.environ.get("OVERREAD_SCREENSHOTS"):
            page.screenshot(path=f"{folder}/blank-{width}.png")
    assert violations(page) == []
    page.get_by_role("button", name="Blank in 5 images").click()
    page.get_by_role("dialog").get_by_role("button", name="Blank in 5 images").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert brightest_text() > 200
    lease = claim_job(Job.objects.get(task="exchange.run_blanking").pk)
    assert lease is not None
    run_blanking(lease, forget=forget_pictures)
    finish_job(lease, lease.result)
    expect(page.get_by_text("Blanked in 5 images.")).to_be_visible()
    assert brightest_text() < 100
    # What the page shows then are the new pixels, whatever the browser had kept.
    page.wait_for_function(
        """async () => {
            const image = document.querySelector('img[alt^="Preview"]');
            if (!image) return false;
            await image.decode();
            const canvas = Object.assign(document.createElement('canvas'), {width: 256, height: 256});
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            return Math.max(...context.getImageData(4, 4, 146, 18).data.filter((_, at) => at % 4 === 0)) < 100;
        }"""
    )


def shoot(page: Page, name: str) -> None:
    for width, height in ((1440, 900), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        if folder := os.environ.get("OVERREAD_SCREENSHOTS"):
            page.wait_for_timeout(300)
            page.screenshot(path=f"{folder}/{name}-{width}.png")
    assert violations(page) == []


def reported_by_key(page: Page, live_server: Any, case: Case) -> None:
    """A reader opens the case, goes to the first slice and reports by the keyboard alone."""
    page.goto(f"{live_server.url}/p/breast/read/{case.pk}")
    expect(page.get_by_test_id("window").first).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Slice 3 / 5")).to_be_visible()
    page.keyboard.press("Home")
    expect(page.get_by_text("Slice 1 / 5")).to_be_visible()
    page.keyboard.press("Alt+n")
    dialog = page.get_by_role("dialog", name="Report a name in this image?")
    expect(dialog).to_be_visible()


def test_a_blinded_reader_reports_a_name_and_a_lead_blanks_it(
    named: Case, reader: User, lead: User, live_server: Any, sign_in: Callable[..., BrowserContext]
) -> None:
    Project.objects.filter(pk=named.project_id).update(blinded_share=1.0)
    User.objects.filter(pk=reader.pk).update(first_name="Rita", last_name="Okafor")
    room = sign_in(reader).new_page()
    reported_by_key(room, live_server, named)
    shoot(room, "report-name")
    expect(room.get_by_role("dialog").get_by_role("button", name="Report the image")).to_be_focused()
    room.keyboard.press("Enter")
    expect(room.get_by_text("Reported: the project's leads will look at this image")).to_be_visible()
    report = BurntInReport.objects.get()
    assert report.instance == named.series.instances.order_by("position")[0] and report.reported_by == reader

    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/cases")
    expect(page.get_by_text("A name was reported in an image of 1 case.")).to_be_visible()
    shoot(page, "report-cases")
    page.get_by_role("button", name="Show them").click()
    expect(page).to_have_url(re.compile("burnt_in=reported"))
    expect(page.get_by_role("row", name=named.name).get_by_title("Name reported")).to_be_visible()
    page.get_by_role("checkbox", name=named.name).check()
    expect(page.get_by_role("toolbar", name="Chosen cases").get_by_text("Name reported")).to_be_visible()
    shoot(page, "report-chosen")
    page.get_by_role("link", name="Blank text…").click()
    expect(page.get_by_text("Image 1 of 5").first).to_be_visible()
    expect(page.get_by_role("region", name="A name was reported").get_by_text("Rita Okafor")).to_be_visible()
    shoot(page, "report-blank")
    box = page.get_by_role("img", name=f"Preview of {named.name}").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.62, box["y"] + box["height"] * 0.1, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Blank in 1 image").click()
    page.get_by_role("dialog").get_by_role("button", name="Blank in 1 image").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    lease = claim_job(Job.objects.get(task="exchange.run_blanking").pk)
    assert lease is not None
    run_blanking(lease, forget=forget_pictures)
    finish_job(lease, lease.result)
    expect(page.get_by_text("Blanked in 1 image.")).to_be_visible()
    expect(page.get_by_role("region", name="A name was reported")).to_have_count(0)
    report.refresh_from_db()
    assert report.outcome == "blanked"


def test_a_reviewer_reports_a_name_and_a_lead_who_sees_none_says_why(
    named: Case,
    reviewer: User,
    reader: User,
    lead: User,
    as_person: Callable[..., Any],
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    way = Way(as_person(reader), named)
    assert way.save(verdict="no_lesion").status_code == 200 and way.submit().status_code == 200
    room = sign_in(reviewer).new_page()
    room.goto(f"{live_server.url}/p/breast/read/{named.pk}?review={way.room['reading']['id']}")
    room.get_by_role("button", name="Report a name in the image").click()
    shoot(room, "report-review")
    room.get_by_role("dialog").get_by_role("button", name="Report the image").click()
    expect(room.get_by_text("Reported: the project's leads will look at this image")).to_be_visible()
    assert BurntInReport.objects.get().reported_by == reviewer

    User.objects.filter(pk=lead.pk).update(language="zh-hans")
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/cases")
    expect(page.get_by_text("有 1 个病例的图像被报告含有姓名。")).to_be_visible()
    page.goto(f"{live_server.url}/p/breast/cases/{named.pk}/blank")
    page.get_by_role("button", name="无需遮盖…").click()
    closing = page.get_by_role("dialog").get_by_role("button", name="关闭 1 条报告")
    expect(closing).to_be_disabled()
    page.get_by_role("dialog").get_by_role("textbox").fill("设备名称")
    shoot(page, "report-dismiss-zh")
    closing.click()
    expect(page.get_by_role("region", name="有人报告了姓名")).to_have_count(0)
    assert BurntInReport.objects.get().outcome == "dismissed"
    page.goto(f"{live_server.url}/p/breast/cases")
    expect(page.get_by_text(named.name)).to_be_visible()
    expect(page.get_by_text("被报告含有姓名")).to_have_count(0)
