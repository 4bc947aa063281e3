"""The audit trail tells who tampered with it, and where."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from backend.audit.models import Event
from backend.audit.sealing import first_break, seal_events
from backend.audit.services import record_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def trail(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Six sealed rows, on a database whose triggers are off: the attacker is its administrator."""
    switch_triggers_off()
    Event.objects.all().delete()
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr("backend.audit.sealing.SETTLED", timedelta(0))
    monkeypatch.setattr("backend.audit.sealing.BATCH", 4)
    made = [
        record_event(actor=None, verb="case.open", object_type="case", object_id=number, detail={"n": number, "é": [0.1]})
        for number in range(6)
    ]
    assert seal_events() == 6
    return made


def switch_triggers_off() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_event'")
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{name}"')
        else:
            cursor.execute("ALTER TABLE audit_event DISABLE TRIGGER USER")


def raw(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_an_untouched_trail_holds(trail: list[Event]) -> None:
    assert first_break() is None
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert f"holds up to row {trail[-1].pk}; 0 newer" in out.getvalue()


def test_rows_written_later_continue_the_chain(trail: list[Event]) -> None:
    record_event(actor=None, verb="case.open")
    assert seal_events() == 1
    assert first_break() is None


def test_fresh_rows_wait_until_they_are_settled(trail: list[Event], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.audit.sealing.SETTLED", timedelta(seconds=60))
    record_event(actor=None, verb="case.open")
    assert seal_events() == 0
    assert first_break() is None


@pytest.mark.parametrize(
    ("column", "value"),
    [("actor", "somebody else"), ("verb", "nothing"), ("object_id", "7"), ("detail", '{"n": 9}'), ("actor_id", 12)],
)
def test_a_changed_row_is_named(trail: list[Event], column: str, value: object) -> None:
    raw(f"UPDATE audit_event SET {column} = %s WHERE id = %s", value, trail[2].pk)
    found = first_break()
    assert found is not None and found.event_id == trail[2].pk


def test_a_deleted_row_is_noticed_at_the_next_one(trail: list[Event]) -> None:
    raw("DELETE FROM audit_event WHERE id = %s", trail[1].pk)
    found = first_break()
    assert found is not None and found.event_id == trail[2].pk


def test_a_cut_off_end_is_noticed(trail: list[Event]) -> None:
    raw("DELETE FROM audit_event WHERE id >= %s", trail[4].pk)
    found = first_break()
    assert found is not None and found.event_id == trail[5].pk and "cut off" in found.reason


def test_two_rows_that_changed_places_are_noticed(trail: list[Event]) -> None:
    raw("UPDATE audit_event SET id = %s WHERE id = %s", 10**6, trail[2].pk)
    raw("UPDATE audit_event SET id = %s WHERE id = %s", trail[2].pk, trail[3].pk)
    raw("UPDATE audit_event SET id = %s WHERE id = %s", trail[3].pk, 10**6)
    found = first_break()
    assert found is not None and found.event_id == trail[2].pk


def test_a_removed_seal_is_named(trail: list[Event]) -> None:
    raw("UPDATE audit_event SET sealed_hash = NULL WHERE id = %s", trail[3].pk)
    found = first_break()
    assert found is not None and found.event_id == trail[3].pk


def test_a_chain_made_anew_without_the_key_is_noticed(trail: list[Event], settings: Any) -> None:
    key, settings.SECRET_KEY = settings.SECRET_KEY, "the attacker's guess"
    raw("UPDATE audit_event SET actor = 'x', sealed_hash = NULL WHERE id = %s", trail[0].pk)
    raw("UPDATE audit_event SET sealed_hash = NULL")
    seal_events()
    settings.SECRET_KEY = key
    found = first_break()
    assert found is not None and found.event_id == trail[0].pk


def test_command_fails_and_names_the_row(trail: list[Event]) -> None:
    raw("UPDATE audit_event SET verb = 'nothing' WHERE id = %s", trail[2].pk)
    with pytest.raises(CommandError, match=f"row {trail[2].pk} does not match"):
        call_command("verify_audit")
