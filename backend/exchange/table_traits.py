"""What a table says of sex, age, view, site and scanner, in DICOM's terms. Pure functions on text."""

from __future__ import annotations

import re
from typing import Final

from backend.dicom.projection import VIEWS
from backend.dicom.refusal import Refused

TRAITS: Final = ("sex", "age", "view", "site", "scanner")
MOST_VALUES: Final = 100
"""A table names so many sites or scanners at most: a column of more is one of something else."""
_UNSTATED: Final = frozenset(
    {"", "-", "?", "na", "n/a", "nan", "none", "null", "u", "unknown", "not available", "未知", "不详"}
)
_SEXES: Final = {
    **dict.fromkeys(("m", "male", "man", "男"), "M"),
    **dict.fromkeys(("f", "female", "woman", "女"), "F"),
    **dict.fromkeys(("o", "other"), "O"),
}
_OLDEST: Final = 120
_LONGEST: Final = 64


def coded_trait(trait: str, value: str) -> str:
    """The value as DICOM codes it: sex M, F or O (0010,0040); age as 058Y (0010,1010; a bare number is of years); a view
    position (0018,5101); site and scanner as they are, spaces made one. "" where nothing is stated; Refused for all else.

    The refusal does not repeat the value: a column that was named by mistake may hold a name.
    """
    plain = " ".join(value.split())
    if plain.casefold() in _UNSTATED:
        return ""
    coded = {"sex": _sex, "age": _age, "view": _view}.get(trait, _text)(plain)
    if not coded:
        raise Refused(f"The table's {trait} was not used: {_REASONS[trait]}.")
    return coded


_REASONS: Final = {
    "sex": "it is none of M, F and O",
    "age": "it is no whole number of years up to 120 and no DICOM age such as 058Y",
    "view": "it is no view position of DICOM (PA, AP, LL, …)",
    "site": "it is no plain text of at most 64 characters",
    "scanner": "it is no plain text of at most 64 characters",
}


def _sex(value: str) -> str:
    return _SEXES.get(value.casefold(), "")


def _age(value: str) -> str:
    years = re.fullmatch(r"(\d{1,3})(?:\.0+)?", value)
    if years is not None:
        value = f"{int(years[1]):03d}Y"
    found = re.fullmatch(r"(\d{1,3})([YMWD])", value.upper())
    if found is None or (found[2] == "Y" and int(found[1]) > _OLDEST):
        return ""
    return f"{int(found[1]):03d}{found[2]}"


def _view(value: str) -> str:
    return value.upper() if value.upper() in VIEWS else ""


def _text(value: str) -> str:
    return value if len(value) <= _LONGEST and value.isprintable() else ""
