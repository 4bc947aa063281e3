"""Shapes of model versions in the API."""

from __future__ import annotations

from rest_framework import serializers

from backend.registry.compared_cases import COMPARED
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


class OnnxSerializer(serializers.Serializer[object]):
    """An ONNX file that was exported and checked: the largest difference from the network on so many images."""

    created_at = serializers.DateTimeField()
    sha256 = serializers.CharField()
    bytes = serializers.IntegerField()
    difference = serializers.FloatField()
    tolerance = serializers.FloatField()
    images = serializers.IntegerField()
    noise_images = serializers.IntegerField()
    precision = serializers.CharField()
    onnxruntime = serializers.CharField()
    torch = serializers.CharField()


class ClicksSerializer(serializers.Serializer[object]):
    """The network that answers clicks: outlined lesions it learned from, and how well it outlines those of VALIDATION."""

    lesions = serializers.IntegerField()
    core_seconds = serializers.FloatField()
    measured = MetricSerializer(many=True)


class PromotionSerializer(serializers.Serializer[object]):
    """A version came to serve; `by` is null where the gate let it."""

    created_at = serializers.DateTimeField()
    by = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    instead_of = serializers.IntegerField(allow_null=True)


class ReasonSerializer(serializers.Serializer[object]):
    """Why a person lets another version serve."""

    reason = serializers.CharField(max_length=500)


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
    clicks = ClicksSerializer(allow_null=True)
    gate = serializers.DictField()
    display_threshold = serializers.FloatField()
    calibration = serializers.DictField()
    released_at = serializers.DateTimeField(allow_null=True)
    onnx = OnnxSerializer(allow_null=True)
    promotions = PromotionSerializer(many=True)
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


class ComparisonQuerySerializer(serializers.Serializer[object]):
    """With which version, and by which difference the cases are sorted."""

    other = serializers.IntegerField(min_value=1)
    by = serializers.ChoiceField(choices=COMPARED, default="dice")


class SideSerializer(serializers.Serializer[object]):
    """How one version did in one case, at its display threshold."""

    dice = serializers.FloatField(allow_null=True)
    sensitivity = serializers.FloatField(allow_null=True)
    false_positives = serializers.IntegerField(allow_null=True)
    score = serializers.FloatField(allow_null=True)


class ComparedCaseSerializer(serializers.Serializer[object]):
    """A case as both versions read it; `change` is this one's value minus the other's, null where there is none."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    thumbnail = serializers.CharField()
    lesions = serializers.IntegerField()
    own = SideSerializer()
    others = SideSerializer()
    change = serializers.FloatField(allow_null=True)


class ComparedMetricSerializer(serializers.Serializer[object]):
    """A metric of both versions over the shared cases, and the paired difference with its 95 % interval."""

    metric = serializers.CharField()
    own = serializers.FloatField(allow_null=True)
    others = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n_cases = serializers.IntegerField()
    n_patients = serializers.IntegerField()
    better = serializers.IntegerField()
    worse = serializers.IntegerField()
    note = serializers.CharField(allow_blank=True)


class ComparisonSerializer(serializers.Serializer[object]):
    """Two versions case by case on VALIDATION.

    `unshared`: cases that only one was measured on; `changed`: cases whose truth has changed between the two measurements.
    """

    number = serializers.IntegerField()
    other = serializers.IntegerField()
    by = serializers.CharField()
    measured_at = serializers.DateTimeField(allow_null=True)
    other_measured_at = serializers.DateTimeField(allow_null=True)
    n_cases = serializers.IntegerField()
    n_patients = serializers.IntegerField()
    unshared = serializers.IntegerField()
    changed = serializers.IntegerField()
    blinded = serializers.IntegerField()
    metrics = ComparedMetricSerializer(many=True)
    cases = ComparedCaseSerializer(many=True)


class CardTextSerializer(serializers.Serializer[object]):
    """What people alone can say of the project's models."""

    intended_use = serializers.CharField(max_length=4000, allow_blank=True, required=False)
    not_for = serializers.CharField(max_length=4000, allow_blank=True, required=False)
    remarks = serializers.CharField(max_length=4000, allow_blank=True, required=False)
