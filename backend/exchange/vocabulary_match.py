"""The finding types that foreign readings need: found by code or name, else added to the project's vocabulary."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError

from backend.dicom.refusal import Refused
from backend.exchange.foreign import Code
from backend.projects.attributes import attribute_fits
from backend.projects.models import FindingType, Project
from backend.projects.services import add_finding_type, update_finding_type

_KEYS: Final = "123456789"
_DEFAULT: Final = "Lesion"
_MOST_VALUES: Final = 20
_LONGEST: Final = 60
"""What the vocabulary takes of an attribute's name and values (`backend.projects.serializers`)."""


def finding_type_named(project: Project, scope: str, name: str, code: Code = Code()) -> FindingType:
    """The project's type of this code, else of this name (a type in use before a retired one), else a new one.

    Refused where the vocabulary cannot take it.
    """
    name = " ".join(name.split())[:80] or code.meaning[:80] or _DEFAULT
    types = list(FindingType.objects.filter(project=project, scope=scope))
    types.sort(key=lambda one: one.retired_in_version is not None)
    if code.scheme and code.value:
        coded = [one for one in types if (one.code_scheme, one.code_value) == (code.scheme, code.value)]
        # One code may have several types (a nodule, a spiculated nodule): the name decides between them.
        named = [one for one in coded if one.name.casefold() == name.casefold()]
        if coded:
            return (named or coded)[0]
    found = next((one for one in types if one.name.casefold() == name.casefold()), None)
    if found is not None:
        return found
    taken = set(FindingType.objects.filter(project=project).values_list("key", flat=True))
    fields = {
        "scope": scope,
        "name": name,
        "key": next((key for key in _KEYS if key not in taken), ""),
        "code_scheme": code.scheme[:16],
        "code_value": code.value[:32],
        "code_meaning": code.meaning[:120],
    }
    try:
        return add_finding_type(project=project, fields=fields, by=None)
    except ValidationError as error:
        raise Refused(f"The vocabulary has no room for the finding {name}: {'; '.join(error.messages)}") from error


class AttributeWishes:
    """What lesions say by attributes, gathered so that a type's vocabulary changes once an import."""

    def __init__(self) -> None:
        self._wanted: dict[int, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
        self._numbers: dict[int, set[str]] = defaultdict(set)

    def note(self, finding_type: FindingType, attributes: Mapping[str, Any]) -> dict[str, str]:
        """The attributes as a lesion stores them; Refused where a number is out of its attribute's limits."""
        known = {one["name"]: one for one in finding_type.attributes}
        stored: dict[str, str] = {}
        for given, value in attributes.items():
            name = " ".join(str(given).split())[:200]
            text = attribute_text(value)
            if not name or not text:
                continue
            own = known.get(name)
            if own is not None and own.get("number") is not None and not attribute_fits(own, text):
                raise Refused(f"Its {name} is {text}, which {finding_type.name} does not allow.")
            stored[name] = text
            if own is None and not isinstance(value, bool) and isinstance(value, int | float):
                self._numbers[finding_type.pk].add(name)
            if own is None or not attribute_fits(own, text):
                self._wanted[finding_type.pk][name][text] = None
        return stored

    def settle(self, project: Project) -> None:
        """Write what is new into the vocabulary: attributes, and values of attributes.

        What is no list of values (too many, too long: free text) stays with its lesions only.
        """
        for pk, wanted in self._wanted.items():
            finding_type = FindingType.objects.get(pk=pk)
            attributes = [dict(one) for one in finding_type.attributes]
            for name, values in wanted.items():
                _extend(attributes, name, list(values), is_number=name in self._numbers[pk])
            if attributes != finding_type.attributes:
                update_finding_type(project=project, finding_type=finding_type, fields={"attributes": attributes}, by=None)
        self._wanted.clear()


def _extend(attributes: list[dict[str, Any]], name: str, values: list[str], *, is_number: bool) -> None:
    if len(name) > _LONGEST:
        return
    own = next((one for one in attributes if one["name"] == name), None)
    if own is None and is_number:
        number = {"unit": "", "least": None, "most": None}
        attributes.append({"name": name, "values": [], "number": number, "required": False})
        return
    before = own.get("values", []) if own is not None else []
    after = [*before, *(value for value in values if value not in before)]
    if len(after) > _MOST_VALUES or any(len(value) > _LONGEST for value in after):
        return
    if own is not None:
        own["values"] = after
    else:
        attributes.append({"name": name, "values": after, "number": None, "required": False})


def attribute_text(value: object) -> str:
    """An attribute's value as it is stored: text, a number without exponent."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return " ".join(str(value).split())[:500] if value is not None else ""
