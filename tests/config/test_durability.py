"""What was answered for outlives a loss of power."""

from __future__ import annotations

import pytest
from django.db import connection


@pytest.mark.django_db
def test_the_database_lies_on_the_disk_when_a_transaction_is_committed() -> None:
    if connection.vendor == "sqlite":
        question, due = "PRAGMA synchronous", (2,)  # FULL
    else:
        question, due = "SHOW synchronous_commit", ("on",)
    with connection.cursor() as cursor:
        cursor.execute(question)
        assert cursor.fetchone() == due
