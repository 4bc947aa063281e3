"""The query string of QIDO-RS, understood: what to match, what to return, which page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import QueryDict
from rest_framework.exceptions import APIException, ValidationError

from backend.dicomweb.attributes import (
    ATTRIBUTES,
    MODALITIES_IN_STUDY,
    Attribute,
    Level,
    Matching,
    levels_down_to,
    path_named,
)

MAX_RESULTS: Final = 1000
_MAX_VALUES: Final = 500
_NOT_KEYS: Final = frozenset({"limit", "offset", "accept", "charset"})
_NOT_DONE: Final[Mapping[str, str]] = {
    # The words are the standard's (PS3.18 8.3.4.6).
    "fuzzymatching": "The fuzzymatching parameter is not supported. Only literal matching has been performed.",
    "emptyvaluematching": "The emptyvaluematching parameter is not supported. No value has been matched as empty.",
    "multiplevaluematching": "The multiplevaluematching parameter is not supported. Lists of UIDs and codes are matched.",
}
_TIME: Final = re.compile(r"^(\d{2,6}(?:\.\d{1,6})?)?(-)?(\d{2,6}(?:\.\d{1,6})?)?$")
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

    The study must show a series for each of `modalities` (conditions on s.modality), whatever the level searched.
    """

    limit: int = MAX_RESULTS
    offset: int = 0
    conditions: list[Condition] = field(default_factory=list)
    modalities: list[Condition] = field(default_factory=list)
    include: set[str] = field(default_factory=set)
    include_all: bool = False
    warnings: list[str] = field(default_factory=list)


class TooBroad(APIException):
    """413: more than is matched at once."""

    status_code = 413
    default_code = "too_broad"


def parse_search(query: QueryDict, level: Level) -> Search:
    """The query string for results of `level`; 400 for what is no DICOM attribute or no valid value."""
    search = Search(limit=min(_count(query, "limit", MAX_RESULTS), MAX_RESULTS), offset=_count(query, "offset", 0))
    for name in query:
        values = query.getlist(name)
        if name == "includefield":
            _include(search, values)
        elif name in _NOT_DONE:
            if values[-1].lower() not in ("true", "false"):
                raise ValidationError({name: ["Expected: true or false."]})
            if values[-1].lower() == "true":
                search.warnings.append(_NOT_DONE[name])
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
        elif (path := path_named(name)) is not None:
            search.include.add(path[:8])
        else:
            raise ValidationError({"includefield": [f"DICOM knows no attribute {name[:64]!r}."]})


def _match(search: Search, name: str, value: str, level: Level) -> None:
    # Dots lead into sequences (PS3.18 8.3.4.1).
    path = path_named(name)
    if path is None:
        raise ValidationError({name[:64]: ["DICOM knows no such attribute."]})
    if "\0" in value:
        raise ValidationError({name[:64]: ["No value holds a NUL character."]})
    search.include.add(path[:8])
    if re.fullmatch(r"\**", value):
        return
    if path == MODALITIES_IN_STUDY or (path == "00080060" and level is Level.STUDY):
        search.modalities.append(_coded("s.modality", value))
        return
    attribute = ATTRIBUTES.get(path)
    if attribute is None or attribute.level not in levels_down_to(level):
        search.warnings.append(f"Matching on {name[:64]} is not supported here; it was ignored.")
        return
    search.conditions.append(_CONDITIONS[attribute.matching](attribute, value))


def _text(attribute: Attribute, value: str) -> Condition:
    if attribute.vr == "CS":
        return _coded(attribute.sql, value)
    if attribute.vr == "PN":
        return _alike(attribute.sql, value)
    return _like(attribute.sql, value) if _is_pattern(value) else Condition(f"{attribute.sql} = {{0}}", [value])


def _is_pattern(value: str) -> bool:
    return "*" in value or "?" in value


def _like(sql: str, value: str) -> Condition:
    return Condition(f"UPPER({sql}) LIKE UPPER({{0}}) ESCAPE '\\'", [like_pattern(value)])


def _alike(sql: str, value: str) -> Condition:
    """Names: without regard to case and to empty components at the end (PS3.4 C.2.2.2.1)."""
    return _like(sql, value) if _is_pattern(value) else Condition(f"UPPER({sql}) = UPPER({{0}})", [value.rstrip("^ ")])


def _coded(sql: str, value: str) -> Condition:
    """Coded strings (CS): one of a list, and wildcards."""
    values = _listed(value)
    if not any(map(_is_pattern, values)):
        return Condition(f"{sql} IN ({{values}})", values)
    each = (f"UPPER({sql}) LIKE UPPER({{{index}}}) ESCAPE '\\'" for index in range(len(values)))
    return Condition(f"({' OR '.join(each)})", [like_pattern(one) for one in values])


def _name(attribute: Attribute, value: str) -> Condition:
    """A patient's name: any of its component groups; only a name that is not in ASCII can be ideographic or phonetic."""
    groups = [group for group in value.split("=") if group]
    alphabetic = next((group for group in groups if group.isascii()), groups[0] if groups else value)
    matched = _alike(attribute.sql, alphabetic)
    others = [group for group in groups if not group.isascii()]
    if not others:
        return matched
    other = like_pattern(f"*{others[0].rstrip('^ ')}*" if _is_pattern(others[0]) else others[0].rstrip("^ "))
    column = "t.patient_name_other"
    found = f"{column} LIKE {{1}} ESCAPE '\\' OR {column} LIKE {{2}} ESCAPE '\\' OR {column} LIKE {{3}} ESCAPE '\\'"
    return Condition(f"({matched.sql} OR {found})", [*matched.values, other, f"{other}=%", f"%={other}"])


def _several(attribute: Attribute, value: str) -> Condition:
    """A value that any item of a sequence may have."""
    return _like(attribute.sql, f"*\\{value}\\*")


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
    # A study without a date lies in no range.
    ends = [found[1] or "", found[3] or "99999999"]
    return Condition(f"{attribute.sql} > '' AND {attribute.sql} BETWEEN {{0}} AND {{1}}", ends)


def _time(attribute: Attribute, value: str) -> Condition:
    """A time as exact as it is given, or a range of such: 10 is everything from 10:00:00 to 10:59:59.999999."""
    found = _TIME.match(value.replace(":", ""))
    if found is None or not (found[1] or found[3]) or (found[1] and found[3] and not found[2]):
        raise ValidationError({attribute.tag: ["A time HHMMSS or a range HHMMSS-HHMMSS is expected."]})
    last = (found[3] or "") if found[2] else found[1]
    digits, _, fraction = last.partition(".")
    until = f"{digits:9<6}.{fraction:9<6}"
    return Condition(f"{attribute.sql} > '' AND {attribute.sql} BETWEEN {{0}} AND {{1}}", [found[1] or "", until])


def _number(attribute: Attribute, value: str) -> Condition:
    if not re.fullmatch(r"[+-]?\d{1,9}", value):
        raise ValidationError({attribute.tag: ["An integer is expected."]})
    return Condition(f"{attribute.sql} = {{0}}", [int(value)])


def _listed(value: str) -> list[str]:
    values = re.split(r"[,\\]", value)
    if len(values) > _MAX_VALUES:
        raise TooBroad(f"At most {_MAX_VALUES} values can be listed.")
    return values


_CONDITIONS: Final[Mapping[Matching, Any]] = {
    Matching.TEXT: _text,
    Matching.UID: _uid,
    Matching.NAME: _name,
    Matching.DATE: _date,
    Matching.TIME: _time,
    Matching.NUMBER: _number,
    Matching.LISTED: _several,
}
