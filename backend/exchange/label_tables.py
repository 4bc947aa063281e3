"""Tables that come with images: what they say of each file (patient, group, findings, boxes, traits). Pure, on text.

A labels table has a row per file (or per file and finding), a boxes table a row per box. Columns are found by their
usual names, or by a mapping such as {"finding": "class"}.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from backend.dicom.refusal import Refused
from backend.exchange.table_traits import MOST_VALUES, TRAITS

_USUAL_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "file": ("file", "filename", "file_name", "image", "image_index", "path"),
    "finding": ("finding", "finding_type", "class", "label"),
    "value": ("value", "present"),
    "patient": ("patient", "patient_id", "patientid"),
    "group": ("group", "near_dup_group", "near_duplicate_group"),
    "x": ("x", "xmin", "left"),
    "y": ("y", "ymin", "top"),
    "w": ("w", "width"),
    "h": ("h", "height"),
    "sex": ("sex", "gender", "patient_sex", "patient_gender", "patientsex"),
    "age": ("age", "patient_age", "patientage"),
    "view": ("view", "view_position", "viewposition"),
    "site": ("institution_name", "institutionname"),
    "scanner": ("scanner",),
}
_YES: Final = frozenset({"1", "true", "yes", "y", "present", "positive", "+"})
_NO: Final = frozenset({"0", "false", "no", "n", "absent", "negative", "-"})
_MAX_FINDINGS: Final = 30
_MAX_ROWS: Final = 1_000_000


@dataclass(frozen=True)
class Box:
    """A box in pixels of the picture it was measured in: left, top, width, height, and its finding."""

    finding: str
    x: float
    y: float
    w: float
    h: float


@dataclass
class FileLabels:
    """What the tables say of one file. `findings`: name to present or absent (True, False); `is_normal`: no lesion;
    `traits`: the words of its rows on sex, age, view, site and scanner, each once."""

    patient: str = ""
    group: str = ""
    findings: dict[str, bool] = field(default_factory=dict)
    is_normal: bool = False
    boxes: list[Box] = field(default_factory=list)
    traits: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class LabelTables:
    """Labels by file name as the tables write it; `traits`: those of which a table has a column."""

    files: dict[str, FileLabels] = field(default_factory=dict)
    traits: set[str] = field(default_factory=set)
    has_findings: bool = False
    has_boxes: bool = False

    def of(self, name: str) -> FileLabels | None:
        """Labels of an image by its path: the whole path, or its last part, with or without the extension."""
        path = PurePosixPath(name)
        for key in (str(path), path.name, path.stem):
            if key in self.files:
                return self.files[key]
        return None


def column_mapping(text: str, usual_names: Mapping[str, tuple[str, ...]] = _USUAL_NAMES) -> dict[str, str]:
    """ "finding=class,group=near_dup_group" as a mapping; Refused if it names a column that has no meaning here.

    A piece whose column has a comma in its name stands in double quotes, as in CSV.
    """
    mapping: dict[str, str] = {}
    pieces = next(csv.reader([text.replace("\n", ",")], skipinitialspace=True), [])
    for part in filter(None, (piece.strip() for piece in pieces)):
        meaning, _, column = part.partition("=")
        if meaning.strip() not in usual_names or not column.strip():
            raise Refused(f"Columns are given as MEANING=COLUMN with meanings {', '.join(usual_names)}; not {part!r}.")
        mapping[meaning.strip()] = column.strip()
    return mapping


def read_labels(tables: LabelTables, text: str, columns: Mapping[str, str], normal: Iterable[str] = ("normal",)) -> None:
    """Add a table of patients, groups and findings. A finding of `normal` means that the image has no lesion.

    With a value column a row says whether its finding is present; without one, the finding is the image's class, and
    the other classes of the column are absent.
    """
    rows, found = _rows(text, columns)
    quiet = {word.strip().casefold() for word in normal}
    for row in rows:
        labels = _labels_of(tables, row)
        finding = row.get("finding", "")
        if not finding:
            continue
        tables.has_findings = True
        if "value" in found:
            labels.findings[finding] = _present(row)
        elif finding.casefold() in quiet:
            labels.is_normal = True
        else:
            labels.findings[finding] = True
    _check_findings(tables)
    _take_traits(tables, found)
    if "value" not in found:
        _fill_absent(tables)


def read_boxes(tables: LabelTables, text: str, columns: Mapping[str, str]) -> None:
    """Add a table of boxes; it may carry patient and group, too."""
    rows, found = _rows(text, columns)
    missing = [name for name in ("x", "y", "w", "h") if name not in found]
    if missing:
        raise Refused(f"The boxes table lacks the columns {', '.join(missing)}.")
    for row in rows:
        labels = _labels_of(tables, row)
        labels.boxes.append(_box(row))
    _take_traits(tables, found)
    tables.has_boxes = True


def _labels_of(tables: LabelTables, row: Mapping[str, str]) -> FileLabels:
    """The labels of the file of a row, with what the row says of patient, group and traits."""
    labels = tables.files.setdefault(row["file"], FileLabels())
    labels.patient = _settled(row["file"], "patient", labels.patient, row.get("patient", ""))
    labels.group = _settled(row["file"], "group", labels.group, row.get("group", ""))
    for trait in TRAITS:
        value = row.get(trait, "")
        if value and value not in (said := labels.traits.setdefault(trait, [])):
            said.append(value)
    return labels


def renamed(name: str, names: Mapping[str, str]) -> str:
    """The finding type that a table's word stands for: as mapped, else the word with a capital letter."""
    for word, meaning in names.items():
        if word.casefold() == name.casefold():
            return meaning
    return name[:1].upper() + name[1:]


def _rows(text: str, columns: Mapping[str, str]) -> tuple[list[dict[str, str]], set[str]]:
    """Rows that name a file, and the meanings that the table has."""
    rows, found = table_rows(text, columns, _USUAL_NAMES, keys=("file",))
    for row in rows:
        row["file"] = table_path(row["file"])
    return rows, found


def table_path(name: str) -> str:
    """A file's name as a table writes it, in the form in which files are looked up."""
    return str(PurePosixPath(name.replace("\\", "/")))


def table_rows(
    text: str, columns: Mapping[str, str], usual_names: Mapping[str, tuple[str, ...]], *, keys: Sequence[str]
) -> tuple[list[dict[str, str]], set[str]]:
    """Rows with our meanings as keys, stripped, and the meanings that the table has; a row without any of `keys` is none."""
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""))
    try:
        headers = {(header or "").strip(): header for header in reader.fieldnames or ()}
        chosen = _chosen_columns(headers, columns, usual_names, keys)
        rows: list[dict[str, str]] = []
        for row in reader:
            if len(rows) >= _MAX_ROWS:
                raise Refused(f"The table has more than {_MAX_ROWS} rows.")
            values = {meaning: (row.get(column) or "").strip() for meaning, column in chosen.items()}
            if any(values.get(key) for key in keys):
                rows.append(values)
    except csv.Error as error:
        raise Refused(f"The table cannot be read: {error}.") from error
    return rows, set(chosen)


def _chosen_columns(
    headers: Mapping[str, str],
    columns: Mapping[str, str],
    usual_names: Mapping[str, tuple[str, ...]],
    keys: Sequence[str],
) -> dict[str, str]:
    """The table's column for each meaning that it has; Refused without any of `keys`."""
    lower = {header.casefold().replace(" ", "_"): header for header in headers}
    chosen: dict[str, str] = {}
    for meaning, usual in usual_names.items():
        given = columns.get(meaning)
        if given is not None and given not in headers:
            raise Refused(f"The table has no column {given}; it has {', '.join(headers)}.")
        name = given or next((lower[word] for word in usual if word in lower), None)
        if name is not None:
            chosen[meaning] = str(headers[name])
    if not any(key in chosen for key in keys):
        wanted = "file names" if list(keys) == ["file"] else " or ".join(keys)
        raise Refused(f"The table has no column with {wanted}; it has {', '.join(headers) or 'no columns'}.")
    return chosen


def _settled(file: str, meaning: str, before: str, now: str) -> str:
    if before and now and before != now:
        raise Refused(f"The tables name two values of {meaning} for {file}.")
    return before or now


def _present(row: Mapping[str, str]) -> bool:
    word = row["value"].casefold()
    if word in _YES or word in _NO:
        return word in _YES
    raise Refused(f"The value of {row['file']} is {row['value'][:20]!r}, neither present nor absent.")


def _box(row: Mapping[str, str]) -> Box:
    try:
        x, y, w, h = (float(row[name]) for name in ("x", "y", "w", "h"))
    except ValueError as error:
        raise Refused(f"A box of {row['file']} is not four numbers.") from error
    if not all(map(math.isfinite, (x, y, w, h))) or w <= 0 or h <= 0:
        raise Refused(f"A box of {row['file']} has no size.")
    return Box(row.get("finding", ""), x, y, w, h)


def _names(tables: LabelTables) -> Sequence[str]:
    return sorted({finding for labels in tables.files.values() for finding in labels.findings})


def _check_findings(tables: LabelTables) -> None:
    names = _names(tables)
    if len(names) > _MAX_FINDINGS:
        raise Refused(f"The findings column has {len(names)} different values; is it the right column?")


def _take_traits(tables: LabelTables, found: set[str]) -> None:
    tables.traits |= found & set(TRAITS)
    for trait in ("site", "scanner"):
        values = {value for labels in tables.files.values() for value in labels.traits.get(trait, ())}
        if len(values) > MOST_VALUES:
            raise Refused(f"The {trait} column has {len(values)} different values; is it the right column?")


def _fill_absent(tables: LabelTables) -> None:
    """In a column of classes, what a file's rows do not name is absent."""
    names = _names(tables)
    for labels in tables.files.values():
        if labels.findings or labels.is_normal:
            labels.findings = {name: labels.findings.get(name, False) for name in names}
