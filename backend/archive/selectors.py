"""Reads archives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from backend.archive.models import Instance, Series


def pixels_version(frames_key: str) -> str:
    """A name for the pixels that are stored there, for addresses: other pixels, another name."""
    return frames_key.rsplit("/", 1)[-1][:16]


def with_pixels_version(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of an instance for a page: in place of `frames_key`, which is nobody's business, `pixels`."""
    told = {name: value for name, value in row.items() if name != "frames_key"}
    return {**told, "pixels": pixels_version(row["frames_key"])}


def in_arrival_order(series: Series) -> QuerySet[Instance]:
    """A series' instances by instance number, before their place in space is known."""
    fields = ("position", "instance_number", "sop_instance_uid", "number_of_frames", "dicom_json", "series_id")
    return Instance.objects.filter(series=series).only(*fields).order_by("instance_number", "sop_instance_uid")
