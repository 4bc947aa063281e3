"""The words by which a file names its people, collected before they are removed, and searched in every text that is kept."""

from __future__ import annotations

import re
import struct
from typing import Final

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

_LETTERS: Final = re.compile(r"[^\W_]+", re.UNICODE)
_IDENTIFIERS: Final = frozenset(
    {
        "PatientID",
        "OtherPatientIDs",
        "AccessionNumber",
        "StudyID",
        "AdmissionID",
        "MedicalRecordLocator",
        "PatientTelephoneNumbers",
        "PatientBirthDate",
        "MilitaryRank",
        "PatientAddress",
        "IssuerOfPatientID",
        "InstitutionName",
        "InstitutionAddress",
        "StationName",
        "RequestingService",
    }
)
PACKING: Final = {"US": "<H", "SS": "<h", "UL": "<L", "SL": "<l", "UV": "<Q", "SV": "<q", "FL": "<f", "FD": "<d"}
_WHOLE: Final = frozenset(PACKING) - {"FL", "FD"}
_ENCODINGS: Final = ("utf-8", "latin-1", "gb18030", "shift_jis", "iso2022_jp", "euc_kr", "iso8859_5", "utf-16-le")
_LONG_TEXT: Final = re.compile(rb"[ -~]{12}")
"""Twelve bytes of plain text in a row: seven times in a million among the bytes of honest numbers."""
_NAMES: Final = frozenset({"PatientMotherBirthName", "PatientBirthName", "OtherPatientNames", "PersonName"})
_SHORTEST_NAME: Final = 3
_SHORTEST_NUMBER: Final = 5
_PLACEHOLDERS: Final = "anon anonymous anonymized anonymised unknown none null phantom test patient name the and for mrs"
_NOBODY: Final = frozenset(_PLACEHOLDERS.split())
_DATE: Final = re.compile(r"(?<!\d)(?:19|20)\d\d(?:[-./]?)(?:0[1-9]|1[0-2])(?:[-./]?)(?:0[1-9]|[12]\d|3[01])(?!\d)")
_SHAPES: Final = re.compile(r"[\^@\\]|://|\d{6}|\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d(?!\d)")


def identity_words(dataset: Dataset, further: tuple[str, ...] = ()) -> frozenset[str]:
    """Names (words of three letters or more) and identifiers of the file, casefolded; `further`: known from elsewhere."""
    found: set[str] = set()
    for text in further:
        _take_identifier(text, found)
    _collect(dataset, found)
    return frozenset(found - _NOBODY)


def names_somebody(text: str, words: frozenset[str]) -> bool:
    """Whether a text holds one of the words, or the shape of a name, an address, a date or a long number."""
    if not text.isascii() or not text.isprintable() or _SHAPES.search(text) or _DATE.search(text):
        return True
    return holds_word(text, words)


def holds_word(text: str, words: frozenset[str]) -> bool:
    """Whether one of the words occurs in the text, also as a part of a longer word if it has four letters or more."""
    folded = text.casefold()
    whole = set(_LETTERS.findall(folded))
    return any(word in whole or (len(word) > _SHORTEST_NAME and word in folded) for word in words)


def is_number_of(value: object, words: frozenset[str]) -> bool:
    """Whether a number is, digit for digit, one of the identifiers."""
    text = str(value).strip()
    digits = text.removesuffix(".0")
    return len(digits) >= _SHORTEST_NUMBER and (digits in words or text in words)


def spells_somebody(vr: str, values: list[str], words: frozenset[str]) -> bool:
    """Whether the bytes of binary numbers are text: a name may be written where a reader of the file expects numbers."""
    packed = b"".join(_packed(vr, value) for value in values)
    if len(packed) < _SHORTEST_NUMBER:
        return False
    if _LONG_TEXT.search(packed) or any(holds_word(packed.decode(code, "ignore"), words) for code in _ENCODINGS):
        return True
    # Whole numbers of one letter each, whatever their width.
    return vr in _WHOLE and len(values) > _SHORTEST_NAME and holds_word(packed.replace(b"\0", b"").decode("latin-1"), words)


def _packed(vr: str, value: str) -> bytes:
    if vr == "AT":
        tag = int(value.strip("()").replace(",", ""), 16)
        return struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    number = float(value) if vr in ("FL", "FD") else int(value)
    try:
        return struct.pack(PACKING[vr], number)
    except (OverflowError, struct.error):
        return value.encode()


def _collect(dataset: Dataset, found: set[str]) -> None:
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 what cannot be parsed is removed, not searched
            continue
        if element.VR == "SQ":
            for item in element.value:
                _collect(item, found)
        elif element.VR == "PN" or element.keyword in _NAMES:
            for name in _values(element):
                found.update(word for word in _LETTERS.findall(name.casefold()) if _is_telling(word))
        elif element.keyword in _IDENTIFIERS:
            for text in _values(element):
                _take_identifier(text, found)


def _take_identifier(text: str, found: set[str]) -> None:
    whole = " ".join(text.casefold().split())
    if len(whole) >= _SHORTEST_NUMBER - 1:
        found.add(whole)
    digits = "".join(filter(str.isdigit, whole))
    if len(digits) >= _SHORTEST_NUMBER and digits.isascii():
        found.add(digits)
    found.update(word for word in _LETTERS.findall(whole) if len(word) >= _SHORTEST_NUMBER and any(map(str.isdigit, word)))


def _is_telling(word: str) -> bool:
    """A short word of letters alone is no name; of scripts that write a name in two signs, any is."""
    return len(word) >= _SHORTEST_NAME or (not word.isascii() and len(word) > 1)


def _values(element: DataElement) -> list[str]:
    value = element.value
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, MultiValue | list | tuple) else [str(value)]
