"""Import runs and what became of each file."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from backend.archive.models import Instance, QuarantinedFile
from backend.jobs.models import Job
from backend.projects.models import Case, Project


class ImportState(models.TextChoices):
    """Life of an import run."""

    UPLOADING = "uploading"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ImportRun(models.Model):
    """One import into a project: files uploaded in chunks or taken from a folder on the server.

    `deidentification`: profile, options and version of the rules under which its files were taken in.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="import_runs")
    state = models.CharField(max_length=10, choices=ImportState, default=ImportState.UPLOADING)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    options = models.JSONField(default=dict)
    deidentification = models.JSONField(default=dict)
    message = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]


class ItemState(models.TextChoices):
    """What became of one file."""

    UPLOADING = "uploading"
    WAITING = "waiting"
    IMPORTED = "imported"
    DUPLICATE = "duplicate"
    EMBARGOED = "embargoed"
    REFUSED = "refused"
    HELD = "held"


class ImportItem(models.Model):
    """One file of a run, its bytes received so far, and its result with the reason in a reader's words."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="items")
    name = models.CharField(max_length=500)
    size = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=ItemState, default=ItemState.UPLOADING)
    modality = models.CharField(max_length=16, blank=True)
    reason = models.TextField(blank=True)
    instance = models.ForeignKey(Instance, null=True, on_delete=models.SET_NULL, related_name="+")
    case = models.ForeignKey(Case, null=True, on_delete=models.SET_NULL, related_name="+")
    quarantined = models.ForeignKey(QuarantinedFile, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["run", "name"]
        indexes = [models.Index(fields=["run", "state"], name="import_item_state")]
