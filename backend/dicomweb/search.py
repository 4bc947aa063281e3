"""The query string of QIDO-RS, understood: what to match, what to return, which page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import BooleanField, Exists, Func, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Upper
from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from backend.dicomweb.attributes import (
    ATTRIBUTES,
    MODALITIES_IN_STUDY,
    Attribute,
    Level,
    Matching,
    levels_down_to,
    tag_named,
)
from backend.dicomweb.selectors import visible_series
from backend.projects.models import Case

MAX_RESULTS: Final = 1000
_MAX_VALUES: Final = 500
_NOT_KEYS: Final = frozenset(
    {"limit", "offset", "includefield", "fuzzymatching", "accept", "charset", "emptyvaluematching", "multiplevaluematching"}
)
_DATE: Final = re.compile(r"^(\d{8})?(-)?(\d{8})?$")


@dataclass(slots=True)
class Search:
    """A parsed query. `warnings` are told to the caller in Warning headers, as PS3.18 8.3.4 has it."""

    limit: int = MAX_RESULTS
    offset: int = 0
    conditions: list[Any] = field(default_factory=list)
    include: set[str] = field(default_factory=set)
    include_all: bool = False
    warnings: list[str] = field(default_factory=list)


def parse_search(query: QueryDict, level: Level, cases: QuerySet[Case]) -> Search:
    """The query string for results of `level`; 400 for what is no DICOM attribute or no valid value."""
    search = Search(limit=min(_count(query, "limit", MAX_RESULTS), MAX_RESULTS), offset=_count(query, "offset", 0))
    for name in query:
        values = query.getlist(name)
        if name == "includefield":
            _include(search, values)
        elif name == "fuzzymatching":
            if values[-1].lower() == "true":
                search.warnings.append(
                    "The fuzzymatching parameter is not supported. Only literal matching has been performed."
                )
        elif name not in _NOT_KEYS:
            _match(search, name, values[-1], level, cases)
    return search


def _count(query: QueryDict, name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ValidationError({name: ["A non-negative integer is expected."]})
    return int(text)


def _include(search: Search, values: list[str]) -> None:
    for name in (part for value in values for part in value.split(",") if part):
        if name.lower() == "all":
            search.include_all = True
        elif (tag := tag_named(name)) is not None:
            search.include.add(tag)
        else:
            raise ValidationError({"includefield": [f"DICOM knows no attribute {name[:64]!r}."]})


def _match(search: Search, name: str, value: str, level: Level, cases: QuerySet[Case]) -> None:
    tag = tag_named(name)
    # Dots lead into sequences (PS3.18 8.3.4.1).
    if any(tag_named(part) is None for part in name.split(".")):
        raise ValidationError({name[:64]: ["DICOM knows no such attribute."]})
    if tag is not None:
        search.include.add(tag)
    if value in ("", "*"):
        return
    if tag == MODALITIES_IN_STUDY or (tag == "00080060" and level is Level.STUDY):
        search.conditions.append(_modality(value, level, cases))
        return
    attribute = ATTRIBUTES.get(tag or "")
    if attribute is None or attribute.level not in levels_down_to(level):
        search.warnings.append(f"Matching on {name[:64]} is not supported here; it was ignored.")
        return
    search.conditions.append(_CONDITIONS[attribute.matching](attribute, attribute.path(level), value))


def _text(attribute: Attribute, path: str, value: str) -> Any:
    if "*" not in value and "?" not in value:
        return Q(**{f"{path}__in": _listed(value)}) if attribute.vr == "CS" else Q(**{path: value})
    return like(path, value)


def like(path: str, pattern: str) -> Func:
    """Wildcard matching (PS3.4 C.2.2.2.4), regardless of case, alike on SQLite and PostgreSQL."""
    escaped = re.sub(r"([\\%_])", r"\\\1", re.sub(r"\*+", "*", pattern.replace("\0", "")))
    return Func(
        Upper(path),
        Upper(Value(escaped.replace("*", "%").replace("?", "_"))),
        template=r"(%(expressions)s ESCAPE '\')",
        arg_joiner=" LIKE ",
        output_field=BooleanField(),
    )


def _uid(attribute: Attribute, path: str, value: str) -> Q:
    return Q(**{f"{path}__in": _listed(value)})


def _date(attribute: Attribute, path: str, value: str) -> Q:
    found = _DATE.match(value)
    if found is None or not (found[1] or found[3]) or (found[1] and found[3] and not found[2]):
        raise ValidationError({attribute.tag: ["A date YYYYMMDD or a range YYYYMMDD-YYYYMMDD is expected."]})
    if not found[2]:
        return Q(**{path: value})
    condition = Q(**{f"{path}__gt": ""})
    if found[1]:
        condition &= Q(**{f"{path}__gte": found[1]})
    if found[3]:
        condition &= Q(**{f"{path}__lte": found[3]})
    return condition


def _number(attribute: Attribute, path: str, value: str) -> Q:
    if not re.fullmatch(r"[+-]?\d{1,9}", value):
        raise ValidationError({attribute.tag: ["An integer is expected."]})
    return Q(**{path: int(value)})


def _modality(value: str, level: Level, cases: QuerySet[Case]) -> Exists:
    """Studies with a visible series of one of the modalities, as seen from rows of `level`."""
    study = {Level.STUDY: "pk", Level.SERIES: "study_id", Level.INSTANCE: "series__study_id"}[level]
    found = visible_series(cases).filter(study_id=OuterRef(study), modality__in=_listed(value))
    return Exists(found)


def _listed(value: str) -> list[str]:
    values = re.split(r"[,\\]", value)
    if len(values) > _MAX_VALUES:
        raise ValidationError({"detail": [f"At most {_MAX_VALUES} values can be listed."]})
    return values


_CONDITIONS: Final[Mapping[Matching, Any]] = {
    Matching.TEXT: _text,
    Matching.UID: _uid,
    Matching.DATE: _date,
    Matching.NUMBER: _number,
}
