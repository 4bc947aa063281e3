"""Snapshots, rounds of training, the training policy, and acquisition scores."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from backend.jobs.models import Job
from backend.projects.models import Case, Project
from backend.readings.models import Reading
from backend.registry.models import ModelVersion


class Snapshot(models.Model):
    """The training set of a round, frozen: `hash` is SHA-256 over its sorted (case, reading, revision) rows."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="snapshots")
    hash = models.CharField(max_length=64, db_index=True)
    vocabulary_version = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)


class SnapshotItem(models.Model):
    """One reading of a POOL case in a snapshot; a database trigger refuses any other split."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="items")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    reading = models.ForeignKey(Reading, on_delete=models.CASCADE, related_name="+")
    revision = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["snapshot", "reading"], name="reading_once_per_snapshot")]


class UnreadItem(models.Model):
    """One POOL case of a snapshot that nobody had read then, whose image teaches beside the labels."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="unread")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["snapshot", "case"], name="unread_once_per_snapshot")]


class RoundState(models.TextChoices):
    """Steps of a round, in order; the last three are ends."""

    QUEUED = "queued"
    SNAPSHOT = "snapshot"
    TRAINING = "training"
    EVALUATING = "evaluating"
    GATING = "gating"
    PREDICTING = "predicting"
    RANKING = "ranking"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Track(models.TextChoices):
    """Fast: a few steps from what serves. Slow: from scratch, or from shrunk weights, as a challenger of what serves."""

    FAST = "fast"
    SLOW = "slow"


class Start(models.TextChoices):
    """With which weights a training begins."""

    WARM = "warm"
    SCRATCH = "scratch"
    SHRINK_PERTURB = "shrink_perturb"


class Round(models.Model):
    """Snapshot → train → evaluate → gate → predict → rank, once.

    `reason`: why it was started, {"code": "by_hand" | "first" | "readings" | "growth" | "nightly", "n": new readings,
    "percent": growth of the labels, "version": since which}. `settings` hold its `track` and its `start`.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=RoundState, default=RoundState.QUEUED)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    snapshot = models.ForeignKey(Snapshot, null=True, on_delete=models.SET_NULL, related_name="rounds")
    base_version = models.ForeignKey(ModelVersion, null=True, on_delete=models.SET_NULL, related_name="+")
    model_version = models.ForeignKey(ModelVersion, null=True, on_delete=models.SET_NULL, related_name="rounds")
    trigger = models.CharField(max_length=10, choices=[("button", "button"), ("policy", "policy")], default="button")
    reason = models.JSONField(default=dict)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    settings = models.JSONField(default=dict)
    history = models.JSONField(default=list)
    message = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["project", "-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="round_number")]


class GenericOutlines(models.TextChoices):
    """When the installation's general-purpose network outlines what is pointed at, instead of the project's own."""

    OFF = "off"
    UNTIL_OWN = "until_own"
    ALWAYS = "always"


class EncoderChoice(models.TextChoices):
    """Whether a network begins with an encoder that has learned from photographs, or learns all from the images."""

    PRETRAINED = "pretrained"
    OWN = "own"


class TrainingPolicy(models.Model):
    """When a round starts by itself, how it trains, and what its gate asks (`gate.GateRule`); edited by the lead.

    A fast round starts after `every_n_readings`; a slow one when the labels have grown by `slow_growth` per cent since the
    last (0: never), or at `slow_hour` (UTC; null: never) where there are new labels. `dimension` and `image_size` are what
    the lead has chosen of the network's plan; "auto" and null leave it to the images. `encoder` and `learns_unread` hold
    from the next training from scratch; the steps of that are a teacher's and a student's together where it learns from
    unread images, too.
    """

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="training_policy")
    enabled = models.BooleanField(default=False)
    every_n_readings = models.PositiveIntegerField(default=16)
    acquisition = models.CharField(max_length=40, default="clasp_pe")
    batch_size = models.PositiveIntegerField(default=16)
    random_share = models.FloatField(default=0.3)
    target_dice = models.FloatField(default=0.75)
    # Measured, not argued: docs/learning.md, "The gate". Projects from before there was a default have none.
    gate_margin = models.FloatField(null=True, default=0.1)
    unproven_serves = models.BooleanField(default=False)
    generic_outlines = models.CharField(max_length=9, choices=GenericOutlines, default=GenericOutlines.OFF)
    dimension = models.CharField(max_length=4, choices=[(one, one) for one in ("auto", "2d", "2.5d", "3d")], default="auto")
    image_size = models.PositiveIntegerField(null=True)
    encoder = models.CharField(max_length=10, choices=EncoderChoice, default=EncoderChoice.PRETRAINED)
    learns_unread = models.BooleanField(default=True)
    steps_scratch = models.PositiveIntegerField(default=1200)
    steps_warm = models.PositiveIntegerField(default=30)
    slow_growth = models.PositiveIntegerField(default=25)
    slow_start = models.CharField(max_length=14, choices=Start, default=Start.SCRATCH)
    slow_hour = models.PositiveSmallIntegerField(null=True)
    seed = models.BigIntegerField(default=0)


class AcquisitionScore(models.Model):
    """What a model version said of an unread case, and what the draw made of it.

    `measures`: by name (`workers.cnn.candidates`) what was measured while the version read the case, and `slices`, of a
    series the [0-based slice, score] that say most. `embedding`: float32 bytes, kept until the batch is drawn; `score`
    is null until then, because some functions score a case by all others.
    """

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="scores")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="acquisition_scores")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+")
    acquisition = models.CharField(max_length=40)
    score = models.FloatField(null=True)
    measures = models.JSONField(default=dict)
    embedding = models.BinaryField(null=True)
    arm = models.CharField(max_length=10, choices=[("random", "random"), ("acquired", "acquired"), ("rest", "rest")])
    inclusion_probability = models.FloatField(null=True)
    rank = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "case"], name="one_score_per_round")]


class InquiryKind(models.TextChoices):
    """What is asked of the labels: does choosing cases help here; which labels to look at again."""

    ARMS = "arms"
    LABELS = "labels"


class Inquiry(models.Model):
    """A question put to the project's labels by trainings that are made for it alone.

    `settings` are frozen when it is asked. `parts` are the trainings that have ended, as the worker keeps them to go on
    after an interruption; they go when `answer` has come.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="inquiries")
    kind = models.CharField(max_length=8, choices=InquiryKind)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    settings = models.JSONField(default=dict)
    parts = models.JSONField(default=list)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["project", "-pk"]
        indexes = [models.Index(fields=["project", "kind", "-id"], name="newest_inquiry")]
