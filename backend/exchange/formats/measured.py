"""A reading's measurements in formats that are text: as they are stored, with what they measure, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backend.exchange.export_selection import ImageFrame
from backend.exchange.foreign import ForeignMeasurement, ImageReference
from backend.geometry.measurements import measured_values


def measured_frame(stored: Mapping[str, Any], frames: Sequence[ImageFrame]) -> ImageFrame:
    """The picture that a stored measurement lies on."""
    place = (stored["sop_instance_uid"], stored["frame"])
    return next(frame for frame in frames if (frame.sop_instance_uid, frame.number) == place)


def measurement_entry(stored: Mapping[str, Any], frames: Sequence[ImageFrame]) -> dict[str, Any]:
    """A measurement with what it measures; no lesion, so no annotation."""
    spacing = measured_frame(stored, frames).spacing
    return {**stored, "values": measured_values(kind=stored["kind"], points=stored["points"], spacing=spacing)}


def foreign_measurement(entry: Mapping[str, Any], image: ImageReference) -> ForeignMeasurement:
    """What `measurement_entry` wrote, on this picture; KeyError, TypeError or ValueError where it is none."""
    points = [[float(value) for value in point] for point in entry["points"]]
    return ForeignMeasurement(str(entry["kind"]), image, points, str(entry.get("text") or ""))
