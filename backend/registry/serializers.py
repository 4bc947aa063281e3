"""Shapes of model versions in the API."""

from __future__ import annotations

from rest_framework import serializers

from backend.registry.models import ModelState


class MetricSerializer(serializers.Serializer[object]):
    """A number with its 95 % interval; a null value has its reason in `note`."""

    metric = serializers.CharField()
    finding_type = serializers.IntegerField(allow_null=True)
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n_patients = serializers.IntegerField()
    n_positive = serializers.IntegerField()
    note = serializers.CharField(allow_blank=True)


class EvaluationSerializer(serializers.Serializer[object]):
    """The numbers of a version on one split."""

    split = serializers.CharField()
    created_at = serializers.DateTimeField()
    n_cases = serializers.IntegerField()
    n_patients = serializers.IntegerField()
    metrics = MetricSerializer(many=True)
    curves = serializers.DictField()


class ModelRowSerializer(serializers.Serializer[object]):
    """A model version in the list."""

    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=ModelState.choices)
    created_at = serializers.DateTimeField()
    parent = serializers.IntegerField(allow_null=True)  # type: ignore[assignment]
    n_labels = serializers.IntegerField()
    released_at = serializers.DateTimeField(allow_null=True)
    metrics = MetricSerializer(many=True)
    n_patients = serializers.IntegerField()


class ModelVersionSerializer(serializers.Serializer[object]):
    """A model version with all it takes to make it again."""

    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=ModelState.choices)
    created_at = serializers.DateTimeField()
    parent = serializers.IntegerField(allow_null=True)  # type: ignore[assignment]
    n_labels = serializers.IntegerField()
    snapshot_hash = serializers.CharField()
    seed = serializers.IntegerField()
    code_version = serializers.CharField()
    steps = serializers.IntegerField()
    core_seconds = serializers.FloatField()
    weights_sha256 = serializers.CharField()
    config = serializers.DictField()
    gate = serializers.DictField()
    display_threshold = serializers.FloatField()
    calibration = serializers.DictField()
    released_at = serializers.DateTimeField(allow_null=True)
    evaluations = EvaluationSerializer(many=True)
    holdout_looks = serializers.IntegerField()


class OrderedJobSerializer(serializers.Serializer[object]):
    """The job that was ordered."""

    job = serializers.UUIDField()
