"""A model is a reader: Reader, Reading, Lesion, the decisions on predicted lesions, and the revisions."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from backend.archive.models import Instance
from backend.projects.models import Case, FindingType, Project
from backend.registry.models import ForeignModel, ModelVersion


class ReaderKind(models.TextChoices):
    """Who reads."""

    PERSON = "person"
    MODEL = "model"
    IMPORTED = "imported"
    CONSENSUS = "consensus"


class Reader(models.Model):
    """A person, a model (one of our versions, or a foreign one), an imported source, or a consensus, in one project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="readers")
    kind = models.CharField(max_length=10, choices=ReaderKind)
    name = models.CharField(max_length=150)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="readers")
    model_version = models.ForeignKey(ModelVersion, null=True, on_delete=models.CASCADE, related_name="readers")
    foreign_model = models.OneToOneField(ForeignModel, null=True, on_delete=models.CASCADE, related_name="reader")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "user"], condition=models.Q(kind="person"), name="one_reader_per_person"
            ),
            models.UniqueConstraint(
                fields=["model_version"], condition=models.Q(kind="model"), name="one_reader_per_model_version"
            ),
            models.UniqueConstraint(
                fields=["project", "name"], condition=models.Q(kind="imported"), name="one_imported_reader"
            ),
        ]

    @property
    def shown_from(self) -> float:
        """The least score that is shown of a model's findings; 0 for who is no model."""
        model = self.model_version or self.foreign_model
        return model.display_threshold if model is not None else 0.0


class ReadingState(models.TextChoices):
    """A draft belongs to its reader; only submitted readings train."""

    DRAFT = "draft"
    SUBMITTED = "submitted"


class Verdict(models.TextChoices):
    """What the reader says of the case as a whole; empty while undecided."""

    LESIONS = "lesions"
    NO_LESION = "no_lesion"
    NOT_READABLE = "not_readable"
    DEFERRED = "deferred"


class Reading(models.Model):
    """All that one reader found in one case.

    `image_findings` maps a finding type's id (as text) to "present" or "absent" (or, from a model, a score).
    `measurements`: list of {id, kind, sop_instance_uid, frame, points, text}, see `backend.geometry.measurements`.
    `slices_read`: which slices of a series its reader has had on screen, as ranges [first, last] in reading order, from 0
    (`backend.geometry.slices`); null where nobody recorded it, which counts as all: images, imports
    of what does not tell, older readings.
    `label_kind` of an imported reading says what it may train: "full" (lesions are complete) or "image" (image-level only).
    `revision_id` names the newest revision; the ETag is `"<revision>-<revision_id>"`. Where the project asks for a first
    look, `revealed_at` is when the model's findings were shown, and the revision `revealed_revision` what was marked before.
    `revises`: the reader's submitted reading that this reviewer's own edits, as it was at `revises_revision`; while that is
    its present revision and this one is submitted, this one takes its place. `sent_back_comment`, `sent_back_by`: why and
    by whom it was sent back to its reader, until it is submitted again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="readings")
    reader = models.ForeignKey(Reader, on_delete=models.CASCADE, related_name="readings")
    state = models.CharField(max_length=10, choices=ReadingState, default=ReadingState.DRAFT)
    verdict = models.CharField(max_length=12, choices=Verdict, blank=True)
    verdict_reason = models.CharField(max_length=300, blank=True)
    comment = models.TextField(blank=True)
    image_findings = models.JSONField(default=dict)
    measurements = models.JSONField(default=list)
    slices_read = models.JSONField(null=True)
    label_kind = models.CharField(max_length=8, choices=[("full", "full"), ("image", "image")], default="full")
    revealed_at = models.DateTimeField(null=True)
    revealed_revision = models.PositiveIntegerField(null=True)
    started_from = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    revises = models.ForeignKey("self", null=True, db_index=False, on_delete=models.SET_NULL, related_name="edits")
    revises_revision = models.PositiveIntegerField(null=True)
    sent_back_comment = models.CharField(max_length=500, blank=True)
    sent_back_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    display_threshold = models.FloatField(null=True)
    vocabulary_version = models.PositiveIntegerField(default=1)
    revision = models.PositiveIntegerField(default=0)
    revision_id = models.UUIDField(default=uuid.uuid4)
    active_seconds = models.FloatField(default=0.0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "reader"], name="one_reading")]
        indexes = [
            models.Index(fields=["case", "state"], name="reading_case_state"),
            # Of the few that edit another's alone: with all the others in it a database would rather read the whole table.
            models.Index(fields=["revises"], condition=models.Q(revises__isnull=False), name="reading_revises"),
        ]


class MarkKind(models.TextChoices):
    """Geometry of a lesion; `points` in SCOORD convention (DICOM PS3.3 C.18.6.1.1), see `backend.geometry`."""

    BOX = "box"
    ELLIPSE = "ellipse"
    POLYGON = "polygon"
    FREEHAND = "freehand"
    MASK = "mask"
    POINT = "point"


class Origin(models.TextChoices):
    """Where a lesion came from; a reviewed one from the reading that its reviewer edits."""

    DRAWN = "drawn"
    ACCEPTED = "accepted"
    EDITED = "edited"
    IMPORTED = "imported"
    PREDICTED = "predicted"
    REVIEWED = "reviewed"


class Look(models.TextChoices):
    """Whether a person marked a lesion before or after the model's findings were revealed; empty without a first look."""

    FIRST = "first"
    CHANGED = "changed"
    SECOND = "second"


class Lesion(models.Model):
    """One mark: where (instance, frame, geometry) and what (finding type, attributes, score).

    `points`: list of [column, row]; the top-left corner of the image is (0, 0), the first pixel's centre (0.5, 0.5).
    box: two opposite corners; ellipse: four points, ends of the major then of the minor axis; polygon, freehand: the
    outline, implicitly closed; point: one. A mask has no points but `mask_origin` [frame, row, column] and
    `mask_shape` [frames, rows, columns] in the series grid (frame 0-based in series order) and the digest of its
    run-length blob. `frame` is DICOM's 1-based frame number inside `instance`. `look`: marked at the first look
    (before the model's findings were revealed), at the first and changed since, or only after the reveal.
    `drawn_as`: what the lesion was before it was converted to another kind: {kind, sop_instance_uid, frame, points, mask},
    the mask as {origin, shape, digest}; null when it was never converted. `drawn_as_digest` repeats that mask's digest.
    `prompted`: the clicks and box from which a tool made the mask that the person kept: {version, positive, negative, box},
    with `strokes` where any were drawn; version null where it was a tool without a model, or a general-purpose
    network, which `generic` then names by its files' SHA-256; null when the lesion was drawn by hand.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    reading = models.ForeignKey(Reading, on_delete=models.CASCADE, related_name="lesions")
    finding_type = models.ForeignKey(FindingType, on_delete=models.PROTECT, related_name="lesions")
    kind = models.CharField(max_length=10, choices=MarkKind)
    instance = models.ForeignKey(Instance, on_delete=models.PROTECT, related_name="+")
    frame = models.PositiveIntegerField(default=1)
    points = models.JSONField(default=list)
    mask_origin = models.JSONField(null=True)
    mask_shape = models.JSONField(null=True)
    mask_digest = models.CharField(max_length=64, blank=True)
    drawn_as = models.JSONField(null=True)
    drawn_as_digest = models.CharField(max_length=64, blank=True)
    prompted = models.JSONField(null=True)
    attributes = models.JSONField(default=dict)
    score = models.FloatField(null=True)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.DRAWN)
    look = models.CharField(max_length=8, choices=Look, blank=True)
    origin_lesion = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="descendants")
    origin_score = models.FloatField(null=True)
    moved_pixels = models.FloatField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            models.Index(fields=["reading", "score"], name="lesion_reading_score"),
            models.Index(fields=["mask_digest"], condition=~models.Q(mask_digest=""), name="lesion_mask_digest"),
            models.Index(fields=["drawn_as_digest"], condition=~models.Q(drawn_as_digest=""), name="lesion_drawn_as_digest"),
        ]


class DecisionKind(models.TextChoices):
    """What a person did with a predicted lesion that was shown."""

    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"


class Decision(models.Model):
    """A person's act on one predicted lesion, with the threshold then in force.

    `at_seconds`: the reader's seconds of work on the case until then; differences are the time between decisions.
    `at_once`: made with others by one command ("accept all"), where the project's lead allows that.
    """

    reading = models.ForeignKey(Reading, on_delete=models.CASCADE, related_name="decisions")
    predicted = models.ForeignKey(Lesion, on_delete=models.CASCADE, related_name="decisions")
    kind = models.CharField(max_length=10, choices=DecisionKind)
    reason = models.CharField(max_length=120, blank=True)
    lesion = models.ForeignKey(Lesion, null=True, on_delete=models.SET_NULL, related_name="+")
    threshold = models.FloatField()
    at_seconds = models.FloatField(null=True)
    at_once = models.BooleanField(default=False)
    decided_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reading", "predicted"], name="one_decision")]


class ReadingRevision(models.Model):
    """One save, for ever: the whole reading after it, who made it, and the answer that was given."""

    id = models.UUIDField(primary_key=True)
    reading = models.ForeignKey(Reading, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    content = models.JSONField()
    request_digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["reading", "number"]
        constraints = [models.UniqueConstraint(fields=["reading", "number"], name="revision_number")]
