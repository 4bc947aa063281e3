"""The query string of QIDO-RS, understood: what to match, what to return, which page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

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

MAX_RESULTS: Final = 1000
_MAX_VALUES: Final = 500
_NOT_KEYS: Final = frozenset(
    {"limit", "offset", "includefield", "fuzzymatching", "accept", "charset", "emptyvaluematching", "multiplevaluematching"}
)
_DATE: Final = re.compile(r"^(\d{8})?(-)?(\d{8})?$")


@dataclass(frozen=True, slots=True)
class Condition:
    """SQL with places for its values: `{0}`, `{1}`, or `{values}` for all as a list; values never enter the SQL."""

    sql: str
    values: list[Any] = field(default_factory=list)

    def written(self, prefix: str, parameters: dict[str, Any]) -> str:
        """The SQL with named parameters, which are added to `parameters` under this prefix."""
        names = listed_parameters(prefix, self.values, parameters)
        return self.sql.format(*names.split(", "), values=names)


def listed_parameters(prefix: str, values: Iterable[Any], parameters: dict[str, Any]) -> str:
    """The values added to `parameters`, and their names as an SQL list."""
    named = {f"{prefix}{index}": value for index, value in enumerate(values)}
    parameters.update(named)
    return ", ".join(f"%({name})s" for name in named)


@dataclass(slots=True)
class Search:
    """A parsed query. `warnings` are told to the caller in Warning headers, as PS3.18 8.3.4 has it.

    Of each list in `modalities` the study must show a series, whatever the level searched.
    """

    limit: int = MAX_RESULTS
    offset: int = 0
    conditions: list[Condition] = field(default_factory=list)
    modalities: list[list[str]] = field(default_factory=list)
    include: set[str] = field(default_factory=set)
    include_all: bool = False
    warnings: list[str] = field(default_factory=list)


def parse_search(query: QueryDict, level: Level) -> Search:
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
            _match(search, name, values[-1], level)
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


def _match(search: Search, name: str, value: str, level: Level) -> None:
    tag = tag_named(name)
    # Dots lead into sequences (PS3.18 8.3.4.1).
    if any(tag_named(part) is None for part in name.split(".")):
        raise ValidationError({name[:64]: ["DICOM knows no such attribute."]})
    if "\0" in value:
        raise ValidationError({name[:64]: ["No value holds a NUL character."]})
    if tag is not None:
        search.include.add(tag)
    if value in ("", "*"):
        return
    if tag == MODALITIES_IN_STUDY or (tag == "00080060" and level is Level.STUDY):
        search.modalities.append(_listed(value))
        return
    attribute = ATTRIBUTES.get(tag or "")
    if attribute is None or attribute.level not in levels_down_to(level):
        search.warnings.append(f"Matching on {name[:64]} is not supported here; it was ignored.")
        return
    search.conditions.append(_CONDITIONS[attribute.matching](attribute, value))


def _text(attribute: Attribute, value: str) -> Condition:
    if "*" not in value and "?" not in value:
        if attribute.vr == "CS":
            return Condition(f"{attribute.sql} IN ({{values}})", _listed(value))
        return Condition(f"{attribute.sql} = {{0}}", [value])
    return Condition(f"UPPER({attribute.sql}) LIKE UPPER({{0}}) ESCAPE '\\'", [like_pattern(value)])


def like_pattern(wildcards: str) -> str:
    """A pattern of wildcard matching (PS3.4 C.2.2.2.4) as LIKE has it with the escape \\."""
    escaped = re.sub(r"([\\%_])", r"\\\1", re.sub(r"\*+", "*", wildcards))
    return escaped.replace("*", "%").replace("?", "_")


def _uid(attribute: Attribute, value: str) -> Condition:
    return Condition(f"{attribute.sql} IN ({{values}})", _listed(value))


def _date(attribute: Attribute, value: str) -> Condition:
    found = _DATE.match(value)
    if found is None or not (found[1] or found[3]) or (found[1] and found[3] and not found[2]):
        raise ValidationError({attribute.tag: ["A date YYYYMMDD or a range YYYYMMDD-YYYYMMDD is expected."]})
    if not found[2]:
        return Condition(f"{attribute.sql} = {{0}}", [value])
    # A study without a date lies in no range; every day sorts after the empty text and before "9:".
    return Condition(f"{attribute.sql} > '' AND {attribute.sql} BETWEEN {{0}} AND {{1}}", [found[1] or "", found[3] or "9:"])


def _number(attribute: Attribute, value: str) -> Condition:
    if not re.fullmatch(r"[+-]?\d{1,9}", value):
        raise ValidationError({attribute.tag: ["An integer is expected."]})
    return Condition(f"{attribute.sql} = {{0}}", [int(value)])


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
