"""The database itself refuses what would break the splits, whatever the code does."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from tests.rows import make_case, make_model, make_reading

pytestmark = pytest.mark.django_db


def refused(sql: str, values: list[object]) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values)
    except DatabaseError as error:
        assert "HOLDOUT" in str(error) or "POOL" in str(error)
        return True
    return False


def evaluation_row(version: int, split: str) -> tuple[str, list[object]]:
    columns = "model_version_id, split, metrics, curves, subgroups, per_case, n_cases, n_patients, created_at"
    sql = f"INSERT INTO registry_evaluation ({columns}) VALUES (%s, %s, '[]', '{{}}', '[]', '[]', 1, 1, %s)"
    return sql, [version, split, timezone.now()]


def test_an_evaluation_is_on_validation_or_on_holdout_of_a_released_version(project) -> None:
    version = make_model(project).model_version
    assert not refused(*evaluation_row(version.pk, "VALIDATION"))
    for split in ("POOL", "EMBARGOED", "HOLDOUT"):
        assert refused(*evaluation_row(version.pk, split))
    assert refused("UPDATE registry_evaluation SET split = %s", ["POOL"])
    version.released_at = timezone.now()
    version.save()
    assert not refused(*evaluation_row(version.pk, "HOLDOUT"))


def test_a_snapshot_holds_readings_of_pool_cases_only(project) -> None:
    from backend.learning.models import Snapshot

    reader = make_model(project)
    snapshot = Snapshot.objects.create(project=project, hash="0" * 64, vocabulary_version=1)
    sql = "INSERT INTO learning_snapshotitem (snapshot_id, case_id, reading_id, revision) VALUES (%s, %s, %s, 1)"
    key = (lambda pk: pk.hex) if connection.vendor == "sqlite" else (lambda pk: pk)
    cases = {split: make_case(project, split=split) for split in ("POOL", "VALIDATION", "HOLDOUT", "EMBARGOED")}
    readings = {split: make_reading(reader, case) for split, case in cases.items()}
    for split, case in cases.items():
        row = [snapshot.pk, key(case.pk), key(readings[split].pk)]
        assert refused(sql, row) == (split != "POOL")
    smuggled = [snapshot.pk, key(cases["POOL"].pk), key(readings["HOLDOUT"].pk)]
    assert refused(sql, smuggled)
