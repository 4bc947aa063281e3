"""De-identification at the door: PS3.15 Basic Application Level Confidentiality Profile with the archive's options.

Table E.1-1 is dicom-anonymizer's, its option columns are `deid_table`'s; what is done with them is ours. UIDs are
remapped and dates shifted under the archive's key, so that later studies of one patient still fit together and nobody
without the key can go back. The table knows attributes, not what people write into them; so beyond it what cannot be
judged goes: private attributes, unknown tags, values of another VR than the dictionary's, binary values, and texts
outside the table unless they are known to speak of technique and hold neither a word by which the file names its
people nor the shape of a name, a date or a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

import numpy as np
from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.tag import BaseTag
from pydicom.uid import UID_dictionary

from backend.dicom.deid_options import CLEAN_PIXELS, DEFAULT_OPTIONS, DeidOptions, deid_options
from backend.dicom.deid_table import DESCRIPTORS, DEVICE, INSTITUTION, PATIENT, TECHNIQUE
from backend.dicom.descriptors import cleaned_description
from backend.dicom.identity_words import (
    PACKING,
    holds_word,
    identity_words,
    is_number_of,
    names_somebody,
    spells_somebody,
)
from backend.dicom.patient_age import age_in_years
from backend.dicom.safe_private import NUMERIC_VRS, is_safe_creator, is_safe_private
from backend.dicom.uids import keyed_digest, keyed_uid

DEFAULT: Final = deid_options(DEFAULT_OPTIONS)
_MAX_SHIFT_DAYS: Final = 3650
_DICOM_ROOT: Final = "1.2.840.10008."
_DATE: Final = re.compile(r"\d{8}")
_FULL_DATE: Final = re.compile(r"(?:18|19|20|21)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_TIME: Final = re.compile(r"(?:[01]\d|2[0-3])(?:[0-5]\d(?:[0-5]\d(?:\.\d{1,6})?)?)?")
_DATE_TIME: Final = re.compile(rf"{_FULL_DATE.pattern}(?:{_TIME.pattern})?(?:[+-]\d{{4}})?")
_CODE_STRING: Final = re.compile(r"[A-Z0-9_ ]{0,16}")
_AGE: Final = re.compile(r"(\d{3})([DWMY])")
_NUMBER: Final = re.compile(r"[+-]?\d*\.?\d*(?:[eE][+-]?\d+)?")
_CODE_VALUE: Final = re.compile(r"[A-Z0-9][A-Z0-9.:-]{0,15}")
_FINITE: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_LONG: Final = re.compile(r"\d{6}")
_MOST_PRIVATE_VALUES: Final = 16
_OLDEST: Final = 90
"""Ages from here on are told as this one: 45 CFR 164.514(b)(2)(i)(C)."""
_DUMMY: Final = {"AS": "000Y", "TM": "000000", "DS": "0", "IS": "0", "UR": "http://removed.invalid", "DA": "19000101"}
_DUMMY_DATE_TIME: Final = "19000101000000"
_TEXT_VRS: Final = frozenset({"CS", "LO", "LT", "SH", "ST", "UC", "UT"})
_FREE_TEXT_VRS: Final = _TEXT_VRS - {"CS"}
_NUMBER_VRS: Final = NUMERIC_VRS | {"SV", "UV"}
_TABLES: Final = ("ModalityLUTSequence", "VOILUTSequence", "PresentationLUTSequence")
_LUT_DATA: Final = 0x00283006
_PIXEL_DATA: Final = 0x7FE00010
_DATE_VRS: Final = frozenset({"DA", "DT", "TM"})
_NO_DATE_OPTION: Final = frozenset({0x00100030, 0x00100032, 0x0016007E})
"""Birth date and time, GPS time stamp: no option of the table keeps them."""
_CODE_TEXTS: Final = frozenset({0x00080100, 0x00080119, 0x00080120, 0x00080104})
_SCHEME: Final = 0x00080102
_PUBLIC_SCHEMES: Final = frozenset(
    {"SCT", "SRT", "SNM3", "DCM", "LN", "UCUM", "RADLEX", "NCIT", "FMA", "UMLS", "MDC", "ACR", "BI"}
)
_SOUND_STRUCTURE: Final = {
    0x00200020: re.compile(r"[AHLPRFDVUMEN]{0,4}|"),  # Patient Orientation, quadrupeds' included
}
"""Code strings of which only the form is judged: a patient called Ct is no reason to lose the modality."""
_PATIENT_SEX: Final = 0x00100040
_PATIENT_AGE: Final = 0x00101010
_SPECIFIC_CHARACTER_SET: Final = 0x00080005
_MODALITY_CODES: Final = (
    "AR ASMT AU BDUS BI BMD CFM CR CT CTPROTOCOL DG DMS DX EEG EMG EPS ES FID GM HC HD IO IVOCT IVUS KER LEN LS MG MR "
    "NM OAM OCT OP OPM OPR OPT OPTBSV OPTENF OPV OSS OT PA POS PT PX RF RG RTIMAGE SM SMR TG US VA XA XC XAPROTOCOL "
    "SR SEG RTSTRUCT RTPLAN RTDOSE RTRECORD PR KO REG FID RWV DOC PLAN ANN M3D ECG"
)
_MODALITIES: Final = frozenset(_MODALITY_CODES.split())
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


@dataclass(frozen=True)
class _Rules:
    """What cleaning one file needs to know."""

    key: str
    options: DeidOptions
    shift: timedelta
    words: frozenset[str]


def deidentify(
    dataset: Dataset,
    *,
    key: str,
    options: DeidOptions = DEFAULT,
    pixels_cleaned: bool = False,
    further_words: tuple[str, ...] = (),
) -> None:
    """Apply the basic profile with its options to a header in place; pixels are no business of this function.

    `pixels_cleaned`: what is stored of the pixels was cleaned or looked at. `further_words`: identifiers known from beside
    the file (a table's patient id).
    """
    patient_id = str(dataset.get("PatientID") or "")
    whose = known_patient(patient_id) or str(dataset.get("StudyInstanceUID") or "")
    shift = timedelta(days=1 + int(keyed_digest(key, "days", whose)[:8], 16) % _MAX_SHIFT_DAYS)
    _clean(dataset, _Rules(key, options, shift, identity_words(dataset, further_words)))
    pseudonym = patient_pseudonym(key, patient_id)
    dataset.PatientID = pseudonym
    dataset.PatientName = pseudonym
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = options.method(pixels_cleaned=pixels_cleaned)
    done = options.codes(pixels_cleaned=pixels_cleaned)
    dataset.DeidentificationMethodCodeSequence = Sequence([_code(value, meaning) for value, meaning in done])
    kept = "UNMODIFIED" if options.full_dates else "MODIFIED" if options.modified_dates else "REMOVED"
    dataset.LongitudinalTemporalInformationModified = kept
    if pixels_cleaned:
        dataset.BurnedInAnnotation = "NO"


def say_pixels_cleaned(dataset: Dataset) -> None:
    """A header says that no text is burnt into the pixels; one that was de-identified also says by which option."""
    dataset.BurnedInAnnotation = "NO"
    done = dataset.get("DeidentificationMethodCodeSequence")
    value, meaning = CLEAN_PIXELS
    if done and all(item.CodeValue != value for item in done):
        done.append(_code(value, meaning))


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


@cache
def _actions() -> dict[int, str]:
    """Tag to action of Table E.1-1: D, Z, X and their combinations (of U, the VR tells)."""
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


def _clean(dataset: Dataset, rules: _Rules) -> None:
    creators = _private_creators(dataset) if rules.options.safe_private else {}
    for tag in list(dataset.keys()):
        if tag.is_private:
            if not _private_settled(dataset, tag, creators, rules):
                del dataset[tag]
            continue
        if _must_go(tag):
            del dataset[tag]
            continue
        try:
            element = dataset[tag]
            settled = _settled(element, rules)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 what cannot be parsed cannot be judged
            settled = False
        if not settled:
            del dataset[tag]
    _drop_lone_creators(dataset)
    _settle_code(dataset, rules)
    if "LUTData" in dataset and not _is_sound_table(dataset):
        del dataset["LUTData"]


def _must_go(tag: BaseTag) -> bool:
    """Command and file meta groups, curves (50xx), overlays (60xx), variable pixels (7Fxx), encrypted and signed originals,
    padding, group lengths, and what no dictionary knows."""
    high = tag.group & 0xFF00
    return (
        tag.group < 8
        or high in (0x5000, 0x6000)
        or (high == 0x7F00 and tag.group != 0x7FE0)
        or tag.group in (0x0400, 0xFFFA, 0xFFFC)
        or tag.element == 0
        or not dictionary_has_tag(tag)
    )


def _settled(element: DataElement, rules: _Rules) -> bool:
    """Clean one element in place; False if it has to be removed."""
    tag = int(element.tag)
    if not _has_its_vr(element):
        return False
    if element.VR == "UI":
        kept = tag in DEVICE and rules.options.device_identity
        element.value = _mapped(
            element.value,
            lambda uid: uid.strip() if kept and _is_device_uid(uid.strip(), rules.words) else _remapped(uid, rules.key),
        )
        return True
    if element.VR in _DATE_VRS:
        return _date_settled(element, rules)
    action = _actions().get(tag, "")
    if element.VR == "SQ":
        return _sequence_settled(element, action, rules)
    if tag in _kept_by_option(rules.options):
        return _judged(element, rules)
    if rules.options.clean_descriptors and tag in DESCRIPTORS:
        return _described(element, rules)
    if action.startswith("X") or element.VR in ("UN", "AE", "PN", "UR", "AS") and not action:
        return False
    if element.VR == "PN" or action == "Z":
        return _emptied(element)
    if action:
        return _replaced(element)
    return _judged(element, rules)


def _has_its_vr(element: DataElement) -> bool:
    """Whether the VR is the dictionary's; a UID under another one becomes one, numbers and binaries may differ."""
    allowed = set(dictionary_VR(element.tag).split(" or "))
    if element.VR in allowed:
        return True
    if "UI" in allowed:
        raw = element.value
        text = raw.decode("ascii", "replace") if isinstance(raw, bytes) else raw
        values = [str(one) for one in text] if isinstance(text, MultiValue | list) else str(text).split("\\")
        element.VR = "UI"
        element.value = values if len(values) > 1 else values[0]
        return True
    return (element.VR in _NUMBER_VRS and bool(allowed & _NUMBER_VRS)) or (
        element.VR in ("OB", "OW") and bool(allowed & {"OB", "OW", "US", "SS"})
    )


@cache
def _kept_by_option(options: DeidOptions) -> frozenset[int]:
    chosen = ((options.patient_characteristics, PATIENT), (options.device_identity, DEVICE))
    kept = frozenset().union(*(tags for is_on, tags in chosen if is_on))
    return kept | INSTITUTION if options.institution_identity else kept


def _judged(element: DataElement, rules: _Rules) -> bool:
    """What the table does not speak of, or an option keeps: kept if its value says nothing of anybody."""
    tag, vr = int(element.tag), element.VR
    if tag == _SPECIFIC_CHARACTER_SET:
        return True
    if tag == _PATIENT_AGE:
        return _age_capped(element)
    if tag == _PATIENT_SEX:
        return str(element.value) in ("M", "F", "O", "")
    if tag in (_LUT_DATA, _PIXEL_DATA):
        return True  # judged with the item that it makes; taken out with the frames
    values = _values(element)
    if vr == "CS":
        return all(_is_sound_code(tag, value, rules.words) for value in values)
    if vr in _NUMBER_VRS:
        return _are_sound_numbers(vr, values, rules.words)
    if vr in _FREE_TEXT_VRS:
        return _are_sound_texts(tag, values, rules)
    return bool(vr == "AT" and not spells_somebody(vr, values, rules.words))


def _are_sound_numbers(vr: str, values: list[str], words: frozenset[str]) -> bool:
    if vr in ("DS", "IS") and not all(_NUMBER.fullmatch(value.strip()) for value in values):
        return False
    if vr in PACKING and spells_somebody(vr, values, words):
        return False
    return not any(is_number_of(value, words) for value in values)


def _are_sound_texts(tag: int, values: list[str], rules: _Rules) -> bool:
    if tag in _CODE_TEXTS or tag == _SCHEME:
        return True  # judged together, with the item that they make
    if tag in _kept_by_option(rules.options):
        return not any(not value.isprintable() or holds_word(value, rules.words) for value in values)
    return tag in TECHNIQUE and not any(names_somebody(value, rules.words) for value in values)


def _is_sound_table(item: Dataset) -> bool:
    """Whether a look-up table (PS3.3 C.11.1) is one: as long as its descriptor says, and rising or falling throughout.

    Nothing else could be told from text or a picture in its place.
    """
    try:
        entries, _first, _bits = (int(value) for value in item.LUTDescriptor)
        data = item["LUTData"].value
        values = np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.asarray(data, dtype=np.int64)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    steps = np.diff(values.astype(np.int64))
    return values.size == (entries or 65536) and bool((steps >= 0).all() or (steps <= 0).all())


def _is_sound_code(tag: int, value: str, words: frozenset[str]) -> bool:
    if tag == 0x00080060:
        return value.strip() in _MODALITIES
    form = _SOUND_STRUCTURE.get(tag)
    if form is not None:
        return bool(form.fullmatch(value.strip()))
    return bool(_CODE_STRING.fullmatch(value)) and not holds_word(value.replace("_", " "), words) and not _LONG.search(value)


def _described(element: DataElement, rules: _Rules) -> bool:
    """Clean Descriptors: the known words of a description that are nobody's name; False if none is left."""
    cleaned = []
    for value in _values(element):
        words = [word for word in cleaned_description(value).split() if not holds_word(word, rules.words)]
        cleaned.append(" ".join(words))
    element.value = next(filter(None, cleaned), "")
    return bool(element.value)


def _settle_code(item: Dataset, rules: _Rules) -> None:
    """A coded concept says what its scheme says: the meaning is the dictionary's, or its known words.

    A private scheme's value may be anybody's number, and goes with its meaning.
    """
    scheme = str(item.get("CodingSchemeDesignator") or "").strip()
    if not any(tag in item for tag in _CODE_TEXTS):
        if _SCHEME in item and scheme.upper() not in _PUBLIC_SCHEMES:
            del item[_SCHEME]
        return
    value = str(item.get("CodeValue") or "").strip()
    meaning = str(item.get("CodeMeaning") or "")
    is_public = scheme.upper() in _PUBLIC_SCHEMES and bool(_CODE_VALUE.fullmatch(value))
    for tag in _CODE_TEXTS:
        if tag in item:
            del item[tag]
    if not is_public or is_number_of(value, rules.words) or holds_word(value, rules.words):
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "0", "99REMOVED", "REMOVED"
        return
    known = _meaning_of(scheme, value)
    words = [word for word in cleaned_description(meaning).split() if not holds_word(word, rules.words)]
    item.CodeValue, item.CodeMeaning = value, known or " ".join(words) or "REMOVED"


@cache
def _meanings() -> dict[tuple[str, str], str]:
    """Scheme and value to meaning, of all concepts that pydicom knows."""
    return {
        (code.scheme_designator, code.value): code.meaning
        for scheme in ("SCT", "DCM", "UCUM", "LN", "SRT", "NCIt", "FMA", "RADLEX")
        if hasattr(codes, scheme)
        for code in getattr(codes, scheme).concepts.values()
    }


def _meaning_of(scheme: str, value: str) -> str:
    return _meanings().get((scheme, value), "")


def _date_settled(element: DataElement, rules: _Rules) -> bool:
    """Dates as the options say; those that no option keeps as the table says, and no table: away."""
    tag, vr, options = int(element.tag), element.VR, rules.options
    action = _actions().get(tag, "")
    optional = tag not in _NO_DATE_OPTION
    if optional and options.full_dates:
        form = {"DA": _FULL_DATE, "TM": _TIME, "DT": _DATE_TIME}[vr]
        if tag in _actions():
            kept = [value if form.fullmatch(value.strip().replace(":", "")) else "" for value in _values(element)]
            element.value = kept if len(kept) > 1 else (kept or [""])[0]
            return True
    if optional and options.modified_dates:
        if vr == "TM":
            return _dummy_time(element, action)
        element.value = _mapped(element.value, lambda date: _shifted(date, rules.shift))
        return True
    if action.startswith("X") and action not in ("X/Z/D", "X/Z") or not action:
        return False
    if "D" in action:
        element.value = _DUMMY_DATE_TIME if vr == "DT" else _DUMMY[vr]
        return True
    element.value = ""
    return True


def _dummy_time(element: DataElement, action: str) -> bool:
    """Times of day are not shifted but emptied: a shift by whole days would leave them."""
    if action == "X":
        return False
    element.value = _DUMMY["TM"] if "D" in action or not action else ""
    return True


def _sequence_settled(element: DataElement, action: str, rules: _Rules) -> bool:
    tag = int(element.tag)
    if action in ("", "X/Z/U*") or tag in _kept_by_option(rules.options):
        for item in element.value:
            _clean(item, rules)
        if element.keyword in _TABLES:
            element.value = Sequence([item for item in element.value if "LUTData" in item])
            return len(element.value) > 0
        return True
    if action.startswith("X"):
        return False
    element.value = Sequence()
    return True


def _private_creators(dataset: Dataset) -> dict[tuple[int, int], str]:
    """(group, block) to creator of the private blocks of one data set."""
    return {
        (tag.group, tag.element): str(dataset[tag].value)
        for tag in list(dataset.keys())
        if tag.is_private and 0x10 <= tag.element <= 0xFF and dataset[tag].VR in ("LO", "UN")
    }


def _private_settled(dataset: Dataset, tag: BaseTag, creators: dict[tuple[int, int], str], rules: _Rules) -> bool:
    """Retain Safe Private: numbers of attributes on the list; their creator stays until it is known whether any did."""
    if not creators:
        return False
    try:
        element = dataset[tag]
        if (tag.group, tag.element) in creators:
            return is_safe_creator(creators[(tag.group, tag.element)])
        creator = creators.get((tag.group, tag.element >> 8), "")
        if not is_safe_private(creator, tag.group, tag.element & 0xFF) or element.VR not in NUMERIC_VRS:
            return False
        values = _values(element)
        sound = all(_FINITE.fullmatch(value.strip()) for value in values) and len(values) <= _MOST_PRIVATE_VALUES
        return sound and _are_sound_numbers(element.VR, values, rules.words)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 what cannot be parsed cannot be judged
        return False


def _drop_lone_creators(dataset: Dataset) -> None:
    """A creator without attributes says only who might have said something."""
    private = [tag for tag in dataset.keys() if tag.is_private]  # noqa: SIM118 a Dataset iterates over elements
    used = {(tag.group, tag.element >> 8) for tag in private if tag.element > 0xFF}
    for tag in private:
        if tag.element <= 0xFF and (tag.group, tag.element) not in used:
            del dataset[tag]


def _age_capped(element: DataElement) -> bool:
    told = str(element.value or "").strip()
    age = capped_age(told)
    if age and age != told:
        element.value = age
    return bool(age)


def capped_age(age: str) -> str:
    """A DICOM age string, 090Y for 90 years and more (45 CFR 164.514(b)(2)(i)(C)); "" where it is none."""
    years = age_in_years(age) if _AGE.fullmatch(age) else None
    if years is None:
        return ""
    return f"{_OLDEST:03d}Y" if years >= _OLDEST else age


def _emptied(element: DataElement) -> bool:
    if element.VR in _TEXT_VRS or element.VR in ("PN", "AS", "DS", "IS", "UR"):
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


def _values(element: DataElement) -> list[str]:
    value = element.value
    if value is None or value == "":
        return []
    return [str(one) for one in value] if isinstance(value, MultiValue | list | tuple) else [str(value)]


def _mapped(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, MultiValue | list):
        return [change(str(item)) for item in value]
    return change(str(value)) if value else ""


def _remapped(uid: str, key: str) -> str:
    """A new UID for what names an instance; the standard's own UIDs (classes, syntaxes) stay."""
    bare = uid.strip().strip("\0")
    if bare in UID_dictionary or not bare:
        return bare
    return keyed_uid(key, "uid", bare)


def _is_device_uid(uid: str, words: frozenset[str]) -> bool:
    """Whether this may be a device's UID: below a root that a device can have, and without anybody's number in it."""
    return set(uid) <= set("0123456789.") and not uid.startswith(_DICOM_ROOT) and not holds_word(uid, words)


def _shifted(date: str, shift: timedelta) -> str:
    """The date some days earlier, without its time; nothing if it is no full date."""
    found = _DATE.match(date.replace(".", ""))
    if found is None:
        return ""
    try:
        return (datetime.strptime(found.group(), "%Y%m%d") - shift).strftime("%Y%m%d")
    except (ValueError, OverflowError):
        return ""
