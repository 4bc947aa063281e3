"""The table of clinical texts that comes with images: why an examination was asked for, and its report. Pure on text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from backend.dicom.refusal import Refused
from backend.exchange.label_tables import table_path, table_rows

CONTEXT_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "file": ("file", "filename", "file_name", "image", "image_index", "path"),
    "study": ("study", "study_uid", "study_instance_uid", "studyinstanceuid"),
    "patient": ("patient", "patient_id", "patientid"),
    "indication": ("indication", "clinical_indication", "reason_for_exam", "reason_for_study", "history"),
    "report": ("report", "report_text", "radiology_report"),
}
MAX_INDICATION: Final = 2_000
MAX_REPORT: Final = 20_000


@dataclass(frozen=True)
class ContextRow:
    """A row: which file, study (Study Instance UID) or patient (Patient ID, as received) it speaks of, and what it says."""

    number: int
    file: str
    study: str
    patient: str
    indication: str
    report: str


def read_contexts(text: str, columns: Mapping[str, str]) -> list[ContextRow]:
    """The rows that say something; Refused if the table names no file, study or patient, or holds no texts."""
    rows, found = table_rows(text, columns, CONTEXT_COLUMNS, keys=("file", "study", "patient"))
    if not {"indication", "report"} & found:
        raise Refused("The table of clinical texts has neither a column indication nor a column report.")
    contexts = []
    for number, row in enumerate(rows, start=1):
        said = {name: row.get(name, "").replace("\0", "").replace("\r\n", "\n") for name in CONTEXT_COLUMNS}
        said["file"] = table_path(said["file"]) if said["file"] else ""
        if said["indication"] or said["report"]:
            contexts.append(ContextRow(number, **said))
    return contexts
