"""Attributes of a finding type: what a value must look like, and which ones a lesion still has to say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

NUMBER: Final = re.compile(r"-?\d{1,9}(\.\d{1,6})?")
"""A number as it is stored: decimal point, no exponent."""


def attribute_document(attribute: Mapping[str, Any]) -> dict[str, Any]:
    """An attribute as the API tells it; entries made before numbers and required ones existed have neither."""
    return {
        "name": attribute["name"],
        "values": attribute.get("values", []),
        "number": attribute.get("number"),
        "required": attribute.get("required", False),
    }


def attribute_fits(attribute: Mapping[str, Any], value: str) -> bool:
    """Whether a lesion may say this value: one of the listed, or a number within its limits."""
    number = attribute.get("number")
    if number is None:
        return value in attribute["values"]
    if not NUMBER.fullmatch(value):
        return False
    least, most = number.get("least"), number.get("most")
    return (least is None or float(value) >= least) and (most is None or float(value) <= most)


def unsaid_attributes(attributes: Sequence[Mapping[str, Any]], said: Mapping[str, str]) -> list[str]:
    """Names of the required attributes that say nothing yet, in the vocabulary's order."""
    return [one["name"] for one in attributes if one.get("required") and not said.get(one["name"])]


def attribute_problem(attributes: Sequence[Mapping[str, Any]]) -> str | None:
    """Why these cannot be a finding type's attributes; None where they can."""
    names = [attribute["name"] for attribute in attributes]
    if len(set(names)) != len(names):
        return "Two attributes have the same name."
    for attribute in attributes:
        values, number = attribute.get("values", []), attribute.get("number")
        if number is None and (not values or len(set(values)) != len(values)):
            return "An attribute needs values, each once."
        if number is not None and values:
            return "An attribute is a number or has values, not both."
        if number is not None and None not in (number["least"], number["most"]) and number["least"] >= number["most"]:
            return "The least number of an attribute is below its most."
    return None
