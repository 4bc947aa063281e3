"""Which slices of a series a reader looked at, in formats that are text: the ranges, and of how many slices they speak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.dicom.refusal import Refused
from backend.exchange.export_selection import ExportCase
from backend.exchange.foreign import SlicesRead
from backend.geometry.slices import joined_slices
from backend.readings.models import Reading


def slices_entry(item: ExportCase, reading: Reading) -> dict[str, Any]:
    """The fields `slices` (how many the case has) and `slices_read` (ranges [first, last] from 0; null: not recorded)."""
    return {"slices": len(item.frames), "slices_read": reading.slices_read}


def slices_of(told: Mapping[str, Any]) -> SlicesRead | None:
    """What `slices_entry` wrote; Refused where it is no list of ranges. `slices` is absent from older exports."""
    ranges = told.get("slices_read")
    if ranges is None:
        return None
    slices = told.get("slices")
    is_count = slices is None or (_is_whole(slices) and slices > 0)
    if not (is_count and isinstance(ranges, list) and all(_is_range(one) for one in ranges)):
        raise Refused("what it says of the slices that were looked at is no list of ranges [first, last].")
    return SlicesRead(joined_slices(ranges), slices)


def _is_range(one: Any) -> bool:
    return isinstance(one, list) and len(one) == 2 and all(_is_whole(end) for end in one) and 0 <= one[0] <= one[1]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
