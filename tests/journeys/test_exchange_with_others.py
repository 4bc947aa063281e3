"""A lead connects others: a webhook that is tried out, a folder that is followed, a model from elsewhere that is shown."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from backend.accounts.models import User
from backend.projects.models import Project
from backend.readings.foreign_model_services import register_foreign_model
from backend.registry.models import ForeignModel
from backend.webhooks.services import deliver_due
from tests.journeys.axe import violations
from tests.webhooks.conftest import Receiver, loopback_allowed, receiver  # noqa: F401

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def picture(page: Page, name: str) -> None:
    """A picture of the page in two sizes, where somebody wants to look at it."""
    folder = os.environ.get("OVERREAD_PICTURES")
    for width, height in ((1440, 900), (1280, 720)) if folder else ():
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(400)
        page.screenshot(path=str(Path(str(folder)) / f"{name}-{width}.png"))


def test_a_webhook_is_made_tried_out_and_its_log_read(
    project: Project,
    lead: User,
    receiver: Receiver,
    loopback_allowed: None,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/settings?section=webhooks")
    expect(page.get_by_text("No webhook yet.")).to_be_visible()
    picture(page, "webhooks-none")
    page.get_by_label("Address").fill("https://127.0.0.2.nip.example/")
    page.get_by_role("combobox", name="Tell of").click()
    page.get_by_role("option", name="Reading submitted").click()
    page.get_by_role("option", name="Model promoted").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Make webhook").click()
    expect(page.get_by_role("alert")).to_contain_text("has no address")
    page.get_by_label("Address").fill(receiver.url)
    page.get_by_role("button", name="Make webhook").click()
    expect(page.get_by_text(re.compile("^whsec_"))).to_be_visible()
    receiver.answers = [(500, b"out of order", 0)]
    page.get_by_role("button", name="Try out").click()
    expect(page.get_by_role("cell", name="Trial")).to_be_visible()
    deliver_due()
    expect(page.get_by_text("out of order")).to_be_visible()
    expect(page.get_by_text("failing", exact=True)).to_be_visible()
    assert violations(page) == []
    picture(page, "webhooks")


def test_a_folder_is_followed_paused_and_left(
    project: Project,
    lead: User,
    tmp_path: Path,
    settings: Any,
    live_server: Any,
    sign_in: Callable[..., BrowserContext],
) -> None:
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/import")
    expect(page.get_by_text("has opened no folder or bucket")).to_be_visible()
    (tmp_path / "incoming" / "ultrasound").mkdir(parents=True)
    settings.WATCH_ROOTS, settings.WATCH_ENDPOINTS = [str(tmp_path / "incoming")], ["aws"]
    page.reload()
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("Folder of the server").fill("/etc")
    page.get_by_role("button", name="Follow", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("does not lie in a folder")
    picture(page, "watched-form")
    page.get_by_label("Folder of the server").fill(str(tmp_path / "incoming" / "ultrasound"))
    page.get_by_role("button", name="Follow", exact=True).click()
    expect(page.get_by_text("followed", exact=True)).to_be_visible()
    assert violations(page) == []
    picture(page, "watched")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("paused", exact=True)).to_be_visible()
    page.get_by_role("button", name="Follow no more").click()
    page.get_by_role("dialog").get_by_role("button", name="Follow no more").click()
    expect(page.get_by_text("what comes there is imported by itself")).to_be_visible()


def test_the_lead_chooses_a_model_from_elsewhere(
    project: Project, lead: User, live_server: Any, sign_in: Callable[..., BrowserContext]
) -> None:
    register_foreign_model(project=project, by=lead, name="CADe", version="2.1", description="", display_threshold=0.4)
    page = sign_in(lead).new_page()
    page.goto(f"{live_server.url}/p/breast/models")
    page.get_by_role("button", name="Show to readers").click()
    page.get_by_role("dialog").get_by_role("button", name="Show to readers").click()
    expect(page.get_by_text("shown to readers")).to_be_visible()
    assert ForeignModel.objects.get().is_shown and violations(page) == []
    picture(page, "foreign")
