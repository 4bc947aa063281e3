"""JSON, XML and tables that come from outside: read under limits, never expanded, refused with the file's name."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from backend.dicom.refusal import Refused

MAX_DOCUMENT_BYTES: Final = 128 * 1024**2
_MAX_ROWS: Final = 2_000_000


def read_text(path: Path, name: str, *, most: int = MAX_DOCUMENT_BYTES) -> str:
    """The text of a UTF-8 file (with or without a byte order mark); Refused where it is too big or no such text."""
    if path.stat().st_size > most:
        raise Refused(f"{name} is too big: {path.stat().st_size >> 20} MB, the limit is {most >> 20} MB.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"{name} is no UTF-8 text.") from error


def read_json(path: Path, name: str) -> Any:
    """A JSON document; Refused where it is none (or nested too deep)."""
    try:
        return json.loads(read_text(path, name))
    except (ValueError, RecursionError) as error:
        raise Refused(f"{name} is no JSON document.") from error


def read_xml(path: Path, name: str) -> ElementTree.Element:
    """The root of an XML document; Refused where it is none, or declares entities (they can grow without end)."""
    text = read_text(path, name)
    if "<!ENTITY" in text or "<!DOCTYPE" in text[:4096].upper() and "[" in text[:4096]:
        raise Refused(f"{name} declares entities of its own, which are not read.")
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise Refused(f"{name} is no XML document: {error}.") from error


def read_rows(path: Path, name: str, delimiter: str = ",") -> list[dict[str, str]]:
    """The rows of a table by the names of its first row, stripped; Refused where it is none."""
    rows: list[dict[str, str]] = []
    try:
        for row in csv.DictReader(io.StringIO(read_text(path, name), newline=""), delimiter=delimiter):
            if len(rows) >= _MAX_ROWS:
                raise Refused(f"{name} has more than {_MAX_ROWS} rows.")
            rows.append({(key or "").strip(): (value or "").strip() for key, value in row.items() if isinstance(value, str)})
    except csv.Error as error:
        raise Refused(f"{name} is no table: {error}.") from error
    return rows


def damage_of(error: Exception) -> str:
    """What is wrong with an entry of a document: why it was refused; of any other error not a program's words."""
    return str(error) if isinstance(error, Refused) else "A value is missing or none that can be used."


def read_bytes(path: Path, name: str, *, most: int = MAX_DOCUMENT_BYTES) -> bytes:
    """The bytes of a file, unpacked where gzip packed it; Refused where they are too many or damaged."""
    packed = file_head(path, 2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            data: bytes = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Refused(f"{name} is damaged: it cannot be unpacked.") from error
    if len(data) > most:
        raise Refused(f"{name} is too big{' unpacked' if packed else ''}; the limit is {most >> 20} MB.")
    return data


def file_head(path: Path, count: int = 4096) -> bytes:
    """The first bytes of a file: enough to tell what it is."""
    with path.open("rb") as file:
        return file.read(count)
