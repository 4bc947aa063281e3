"""What a search costs does not grow with what is published of other studies: neither queries nor the rows they read."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.rows import make_case, make_instances, make_reading

pytestmark = pytest.mark.django_db


def publish(project: Any, readings: int) -> str:
    """A study with that many published readings; its Study Instance UID."""
    from backend.archive.models import Series
    from backend.exchange.models import DerivedObject, ExportRun
    from backend.readings.models import Reader

    case = make_case(project, is_open=False)
    run = ExportRun.objects.create(project=project, format="dicom_sr")
    for number in range(readings):
        reader = Reader.objects.create(project=project, kind="imported", name=f"{case.name}, reader {number}")
        reading = make_reading(reader, case, revision=1)
        (instance,) = make_instances(project)
        Series.objects.filter(pk=instance.series_id).update(study=case.series.study, modality="SR")
        DerivedObject.objects.create(project=project, run=run, instance=instance, reading=reading, revision=1)
    return str(case.series.study.study_instance_uid)


def asked(client: Any, url: str) -> tuple[int, list[tuple[str, Any]]]:
    """How many results a search has, and the queries that it made."""
    queries: list[tuple[str, Any]] = []

    def noted(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        queries.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(noted):
        answer = client.get(url)
    return len(answer.json()), queries


def test_searches_make_the_same_queries_for_few_and_for_many_published_objects(project, as_person, lead, reviewer):
    project.blinded_share = 0.0  # a reviewer sees the readings of every case
    project.save()
    root = f"/dicom-web/{project.slug}"
    study = publish(project, 2)
    plain = ("/studies", "/series", "/instances", f"/studies/{study}/series", f"/studies/{study}/instances")
    searches = [search + fields for fields in ("", "?includefield=all", "?includefield=StationName") for search in plain]
    clients = [as_person(person) for person in (lead, reviewer)]
    few = [asked(client, root + search) for client in clients for search in searches]
    assert [results for results, _ in few] == [1, 3, 3, 3, 3] * 6
    for _ in range(3):
        publish(project, 8)
    many = [asked(client, root + search) for client in clients for search in searches]
    assert [results for results, _ in many] == [4, 30, 30, 3, 3] * 6
    assert [len(queries) for _, queries in many] == [len(queries) for _, queries in few]


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the plans of SQLite are read")
def test_a_study_is_searched_from_the_study_on_never_through_all_that_is_published(project, as_person, lead, reviewer):
    publish(project, 3)
    study = publish(project, 3)
    for person in (lead, reviewer):
        for search in ("", f"/{study}/series", f"/{study}/instances"):
            _, queries = asked(as_person(person), f"/dicom-web/{project.slug}/studies{search}")
            for sql, parameters in queries:
                with connection.cursor() as cursor:
                    cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
                    plan = "\n".join(row[3] for row in cursor.fetchall())
                # All that a project has published is gone through by a search of the whole project, never by one of a
                # study; the instances of a series are never looked for among what is published.
                assert not search or "LIMIT 1" in sql or "exchange_derivedobject_project_id" not in plan, plan
                assert "SEARCH n USING INTEGER PRIMARY KEY" not in plan, plan
