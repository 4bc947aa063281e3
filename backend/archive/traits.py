"""What the header, as stored, or else a table tells of patient and machine: by these a model's error is broken down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from backend.archive.models import Instance, Series
from backend.dicom.header import text
from backend.dicom.patient_age import age_in_years
from backend.dicom.projection import projection_of

AGE_GROUPS: Final = ((18, "0-17"), (40, "18-39"), (60, "40-59"), (75, "60-74"), (200, "75+"))
_SITES: Final = ("ClinicalTrialSiteName", "ClinicalTrialSiteID", "InstitutionName")


def image_traits(series: Series, instance: Instance, told: Mapping[str, str]) -> dict[str, str]:
    """Sex, age group, body part, view, site and scanner of an image (`series` with its study); "" for what is not stated.

    `told`: what tables say of it (`Case.traits`), which counts where the header says nothing.
    """
    stated = _completed(header_traits(series, instance), told)
    return {**stated, "age": age_group(stated["age"])}


def patient_traits(series: Series, told: Mapping[str, str]) -> dict[str, str]:
    """The same of sex, age group and scanner alone, which need no image's header."""
    stated = _completed(_series_traits(series), told)
    return {**stated, "age": age_group(stated["age"])}


def header_traits(series: Series, instance: Instance) -> dict[str, str]:
    """What the header alone says, the age as DICOM writes it (045Y, 018M, …); "" for what it does not."""
    header = json.loads(instance.dicom_json)
    return {
        **_series_traits(series),
        "body_part": series.body_part_examined.strip().upper(),
        "view": projection_of(header).view,
        "site": next(filter(None, (text(header, keyword) for keyword in _SITES)), ""),
    }


def _series_traits(series: Series) -> dict[str, str]:
    return {
        "sex": series.study.patient_sex.strip().upper(),
        "age": series.study.patient_age.strip().upper(),
        "scanner": " ".join(f"{series.manufacturer} {series.manufacturer_model_name}".split()),
    }


def _completed(stated: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    return {name: value or told.get(name, "") for name, value in stated.items()}


def age_group(age: str) -> str:
    """The group of a DICOM age string; "" where it is none."""
    years = age_in_years(age)
    return next((name for end, name in AGE_GROUPS if years is not None and years < end), "")
