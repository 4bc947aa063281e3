"""`manage.py migrate`: Django's own, with the triggers taken off before and put on again after."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections, transaction

from backend.config.triggers import install_triggers, remove_triggers


class Command(migrate.Command):
    """Bring the database to today's schema and today's triggers."""

    def check(self, *arguments: Any, **options: Any) -> None:
        """All checks but those of the database: it is not yet what they ask for."""
        super().check(*arguments, **{**options, "databases": None})

    def handle(self, *arguments: Any, **options: Any) -> None:
        """Migrate between two steps: a migration that fails leaves the triggers of what is there in place."""
        connection = connections[options["database"]]
        with transaction.atomic(using=connection.alias):
            remove_triggers(connection)
        try:
            super().handle(*arguments, **options)
        finally:
            with transaction.atomic(using=connection.alias):
                install_triggers(connection)
