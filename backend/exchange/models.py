"""Import runs and what became of each file, readings that wait for their images, and export runs."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from backend.archive.models import Instance, QuarantinedFile
from backend.jobs.models import Job
from backend.projects.models import Case, Project
from backend.readings.models import Reading


class ImportState(models.TextChoices):
    """Life of an import run."""

    UPLOADING = "uploading"
    RECEIVING = "receiving"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ImportRun(models.Model):
    """One import into a project: files uploaded in chunks, taken from a folder on the server, or sent by another system.

    Of the last kind each file was acknowledged to its sender, who may have it no more: what is not stored is kept elsewhere.
    `received_at` is when the last one came, or was handed over; null of all other runs.
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
    received_at = models.DateTimeField(null=True)
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
    """One file of a run, its bytes received so far, and its result with the reason in a reader's words.

    `facts`: of one that is not stored, what can be told of it (`backend.dicom.file_facts`).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="items")
    name = models.CharField(max_length=500)
    size = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=ItemState, default=ItemState.UPLOADING)
    modality = models.CharField(max_length=16, blank=True)
    reason = models.TextField(blank=True)
    facts = models.JSONField(default=dict)
    instance = models.ForeignKey(Instance, null=True, on_delete=models.SET_NULL, related_name="+")
    case = models.ForeignKey(Case, null=True, on_delete=models.SET_NULL, related_name="+")
    quarantined = models.ForeignKey(QuarantinedFile, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["run", "name"]
        indexes = [models.Index(fields=["run", "state"], name="import_item_state")]


class PendingReading(models.Model):
    """What a file of another program says of images that are not here: kept aside until they come, or a lead drops it.

    It may speak of other people's patients, so leads alone see that it is there. `content` is the reading as
    `backend.exchange.pending_content` writes it (masks by digest); where it could not be understood without its images,
    `files` names the kept files (name to key in the object store) and they are read again. `digest`: nothing is kept twice.
    `reason`: why it could not be used when its images came; it stays for a lead to look at and is not tried again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="pending_readings")
    run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="pending_readings")
    format = models.CharField(max_length=40)
    source = models.CharField(max_length=500)
    reader = models.CharField(max_length=150)
    options = models.JSONField(default=dict)
    content = models.JSONField(default=dict)
    files = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["project", "digest"], name="one_pending_reading")]


class RememberedSegmentation(models.Model):
    """A SEG object that was read here: a report that comes in another import may refer to its segments.

    `sop_instance_uid`: as the archive would store it. `key` names in the object store what was found in it. `reader`: whose
    reading was made of it alone; empty where it is part of a report's.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="remembered_segmentations")
    sop_instance_uid = models.CharField(max_length=64)
    reader = models.CharField(max_length=150, blank=True)
    key = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["project", "sop_instance_uid"], name="one_remembered_segmentation")]


class ExportState(models.TextChoices):
    """Life of an export run; an expired one keeps its row, its file is gone."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class ExportRun(models.Model):
    """One export of a project's readings in one format: what was asked for, the file that was made, and its proof.

    `filter` is `ExportFilter.as_json`. `key` names the zip archive in the object store, `sha256`, `size` are its own.
    `counts`: cases, readings, lesions, files. `losses`: what the format cannot carry of this selection. `verification` is
    the report of the newest round trip (`backend.exchange.verification`), `verification_job` who makes it now.
    `publication_job` brings its objects into the archive or takes them out again (`backend.exchange.publishing`).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="export_runs")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    format = models.CharField(max_length=40)
    options = models.JSONField(default=dict)
    filter = models.JSONField(default=dict)
    pictures = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=ExportState, default=ExportState.QUEUED)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    message = models.TextField(blank=True)
    key = models.CharField(max_length=200, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    counts = models.JSONField(default=dict)
    losses = models.JSONField(default=list)
    verification = models.JSONField(null=True)
    verification_job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    verification_project = models.UUIDField(null=True)
    publication_job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]


class DerivedObject(models.Model):
    """An object of a reading that an export run has published: its instance is in the archive, shown by this row alone.

    `revision`: the reading's when the object was written. Once the reading has another one, or is no longer submitted, the
    instance is shown to nobody; so it is when the last row that names it goes.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="derived_objects")
    run = models.ForeignKey(ExportRun, on_delete=models.RESTRICT, related_name="derived_objects")
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="derived_objects")
    reading = models.ForeignKey(Reading, on_delete=models.CASCADE, related_name="derived_objects")
    revision = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["run", "instance"], name="published_once_per_run")]


class WatchedKind(models.TextChoices):
    """What is followed: a folder of the server, or a prefix in a bucket of an object store."""

    FOLDER = "folder"
    BUCKET = "bucket"


class WatchedSource(models.Model):
    """A folder or bucket prefix whose new files are imported by themselves.

    `location`: the folder's path, or "bucket/prefix"; `endpoint` is empty for AWS itself. `sealed_credentials`: the access
    key of a bucket as JSON, encrypted. `delete_after`: originals go once they are imported. `looking_until`: somebody looks
    now. `error`: why the last look failed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="watched_sources")
    kind = models.CharField(max_length=8, choices=WatchedKind)
    location = models.CharField(max_length=500)
    region = models.CharField(max_length=40, blank=True)
    endpoint = models.CharField(max_length=200, blank=True)
    sealed_credentials = models.TextField(blank=True)
    options = models.JSONField(default=dict)
    delete_after = models.BooleanField(default=False)
    is_enabled = models.BooleanField(default=True)
    error = models.CharField(max_length=500, blank=True)
    looked_at = models.DateTimeField(null=True)
    looking_until = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project", "created_at"]
        constraints = [
            models.UniqueConstraint(fields=["project", "kind", "location", "endpoint"], name="watched_once"),
        ]


class WatchedState(models.TextChoices):
    """Life of a file that was seen: it grows, waits (unchanged since the look before), is taken into an import, and ends."""

    GROWING = "growing"
    WAITING = "waiting"
    TAKEN = "taken"
    IMPORTED = "imported"
    REFUSED = "refused"
    VANISHED = "vanished"


class WatchedFile(models.Model):
    """A file of a watched source as it was seen: name, size and stamp (its time in nanoseconds, or its ETag) know it again.

    The same three are never imported twice; other bytes under an old name are another file. `item_name`: its name in `run`.
    """

    source = models.ForeignKey(WatchedSource, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=1000)
    size = models.PositiveBigIntegerField()
    stamp = models.CharField(max_length=120)
    state = models.CharField(max_length=8, choices=WatchedState, default=WatchedState.GROWING)
    seen_at = models.DateTimeField()
    run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="watched_files")
    item_name = models.CharField(max_length=500, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["source", "name"]
        constraints = [models.UniqueConstraint(fields=["source", "name", "size", "stamp"], name="watched_file_once")]
        indexes = [models.Index(fields=["source", "state"], name="watched_file_state")]
