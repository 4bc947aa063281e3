"""The room around the image: the edge of the left panel, and a browser that cannot draw on a graphics card."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, expect

from backend.accounts.models import User
from backend.projects.models import Case, Project
from tests.journeys.room import Room, imported

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ultrasound(real_data: Path, tmp_path: Path, project: Project, lead: User) -> Case:
    """One breast ultrasound."""
    shutil.copy(real_data / "busi" / "images" / "benign_001.png", tmp_path)
    return imported(project, tmp_path)[0]


def test_the_left_panel_is_pulled_moved_by_arrows_folded_and_kept(
    ultrasound: Case, reader: User, sign_in: Callable[..., BrowserContext], enter: Callable[..., Room]
) -> None:
    page = enter(sign_in(reader), ultrasound).page
    edge, panel = page.get_by_role("separator", name="Width of the left panel"), page.locator("aside.left")
    box = edge.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 4, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(260, box["y"] + 300, steps=4)
    page.mouse.up()
    expect(panel).to_have_css("width", "260px")
    edge.press("ArrowRight")
    expect(panel).to_have_css("width", "276px")
    edge.press("End")
    expect(edge).to_have_attribute("aria-valuenow", "320")
    edge.press("Enter")
    expect(panel).to_have_count(0)
    page.get_by_role("button", name="Show the left panel").click()
    expect(panel).to_have_css("width", "320px")
    page.reload()
    expect(panel).to_have_css("width", "320px")
    reader.refresh_from_db()
    assert reader.room["left_width"] == 320


@pytest.fixture
def without_webgl(browser: Browser, live_server: Any, reader: User) -> Iterator[BrowserContext]:
    """A window of a browser without WebGL, in which the reader is signed in."""
    executable = next((path for name in ("chromium", "google-chrome", "chrome") if (path := shutil.which(name))), None)
    flags = ["--no-sandbox", "--disable-gpu", "--disable-webgl", "--disable-webgl2", "--disable-3d-apis"]
    other = browser.browser_type.launch(executable_path=executable, args=flags)
    client = Client()
    client.force_login(reader)
    context = other.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(90_000)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    yield context
    other.close()


def test_without_webgl_the_room_is_the_same_and_a_mark_is_kept(
    ultrasound: Case, without_webgl: BrowserContext, enter: Callable[..., Room], reader: User
) -> None:
    room = enter(without_webgl, ultrasound)
    assert room.page.evaluate("() => document.createElement('canvas').getContext('webgl2')") is None
    canvas = room.page.locator(".rr-stage canvas").first
    greys = canvas.evaluate("(c) => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size")
    assert greys > 50
    room.press("b")
    room.drag((50, 50), (120, 120))
    expect(room.marks).to_have_count(1)
    room.wait_until_saved()
    assert set(room.stored(reader)) == {"box"}
