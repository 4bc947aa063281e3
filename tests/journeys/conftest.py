"""A running product for the journeys: `manage.py up` on a fresh data folder, and a real browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect

from backend.accounts.models import User
from backend.projects.models import Case
from backend.projects.selectors import case_instances
from tests.journeys.room import Room

ROOT = Path(__file__).resolve().parents[2]

# A software rasteriser on two shared cores takes its time; a journey waits for the page, it does not race it.
expect.set_options(timeout=90_000)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Product:
    """The supervised processes of one `manage.py up`, what it printed, and how to reach it."""

    data_dir: Path
    url: str
    environment: dict[str, str]
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def manage(self, *arguments: str, timeout: float = 300) -> str:
        """Run another `manage.py` command on the same data folder and return what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @property
    def admin_password(self) -> str:
        """The one-time password that the first start prints, a moment after it first answers."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for line in self.lines:
                if found := re.search(r"one-time password[^:]*:\s*(\S+)", line, re.IGNORECASE):
                    return found.group(1)
            time.sleep(0.1)
        raise AssertionError("no one-time password was printed:\n" + "\n".join(self.lines))


def start_product(data_dir: Path, *arguments: str) -> Product:
    """Start `manage.py up` with further arguments and wait until it answers."""
    port = free_port()
    environment = {**os.environ, "OVERREAD_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}
    for name in ("DATABASE_URL", "REDIS_URL"):
        environment.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--port", str(port), *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    product = Product(data_dir, f"http://127.0.0.1:{port}", environment, process)

    def follow() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            product.lines.append(line.rstrip())

    threading.Thread(target=follow, daemon=True).start()
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError("`manage.py up` ended:\n" + "\n".join(product.lines))
        try:
            with urllib.request.urlopen(f"{product.url}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return product
        except OSError:
            time.sleep(0.3)
    stop_product(product)
    raise AssertionError("`manage.py up` did not become ready:\n" + "\n".join(product.lines))


def stop_product(product: Product) -> None:
    """Ctrl-C, as a person would."""
    product.process.send_signal(signal.SIGINT)
    product.process.wait(180)


@pytest.fixture
def product() -> Iterator[Product]:
    """Overread, started by the command that people use, on an empty data folder."""
    data_dir = Path(tempfile.mkdtemp(prefix="ovr-up-"))
    started = start_product(data_dir)
    yield started
    stop_product(started)
    shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh window of a laptop's reading room."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(90_000)
    opened = context.new_page()
    yield opened
    context.close()


@pytest.fixture(scope="session", autouse=True)
def _built_front_end() -> None:
    if not (settings.FRONTEND_DIST / "index.html").exists():
        pytest.fail("frontend/dist is missing: run `npm run build` in frontend/ first")


@pytest.fixture
def sign_in(browser: Browser, live_server: Any) -> Iterator[Callable[..., BrowserContext]]:
    """A window in which a person is signed in; a console error or an unexpected refusal fails the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def window(user: User, **options: Any) -> BrowserContext:
        client = Client()
        client.force_login(user)
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", **options)
        context.set_default_timeout(90_000)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        context.on("weberror", lambda error: problems.append(str(error.error)))
        contexts.append(context)
        return context

    yield window
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def enter(live_server: Any) -> Callable[..., Room]:
    """Open a case and wait for its image."""

    def open_room(where: BrowserContext | Page, case: Case) -> Room:
        page = where if isinstance(where, Page) else where.new_page()
        page.goto(f"{live_server.url}/p/{case.project.slug}/read/{case.pk}")
        expect(page.get_by_test_id("window").first).to_be_visible(timeout=180_000)
        instance = case_instances(case).first()
        assert instance is not None
        return Room(page, case, instance.columns, instance.rows)

    return open_room


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """What the browser showed when a journey failed, in `test-results/`."""
    report = yield
    shown = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and isinstance(shown, Page):
        (ROOT / "test-results").mkdir(exist_ok=True)
        shown.screenshot(path=ROOT / "test-results" / f"{item.name[:80]}.png")
    return report
