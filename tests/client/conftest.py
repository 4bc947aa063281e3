"""The client against a live server over real sockets."""

from __future__ import annotations

from typing import Any

import pytest

from backend.accounts.services import create_token
from backend.client import Project, connect


@pytest.fixture
def token(lead: Any) -> str:
    """A lead's bearer token."""
    return create_token(user=lead, name="script")[1]


@pytest.fixture
def breast(live_server: Any, project: Any, token: str) -> Project:
    """The project "breast" as the client sees it."""
    return connect(live_server.url, token).project("breast")
