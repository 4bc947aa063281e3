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


class SubgroupSerializer(serializers.Serializer[object]):
    """A group of cases, or of lesions; `start` and `end` bound a size. An empty `group`: what no header states."""

    dimension = serializers.CharField()
    group = serializers.CharField(allow_blank=True)
    unit = serializers.CharField(allow_blank=True)
    start = serializers.FloatField(allow_null=True)
    end = serializers.FloatField(allow_null=True)
    n_cases = serializers.IntegerField()
    n_patients = serializers.IntegerField()
    metrics = MetricSerializer(many=True)
    note = serializers.CharField(allow_blank=True)


class EvaluationSerializer(serializers.Serializer[object]):
    """The numbers of a version on one split."""

    split = serializers.CharField()
    created_at = serializers.DateTimeField()
    n_cases = serializers.IntegerField()
    n_patients = serializers.IntegerField()
    metrics = MetricSerializer(many=True)
    curves = serializers.DictField(
        help_text="froc: [false positives per image, sensitivity, threshold]; froc_band: [false positives per image, "
        "low, high]; reliability: [{name, raw, calibrated, note}]; size_cuts: {unit, low, high}."
    )
    subgroups = SubgroupSerializer(many=True)


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


class CaseFilterSerializer(serializers.Serializer[object]):
    """Which cases of an evaluation; all without a word. `threshold` is the version's display threshold unless said."""

    threshold = serializers.FloatField(required=False, min_value=0, max_value=1)
    wrong = serializers.BooleanField(default=False, help_text="Only cases with an error at the threshold.")
    dimension = serializers.CharField(default="", allow_blank=True)
    group = serializers.CharField(default="", allow_blank=True)
    score = serializers.CharField(default="", allow_blank=True, help_text="lesion, or the name of an output per image.")
    calibrated = serializers.BooleanField(default=False, help_text="low and high are of the calibrated score.")
    low = serializers.FloatField(default=0.0)
    high = serializers.FloatField(default=1.0)


class EvaluatedCaseSerializer(serializers.Serializer[object]):
    """How a version did in one case, at the threshold that was asked for; Dice and HD95 at the display threshold."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    thumbnail = serializers.CharField()
    dice = serializers.FloatField(allow_null=True)
    hd95 = serializers.FloatField(allow_null=True)
    unit = serializers.CharField()
    lesions = serializers.IntegerField()
    missed = serializers.IntegerField()
    false_positives = serializers.IntegerField()


class EvaluatedCasesSerializer(serializers.Serializer[object]):
    """The cases that were asked for, worst first; `blinded` counts those that the caller is still to read blinded."""

    threshold = serializers.FloatField()
    total = serializers.IntegerField()
    blinded = serializers.IntegerField()
    cases = EvaluatedCaseSerializer(many=True)
