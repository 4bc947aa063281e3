"""A webhook, and its outbox: one row for each event that it is told of, with what became of it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from backend.projects.models import Project


class WebhookEvent(models.TextChoices):
    """What a webhook may be told of. `TEST` is sent by hand only."""

    READING_SUBMITTED = "reading.submitted"
    READING_REVIEWED = "reading.reviewed"
    ROUND_FINISHED = "round.finished"
    MODEL_PROMOTED = "model.promoted"
    IMPORT_FINISHED = "import.finished"
    EXPORT_FINISHED = "export.finished"
    TEST = "webhook.test"


class Webhook(models.Model):
    """An address that is told of events of a project.

    `sealed_secret` is what deliveries are signed with, encrypted. `failing_since`: when a delivery failed and none has
    succeeded after it; `disabled_reason` is said where it was switched off by the product, not by a person.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="webhooks")
    url = models.URLField(max_length=500)
    events = models.JSONField(default=list)
    description = models.CharField(max_length=200, blank=True)
    sealed_secret = models.TextField()
    is_enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=300, blank=True)
    failing_since = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project", "created_at"]


class DeliveryState(models.TextChoices):
    """Life of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(models.Model):
    """One event for one webhook: what is sent, and the last answer. Its id is the `webhook-id` of every attempt.

    `next_attempt_at` of a pending one: when it is due; while somebody sends it, when it is taken for lost.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40, choices=WebhookEvent)
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    status = models.PositiveIntegerField(null=True)
    answer = models.CharField(max_length=500, blank=True)
    seconds = models.FloatField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    attempted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(state="pending"), name="delivery_due"),
            models.Index(fields=["webhook", "-created_at"], name="delivery_of_webhook"),
        ]
