"""The attributes that QIDO-RS matches and returns, level by level: which column holds each and how it is compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Final

from pydicom.datadict import dictionary_VR, tag_for_keyword


class Level(Enum):
    """Levels of the DICOM information model."""

    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"


class Matching(Enum):
    """How a key is compared (PS3.4 C.2.2.2)."""

    TEXT = "text"
    UID = "uid"
    NAME = "name"
    DATE = "date"
    TIME = "time"
    NUMBER = "number"
    LISTED = "listed"
    """Of several items of a sequence: the column holds all values, enclosed by backslashes."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute held in a column."""

    tag: str
    vr: str
    level: Level
    column: str
    matching: Matching

    @property
    def sql(self) -> str:
        """The column in a written query, where the tables are called t (study), s (series) and i (instance)."""
        return f'{_TABLE[self.level]}."{self.column}"'

    @property
    def selected(self) -> str:
        """What a query reads: of a patient's name all component groups, as PS3.5 6.2.1.1 writes them; of what describes
        pixels, which is zero where there are none, nothing."""
        if self.tag in _OF_PIXELS:
            return f"NULLIF({self.sql}, 0)"
        return f"{self.sql} || '=' || t.patient_name_other" if self.matching == Matching.NAME else self.sql


_OF_PIXELS: Final = frozenset({"00280002", "00280008", "00280010", "00280011", "00280100"})
_TABLE: Final = {Level.STUDY: "t", Level.SERIES: "s", Level.INSTANCE: "i"}


def _table(level: Level, rows: Iterable[tuple[str, str, str, Matching]]) -> list[Attribute]:
    return [Attribute(tag, vr, level, column, matching) for tag, vr, column, matching in rows]


REQUEST_ATTRIBUTES: Final = "00400275"
SCHEDULED_STEP: Final = f"{REQUEST_ATTRIBUTES}.00400009"
REQUESTED_PROCEDURE: Final = f"{REQUEST_ATTRIBUTES}.00401001"

ATTRIBUTES: Final[Mapping[str, Attribute]] = {
    attribute.tag: attribute
    for attribute in [
        *_table(
            Level.STUDY,
            [
                ("00080020", "DA", "study_date", Matching.DATE),
                ("00080030", "TM", "study_time", Matching.TIME),
                ("00080050", "SH", "accession_number", Matching.TEXT),
                ("00080090", "PN", "referring_physician_name", Matching.TEXT),
                ("00080201", "SH", "timezone_offset_from_utc", Matching.TEXT),
                ("00081030", "LO", "study_description", Matching.TEXT),
                ("00100010", "PN", "patient_name", Matching.NAME),
                ("00100020", "LO", "patient_id", Matching.TEXT),
                ("00100030", "DA", "patient_birth_date", Matching.DATE),
                ("00100040", "CS", "patient_sex", Matching.TEXT),
                ("00101010", "AS", "patient_age", Matching.TEXT),
                ("0020000D", "UI", "study_instance_uid", Matching.UID),
                ("00200010", "SH", "study_id", Matching.TEXT),
            ],
        ),
        *_table(
            Level.SERIES,
            [
                ("00080060", "CS", "modality", Matching.TEXT),
                ("00080070", "LO", "manufacturer", Matching.TEXT),
                ("0008103E", "LO", "series_description", Matching.TEXT),
                ("00081090", "LO", "manufacturer_model_name", Matching.TEXT),
                ("00180015", "CS", "body_part_examined", Matching.TEXT),
                ("00181030", "LO", "protocol_name", Matching.TEXT),
                ("0020000E", "UI", "series_instance_uid", Matching.UID),
                ("00200011", "IS", "series_number", Matching.NUMBER),
                ("00200052", "UI", "frame_of_reference_uid", Matching.UID),
                ("00200060", "CS", "laterality", Matching.TEXT),
                ("00400244", "DA", "performed_procedure_step_start_date", Matching.DATE),
                ("00400245", "TM", "performed_procedure_step_start_time", Matching.TIME),
                (SCHEDULED_STEP, "SH", "scheduled_procedure_step_ids", Matching.LISTED),
                (REQUESTED_PROCEDURE, "SH", "requested_procedure_ids", Matching.LISTED),
            ],
        ),
        *_table(
            Level.INSTANCE,
            [
                ("00080016", "UI", "sop_class_uid", Matching.UID),
                ("00080018", "UI", "sop_instance_uid", Matching.UID),
                ("00083002", "UI", "transfer_syntax_uid", Matching.UID),
                ("00200013", "IS", "instance_number", Matching.NUMBER),
                ("00280002", "US", "samples_per_pixel", Matching.NUMBER),
                ("00280004", "CS", "photometric_interpretation", Matching.TEXT),
                ("00280008", "IS", "number_of_frames", Matching.NUMBER),
                ("00280010", "US", "rows", Matching.NUMBER),
                ("00280011", "US", "columns", Matching.NUMBER),
                ("00280100", "US", "bits_allocated", Matching.NUMBER),
            ],
        ),
    ]
}

MODALITIES_IN_STUDY: Final = "00080061"

_ORDER: Final = [Level.STUDY, Level.SERIES, Level.INSTANCE]


def levels_down_to(level: Level) -> list[Level]:
    """The levels whose attributes a result of `level` has: its own and those above."""
    return _ORDER[: _ORDER.index(level) + 1]


@cache
def columns_of(level: Level) -> list[Attribute]:
    """The column attributes of a result of `level`, its own and those above it."""
    levels = levels_down_to(level)
    return [attribute for attribute in ATTRIBUTES.values() if attribute.level in levels]


def path_named(name: str) -> str | None:
    """The tags of an attribute, or of one in a sequence with dots between them; None if DICOM knows no such attribute."""
    tags = [tag_named(part) for part in name.split(".")]
    return None if None in tags else ".".join(tag for tag in tags if tag is not None)


def tag_named(name: str) -> str | None:
    """The tag (8 hex digits) of a keyword or tag as PS3.18 writes it; None if DICOM knows no such attribute."""
    if len(name) == 8:
        try:
            dictionary_VR(int(name, 16))
            return name.upper()
        except (KeyError, ValueError):
            pass
    tag = tag_for_keyword(name)
    return None if tag is None else f"{tag:08X}"


def element(vr: str, values: Iterable[Any]) -> dict[str, Any]:
    """An attribute in DICOM JSON (PS3.18 F.2); empty values leave it without `Value`."""
    present = [value for value in values if value not in (None, "")]
    return {"vr": vr, "Value": present} if present else {"vr": vr}


def name_element(text: str) -> dict[str, Any]:
    """A person's name (PN) of the component groups in `text`, alphabetic=ideographic=phonetic."""
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), text.split("="), strict=False)
    given = {name: group for name, group in groups if group}
    return {"vr": "PN", "Value": [given]} if given else {"vr": "PN"}


def single_element(vr: str, value: Any) -> dict[str, Any]:
    """An attribute of at most one value."""
    if vr == "PN":
        return name_element(value or "")
    return {"vr": vr} if value is None or value == "" else {"vr": vr, "Value": [value]}
