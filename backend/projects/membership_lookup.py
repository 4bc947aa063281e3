"""The query that every request below a project begins with, compiled once: to compile it anew costs more than to run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model

from backend.archive.models import Archive
from backend.projects.models import Membership, Project

_MODELS: tuple[type[Model], ...] = (Membership, Project, Archive)


@dataclass(frozen=True)
class _Lookup:
    """The statement, the columns of each model in its row, and the converters of the columns that need one."""

    sql: str
    columns: list[tuple[type[Model], list[str]]]
    converters: list[tuple[int, Any, list[Callable[..., Any]]]]


@cache
def _lookup(vendor: str) -> _Lookup:
    columns: list[tuple[type[Model], list[str]]] = []
    selected: list[str] = []
    converters: list[tuple[int, Any, list[Callable[..., Any]]]] = []
    for model in _MODELS:
        table = model._meta.db_table
        fields = model._meta.concrete_fields
        columns.append((model, [field.attname for field in fields]))
        for field in fields:
            expression = field.get_col(table)
            found = connection.ops.get_db_converters(expression) + field.get_db_converters(connection)
            if found:
                converters.append((len(selected), expression, found))
            selected.append(f'"{table}"."{field.column}"')
    membership, project, archive = (model._meta.db_table for model in _MODELS)
    sql = (
        f"SELECT {', '.join(selected)} FROM {membership} "
        f"JOIN {project} ON {project}.id = {membership}.project_id JOIN {archive} ON {archive}.id = {project}.archive_id "
        f"WHERE {project}.slug = %s AND {membership}.user_id = %s"
    )
    return _Lookup(sql, columns, converters)


def find_membership(*, slug: str, user_id: int | UUID) -> Membership | None:
    """The user's membership of a project, with the project and its archive; None for whoever is no member."""
    lookup = _lookup(connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(lookup.sql, [slug, user_id])
        found = cursor.fetchone()
    if found is None:
        return None
    row = list(found)
    for index, expression, converters in lookup.converters:
        for convert in converters:
            row[index] = convert(row[index], expression, connection)
    made: list[Any] = []
    start = 0
    for model, names in lookup.columns:
        made.append(model.from_db(connection.alias, names, row[start : start + len(names)]))
        start += len(names)
    membership, project, archive = made
    project.archive, membership.project = archive, project
    result: Membership = membership
    return result
