"""What the header, as stored, tells of patient and machine: by these a model's error is broken down."""

from __future__ import annotations

import json
import re
from typing import Final

from backend.archive.models import Instance, Series
from backend.dicom.header import text
from backend.dicom.projection import projection_of

AGE_GROUPS: Final = ((18, "0-17"), (40, "18-39"), (60, "40-59"), (75, "60-74"), (200, "75+"))
_YEARS: Final = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
_SITES: Final = ("ClinicalTrialSiteName", "ClinicalTrialSiteID", "InstitutionName")


def image_traits(series: Series, instance: Instance) -> dict[str, str]:
    """Sex, age, body part, view, site and scanner of an image (`series` with its study); "" for what is not stated."""
    header = json.loads(instance.dicom_json)
    study = series.study
    return {
        "sex": study.patient_sex.strip().upper(),
        "age": age_group(study.patient_age),
        "body_part": series.body_part_examined.strip().upper(),
        "view": projection_of(header).view,
        "site": next(filter(None, (text(header, keyword) for keyword in _SITES)), ""),
        "scanner": " ".join(f"{series.manufacturer} {series.manufacturer_model_name}".split()),
    }


def age_group(age: str) -> str:
    """The group of a DICOM age string (PS3.5: 045Y, 018M, …); "" where it is none."""
    found = re.fullmatch(r"(\d{1,3})([YMWD])", age.strip().upper())
    if found is None:
        return ""
    years = int(found[1]) * _YEARS[found[2]]
    return next((name for end, name in AGE_GROUPS if years < end), "")
