"""Shapes of click-to-segment in the API."""

from __future__ import annotations

import math
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from backend.readings.lesion_check import MAX_CLICKS, MAX_STROKE_PLACES, MAX_STROKES
from backend.readings.serializers import GenericNetworkSerializer

PAIR = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}


@extend_schema_field(PAIR)
class PlaceField(serializers.ListField):
    """A place on the image: [column, row], the top-left corner is (0, 0)."""

    child = serializers.FloatField()

    def __init__(self, **more: Any) -> None:
        super().__init__(min_length=2, max_length=2, **more)

    def to_internal_value(self, data: Any) -> list[float]:
        """Two finite numbers."""
        place: list[float] = super().to_internal_value(data)
        if not all(math.isfinite(value) for value in place):
            raise serializers.ValidationError("A coordinate is not a finite number.")
        return place


class PromptStrokeSerializer(serializers.Serializer[Any]):
    """A stroke of the pointer over the lesion, or with `positive` false beside it: the places through which it went."""

    positive = serializers.BooleanField()
    points = serializers.ListField(child=PlaceField(), min_length=2, max_length=MAX_STROKE_PLACES)


class PromptSerializer(serializers.Serializer[Any]):
    """Where a reader points on one frame: clicks on the lesion, clicks beside it, strokes, a box around it (two corners)."""

    sop_instance_uid = serializers.CharField(max_length=64)
    frame = serializers.IntegerField(default=1, min_value=1)
    positive = serializers.ListField(child=PlaceField(), max_length=MAX_CLICKS, required=False, default=list)
    negative = serializers.ListField(child=PlaceField(), max_length=MAX_CLICKS, required=False, default=list)
    strokes = serializers.ListField(child=PromptStrokeSerializer(), max_length=MAX_STROKES, required=False, default=list)
    box = serializers.ListField(
        child=PlaceField(), min_length=2, max_length=2, required=False, allow_null=True, default=None
    )

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        """Something of the lesion must be pointed at, and a box have an inside."""
        box = given["box"]
        if not given["positive"] and not box and not any(stroke["positive"] for stroke in given["strokes"]):
            raise serializers.ValidationError("Click on the lesion, draw a stroke over it, or a box around it.")
        if box and (abs(box[0][0] - box[1][0]) < 1 or abs(box[0][1] - box[1][1]) < 1):
            raise serializers.ValidationError("The box is smaller than a pixel.")
        return given


class SegmentMaskSerializer(serializers.Serializer[Any]):
    """A mask in the series grid, cropped: its first voxel [frame, row, column], its shape, its run-length blob in base64."""

    origin = serializers.ListField(child=serializers.IntegerField(), min_length=3, max_length=3)
    shape = serializers.ListField(child=serializers.IntegerField(), min_length=3, max_length=3)
    runs = serializers.CharField()


class SegmentSerializer(serializers.Serializer[Any]):
    """What the model version, or a general-purpose network (`version` null), makes of a prompt; no mask: it sees nothing."""

    version = serializers.IntegerField(allow_null=True)
    generic = GenericNetworkSerializer(allow_null=True)
    mask = SegmentMaskSerializer(allow_null=True)
