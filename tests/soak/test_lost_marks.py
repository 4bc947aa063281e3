"""A reader marks while tabs crash and the server is killed at random moments; what he saw is what is stored."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from backend.config.product import WEB_WORKER
from backend.projects.models import Case, Project
from backend.readings.models import Lesion, Reading
from tests.journeys.conftest import free_port

pytestmark = [pytest.mark.journey, pytest.mark.slow, pytest.mark.timeout(7200), pytest.mark.django_db(transaction=True)]

REPOSITORY = Path(__file__).resolve().parents[2]
# The bounds of every mark, in pixels of the screen, and the comment.
SEEN = """() => {
  const bounds = (mark) => {
    const numbers = mark.querySelector("path.mk:not(.h)").getAttribute("d").match(/-?[0-9.]+/g).map(Number);
    const [xs, ys] = [numbers.filter((_, i) => i % 2 === 0), numbers.filter((_, i) => i % 2 === 1)];
    return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  };
  return {
    marks: Object.fromEntries([...document.querySelectorAll("g[data-mark][data-origin=person]")]
      .map((mark) => [mark.dataset.mark, bounds(mark)])),
    comment: document.getElementById("rr-comment").value,
  };
}"""


class Server:
    """gunicorn on the test database, in a process group that can be killed whole."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        values = connection.settings_dict
        database = f"sqlite:///{values['NAME']}"
        if connection.vendor != "sqlite":
            database = f"postgres://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"
        command = [sys.executable, "-m", "gunicorn", "backend.config.wsgi:application", "--bind", f"127.0.0.1:{self.port}"]
        command += ["--worker-class", WEB_WORKER, "--threads", "8", "--worker-tmp-dir", str(self.folder)]
        with (self.folder / "web.log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env=os.environ | {"DATABASE_URL": database},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with suppress(OSError), urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                if answer.status == 200:
                    return
            time.sleep(0.2)
        raise AssertionError((self.folder / "web.log").read_text())

    def kill(self) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def case(tmp_path: Path, project: Project, lead: Any) -> Case:
    """One picture that every reader reads assisted."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.fromarray(np.full((300, 400), 60, dtype=np.uint8)).save(pictures / "grey.png")
    Project.objects.filter(pk=project.pk).update(validation_share=0.0, holdout_share=0.0, blinded_share=0.0)
    call_command("import_images", str(pictures), project=project.slug, modality="US", stdout=io.StringIO())
    return Case.objects.select_related("project").get(project=project)


@pytest.fixture
def window(browser: Browser, server: Server, reader: Any) -> Iterator[BrowserContext]:
    """A signed-in reader's browser."""
    client = Client()
    client.force_login(reader)
    context = browser.new_context(viewport={"width": 1280, "height": 720}, locale="en-GB")
    context.set_default_timeout(60_000)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": server.url}])
    yield context
    context.close()


class Desk:
    """The reader at work on one case, in whatever tab lives at the moment."""

    def __init__(self, window: BrowserContext, server: Server, case: Case, dice: random.Random) -> None:
        self.window, self.server, self.case, self.dice = window, server, case, dice
        self.page = self.open()
        self.acts: list[Callable[[], None]] = [self.box, self.box, self.brush, self.remove, self.undo, self.write]

    def open(self) -> Page:
        page = self.window.new_page()
        page.goto(f"{self.server.url}/p/{self.case.project.slug}/read/{self.case.pk}")
        expect(page.get_by_test_id("window")).to_be_visible(timeout=60_000)
        return page

    def seen(self) -> dict[str, Any]:
        """What is on the screen: the outlines of the marks by their ids, and the comment."""
        found: dict[str, Any] = self.page.evaluate(SEEN)
        return found

    def place(self) -> tuple[float, float]:
        box = self.page.get_by_test_id("viewport").bounding_box()
        assert box is not None
        x, y = self.dice.uniform(0.3, 0.6), self.dice.uniform(0.3, 0.6)
        return box["x"] + box["width"] * x, box["y"] + box["height"] * y

    def drag(self) -> None:
        (x, y), mouse = self.place(), self.page.mouse
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + self.dice.uniform(15, 60), y + self.dice.uniform(15, 60), steps=2)
        mouse.up()

    def box(self) -> None:
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        self.drag()

    def brush(self) -> None:
        for key in ("Escape", "Escape", "q"):
            self.page.keyboard.press(key)
        self.drag()

    def remove(self) -> None:
        self.page.keyboard.press(".")
        self.page.keyboard.press("Delete")

    def undo(self) -> None:
        self.page.keyboard.press("Control+z")

    def write(self) -> None:
        self.page.locator("#rr-comment").fill(f"seen {self.dice.randrange(10**6)}")
        self.page.keyboard.press("Escape")

    def crash(self) -> None:
        """The tab's process is killed: no event, no farewell."""
        browser = self.window.browser
        assert browser is not None
        session = browser.new_browser_cdp_session()

        def renderers() -> set[int]:
            processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
            return {process["id"] for process in processes if process["type"] == "renderer"}

        killed = renderers()
        with self.page.expect_event("crash"):
            for pid in killed:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        # One of them waited for the next tab, which must not be given a dead one.
        deadline = time.monotonic() + 30
        while renderers() & killed and time.monotonic() < deadline:
            time.sleep(0.05)
        session.detach()
        self.page.close()

    def close(self) -> None:
        self.page.close(run_before_unload=False)

    def lose_server(self) -> None:
        self.server.kill()
        time.sleep(self.dice.uniform(0, 2))

    def calamity(self) -> str:
        """One of the ways in which work is lost elsewhere."""
        kind = self.dice.choice(["crash", "crash", "server", "server", "both", "close", "reload"])
        if kind in ("server", "both"):
            self.lose_server()
            if self.dice.random() < 0.5:
                self.dice.choice(self.acts)()
        return kind

    def recover(self, kind: str) -> None:
        """What a reader does then: start the server, open the case again."""
        if kind in ("crash", "both"):
            self.crash()
        if kind == "close":
            self.close()
        if kind in ("server", "both"):
            self.server.start()
        if kind == "reload":
            self.page.reload()
            expect(self.page.get_by_test_id("window")).to_be_visible(timeout=60_000)
        elif kind != "server":
            self.page = self.open()

    def stored(self) -> dict[str, Any]:
        reading = Reading.objects.get(case=self.case, reader__kind="person")
        ids = Lesion.objects.filter(reading=reading).values_list("pk", flat=True)
        return {"marks": {str(pk) for pk in ids}, "comment": reading.comment}


def alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """The same comment and the same marks, each where it was: a strip that comes or goes may scale and move them all."""
    if one["comment"] != other["comment"] or one["marks"].keys() != other["marks"].keys():
        return False
    before = np.array([one["marks"][pk] for pk in one["marks"]]).reshape(-1, 2)
    after = np.array([other["marks"][pk] for pk in one["marks"]]).reshape(-1, 2)
    for x, y in zip(before.T, after.T, strict=True):
        fitted = np.column_stack([x, np.ones_like(x)])
        if len(x) and np.abs(fitted @ np.linalg.lstsq(fitted, y, rcond=None)[0] - y).max() > 1.0:
            return False
    return True


def test_nothing_that_was_on_the_screen_is_lost_whatever_dies(
    window: BrowserContext, server: Server, case: Case, long_run: bool
) -> None:
    dice = random.Random(20261122)
    desk = Desk(window, server, case, dice)
    kinds = []
    for moment in range(100 if long_run else 5):
        for _ in range(dice.randint(1, 3)):
            dice.choice(desk.acts)()
        time.sleep(dice.choice([0.05, 0.2, dice.uniform(0, 3)]))
        kind = desk.calamity()
        kinds.append(kind)
        expected = desk.seen()
        desk.recover(kind)
        wanted = {"marks": set(expected["marks"]), "comment": expected["comment"]}
        deadline = time.monotonic() + 60
        while not alike(seen := desk.seen(), expected) or desk.stored() != wanted:
            assert time.monotonic() < deadline, f"moment {moment} ({kind}): {expected} became {seen}, {desk.stored()}"
            time.sleep(0.1)
        expect(desk.page.locator(".rr-save")).to_have_attribute("data-state", "saved", timeout=30_000)
    assert {"crash", "server"} <= set(kinds)
    desk.page.reload()
    expect(desk.page.get_by_test_id("window")).to_be_visible(timeout=60_000)
    assert alike(desk.seen(), expected)


def test_what_was_taken_back_at_once_stays_away_when_the_tab_dies(
    window: BrowserContext, server: Server, case: Case, long_run: bool
) -> None:
    """Nothing is unsent any more, and what the journal said before must not come back."""
    desk = Desk(window, server, case, random.Random(20261129))
    desk.box()
    expect(desk.page.locator(".rr-save")).to_have_attribute("data-state", "saved", timeout=30_000)
    expected = desk.seen()
    for _ in range(20 if long_run else 4):
        desk.box()
        assert len(desk.seen()["marks"]) == 2
        time.sleep(0.2)
        desk.undo()
        assert desk.seen() == expected
        desk.recover("crash")
        time.sleep(2)
        assert alike(desk.seen(), expected) and desk.stored()["marks"] == set(expected["marks"])
