"""The rows of a search, by written queries: composing them through the ORM costs several times their run.

The tables are called t (study), s (series), i (instance) and c (case) throughout. What a project shows is decided
here by the same rule as in `selectors`: a series that is a case shows all its instances, an image that is a case
shows itself, embargoed cases show nothing but to leads, and leads see also what has just arrived (import items, m).
Which published objects of readings are shown is asked before, and only where there are any: their keys are listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import msgspec
from django.db import connection

from backend.accounts.compiled_select import database_key
from backend.archive.models import Instance, Series, Study
from backend.dicomweb.attributes import Level, columns_of
from backend.dicomweb.search import Condition, Search, listed_parameters
from backend.dicomweb.selectors import Shown
from backend.exchange.models import ImportItem
from backend.exchange.published_selectors import PublishedInstances
from backend.projects.models import Case

STUDY, SERIES, INSTANCE, CASE, ITEM = (model._meta.db_table for model in (Study, Series, Instance, Case, ImportItem))

_MAY_SHOW: Final = "c.project_id = %(project)s AND (c.split <> %(embargoed)s OR %(role)s = %(lead)s)"
_CASE_OF_SERIES: Final = f"EXISTS (SELECT 1 FROM {CASE} c WHERE c.series_id = s.id AND {_MAY_SHOW})"
_WHOLE_SERIES: Final = f"EXISTS (SELECT 1 FROM {CASE} c WHERE c.series_id = s.id AND c.instance_id IS NULL AND {_MAY_SHOW})"
_OWN_CASE: Final = f"EXISTS (SELECT 1 FROM {CASE} c WHERE c.instance_id = i.id AND {_MAY_SHOW})"
_COME_OF_SERIES: Final = (
    f"EXISTS (SELECT 1 FROM {INSTANCE} n JOIN {ITEM} m ON m.instance_id = n.id "
    "WHERE n.series_id = s.id AND m.run_id IN ({runs}))"
)
_COME: Final = f"EXISTS (SELECT 1 FROM {ITEM} m WHERE m.instance_id = i.id AND m.run_id IN ({{runs}}))"
_CANDIDATES: Final[Mapping[Level, str]] = {
    Level.STUDY: f"FROM {STUDY} t WHERE EXISTS (SELECT 1 FROM {SERIES} s WHERE s.study_id = t.id AND {{shown}})",
    Level.SERIES: f"FROM {SERIES} s JOIN {STUDY} t ON t.id = s.study_id WHERE {{shown}}",
    Level.INSTANCE: f"FROM {INSTANCE} i JOIN {SERIES} s ON s.id = i.series_id JOIN {STUDY} t ON t.id = s.study_id "
    "WHERE {shown}",
}
_MODALITY_IN_STUDY: Final = f"EXISTS (SELECT 1 FROM {SERIES} s WHERE s.study_id = t.id AND {{shown}} AND {{modality}})"


def _shown_series(scope: Scope) -> str:
    """The condition that a series has something to show."""
    shown, published = scope.shown, scope.published
    come = f" OR {_COME_OF_SERIES.format(runs=shown.runs_sql)}" if shown.arriving else ""
    derived = f" OR s.id IN ({_listed(published.series)})" if published else ""
    return f"({_CASE_OF_SERIES}{come}{derived})" if come or derived else _CASE_OF_SERIES


def _shown_instance(scope: Scope) -> str:
    """The condition that an instance is shown."""
    shown, published = scope.shown, scope.published
    come = f" OR {_COME.format(runs=shown.runs_sql)}" if shown.arriving else ""
    derived = f" OR i.id IN ({_listed(published.instances)})" if published else ""
    return f"({_WHOLE_SERIES} OR {_OWN_CASE}{come}{derived})"


def _listed(keys: Iterable[int]) -> str:
    """Keys of rows as they stand in a query: numbers, and more of them than a query takes as parameters."""
    return ", ".join(str(int(key)) for key in sorted(keys))


_ORDER: Final[Mapping[Level, str]] = {
    Level.STUDY: "t.id",
    Level.SERIES: "s.id",
    Level.INSTANCE: "i.series_id, i.position ASC NULLS LAST, i.instance_number, i.sop_instance_uid",
}
_KEY: Final[Mapping[Level, str]] = {Level.STUDY: "t.id", Level.SERIES: "s.id", Level.INSTANCE: "i.id"}

_SERIES_SHOWN: Final = f"""
WITH part AS (
    SELECT c.series_id, c.instance_id
    -- CROSS JOIN: from the series to their cases, never through all cases of the project.
    FROM {SERIES} s CROSS JOIN {CASE} c
    WHERE {{below}} IN ({{keys}}) AND c.series_id = s.id AND {_MAY_SHOW}{{come}}
), shown AS (
    SELECT series_id, COUNT(instance_id) AS images, MIN(instance_id) AS first_image, COUNT(*) - COUNT(instance_id) AS whole
    FROM part GROUP BY series_id
)
SELECT s.id, s.study_id, s.modality,
    CASE WHEN shown.whole > 0 THEN (SELECT COUNT(*) FROM {INSTANCE} i WHERE i.series_id = s.id) ELSE shown.images END,
    CASE WHEN shown.whole > 0 THEN (SELECT MIN(i.id) FROM {INSTANCE} i WHERE i.series_id = s.id) ELSE shown.first_image END
FROM shown JOIN {SERIES} s ON s.id = shown.series_id
"""
_PUBLISHED_BELOW: Final = f"""
    -- +: from the series to their instances, not through all that is published for each of them.
    UNION SELECT n.series_id, n.id FROM {SERIES} s JOIN {INSTANCE} n ON n.series_id = s.id
    WHERE {{below}} IN ({{keys}}) AND +n.id IN ({{published}})"""
_COME_BELOW: Final = f"""
    UNION SELECT n.series_id, n.id FROM {SERIES} s JOIN {INSTANCE} n ON n.series_id = s.id
    JOIN {ITEM} m ON m.instance_id = n.id
    WHERE {{below}} IN ({{keys}}) AND m.run_id IN ({{runs}})"""


@dataclass(frozen=True)
class Scope:
    """Whose search it is, and below which study and series."""

    shown: Shown
    study: str | None = None
    series: str | None = None

    @cached_property
    def published(self) -> PublishedInstances:
        """The objects of readings that he sees there."""
        return self.shown.published(self.study)

    def parameters(self) -> dict[str, Any]:
        """What the written conditions name."""
        return self.shown.parameters() | {"archive": database_key(self.shown.project.archive_id)}


@dataclass(frozen=True, slots=True)
class SeriesShown:
    """A series with the number of instances that the project shows of it, and the first of them."""

    series_id: int
    study_id: int
    modality: str
    instances: int
    first_instance: int


def found_rows(scope: Scope, level: Level, search: Search) -> list[tuple[int, dict[str, Any]]]:
    """One page of keys with the columns by tag, and one row more if there are further ones."""
    columns = columns_of(level)
    parameters = scope.parameters() | {"limit": search.limit + 1, "offset": search.offset}
    rows = _fetched(
        f"SELECT {_KEY[level]}, {', '.join(attribute.selected for attribute in columns)} "
        f"{_matching(scope, level, search, parameters)} ORDER BY {_ORDER[level]} LIMIT %(limit)s OFFSET %(offset)s",
        parameters,
    )
    tags = [attribute.tag for attribute in columns]
    return [(row[0], dict(zip(tags, row[1:], strict=True))) for row in rows]


def count_of(scope: Scope, level: Level, search: Search) -> int:
    """How many results there are on all pages together."""
    parameters = scope.parameters()
    ((count,),) = _fetched(f"SELECT COUNT(*) {_matching(scope, level, search, parameters)}", parameters)
    return int(count)


def _matching(scope: Scope, level: Level, search: Search, parameters: dict[str, Any]) -> str:
    """FROM and WHERE of a search; the values go into `parameters`."""
    wanted = [Condition("t.archive_id = %(archive)s"), *search.conditions]
    if scope.study is not None:
        wanted.append(Condition("t.study_instance_uid = {0}", [scope.study]))
    if scope.series is not None:
        wanted.append(Condition("s.series_instance_uid = {0}", [scope.series]))
    shown_series = _shown_series(scope)
    wanted += [
        Condition(_MODALITY_IN_STUDY.format(shown=shown_series, modality=condition.sql), condition.values)
        for condition in search.modalities
    ]
    where = [condition.written(f"v{index}_", parameters) for index, condition in enumerate(wanted)]
    shown = _shown_instance(scope) if level is Level.INSTANCE else shown_series
    return f"{_CANDIDATES[level].format(shown=shown)} AND {' AND '.join(where)}"


def series_shown(scope: Scope, *, studies: Sequence[int] = (), series: Sequence[int] = ()) -> list[SeriesShown]:
    """What the project shows of these series, or of all series of these studies."""
    parameters = scope.parameters()
    below, keys = ("s.study_id", studies) if studies else ("s.id", series)
    names = listed_parameters("k", keys, parameters)
    come = ""
    if scope.shown.arriving:
        come = _COME_BELOW.format(below=below, keys=names, runs=scope.shown.runs_sql)
    if scope.published:
        come += _PUBLISHED_BELOW.format(below=below, keys=names, published=_listed(scope.published.instances))
    return [SeriesShown(*row) for row in _fetched(_SERIES_SHOWN.format(below=below, keys=names, come=come), parameters)]


def headers_of(instances: Iterable[int]) -> dict[int, dict[str, msgspec.Raw]]:
    """DICOM JSON of these instances by tag; the values stay as they were written, they are sent on, not read."""
    parameters: dict[str, Any] = {}
    names = listed_parameters("k", list(instances), parameters)
    rows = _fetched(f"SELECT i.id, i.dicom_json FROM {INSTANCE} i WHERE i.id IN ({names})", parameters)
    return {key: _HEADER.decode(text) for key, text in rows}


_HEADER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _fetched(sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
