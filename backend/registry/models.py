"""Model versions with their lineage, and their evaluations."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from backend.projects.models import Project, Split


class ModelState(models.TextChoices):
    """Whether a version's findings are shown to readers."""

    CANDIDATE = "candidate"
    SERVES = "serves"
    KEPT = "kept"
    WAITS = "waits"


class ModelVersion(models.Model):
    """A trained CNN: weights (safetensors, by digest), configuration, and all it takes to make it again."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="model_versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=ModelState, default=ModelState.CANDIDATE)
    parent = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="children")
    weights_key = models.CharField(max_length=200)
    weights_sha256 = models.CharField(max_length=64)
    config = models.JSONField()
    finding_type_ids = models.JSONField()
    snapshot_hash = models.CharField(max_length=64)
    n_labels = models.PositiveIntegerField()
    seed = models.BigIntegerField()
    code_version = models.CharField(max_length=80)
    steps = models.PositiveIntegerField()
    core_seconds = models.FloatField()
    calibration = models.JSONField(default=dict)
    display_threshold = models.FloatField(default=0.5)
    gate = models.JSONField(default=dict)
    onnx = models.JSONField(default=dict)
    released_at = models.DateTimeField(null=True)
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="model_version_number"),
            models.UniqueConstraint(fields=["project"], condition=models.Q(state="serves"), name="one_version_serves"),
        ]


class ForeignModel(models.Model):
    """A model that is trained and run elsewhere and gives its readings through the API, one row a version of it.

    `is_shown`: the lead has chosen that readers are shown its findings, instead of those of the version that serves.
    What reaches `display_threshold` is shown; the rest was not shown, which is something else than rejected.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="foreign_models")
    name = models.CharField(max_length=80)
    version = models.CharField(max_length=60)
    description = models.TextField(blank=True)
    display_threshold = models.FloatField(default=0.5)
    is_shown = models.BooleanField(default=False)
    registered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project", "name", "-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name", "version"], name="one_foreign_model"),
            models.UniqueConstraint(fields=["project"], condition=models.Q(is_shown=True), name="one_foreign_model_shown"),
        ]


class Promotion(models.Model):
    """A version came to serve: by the gate (`by` null), or by a person with a reason; the newest first."""

    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="promotions")
    instead_of = models.ForeignKey(ModelVersion, null=True, on_delete=models.SET_NULL, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-pk"]


class CardText(models.Model):
    """What people alone can say of a project's models: the words of the lead on the model card, the newest row holds."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="card_texts")
    intended_use = models.TextField(blank=True)
    not_for = models.TextField(blank=True)
    remarks = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-pk"]


class Evaluation(models.Model):
    """A model version measured on VALIDATION, or on HOLDOUT once released (each look is a row).

    `metrics`: list of {metric, finding_type, value, low, high, n_patients, n_positive, note}; a value that cannot be
    told is null with its reason in `note`, never a number. `curves`: {froc, froc_band, reliability, size_cuts};
    `subgroups`: the error by finding type, size, sex, …; `per_case`: what was measured of every case. What fills them
    says what they hold (`backend.learning`).
    """

    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="evaluations")
    split = models.CharField(max_length=10, choices=Split)
    metrics = models.JSONField()
    curves = models.JSONField(default=dict)
    subgroups = models.JSONField(default=list)
    per_case = models.JSONField(default=list)
    n_cases = models.PositiveIntegerField()
    n_patients = models.PositiveIntegerField()
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
