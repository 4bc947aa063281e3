"""Reads webhooks and their log."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from backend.projects.models import Project
from backend.webhooks.models import Delivery, DeliveryState, Webhook


def webhooks_of(project: Project) -> QuerySet[Webhook]:
    """The project's webhooks, the oldest first."""
    return Webhook.objects.filter(project=project).select_related("created_by")


def webhook_document(webhook: Webhook) -> dict[str, Any]:
    """A webhook as the API tells it; its secret is told at its making alone."""
    last = webhook.deliveries.first()
    return {
        "id": str(webhook.pk),
        "url": webhook.url,
        "events": webhook.events,
        "description": webhook.description,
        "is_enabled": webhook.is_enabled,
        "disabled_reason": webhook.disabled_reason,
        "failing_since": webhook.failing_since,
        "created_by": webhook.created_by.get_username() if webhook.created_by else "",
        "created_at": webhook.created_at,
        "pending": webhook.deliveries.filter(state=DeliveryState.PENDING).count(),
        "last": delivery_document(last) if last else None,
    }


def delivery_document(delivery: Delivery) -> dict[str, Any]:
    """A delivery as the log tells it."""
    return {
        "id": str(delivery.pk),
        "event": delivery.event,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "status": delivery.status,
        "answer": delivery.answer,
        "seconds": delivery.seconds,
        "payload": delivery.payload,
        "created_at": delivery.created_at,
        "attempted_at": delivery.attempted_at,
        "next_attempt_at": delivery.next_attempt_at,
    }
