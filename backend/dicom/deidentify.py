"""De-identification at the door: PS3.15 Basic Application Level Confidentiality Profile, dates modified consistently.

Table E.1-1 is dicom-anonymizer's; what is done with it is ours. UIDs are remapped and dates shifted under the archive's
key, so that later studies of one patient still fit together and nobody without the key can go back.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table
from pydicom.datadict import dictionary_has_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from backend.dicom.uids import keyed_digest, keyed_uid

METHOD: Final = "Overread: PS3.15 E.1 Basic Profile, dates modified"
_CODES: Final = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
)
_MAX_SHIFT_DAYS: Final = 3650
_DICOM_ROOT: Final = "1.2.840.10008."
_BIRTH_DATE: Final = 0x00100030
_ENCRYPTED_ATTRIBUTES: Final = 0x04000500
_DATE: Final = re.compile(r"\d{8}")
_DUMMY: Final = {"AS": "000Y", "TM": "000000", "DS": "0", "IS": "0", "UR": "http://removed.invalid"}
_TEXT_VRS: Final = frozenset({"CS", "LO", "LT", "SH", "ST", "UC", "UT"})
_UNKNOWN_PATIENTS: Final = frozenset(
    {
        "",
        "0",
        "NONE",
        "NULL",
        "NA",
        "N/A",
        "UNKNOWN",
        "UNKNOWN PATIENT",
        "ANONYMOUS",
        "ANONYMIZED",
        "ANON",
        "ANONYMISED",
        "DEIDENTIFIED",
    }
)


def known_patient(patient_id: str) -> str:
    """The patient id, or nothing where it is a placeholder that many patients share."""
    stripped = patient_id.replace("\0", "").strip()
    return "" if stripped.upper() in _UNKNOWN_PATIENTS else stripped


def patient_key(key: str, patient_id: str) -> str:
    """HMAC of a known patient's id under the archive's key; empty for an unknown patient."""
    known = known_patient(patient_id)
    return keyed_digest(key, "patient", known) if known else ""


def patient_pseudonym(key: str, patient_id: str) -> str:
    """What stands for a known patient's id after de-identification; empty for an unknown one."""
    digest = patient_key(key, patient_id)
    return f"P{digest[:15].upper()}" if digest else ""


def deidentify(dataset: Dataset, *, key: str) -> None:
    """Apply the basic profile to a header in place; pixels are no business of this function."""
    patient_id = str(dataset.get("PatientID") or "")
    whose = known_patient(patient_id) or str(dataset.get("StudyInstanceUID") or "")
    shift = timedelta(days=1 + int(keyed_digest(key, "days", whose)[:8], 16) % _MAX_SHIFT_DAYS)
    _clean(dataset, key, shift)
    pseudonym = patient_pseudonym(key, patient_id)
    dataset.PatientID = pseudonym
    dataset.PatientName = pseudonym
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD
    dataset.DeidentificationMethodCodeSequence = Sequence([_code(value, meaning) for value, meaning in _CODES])
    dataset.LongitudinalTemporalInformationModified = "MODIFIED"


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


@cache
def _actions() -> dict[int, str]:
    """Tag to action of Table E.1-1: D, Z, X, U and their combinations."""
    groups = {
        "D": table.D_TAGS,
        "Z": table.Z_TAGS,
        "X": table.X_TAGS,
        "Z/D": table.Z_D_TAGS,
        "X/Z": table.X_Z_TAGS,
        "X/D": table.X_D_TAGS,
        "X/Z/D": table.X_Z_D_TAGS,
        "X/Z/U*": table.X_Z_U_STAR_TAGS,
    }
    return {(tag[0] << 16) | tag[1]: action for action, tags in groups.items() for tag in tags if len(tag) == 2}


def _clean(dataset: Dataset, key: str, shift: timedelta) -> None:
    for tag in list(dataset.keys()):
        if _must_go(tag):
            del dataset[tag]
            continue
        try:
            element = dataset[tag]
        except Exception:  # noqa: BLE001 what cannot be parsed cannot be judged
            del dataset[tag]
            continue
        if not _settled(element, key, shift):
            del dataset[tag]


def _must_go(tag: BaseTag) -> bool:
    """Private attributes, curves (50xx), overlays (60xx), encrypted originals, and what no dictionary knows."""
    high = tag.group & 0xFF00
    return tag.is_private or high in (0x5000, 0x6000) or tag == _ENCRYPTED_ATTRIBUTES or not dictionary_has_tag(tag)


def _settled(element: DataElement, key: str, shift: timedelta) -> bool:
    """Clean one element in place; False if it has to be removed."""
    action = _actions().get(int(element.tag), "")
    if action == "X" or element.VR in ("UN", "AE"):
        return False
    if element.VR == "UI":
        element.value = _mapped(element.value, lambda uid: _remapped(uid, key))
        return True
    if element.VR in ("DA", "DT"):
        element.value = "" if element.tag == _BIRTH_DATE else _mapped(element.value, lambda date: _shifted(date, shift))
        return True
    if element.VR == "SQ":
        return _sequence_settled(element, action, key, shift)
    if action.startswith("X"):
        return False
    if element.VR == "PN" or action == "Z":
        return _emptied(element)
    if action:
        return _replaced(element)
    if element.VR == "TM":
        element.value = _DUMMY["TM"]
    return True


def _sequence_settled(element: DataElement, action: str, key: str, shift: timedelta) -> bool:
    if action in ("", "X/Z/U*"):
        for item in element.value:
            _clean(item, key, shift)
        return True
    if action.startswith("X"):
        return False
    element.value = Sequence()
    return True


def _emptied(element: DataElement) -> bool:
    if element.VR in _TEXT_VRS or element.VR in ("PN", "TM", "AS", "DS", "IS", "UR"):
        element.value = ""
        return True
    return False


def _replaced(element: DataElement) -> bool:
    if element.VR in _TEXT_VRS:
        element.value = "REMOVED"
        return True
    if element.VR in _DUMMY:
        element.value = _DUMMY[element.VR]
        return True
    return False


def _mapped(value: object, change: object) -> object:
    assert callable(change)
    if isinstance(value, MultiValue | list):
        return [change(str(item)) for item in value]
    return change(str(value)) if value else ""


def _remapped(uid: str, key: str) -> str:
    """A new UID for what names an instance; the standard's own UIDs (classes, syntaxes) stay."""
    return uid if uid.startswith(_DICOM_ROOT) or not uid.strip() else keyed_uid(key, "uid", uid.strip())


def _shifted(date: str, shift: timedelta) -> str:
    """The date some days earlier, without its time; nothing if it is no full date."""
    found = _DATE.match(date.replace(".", ""))
    if found is None:
        return ""
    try:
        return (datetime.strptime(found.group(), "%Y%m%d") - shift).strftime("%Y%m%d")
    except (ValueError, OverflowError):
        return ""
