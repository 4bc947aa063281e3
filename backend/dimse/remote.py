"""What is asked of a remote node and what it answers, whichever way it is spoken to.

`dimse_node` and `dicomweb_node` have the same functions: `echo`, `find_studies`, `find_series`, `retrieve`, `send`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from backend.dicom.refusal import Refused

MAX_STUDIES: Final = 200
"""A search tells this many studies and that there are more."""
_UID: Final = re.compile(r"[0-9.]{1,64}")
_DATE: Final = re.compile(r"(\d{8})?")


class NodeFailed(Exception):
    """The node is away, refuses, or answers nonsense; the message is for people and names no patient."""


@dataclass(frozen=True, slots=True)
class SearchKeys:
    """What studies are looked for; dates are YYYYMMDD, empty keys match all."""

    patient_id: str = ""
    patient_name: str = ""
    accession_number: str = ""
    study_description: str = ""
    modality: str = ""
    date_from: str = ""
    date_to: str = ""

    def __post_init__(self) -> None:
        """Refused where nothing is asked, or a key is none."""
        if not any(asdict(self).values()):
            raise Refused("Name at least one thing to look for.")
        if not (_DATE.fullmatch(self.date_from) and _DATE.fullmatch(self.date_to)):
            raise Refused("A date is written as YYYYMMDD.")
        if any("\\" in value or not value.isprintable() for value in asdict(self).values()):
            raise Refused("A backslash or control character cannot be looked for.")

    @property
    def date_range(self) -> str:
        """The dates as DICOM's range matching (PS3.4 C.2.2.2.5)."""
        if self.date_from == self.date_to:
            return self.date_from
        return f"{self.date_from}-{self.date_to}"


def loosely(text: str) -> str:
    """Words of a name or description as wildcard matching (PS3.4 C.2.2.2.4), unless wildcards are in it already."""
    return f"*{text}*" if text and not {"*", "?"} & set(text) else text


@dataclass(frozen=True, slots=True)
class FoundStudy:
    """A study of a search: patient data, shown and forgotten."""

    study_instance_uid: str
    patient_id: str = ""
    patient_name: str = ""
    patient_sex: str = ""
    study_date: str = ""
    study_description: str = ""
    accession_number: str = ""
    modalities: list[str] = field(default_factory=list)
    number_of_series: int | None = None
    number_of_instances: int | None = None


@dataclass(frozen=True, slots=True)
class FoundSeries:
    """A series of a found study."""

    series_instance_uid: str
    modality: str = ""
    series_number: str = ""
    series_description: str = ""
    number_of_instances: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A study to pull: all of it, or some series. `instances`: how many there are, as far as the search told."""

    study: str
    series: list[str] = field(default_factory=list)
    instances: int | None = None

    @classmethod
    def of(cls, given: dict[str, Any]) -> Wanted:
        """From JSON; Refused where a UID is none."""
        wanted = cls(str(given["study"]), [str(uid) for uid in given.get("series", [])], given.get("instances"))
        if not all(_UID.fullmatch(uid) for uid in (wanted.study, *wanted.series)):
            raise Refused("A UID consists of digits and dots.")
        return wanted


@dataclass(slots=True)
class Received:
    """How a retrieval went: objects received, those that the node could not give, and how many it announced."""

    received: int = 0
    failed: int = 0
    announced: int | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a retrieval puts objects: `place` names a fresh file, `arrived` hears that it is whole, `look_up` of progress.

    `look_up` raises JobCancelled where somebody asked to stop.
    """

    place: Callable[[], Path]
    arrived: Callable[[Path], None]
    look_up: Callable[[Received], None]
