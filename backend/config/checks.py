"""System checks of the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.db import connections

from backend.config.triggers import installed_triggers, wanted_triggers


@register("database")
def check_triggers(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The triggers that keep splits, blinding and the audit trail are in the database."""
    messages: list[CheckMessage] = []
    for alias in databases or ():
        missing = wanted_triggers(connections[alias]) - installed_triggers(connections[alias])
        if missing:
            names = ", ".join(sorted(name for name, _ in missing))
            messages.append(
                Error(f"Database triggers are missing: {names}.", hint="Run `manage.py migrate`.", id="overread.E001")
            )
    return messages
