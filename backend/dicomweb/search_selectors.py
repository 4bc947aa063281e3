"""The rows of a search, by written queries: composing them through the ORM costs several times their run.

The tables are called t (study), s (series), i (instance) and c (case) throughout. What a project shows is decided
here by the same rule as in `selectors`: a series that is a case shows all its instances, an image that is a case
shows itself, and embargoed cases show nothing but to leads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from django.db import connection

from backend.accounts.compiled_select import database_key
from backend.archive.models import Instance, Series, Study
from backend.dicomweb.attributes import Level, columns_of
from backend.dicomweb.search import Condition, Search, listed_parameters
from backend.projects.models import Case, Project, Role, Split

STUDY, SERIES, INSTANCE, CASE = (model._meta.db_table for model in (Study, Series, Instance, Case))

_MAY_SHOW: Final = "c.project_id = %(project)s AND (c.split <> %(embargoed)s OR %(role)s = %(lead)s)"
_SHOWN_SERIES: Final = f"EXISTS (SELECT 1 FROM {CASE} c WHERE c.series_id = s.id AND {_MAY_SHOW})"
_WHOLE_SERIES: Final = f"EXISTS (SELECT 1 FROM {CASE} c WHERE c.series_id = s.id AND c.instance_id IS NULL AND {_MAY_SHOW})"
_OWN_CASE: Final = f"EXISTS (SELECT 1 FROM {CASE} c WHERE c.instance_id = i.id AND {_MAY_SHOW})"
_MODALITY_IN_STUDY: Final = (
    f"EXISTS (SELECT 1 FROM {SERIES} s JOIN {CASE} c ON c.series_id = s.id "
    f"WHERE s.study_id = t.id AND {_MAY_SHOW} AND s.modality IN ({{values}}))"
)
_CANDIDATES: Final[Mapping[Level, str]] = {
    Level.STUDY: f"FROM {STUDY} t WHERE EXISTS (SELECT 1 FROM {SERIES} s WHERE s.study_id = t.id AND {_SHOWN_SERIES})",
    Level.SERIES: f"FROM {SERIES} s JOIN {STUDY} t ON t.id = s.study_id WHERE {_SHOWN_SERIES}",
    Level.INSTANCE: f"FROM {INSTANCE} i JOIN {SERIES} s ON s.id = i.series_id JOIN {STUDY} t ON t.id = s.study_id "
    f"WHERE ({_WHOLE_SERIES} OR {_OWN_CASE})",
}
_ORDER: Final[Mapping[Level, str]] = {
    Level.STUDY: "t.id",
    Level.SERIES: "s.id",
    Level.INSTANCE: "i.series_id, i.position ASC NULLS LAST, i.instance_number, i.sop_instance_uid",
}
_KEY: Final[Mapping[Level, str]] = {Level.STUDY: "t.id", Level.SERIES: "s.id", Level.INSTANCE: "i.id"}

_SERIES_SHOWN: Final = f"""
WITH shown AS (
    SELECT c.series_id, COUNT(c.instance_id) AS images, MIN(c.instance_id) AS first_image,
        COUNT(*) - COUNT(c.instance_id) AS whole
    -- CROSS JOIN: from the series to their cases, never through all cases of the project.
    FROM {SERIES} s CROSS JOIN {CASE} c
    WHERE {{below}} IN ({{keys}}) AND c.series_id = s.id AND {_MAY_SHOW} GROUP BY c.series_id
)
SELECT s.id, s.study_id, s.modality,
    CASE WHEN shown.whole > 0 THEN (SELECT COUNT(*) FROM {INSTANCE} i WHERE i.series_id = s.id) ELSE shown.images END,
    CASE WHEN shown.whole > 0 THEN (SELECT MIN(i.id) FROM {INSTANCE} i WHERE i.series_id = s.id) ELSE shown.first_image END
FROM shown JOIN {SERIES} s ON s.id = shown.series_id
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose search it is, and below which study and series."""

    project: Project
    role: str
    study: str | None = None
    series: str | None = None

    def parameters(self) -> dict[str, Any]:
        """What the written conditions name."""
        return {
            "project": database_key(self.project.pk),
            "archive": database_key(self.project.archive_id),
            "embargoed": Split.EMBARGOED.value,
            "role": str(self.role),
            "lead": Role.LEAD.value,
        }


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
    wanted = [Condition("t.archive_id = %(archive)s"), *search.conditions]
    if scope.study is not None:
        wanted.append(Condition("t.study_instance_uid = {0}", [scope.study]))
    if scope.series is not None:
        wanted.append(Condition("s.series_instance_uid = {0}", [scope.series]))
    wanted += [Condition(_MODALITY_IN_STUDY, modalities) for modalities in search.modalities]
    where = [condition.written(f"v{index}_", parameters) for index, condition in enumerate(wanted)]
    rows = _fetched(
        f"SELECT {_KEY[level]}, {', '.join(attribute.sql for attribute in columns)} {_CANDIDATES[level]} "
        f"AND {' AND '.join(where)} ORDER BY {_ORDER[level]} LIMIT %(limit)s OFFSET %(offset)s",
        parameters,
    )
    tags = [attribute.tag for attribute in columns]
    return [(row[0], dict(zip(tags, row[1:], strict=True))) for row in rows]


def series_shown(scope: Scope, *, studies: Sequence[int] = (), series: Sequence[int] = ()) -> list[SeriesShown]:
    """What the project shows of these series, or of all series of these studies."""
    parameters = scope.parameters()
    below, keys = ("s.study_id", studies) if studies else ("s.id", series)
    names = listed_parameters("k", keys, parameters)
    return [SeriesShown(*row) for row in _fetched(_SERIES_SHOWN.format(below=below, keys=names), parameters)]


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
