"""A review: what a second person decided of one revision of a submitted reading."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from backend.readings.models import Reading


class ReviewDecision(models.TextChoices):
    """What a reviewer decides."""

    AGREED = "agreed"
    EDITED = "edited"
    SENT_BACK = "sent_back"


class ReviewOutcome(models.TextChoices):
    """What a submitted reading is, as it is now, by its reviews: an edit, or edited, before agreed."""

    AGREED = "agreed"
    EDITED = "edited"
    NONE = "none"


class Review(models.Model):
    """A decision on `reading` as it was at `revision`; it counts while that is the reading's present, submitted revision.

    `replacement`: of an edit the reviewer's own reading, which counts only once it is submitted.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reading = models.ForeignKey(Reading, on_delete=models.CASCADE, related_name="reviews")
    revision = models.PositiveIntegerField()
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    decision = models.CharField(max_length=10, choices=ReviewDecision)
    comment = models.CharField(max_length=500, blank=True)
    replacement = models.ForeignKey(Reading, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reading", "revision", "reviewer"], name="one_review"),
            models.CheckConstraint(
                condition=~models.Q(decision="sent_back") | ~models.Q(comment=""), name="sent_back_says_why"
            ),
        ]
