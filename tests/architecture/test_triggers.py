"""The database itself refuses what must never happen; every test speaks to it in SQL, past all of our code."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from backend.audit.models import Event
from backend.projects.models import Assignment, Case
from backend.readings.models import ReadingRevision
from tests.rows import make_case, make_model, make_reading

pytestmark = pytest.mark.django_db


def key(value: uuid.UUID) -> Any:
    return value if connection.features.has_native_uuid_field else value.hex


def run(sql: str, parameters: Sequence[Any] = ()) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def refused(sql: str, parameters: Sequence[Any] = (), reason: str | None = None) -> None:
    with pytest.raises(IntegrityError, match=reason):
        run(sql, parameters)


@pytest.mark.parametrize("split", ["POOL", "VALIDATION", "HOLDOUT"])
@pytest.mark.parametrize("other", ["POOL", "VALIDATION", "HOLDOUT"])
def test_a_case_never_moves_to_another_split(project, split: str, other: str) -> None:
    case = make_case(project, split=split)
    statement = "UPDATE projects_case SET split = %s WHERE id = %s"
    if split == other:
        run(statement, [other, key(case.pk)])
    else:
        refused(statement, [other, key(case.pk)], "keeps its split")


def test_a_case_may_be_embargoed_and_never_comes_back(project) -> None:
    case = make_case(project)
    run("UPDATE projects_case SET split = 'EMBARGOED' WHERE id = %s", [key(case.pk)])
    refused("UPDATE projects_case SET split = 'POOL' WHERE id = %s", [key(case.pk)], "keeps its split")


def test_a_case_keeps_its_group_and_its_project(project) -> None:
    case = make_case(project)
    refused("UPDATE projects_case SET group_key = 'another' WHERE id = %s", [key(case.pk)], "keeps its split, group")
    refused("UPDATE projects_case SET project_id = %s WHERE id = %s", [key(uuid.uuid4()), key(case.pk)])


def test_a_patient_never_lies_in_two_splits(project) -> None:
    make_case(project, split="POOL", group="patient")
    make_case(project, split="POOL", group="patient")
    spare = make_case(project, split="VALIDATION", group="somebody")
    columns = [field.column for field in Case._meta.concrete_fields]
    values = {"id": "%s", "number": "99", "name": "'US-0099'", "instance_id": "NULL", "group_key": "%s", "split": "%s"}
    copied = ", ".join(values.get(column, column) for column in columns)
    statement = f"INSERT INTO projects_case ({', '.join(columns)}) SELECT {copied} FROM projects_case WHERE id = %s"
    order = [column for column in columns if values.get(column) == "%s"]

    def insert(group: str, split: str) -> list[Any]:
        given = {"id": key(uuid.uuid4()), "group_key": group, "split": split}
        return [*(given[column] for column in order), key(spare.pk)]

    refused(statement, insert("patient", "VALIDATION"), "lies in one split")
    refused(statement, insert("patient", "HOLDOUT"), "lies in one split")
    refused(statement, insert("nobody", "TRAIN"), "unknown split")
    run(statement, insert("patient", "EMBARGOED"))


@pytest.mark.parametrize("split", ["VALIDATION", "HOLDOUT"])
def test_validation_and_holdout_are_read_blinded(project, reader, split: str) -> None:
    case = make_case(project, split=split)
    insert = (
        "INSERT INTO projects_assignment (case_id, user_id, arm, arm_probability, state, note, opened_at, changed_at,"
        " active_seconds) VALUES (%s, %s, %s, 1.0, 'opened', '', '2026-01-01', '2026-01-01', 0)"
    )
    refused(insert, [key(case.pk), reader.pk, "assisted"], "read blinded")
    run(insert, [key(case.pk), reader.pk, "blinded"])
    refused("UPDATE projects_assignment SET arm = 'assisted' WHERE case_id = %s", [key(case.pk)], "read blinded")
    assert Assignment.objects.get().arm == "blinded"


@pytest.mark.parametrize("split", ["VALIDATION", "HOLDOUT", "EMBARGOED"])
def test_only_the_pool_is_trained_on(project, split: str) -> None:
    from backend.learning.models import Snapshot, SnapshotItem
    from backend.readings.models import Reader

    imported = Reader.objects.create(project=project, kind="imported", name="truth")
    taken, other = make_case(project), make_case(project, split=split)
    snapshot = Snapshot.objects.create(project=project, hash="0" * 64, vocabulary_version=1)
    item = SnapshotItem.objects.create(snapshot=snapshot, case=taken, reading=make_reading(imported, taken), revision=1)
    held_out = make_reading(imported, other)
    insert = "INSERT INTO learning_snapshotitem (snapshot_id, case_id, reading_id, revision) VALUES (%s, %s, %s, 1)"
    refused(insert, [snapshot.pk, key(other.pk), key(held_out.pk)], "POOL")
    refused(insert, [snapshot.pk, key(taken.pk), key(held_out.pk)])
    change = "UPDATE learning_snapshotitem SET case_id = %s, reading_id = %s WHERE id = %s"
    refused(change, [key(other.pk), key(held_out.pk), item.pk], "POOL")


def test_a_case_that_has_taught_a_network_stays_in_the_pool(project) -> None:
    taught = make_case(project, has_taught=True)
    refused("UPDATE projects_case SET split = 'EMBARGOED' WHERE id = %s", [key(taught.pk)], "embargoed")
    run("UPDATE projects_case SET split = 'EMBARGOED' WHERE id = %s", [key(make_case(project).pk)])


@pytest.mark.parametrize("split", ["VALIDATION", "HOLDOUT", "EMBARGOED"])
def test_nothing_is_learned_from_unread_images_of_other_splits_than_the_pool(project, split: str) -> None:
    from backend.learning.models import Snapshot, UnreadItem

    taken, other = make_case(project), make_case(project, split=split)
    snapshot = Snapshot.objects.create(project=project, hash="0" * 64, vocabulary_version=1)
    item = UnreadItem.objects.create(snapshot=snapshot, case=taken)
    refused("INSERT INTO learning_unreaditem (snapshot_id, case_id) VALUES (%s, %s)", [snapshot.pk, key(other.pk)], "POOL")
    refused("UPDATE learning_unreaditem SET case_id = %s WHERE id = %s", [key(other.pk), item.pk], "POOL")


def test_holdout_is_evaluated_only_for_a_released_version(project) -> None:
    version = make_model(project).model_version
    empty = "%s" if connection.vendor == "sqlite" else "%s::jsonb"
    insert = (
        "INSERT INTO registry_evaluation (model_version_id, split, metrics, curves, subgroups, per_case, n_cases,"
        f" n_patients, created_at) VALUES (%s, %s, {empty}, {empty}, {empty}, {empty}, 1, 1, '2026-01-01')"
    )
    json_values = [json.dumps([]), json.dumps({}), json.dumps([]), json.dumps([])]
    for split in ("HOLDOUT", "POOL", "EMBARGOED"):
        refused(insert, [version.pk, split, *json_values])
    run(insert, [version.pk, "VALIDATION", *json_values])
    refused("UPDATE registry_evaluation SET split = 'HOLDOUT' WHERE model_version_id = %s", [version.pk])
    run("UPDATE registry_modelversion SET released_at = '2026-01-01' WHERE id = %s", [version.pk])
    run(insert, [version.pk, "HOLDOUT", *json_values])


def test_an_event_is_never_changed_and_never_deleted() -> None:
    event = Event.objects.create(verb="case.opened", actor="rita", detail={"name": "US-0001"})
    refused("UPDATE audit_event SET actor = 'sam' WHERE id = %s", [event.pk], "append-only")
    refused("UPDATE audit_event SET actor = 'sam', sealed_hash = 'x' WHERE id = %s", [event.pk], "append-only")
    refused("UPDATE audit_event SET at = '2020-01-01', sealed_hash = 'x' WHERE id = %s", [event.pk], "append-only")
    refused("DELETE FROM audit_event WHERE id = %s", [event.pk], "append-only")
    run("UPDATE audit_event SET sealed_hash = 'x' WHERE id = %s", [event.pk])
    refused("UPDATE audit_event SET sealed_hash = 'y' WHERE id = %s", [event.pk], "append-only")
    refused("UPDATE audit_event SET sealed_hash = NULL WHERE id = %s", [event.pk], "append-only")


def test_nothing_is_sent_back_without_a_word(project, reader, reviewer) -> None:
    from backend.readings.services import person_reader

    reading = make_reading(person_reader(project=project, user=reader), make_case(project))
    insert = (
        "INSERT INTO review_review (id, reading_id, revision, reviewer_id, decision, comment, decided_at)"
        " VALUES (%s, %s, 0, %s, 'sent_back', %s, '2026-01-01')"
    )
    refused(insert, [key(uuid.uuid4()), key(reading.pk), reviewer.pk, ""], "sent_back_says_why")
    run(insert, [key(uuid.uuid4()), key(reading.pk), reviewer.pk, "A lesion is missing."])
    refused(insert, [key(uuid.uuid4()), key(reading.pk), reviewer.pk, "Twice."])


def test_a_revision_is_never_changed_and_never_deleted(project, reader) -> None:
    from backend.readings.services import person_reader

    reading = make_reading(person_reader(project=project, user=reader), make_case(project))
    revision = ReadingRevision.objects.create(
        id=uuid.uuid4(), reading=reading, number=1, author=reader, content={"comment": "x"}, request_digest="0" * 64
    )
    refused("UPDATE readings_readingrevision SET number = 2 WHERE id = %s", [key(revision.pk)], "append-only")
    value = "%s" if connection.vendor == "sqlite" else "%s::jsonb"
    refused(f"UPDATE readings_readingrevision SET content = {value} WHERE id = %s", ["{}", key(revision.pk)], "append-only")
    refused("DELETE FROM readings_readingrevision WHERE id = %s", [key(revision.pk)], "append-only")
    run("UPDATE readings_readingrevision SET author_id = NULL WHERE id = %s", [key(revision.pk)])
