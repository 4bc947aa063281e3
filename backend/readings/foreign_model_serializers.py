"""What the endpoints of foreign models take and give."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from backend.readings.models import MarkKind
from backend.readings.serializers import AttributesField, MaskSerializer, PointsField

MAX_PREDICTED: Final = 1000


class ForeignModelInSerializer(serializers.Serializer[Any]):
    """A model that is run elsewhere; name and version together name it for ever."""

    name = serializers.CharField(max_length=80)
    version = serializers.CharField(max_length=60)
    description = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")
    display_threshold = serializers.FloatField(
        min_value=0, max_value=1, required=False, default=0.5, help_text="The least score that a reader is shown."
    )


class ForeignModelChoiceSerializer(serializers.Serializer[Any]):
    """Whether readers are shown its findings, instead of those of the version that serves."""

    is_shown = serializers.BooleanField()


class ForeignModelSerializer(serializers.Serializer[Any]):
    """A foreign model as a reader of the project."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.CharField()
    description = serializers.CharField()
    display_threshold = serializers.FloatField()
    is_shown = serializers.BooleanField()
    reader = serializers.IntegerField(help_text="The reader's id.")
    cases_read = serializers.IntegerField()
    registered_by = serializers.CharField()
    created_at = serializers.DateTimeField()


class PredictedLesionSerializer(serializers.Serializer[Any]):
    """A lesion that the model found: points in SCOORD convention, or a mask whose blob was stored before."""

    finding_type = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=MarkKind.choices)
    sop_instance_uid = serializers.CharField(max_length=64)
    frame = serializers.IntegerField(default=1)
    points = PointsField(required=False)
    mask = MaskSerializer(required=False, allow_null=True, default=None)
    attributes = AttributesField(required=False, default=dict)
    score = serializers.FloatField(min_value=0, max_value=1)


class PredictionSerializer(serializers.Serializer[Any]):
    """All that the model found in a case. The same `revision_id` again is answered as it was the first time."""

    revision_id = serializers.UUIDField()
    lesions = PredictedLesionSerializer(many=True)
    image_findings = serializers.DictField(
        child=serializers.FloatField(min_value=0, max_value=1),
        required=False,
        default=dict,
        help_text="Score by the finding type's id.",
    )

    def validate_lesions(self, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A model that finds more is broken, or shows what nobody can decide."""
        if len(given) > MAX_PREDICTED:
            raise serializers.ValidationError(
                f"{len(given)} lesions are too many for one case; the limit is {MAX_PREDICTED}."
            )
        return given


class StoredPredictionSerializer(serializers.Serializer[Any]):
    """What was stored, in numbers."""

    reading = serializers.UUIDField()
    case = serializers.UUIDField()
    revision = serializers.IntegerField()
    lesions = serializers.IntegerField()
    image_findings = serializers.IntegerField()


class PredictedCaseSerializer(serializers.Serializer[Any]):
    """A case that the model has read."""

    case = serializers.UUIDField()
    name = serializers.CharField()
    revision = serializers.IntegerField()
    revision_id = serializers.UUIDField()
    written_at = serializers.DateTimeField()


class PredictedCasesSerializer(serializers.Serializer[Any]):
    """A page of them."""

    total = serializers.IntegerField()
    results = PredictedCaseSerializer(many=True)
