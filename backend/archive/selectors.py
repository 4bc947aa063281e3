"""Reads archives."""

from __future__ import annotations

from django.db.models import QuerySet

from backend.archive.models import Instance, Series


def in_arrival_order(series: Series) -> QuerySet[Instance]:
    """A series' instances by instance number, before their place in space is known."""
    fields = ("position", "instance_number", "sop_instance_uid", "number_of_frames", "dicom_json", "series_id")
    return Instance.objects.filter(series=series).only(*fields).order_by("instance_number", "sop_instance_uid")
