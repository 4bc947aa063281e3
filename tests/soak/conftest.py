"""Long runs: the suite holds a short sample of each with a fixed seed, `make soak` the long one."""

from __future__ import annotations

import os

import pytest

from tests.dicomweb.conftest import web_process  # noqa: F401
from tests.jobs.conftest import shared_database, start_worker, tables, wait_for  # noqa: F401
from tests.soak.door import Door


@pytest.fixture(scope="session")
def long_run() -> bool:
    """Whether this is `make soak`."""
    return os.environ.get("OVERREAD_SOAK") == "1"


@pytest.fixture
def door(web_process: str) -> Door:
    """The web server, as the product runs it."""
    return Door(web_process)
