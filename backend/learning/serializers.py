"""Shapes of rounds, policy and the Learning page in the API."""

from __future__ import annotations

from rest_framework import serializers

from backend.learning.gate import MAX_MARGIN
from backend.learning.models import RoundState, TrainingPolicy
from backend.learning.ranking import REASONS
from backend.registry.models import ModelState
from backend.registry.serializers import (
    CardTextSerializer,
    MetricSerializer,
    OnnxSerializer,
    PromotionSerializer,
    SubgroupSerializer,
)

STEP_STATES = ("done", "live", "todo", "failed")


class PolicySerializer(serializers.ModelSerializer[TrainingPolicy]):
    """When a round starts by itself and how it trains."""

    acquisition = serializers.ChoiceField(choices=sorted(REASONS))
    every_n_readings = serializers.IntegerField(min_value=1, max_value=100_000)
    batch_size = serializers.IntegerField(min_value=1, max_value=1000)
    random_share = serializers.FloatField(min_value=0, max_value=1)
    target_dice = serializers.FloatField(min_value=0.01, max_value=0.99)
    gate_margin = serializers.FloatField(
        min_value=0,
        max_value=MAX_MARGIN,
        allow_null=True,
        required=False,
        help_text="A challenger serves only if shown not to be worse by more; null: unless shown to be worse.",
    )
    image_size = serializers.IntegerField(min_value=32, max_value=512)
    steps_scratch = serializers.IntegerField(min_value=1, max_value=100_000)
    steps_warm = serializers.IntegerField(min_value=1, max_value=100_000)

    class Meta:
        model = TrainingPolicy
        fields = [
            "enabled",
            "every_n_readings",
            "acquisition",
            "batch_size",
            "random_share",
            "target_dice",
            "gate_margin",
            "unproven_serves",
            "image_size",
            "steps_scratch",
            "steps_warm",
            "seed",
        ]

    def validate_image_size(self, value: int) -> int:
        """The network halves the image four times."""
        if value % 16:
            raise serializers.ValidationError("The image size is a multiple of 16.")
        return value


class StepSerializer(serializers.Serializer[object]):
    """One of the six steps of a round."""

    name = serializers.ChoiceField(choices=["snapshot", "train", "evaluate", "gate", "predict", "rank"])
    state = serializers.ChoiceField(choices=STEP_STATES)
    detail = serializers.CharField(allow_blank=True)


class ProgressSerializer(serializers.Serializer[object]):
    """How far the training is; empty before it begins."""

    step = serializers.IntegerField(required=False)
    steps = serializers.IntegerField(required=False)
    loss = serializers.FloatField(required=False)
    images_per_second = serializers.FloatField(required=False)
    seconds_left = serializers.FloatField(required=False)
    elapsed = serializers.FloatField(required=False)


class RoundSerializer(serializers.Serializer[object]):
    """A round with its live progress."""

    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=RoundState.choices)
    trigger = serializers.ChoiceField(choices=["button", "policy"])
    started_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    message = serializers.CharField(allow_blank=True)
    n_labels = serializers.IntegerField(allow_null=True)
    base_version = serializers.IntegerField(allow_null=True)
    model_version = serializers.IntegerField(allow_null=True)
    settings = serializers.DictField()
    steps = StepSerializer(many=True)
    progress = ProgressSerializer()
    loss = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))
    log = serializers.ListField(child=serializers.CharField())
    metrics = MetricSerializer(many=True)


class RoundRowSerializer(serializers.Serializer[object]):
    """A round in the history."""

    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=RoundState.choices)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    message = serializers.CharField(allow_blank=True)
    n_labels = serializers.IntegerField(allow_null=True)
    model_version = serializers.IntegerField(allow_null=True)
    model_state = serializers.ChoiceField(choices=ModelState.choices, allow_null=True)
    metrics = MetricSerializer(many=True)
    progress = ProgressSerializer()


class CurvePointSerializer(serializers.Serializer[object]):
    """A version on the learning curve; a null value has its reason in `note`."""

    n_labels = serializers.IntegerField()
    metric = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n_patients = serializers.IntegerField()
    note = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField()
    arm = serializers.CharField()


class ForecastSerializer(serializers.Serializer[object]):
    """When the learning curve would reach the policy's target, or why that cannot be told.

    `more`: readings beyond the last point, with their 95 % interval; `curve`: [readings, value, low, high] of the law.
    """

    answer = serializers.ChoiceField(choices=["reached", "about", "cannot_tell"])
    target = serializers.FloatField()
    reason = serializers.ChoiceField(choices=["few_points", "one_size", "flat", "too_far", "too_wide"], allow_blank=True)
    more = serializers.IntegerField(allow_null=True)
    low = serializers.IntegerField(allow_null=True)
    high = serializers.IntegerField(allow_null=True)
    asymptote = serializers.FloatField(allow_null=True)
    curve = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))


class DrawnCaseSerializer(serializers.Serializer[object]):
    """A case of the drawn batch."""

    case = serializers.UUIDField()
    name = serializers.CharField()
    thumbnail = serializers.CharField()
    arm = serializers.ChoiceField(choices=["random", "acquired", "rest"])
    acquisition = serializers.CharField()
    reason = serializers.ChoiceField(choices=sorted(set(REASONS.values())))
    score = serializers.FloatField(allow_null=True)
    inclusion_probability = serializers.FloatField(allow_null=True)
    rank = serializers.IntegerField()


class LabelCountSerializer(serializers.Serializer[object]):
    """Labelled cases."""

    training = serializers.IntegerField()
    validation = serializers.IntegerField()


class LearningSerializer(serializers.Serializer[object]):
    """Everything the Learning page shows."""

    policy = PolicySerializer()
    new_readings = serializers.IntegerField()
    labels = LabelCountSerializer()
    live = RoundSerializer(allow_null=True)
    last = RoundSerializer(allow_null=True)
    rounds = RoundRowSerializer(many=True)
    curve = CurvePointSerializer(many=True)
    forecast = ForecastSerializer()
    next = DrawnCaseSerializer(many=True)
    serving = serializers.IntegerField(allow_null=True)


class CardWordsSerializer(CardTextSerializer):
    """The words, by whom and when."""

    by = serializers.CharField(allow_null=True)
    written_at = serializers.DateTimeField(allow_null=True)


class CardFindingTypeSerializer(serializers.Serializer[object]):
    """What an output means."""

    id = serializers.IntegerField()
    scope = serializers.CharField()
    name = serializers.CharField(allow_null=True)
    code = serializers.CharField(allow_null=True)


class CardSplitSerializer(serializers.Serializer[object]):
    """Cases and patients of a split, and how many of the cases have been read."""

    split = serializers.CharField()
    n_cases = serializers.IntegerField()
    n_patients = serializers.IntegerField()
    n_labelled = serializers.IntegerField()


class CardEvaluationSerializer(serializers.Serializer[object]):
    """The newest measurement on a split."""

    measured_at = serializers.DateTimeField()
    n_cases = serializers.IntegerField()
    n_patients = serializers.IntegerField()
    metrics = MetricSerializer(many=True)
    subgroups = SubgroupSerializer(many=True)
    perfection = serializers.DictField()


class ModelCardSerializer(serializers.Serializer[object]):
    """The facts of a model card; what is not known is null. `limits`: {code, …numbers}."""

    format = serializers.CharField()
    project = serializers.DictField()
    version = serializers.DictField()
    words = CardWordsSerializer()
    finding_types = CardFindingTypeSerializer(many=True)
    training_data = serializers.DictField()
    splits = CardSplitSerializer(many=True)
    training = serializers.DictField()
    gate = serializers.DictField()
    promotions = PromotionSerializer(many=True)
    validation = CardEvaluationSerializer(allow_null=True)
    holdout = CardEvaluationSerializer(allow_null=True)
    holdout_looks = serializers.DictField()
    calibration = serializers.DictField()
    onnx = OnnxSerializer(allow_null=True)
    limits = serializers.ListField(child=serializers.DictField())
