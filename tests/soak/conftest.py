"""Long runs: the suite holds a short sample of each with a fixed seed, `make soak` the long one."""

from __future__ import annotations

import os

import pytest

from tests.jobs.conftest import shared_database, start_worker, tables, wait_for  # noqa: F401


@pytest.fixture(scope="session")
def long_run() -> bool:
    """Whether this is `make soak`."""
    return os.environ.get("OVERREAD_SOAK") == "1"
