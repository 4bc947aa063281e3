"""What the tables of the challenges share: they are known by their columns, and their numbers are read with their row."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Mapping
from typing import Final

from backend.dicom.refusal import Refused
from backend.exchange.formats.documents import file_head, read_rows
from backend.exchange.formats.family import Folder

_UID_CHARACTERS: Final = frozenset("0123456789.")


def tables_with(files: Folder, columns: Collection[str], without: Collection[str] = ()) -> list[str]:
    """Names of the CSV files whose first row has all these columns (case aside) and none of the others."""
    found = []
    for name in files:
        if name.lower().endswith(".csv"):
            first = file_head(files[name]).decode("utf-8-sig", "replace").partition("\n")[0]
            there = {one.strip().casefold() for one in next(csv.reader([first.strip()]), [])}
            if {one.casefold() for one in columns} <= there and not {one.casefold() for one in without} & there:
                found.append(name)
    return found


def rows_of(files: Folder, name: str) -> list[dict[str, str]]:
    """The rows of a table, its columns in lower case."""
    return [{key.casefold(): value for key, value in row.items()} for row in read_rows(files[name], name)]


def number(row: Mapping[str, str], column: str) -> float:
    """A finite number of a row; Refused where it is none."""
    text = row.get(column.casefold(), "")
    try:
        value = float(text)
    except ValueError as error:
        raise Refused(f"{column} is {text[:40]!r}, no number.") from error
    if not math.isfinite(value):
        raise Refused(f"{column} is {text[:40]!r}, no number.")
    return value


def looks_like_uid(text: str) -> bool:
    """Whether a name is a DICOM UID."""
    return bool(text) and len(text) <= 64 and set(text) <= _UID_CHARACTERS and "." in text
