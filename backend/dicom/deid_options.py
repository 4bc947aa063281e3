"""The options of the Basic Profile (PS3.15 E.3) that an archive can choose, and what a file then says was done to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final

from backend.dicom.refusal import Refused

VERSION: Final = 2
"""Of the rules, recorded with every import; raised when they change."""

_CODES: Final = {
    "clean_pixels": ("113101", "Clean Pixel Data Option"),
    "clean_descriptors": ("113105", "Clean Descriptors Option"),
    "full_dates": ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    "modified_dates": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "patient_characteristics": ("113108", "Retain Patient Characteristics Option"),
    "device_identity": ("113109", "Retain Device Identity Option"),
    "safe_private": ("113111", "Retain Safe Private Option"),
    "institution_identity": ("113112", "Retain Institution Identity Option"),
}
CLEAN_PIXELS: Final = _CODES["clean_pixels"]
_BASIC: Final = ("113100", "Basic Application Confidentiality Profile")
_WORDS: Final = {
    "clean_pixels": "pixels cleaned",
    "clean_descriptors": "descriptors cleaned",
    "full_dates": "full dates",
    "modified_dates": "dates modified",
    "patient_characteristics": "patient characteristics",
    "device_identity": "device",
    "safe_private": "safe private",
    "institution_identity": "institution",
}
DEFAULT_OPTIONS: Final = ("modified_dates",)


@dataclass(frozen=True, slots=True)
class DeidOptions:
    """Which options are on; none: the Basic Profile alone, which removes all dates."""

    modified_dates: bool = False
    full_dates: bool = False
    clean_descriptors: bool = False
    patient_characteristics: bool = False
    device_identity: bool = False
    institution_identity: bool = False
    safe_private: bool = False
    clean_pixels: bool = False

    @property
    def names(self) -> list[str]:
        """The options that are on, in the order in which they are told."""
        return [name for name in OPTION_NAMES if getattr(self, name)]

    def codes(self, *, pixels_cleaned: bool) -> list[tuple[str, str]]:
        """Code and meaning of what was done (PS3.16 CID 7050); `pixels_cleaned`: the pixels of this very file."""
        done = [name for name in self.names if name != "clean_pixels" or pixels_cleaned]
        return [_BASIC, *(_CODES[name] for name in done)]

    def method(self, *, pixels_cleaned: bool) -> list[str]:
        """Values of De-identification Method (0012,0063), LO: each at most 64 characters."""
        done = [_WORDS[name] for name in self.names if name != "clean_pixels" or pixels_cleaned]
        values, line = [], f"Overread {VERSION}: PS3.15 E.1 Basic Profile"
        for word in done:
            if len(line) + len(word) + 2 > 64:
                values.append(line)
                line = word
            else:
                line = f"{line}, {word}"
        return [*values, line]


OPTION_NAMES: Final = tuple(option.name for option in fields(DeidOptions))


def deid_options(names: Iterable[str]) -> DeidOptions:
    """Options by their names; Refused for an unknown name or for two ways with dates at once."""
    chosen = list(names)
    unknown = sorted(set(chosen) - set(OPTION_NAMES))
    if unknown:
        raise Refused(f"Unknown options of de-identification: {', '.join(unknown)}.")
    if {"modified_dates", "full_dates"} <= set(chosen):
        raise Refused("Dates can be kept or modified, not both.")
    return DeidOptions(**dict.fromkeys(chosen, True))
