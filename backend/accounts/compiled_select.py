"""A SELECT that is composed once per database: for queries that run at every request, composing costs more than running.

The columns are model fields, so values come back converted exactly as the ORM converts them; what follows them
(FROM, WHERE, ORDER BY) is written as SQL. Rows become model instances with `instances`, or stay tuples with `rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Field, Model

Converter = tuple[int, Any, list[Callable[..., Any]]]


class CompiledSelect:
    """`fields` of joined tables, each table under its own name, and the SQL that follows them."""

    def __init__(self, fields: Sequence[Field[Any, Any]], tail: str, models: Sequence[type[Model]] = ()) -> None:
        self._fields = fields
        self._tail = tail
        self._models = [(model, [field.attname for field in model._meta.concrete_fields]) for model in models]
        self._composed: dict[str, tuple[str, list[Converter]]] = {}

    @classmethod
    def of_models(cls, models: Sequence[type[Model]], tail: str) -> CompiledSelect:
        """All columns of these models, for `instances`."""
        return cls([field for model in models for field in model._meta.concrete_fields], tail, models)

    def rows(self, parameters: Sequence[Any], *, listed: Collection[Any] = (), ending: str = "") -> list[list[Any]]:
        """The rows as lists of converted values; UUIDs among the parameters are adapted.

        `listed`: the values of `IN ({listed})`, which stands last in the tail. `ending`: a locking clause.
        """
        sql, converters = self._compose()
        if listed:
            sql = sql.replace("{listed}", placeholders(listed))
        with connection.cursor() as cursor:
            cursor.execute(sql + ending, [database_key(value) for value in (*parameters, *listed)])
            found = [list(row) for row in cursor.fetchall()]
        for row in found:
            for index, expression, converts in converters:
                for convert in converts:
                    row[index] = convert(row[index], expression, connection)
        return found

    def instances(self, parameters: Sequence[Any], *, listed: Collection[Any] = (), ending: str = "") -> Iterator[list[Any]]:
        """Each row as one instance per model, in the order of the models."""
        for row in self.rows(parameters, listed=listed, ending=ending):
            made, start = [], 0
            for model, names in self._models:
                made.append(model.from_db(connection.alias, names, row[start : start + len(names)]))
                start += len(names)
            yield made

    def _compose(self) -> tuple[str, list[Converter]]:
        composed = self._composed.get(connection.vendor)
        if composed is None:
            columns, converters = [], []
            for index, field in enumerate(self._fields):
                table = field.model._meta.db_table
                columns.append(f'"{table}"."{field.column}"')
                expression = field.get_col(table)
                found = connection.ops.get_db_converters(expression) + field.get_db_converters(connection)
                if found:
                    converters.append((index, expression, found))
            composed = self._composed[connection.vendor] = (f"SELECT {', '.join(columns)} {self._tail}", converters)
        return composed


def fields_of(model: type[Model], *names: str) -> list[Field[Any, Any]]:
    """These fields of a model, in this order."""
    known = {field.name: field for field in model._meta.concrete_fields}
    return [known[name] for name in names]


def placeholders(values: Collection[Any]) -> str:
    """A place for each of the values."""
    return ", ".join(["%s"] * len(values))


def database_key(value: Any) -> Any:
    """A parameter as the database keeps it: SQLite keeps a UUID as 32 hexadecimal digits."""
    return value.hex if isinstance(value, UUID) and not connection.features.has_native_uuid_field else value
