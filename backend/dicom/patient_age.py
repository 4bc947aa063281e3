"""Ages as DICOM writes them."""

from __future__ import annotations

import re
from typing import Final

_YEARS: Final = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}


def age_in_years(age: str) -> float | None:
    """Years of a DICOM age string (PS3.5 section 6.2, VR AS: 045Y, 018M, …); None where it is none."""
    found = re.fullmatch(r"(\d{1,3})([YMWD])", age.strip().upper())
    return int(found[1]) * _YEARS[found[2]] if found else None
