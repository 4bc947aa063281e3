"""DICOM JSON (PS3.18 F) as XML of the Native DICOM Model (PS3.19 A.1)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from pydicom.datadict import keyword_for_tag

XML_TYPE: Final = "application/dicom+xml"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE: Final = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_NAME_PARTS: Final = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
# What XML 1.0 cannot say, not even escaped.
_UNSAYABLE: Final = {code: None for code in (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000))}


def native_xml(dataset: Mapping[str, Any]) -> bytes:
    """One data set as an XML document."""
    return (
        f'{_HEAD}<NativeDicomModel xmlns="{_NAMESPACE}" xml:space="preserve">{_items(dataset)}</NativeDicomModel>'.encode()
    )


def _items(dataset: Mapping[str, Any]) -> str:
    return "".join(_attribute(tag, dataset[tag], dataset) for tag in sorted(dataset))


def _attribute(tag: str, element: Mapping[str, Any], dataset: Mapping[str, Any]) -> str:
    vr = element["vr"]
    named = f" keyword={quoteattr(keyword)}" if (keyword := _keyword(tag)) else ""
    creator = _creator(tag, dataset)
    owned = f" privateCreator={quoteattr(creator.translate(_UNSAYABLE))}" if creator else ""
    return f'<DicomAttribute tag="{tag}" vr="{vr}"{named}{owned}>{_content(vr, element)}</DicomAttribute>'


@cache
def _keyword(tag: str) -> str:
    return str(keyword_for_tag(int(tag, 16)))


def _creator(tag: str, dataset: Mapping[str, Any]) -> str:
    """The private creator of a private element's block (PS3.5 7.8.1)."""
    group, block = tag[:4], tag[4:6]
    if int(group, 16) % 2 == 0 or block == "00":
        return ""
    values = dataset.get(f"{group}00{block}", {}).get("Value") or [""]
    return str(values[0])


def _content(vr: str, element: Mapping[str, Any]) -> str:
    if "InlineBinary" in element:
        return f"<InlineBinary>{element['InlineBinary']}</InlineBinary>"
    if "BulkDataURI" in element:
        return f"<BulkData uri={quoteattr(str(element['BulkDataURI']))}/>"
    return "".join(_value(vr, number, value) for number, value in enumerate(element.get("Value", ()), 1))


def _value(vr: str, number: int, value: Any) -> str:
    if vr == "SQ":
        return f'<Item number="{number}">{_items(value or {})}</Item>'
    if value is None or value == "":
        # An empty value among others keeps its place by the number of those that follow.
        return ""
    if vr == "PN":
        return f'<PersonName number="{number}">{_name(value)}</PersonName>'
    return f'<Value number="{number}">{_text(value)}</Value>'


def _name(value: Any) -> str:
    groups = value if isinstance(value, Mapping) else {"Alphabetic": str(value)}
    return "".join(f"<{group}>{_name_parts(str(groups[group]))}</{group}>" for group in _GROUPS if groups.get(group))


def _name_parts(text: str) -> str:
    parts = text.split("^")[: len(_NAME_PARTS)]
    return "".join(f"<{name}>{_text(part)}</{name}>" for name, part in zip(_NAME_PARTS, parts, strict=False) if part)


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return escape(str(value).translate(_UNSAYABLE))
