"""Installs the database triggers of all apps: what the database itself refuses, past all of our code.

They are no migrations: SQLite drops a table's triggers without a word whenever a later migration rebuilds that table,
and refuses the rebuild while another table's trigger names it. So `migrate` takes them off, migrates, and puts the
ones of today's code on again; and what is missing is an error of the database check.
"""

from __future__ import annotations

import re
from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

from backend.audit import triggers as audit
from backend.learning import triggers as learning
from backend.projects import triggers as projects
from backend.readings import triggers as readings
from backend.registry import triggers as registry

APPS: Final = (audit, projects, registry, readings, learning)
NAME: Final = re.compile(r"CREATE TRIGGER (\w+)[^;]*? ON (\w+)")

INSTALLED_SQLITE: Final = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
INSTALLED_POSTGRESQL: Final = (
    "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
    " WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace"
)


def _statements(connection: BaseDatabaseWrapper) -> list[str]:
    """Today's statements for this kind of database, in order."""
    kind = "SQLITE" if connection.vendor == "sqlite" else "POSTGRESQL"
    return [statement for app in APPS for statement in getattr(app, kind)]


def wanted_triggers(connection: BaseDatabaseWrapper) -> set[tuple[str, str]]:
    """Name and table of each trigger that today's code asks for."""
    found = (NAME.search(statement) for statement in _statements(connection))
    return {(match.group(1), match.group(2)) for match in found if match}


def installed_triggers(connection: BaseDatabaseWrapper) -> set[tuple[str, str]]:
    """Name and table of each trigger that is in the database."""
    with connection.cursor() as cursor:
        cursor.execute(INSTALLED_SQLITE if connection.vendor == "sqlite" else INSTALLED_POSTGRESQL)
        return {(str(name), str(table)) for name, table in cursor.fetchall()}


def remove_triggers(connection: BaseDatabaseWrapper) -> None:
    """Take all triggers off, also those that today's code no longer knows."""
    with connection.cursor() as cursor:
        for name, table in sorted(installed_triggers(connection)):
            cursor.execute(f"DROP TRIGGER {name}" if connection.vendor == "sqlite" else f"DROP TRIGGER {name} ON {table}")


def install_triggers(connection: BaseDatabaseWrapper) -> None:
    """Put today's triggers on; those of tables that do not exist yet wait for the next migrate."""
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for statement in _statements(connection):
            match = NAME.search(statement)
            if match is None or match.group(2) in tables:
                cursor.execute(statement)
