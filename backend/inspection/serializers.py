"""Shapes of inspections in the API."""

from __future__ import annotations

from rest_framework import serializers

STATES = ("none", "queued", "running", "failed", "ready")


class AskedSerializer(serializers.Serializer[object]):
    """Which image of the case, counted from 1 in its reading order."""

    frame = serializers.IntegerField(default=1, min_value=1)
    lesion = serializers.UUIDField(required=False, help_text="A lesion that a person marked: only its saliency.")


class MarkedLesionSerializer(serializers.Serializer[object]):
    """A lesion on the image that a person marked and the caller may see."""

    id = serializers.UUIDField()
    finding_type = serializers.IntegerField()
    reader = serializers.CharField()


class InspectedCaseSerializer(serializers.Serializer[object]):
    """The case that is looked at."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class InspectedImageSerializer(serializers.Serializer[object]):
    """Where the image itself is to be had by DICOMweb; `frames`: how many the case has.

    `ct_window`: center and width in HU through which the version sees CT; null of one that has no window of its own.
    """

    study = serializers.CharField()
    series = serializers.CharField()
    sop_instance_uid = serializers.CharField()
    frame = serializers.IntegerField()
    frames = serializers.IntegerField()
    modality = serializers.CharField()
    ct_window = serializers.ListField(child=serializers.FloatField(), allow_null=True)


class InspectionSerializer(serializers.Serializer[object]):
    """How far an inspection is, and once it is made what there is to see."""

    state = serializers.ChoiceField(choices=STATES)
    error = serializers.CharField(allow_blank=True)
    case = InspectedCaseSerializer()
    frame = serializers.IntegerField()
    image = InspectedImageSerializer()
    lesions = MarkedLesionSerializer(many=True)
    seen = serializers.DictField(
        allow_null=True,
        help_text="input, parameters, layers and targets; an array is {offset, type, shape}: bytes of the pictures, "
        "little-endian. See docs/learning.md.",
    )


class InspectableCaseSerializer(serializers.Serializer[object]):
    """A case to choose."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    thumbnail = serializers.CharField()


class InspectableCasesSerializer(serializers.Serializer[object]):
    """Cases that the caller may look into; `hidden`: those that he is still to read without the model."""

    total = serializers.IntegerField()
    hidden = serializers.IntegerField()
    cases = InspectableCaseSerializer(many=True)
