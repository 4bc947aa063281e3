"""Project, its vocabulary and members, its cases with their split, and who is assigned what."""

from __future__ import annotations

import secrets
import uuid

from django.conf import settings
from django.db import models

from backend.archive.models import Archive, Instance, Series


def new_split_key() -> str:
    """A fresh secret (hex) under which a project hashes patients into splits."""
    return secrets.token_hex(32)


DRAW_MODULUS = 2**31 - 1
"""A prime: `(draw * a + b) % DRAW_MODULUS` is uniform and fits 64 bits in both databases."""


def new_draw() -> int:
    """A uniform number below `DRAW_MODULUS`, from which `backend.projects.arms` derives each reader's arm."""
    return secrets.randbelow(DRAW_MODULUS)


class Unit(models.TextChoices):
    """What one case is."""

    IMAGE = "image"
    SERIES = "series"


class Role(models.TextChoices):
    """What a member may do; each later role may all that the earlier may (see `backend.accounts.access`)."""

    READER = "reader"
    REVIEWER = "reviewer"
    LEAD = "lead"


class Split(models.TextChoices):
    """For ever: VALIDATION and HOLDOUT are never trained on; EMBARGOED is used for nothing."""

    POOL = "POOL"
    VALIDATION = "VALIDATION"
    HOLDOUT = "HOLDOUT"
    EMBARGOED = "EMBARGOED"


class Arm(models.TextChoices):
    """Whether the reader sees model output for this case before submitting."""

    ASSISTED = "assisted"
    BLINDED = "blinded"


class Project(models.Model):
    """One question asked of many cases, with its vocabulary, its readers and its model.

    `first_look`: in the assisted arm, too, the reader marks on his own before the model's findings are revealed.
    `accept_all`: readers may accept all shown findings with one command.
    `display_threshold`: no finding of a model version with a lower score is shown. `false_positives_allowed`: so many per
    image a new version may show on VALIDATION, else its own threshold lies higher; null: as many as there are.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    question = models.CharField(max_length=300, blank=True)
    modality = models.CharField(max_length=16, default="US")
    unit = models.CharField(max_length=10, choices=Unit, default=Unit.IMAGE)
    archive = models.ForeignKey(Archive, on_delete=models.PROTECT, related_name="projects")
    synthetic = models.BooleanField(default=False)
    vocabulary_version = models.PositiveIntegerField(default=1)
    split_key = models.CharField(max_length=64, default=new_split_key, editable=False)
    validation_share = models.FloatField(default=0.15)
    holdout_share = models.FloatField(default=0.15)
    blinded_share = models.FloatField(default=0.1)
    readings_wanted = models.PositiveSmallIntegerField(default=1)
    laterality_matters = models.BooleanField(default=False)
    display_threshold = models.FloatField(default=0.5)
    false_positives_allowed = models.FloatField(null=True)
    lease_minutes = models.PositiveIntegerField(default=30)
    first_look = models.BooleanField(default=False)
    accept_all = models.BooleanField(default=False)
    next_case_number = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)


class FindingType(models.Model):
    """An entry of the project's versioned vocabulary. `scope`: a lesion, or the image as a whole."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="finding_types")
    scope = models.CharField(max_length=10, choices=[("lesion", "lesion"), ("image", "image")], default="lesion")
    name = models.CharField(max_length=80)
    colour = models.CharField(max_length=7)
    key = models.CharField(max_length=1, blank=True)
    allowed_marks = models.JSONField(default=list)
    code_scheme = models.CharField(max_length=16, blank=True)
    code_value = models.CharField(max_length=32, blank=True)
    code_meaning = models.CharField(max_length=120, blank=True)
    attributes = models.JSONField(default=list)
    position = models.PositiveSmallIntegerField(default=0)
    since_version = models.PositiveIntegerField(default=1)
    retired_in_version = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["scope", "position", "id"]
        constraints = [models.UniqueConstraint(fields=["project", "scope", "name"], name="finding_type_name")]


class Membership(models.Model):
    """A user's role in a project; without a row the project does not exist for that user.

    `may_reidentify`: this lead may look pseudonyms up where the archive keeps a table; `manage.py grant_reidentification`.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.READER)
    may_reidentify = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="one_membership")]


class Case(models.Model):
    """The unit that a reader reads: an image (`instance` set) or a series.

    `group_key` is the patient (HMAC) or near-duplicate group; database triggers refuse one group in two splits and
    any change of split except to EMBARGOED. `is_open` and `priority` are what the worklist orders by; learning
    writes `priority`, `priority_reason` and, for the random arm, `inclusion_probability`. Whoever reads the case
    blinded meets it at `blind_priority` instead, a random one of the POOL's priorities: a place in a list tells too.
    `source_name` is the file's name as received; it may hold a name or a label, so leads alone see it. `has_taught`: a
    network learned from its image before anybody had read it, so it can no longer be embargoed. `traits`: what tables say
    of sex (M, F, O), age (DICOM's 058Y), view, site and scanner where the image's header says nothing.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="cases")
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="cases")
    instance = models.ForeignKey(Instance, null=True, on_delete=models.PROTECT, related_name="cases")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=40)
    split = models.CharField(max_length=10, choices=Split)
    group_key = models.CharField(max_length=64)
    embargo_reason = models.CharField(max_length=200, blank=True)
    source_name = models.CharField(max_length=500, blank=True)
    draw = models.BigIntegerField(default=new_draw, editable=False)
    priority = models.FloatField(default=0.0)
    blind_priority = models.FloatField(default=0.0)
    priority_reason = models.CharField(max_length=40, default="random")
    priority_detail = models.JSONField(default=dict)
    is_random_arm = models.BooleanField(default=True)
    inclusion_probability = models.FloatField(null=True)
    is_open = models.BooleanField(default=True)
    readings_submitted = models.PositiveSmallIntegerField(default=0)
    has_taught = models.BooleanField(default=False)
    traits = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="case_number"),
            models.UniqueConstraint(
                fields=["project", "instance"], condition=models.Q(instance__isnull=False), name="one_case_per_image"
            ),
            models.UniqueConstraint(
                fields=["project", "series"], condition=models.Q(instance__isnull=True), name="one_case_per_series"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "is_open", "-priority", "number"], name="case_worklist"),
            models.Index(fields=["project", "is_open", "-blind_priority", "number"], name="case_blind_worklist"),
            models.Index(fields=["project", "group_key"], name="case_group"),
            models.Index(fields=["project", "split"], name="case_split"),
            models.Index(fields=["series", "project"], name="case_series_project"),
        ]


class CaseHash(models.Model):
    """The difference hash (hex) of a case's image, or of its series' middle slice; none for one without structure."""

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="hash")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    dhash = models.CharField(max_length=64)


class CaseHashPart(models.Model):
    """A part of a case's hash: near-duplicates are found by it without a look at every case (`near_parts`)."""

    hash = models.ForeignKey(CaseHash, on_delete=models.CASCADE, related_name="parts")
    project = models.ForeignKey(Project, db_index=False, on_delete=models.CASCADE, related_name="+")
    key = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["project", "key"], name="case_hash_part")]


class ClinicalContext(models.Model):
    """What the clinic said of a case's examination, imported beside the images: why it was asked for, and its report.

    Free text: no de-identification profile cleans it, so under one a lead has said that it is clean. The report is
    another's reading of the same images and told by the rules of others' readings (`backend.readings.selectors`).
    """

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="clinical_context")
    indication = models.TextField(blank=True)
    report = models.TextField(blank=True)
    changed_at = models.DateTimeField(auto_now=True)


class AssignmentState(models.TextChoices):
    """How far a reader is with a case."""

    OPENED = "opened"
    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"
    DEFERRED = "deferred"


class Assignment(models.Model):
    """Case × reader: the arm (drawn once, its probability kept), the lease (it only schedules), the times.

    `given_by`: the lead who gave the case to this reader; the reader meets it before all others while the lease lives, as
    he does what was sent back to him at `sent_back_at` and is not submitted again.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="assignments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assignments")
    arm = models.CharField(max_length=10, choices=Arm)
    arm_probability = models.FloatField()
    state = models.CharField(max_length=12, choices=AssignmentState, default=AssignmentState.OPENED)
    note = models.CharField(max_length=200, blank=True)
    lease_expires_at = models.DateTimeField(null=True, db_index=True)
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    sent_back_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True)
    active_seconds = models.FloatField(default=0.0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "user"], name="one_assignment")]
        indexes = [models.Index(fields=["user", "state"], name="assignment_user_state")]


class ReportOutcome(models.TextChoices):
    """What became of a report: the image was blanked, or a lead saw no name in it."""

    BLANKED = "blanked"
    DISMISSED = "dismissed"


class BurntInReport(models.Model):
    """Somebody saw a name burnt into a frame (from 1) of a case's image (Burned In Annotation, PS3.3 C.7.6.1); not which.

    Open while `closed_at` is null. `closed_by`: the lead who had the image blanked, or who dismissed it.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="burnt_in_reports")
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="burnt_in_reports")
    frame = models.PositiveIntegerField()
    reported_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    reported_at = models.DateTimeField(auto_now_add=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=ReportOutcome, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "instance", "frame", "reported_by"],
                condition=models.Q(closed_at__isnull=True),
                name="one_open_burnt_in_report",
            )
        ]
