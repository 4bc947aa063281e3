"""Values of SEG, SR and RTSTRUCT objects as plain ones: codes, names under a de-identification profile, references."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydicom.dataset import Dataset

from backend.dicom.found import FindingSettings
from backend.dicom.uids import keyed_digest


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; empty where there is none."""
    found = dataset.get(keyword)
    return list(found) if found else []


def plain(value: Any, limit: int = 200) -> str:
    """A value as one line of text."""
    return " ".join(str(value if value is not None else "").replace("\0", "").split())[:limit]


def code_of(dataset: Dataset, keyword: str) -> tuple[str, str, str]:
    """(scheme, value, meaning) of the first code of a sequence; empty texts where there is none."""
    for item in items(dataset, keyword)[:1]:
        value = item.get("CodeValue") or item.get("LongCodeValue") or item.get("URNCodeValue")
        return plain(item.get("CodingSchemeDesignator"), 16), plain(value, 64), plain(item.get("CodeMeaning"), 120)
    return "", "", ""


def reader_name(name: Any, settings: FindingSettings) -> str:
    """A person's name as a reader's: `Doe^John` is `Doe John`; a pseudonym where names may not be kept."""
    text = plain(str(name if name is not None else "").replace("^", " "), 100)
    return text if not text or settings.keeps_texts else reader_pseudonym(text, settings.key)


def reader_pseudonym(name: str, key: str) -> str:
    """What stands for a person's name where the archive of this key de-identifies; the same name is always the same."""
    return f"Reader {keyed_digest(key, 'reader name', name)[:8].upper()}"


def finding_name(label: Any, code: tuple[str, str, str], settings: FindingSettings, fallback: str = "Lesion") -> str:
    """What a type is called: the object's own label where texts may be kept, else what its code means."""
    text = plain(label, 80) if settings.keeps_texts else ""
    return text or code[2] or code[1] or fallback


def unique(values: Iterable[Any]) -> tuple[str, ...]:
    """UIDs in their order, each once, without empty ones."""
    return tuple(dict.fromkeys(text for value in values if (text := plain(value, 64))))


def numbers(value: Any) -> tuple[float, ...]:
    """A multi-valued number as floats; empty where it is none."""
    if value is None or value == "":
        return ()
    try:
        return tuple(float(one) for one in (value if not isinstance(value, int | float | str) else [value]))
    except (TypeError, ValueError):
        return ()
