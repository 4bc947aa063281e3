"""Triggers are put on by every migrate, and their absence is an error of the database check."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection

from backend.config.triggers import installed_triggers, remove_triggers, wanted_triggers

pytestmark = pytest.mark.django_db


def test_a_migrated_database_has_exactly_the_triggers_of_todays_code() -> None:
    assert len(wanted_triggers(connection)) >= 6
    assert installed_triggers(connection) == wanted_triggers(connection)


def test_the_database_check_names_the_triggers_that_are_missing() -> None:
    remove_triggers(connection)
    with pytest.raises(SystemCheckError, match="audit_event"):
        call_command("check", databases=["default"])


def test_migrate_brings_back_what_a_rebuilt_table_has_lost() -> None:
    remove_triggers(connection)
    call_command("migrate", verbosity=0)
    assert installed_triggers(connection) == wanted_triggers(connection)
