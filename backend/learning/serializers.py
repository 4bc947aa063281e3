"""Shapes of rounds, policy and the Learning page in the API."""

from __future__ import annotations

from django.conf import settings
from rest_framework import serializers

from backend.jobs.models import JobState
from backend.learning.gate import MAX_MARGIN
from backend.learning.leading_metric import LEADING_METRICS
from backend.learning.models import GenericOutlines, InquiryKind, RoundState, Start, Track, TrainingPolicy
from backend.learning.ranking import REASONS
from backend.registry.models import ModelState
from backend.registry.serializers import (
    CardTextSerializer,
    ClicksSerializer,
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
    generic_outlines = serializers.ChoiceField(
        choices=GenericOutlines.choices,
        required=False,
        help_text="When the installation's general-purpose network (SAM) outlines what is pointed at.",
    )
    generic_available = serializers.BooleanField(read_only=True, help_text="Whether the installation has one.")
    image_size = serializers.IntegerField(min_value=32, max_value=512, allow_null=True)
    steps_scratch = serializers.IntegerField(min_value=1, max_value=100_000)
    steps_warm = serializers.IntegerField(min_value=1, max_value=100_000)
    slow_growth = serializers.IntegerField(min_value=0, max_value=1000)
    slow_start = serializers.ChoiceField(choices=[Start.SCRATCH.value, Start.SHRINK_PERTURB.value])
    slow_hour = serializers.IntegerField(min_value=0, max_value=23, allow_null=True)

    class Meta:
        model = TrainingPolicy
        fields = [
            "enabled",
            "every_n_readings",
            "acquisition",
            "batch_size",
            "random_share",
            "target_dice",
            "dimension",
            "encoder",
            "learns_unread",
            "gate_margin",
            "unproven_serves",
            "generic_outlines",
            "generic_available",
            "image_size",
            "steps_scratch",
            "steps_warm",
            "slow_growth",
            "slow_start",
            "slow_hour",
            "seed",
        ]

    def validate_generic_outlines(self, value: str) -> str:
        """Only where the operator has brought such a network."""
        if value != GenericOutlines.OFF and not settings.SAM_ENCODER:
            raise serializers.ValidationError("This installation has no general-purpose network (OVERREAD_SAM_ENCODER).")
        return value

    def validate_image_size(self, value: int | None) -> int | None:
        """A network of its own halves the image four times, a pre-trained encoder five; null leaves the size to the plan."""
        if value is not None and value % 16:
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


class RoundReasonSerializer(serializers.Serializer[object]):
    """Why a round was started; the numbers are null where its code has none."""

    code = serializers.ChoiceField(choices=["by_hand", "first", "readings", "growth", "nightly"])
    n = serializers.IntegerField(allow_null=True)
    percent = serializers.IntegerField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)


class RoundStartSerializer(serializers.Serializer[object]):
    """Which track to train on; without it the fast one where a version serves."""

    track = serializers.ChoiceField(choices=Track.choices, required=False)


class RoundSerializer(serializers.Serializer[object]):
    """A round with its live progress."""

    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=RoundState.choices)
    trigger = serializers.ChoiceField(choices=["button", "policy"])
    track = serializers.ChoiceField(choices=Track.choices)
    start = serializers.ChoiceField(choices=Start.choices)
    reason = RoundReasonSerializer()
    started_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    message = serializers.CharField(allow_blank=True)
    n_labels = serializers.IntegerField(allow_null=True)
    base_version = serializers.IntegerField(allow_null=True)
    model_version = serializers.IntegerField(allow_null=True)
    settings = serializers.DictField()
    n_unread = serializers.IntegerField(help_text="From so many unread images it learns beside the labels.")
    second_from = serializers.IntegerField(
        allow_null=True, help_text="After this step the second training begins, which learns from unread images, too."
    )
    steps = StepSerializer(many=True)
    progress = ProgressSerializer()
    loss = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))
    log = serializers.ListField(child=serializers.CharField())
    metrics = MetricSerializer(many=True)


class RoundRowSerializer(serializers.Serializer[object]):
    """A round in the history."""

    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=RoundState.choices)
    track = serializers.ChoiceField(choices=Track.choices)
    reason = RoundReasonSerializer()
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
    version = serializers.IntegerField()
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
    growth_percent = serializers.IntegerField(allow_null=True)
    labels = LabelCountSerializer()
    live = RoundSerializer(allow_null=True)
    last = RoundSerializer(allow_null=True)
    rounds = RoundRowSerializer(many=True)
    metric = serializers.ChoiceField(
        choices=LEADING_METRICS, help_text="What curve, forecast and target speak of: no lesion in VALIDATION, no Dice."
    )
    curve = CurvePointSerializer(many=True)
    forecast = ForecastSerializer()
    next = DrawnCaseSerializer(many=True)
    serving = serializers.IntegerField(allow_null=True)


class InquiryRefusalSerializer(serializers.Serializer[object]):
    """Why it cannot be asked now, and the numbers behind it."""

    code = serializers.ChoiceField(
        choices=["inquiry_running", "few_labels", "few_validation", "few_findings", "few_patients"]
    )
    detail = serializers.CharField()
    counts = serializers.DictField(child=serializers.IntegerField())


class InquiryProgressSerializer(serializers.Serializer[object]):
    """How far the trainings are; empty before the first."""

    done = serializers.FloatField(required=False)
    total = serializers.IntegerField(required=False)
    training = serializers.IntegerField(required=False)
    seconds_left = serializers.FloatField(required=False)


class InquiryAnswerSerializer(serializers.Serializer[object]):
    """The last answer. Of `arms` all but `n_labels` are about the difference chosen minus random, with its 95 % interval."""

    answered_at = serializers.DateTimeField()
    asked_by = serializers.CharField(allow_null=True)
    n_labels = serializers.IntegerField()
    n_patients = serializers.IntegerField()
    answer = serializers.ChoiceField(choices=["helps", "does_not", "cannot_tell"], required=False)
    reason = serializers.ChoiceField(
        choices=["few_labels", "few_seeds", "few_positives", "few_findings", "few_patients", "wide"],
        allow_blank=True,
        required=False,
    )
    metric = serializers.ChoiceField(
        choices=LEADING_METRICS, required=False, help_text="What the difference is in; absent: in Dice."
    )
    difference = serializers.FloatField(allow_null=True, required=False)
    low = serializers.FloatField(allow_null=True, required=False)
    high = serializers.FloatField(allow_null=True, required=False)
    chosen = serializers.FloatField(allow_null=True, required=False)
    random = serializers.FloatField(allow_null=True, required=False)
    n_seeds = serializers.IntegerField(required=False)
    n_cases = serializers.IntegerField(required=False)
    versions = serializers.ListField(child=serializers.IntegerField(), required=False)
    acquisitions = serializers.ListField(child=serializers.CharField(), required=False)


class InquirySerializer(serializers.Serializer[object]):
    """A question to the labels: whether it can be asked, what it would cost, how far it is, and what was last answered."""

    kind = serializers.ChoiceField(choices=InquiryKind.choices)
    state = serializers.ChoiceField(choices=JobState.choices, allow_null=True)
    error = serializers.CharField(allow_blank=True)
    refusal = InquiryRefusalSerializer(allow_null=True)
    trainings = serializers.IntegerField()
    steps = serializers.IntegerField()
    expected_seconds = serializers.FloatField(allow_null=True)
    progress = InquiryProgressSerializer()
    answer = InquiryAnswerSerializer(allow_null=True)


class LabelledCaseSerializer(serializers.Serializer[object]):
    """A case with the reading that counts."""

    case = serializers.UUIDField()
    name = serializers.CharField()
    thumbnail = serializers.CharField()
    reader = serializers.CharField()
    verdict = serializers.CharField()
    finding_types = serializers.ListField(child=serializers.IntegerField())


class DoubtedCaseSerializer(LabelledCaseSerializer):
    """A label that a model which has not seen the patient doubts (0…1), and what the doubt is about (null: nothing).

    `about` the pixels of the label, or the image as a whole: of that `labelled` is what is said to be present, `instead`
    what is said to be absent, and both null that it shows a lesion at all.
    """

    doubt = serializers.FloatField()
    about = serializers.ChoiceField(choices=["pixels", "image"])
    labelled = serializers.IntegerField(allow_null=True)
    instead = serializers.IntegerField(allow_null=True)


class DoubtsSerializer(serializers.Serializer[object]):
    """The labels to look at again. `changed`: so many were changed since and are not listed; `blinded`: still to be read."""

    answered_at = serializers.DateTimeField()
    n_labels = serializers.IntegerField()
    blinded = serializers.IntegerField()
    changed = serializers.IntegerField()
    cases = DoubtedCaseSerializer(many=True)


class NearDuplicatePairSerializer(serializers.Serializer[object]):
    """Two near-duplicates that were read differently. `distance`: differing bits of 256, null where one has no hash."""

    identical = serializers.BooleanField()
    distance = serializers.IntegerField(allow_null=True)
    cases = LabelledCaseSerializer(many=True)


class SecondLookSerializer(serializers.Serializer[object]):
    """What deserves a second look; pairs with a case that the caller is still to read are counted in `blinded_pairs`."""

    doubts = DoubtsSerializer(allow_null=True)
    pairs = NearDuplicatePairSerializer(many=True)
    blinded_pairs = serializers.IntegerField()


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
    clicks = ClicksSerializer(allow_null=True)
    calibration = serializers.DictField()
    onnx = OnnxSerializer(allow_null=True)
    limits = serializers.ListField(child=serializers.DictField())
