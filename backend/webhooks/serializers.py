"""What the endpoints of webhooks take and give."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from backend.webhooks.models import DeliveryState, WebhookEvent

OFFERED: Final = [(event.value, event.label) for event in WebhookEvent if event != WebhookEvent.TEST]
"""What a webhook may ask for."""


class WebhookInSerializer(serializers.Serializer[Any]):
    """A new webhook."""

    url = serializers.CharField(max_length=500)
    events = serializers.ListField(child=serializers.ChoiceField(choices=OFFERED), allow_empty=False, max_length=20)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class WebhookChangeSerializer(serializers.Serializer[Any]):
    """What to change."""

    url = serializers.CharField(max_length=500, required=False)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=OFFERED), allow_empty=False, max_length=20, required=False
    )
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    is_enabled = serializers.BooleanField(required=False)


class DeliverySerializer(serializers.Serializer[Any]):
    """One event for one webhook, and the last answer; `status` null where there was none."""

    id = serializers.UUIDField()
    event = serializers.ChoiceField(choices=WebhookEvent.choices)
    state = serializers.ChoiceField(choices=DeliveryState.choices)
    attempts = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True)
    answer = serializers.CharField()
    seconds = serializers.FloatField(allow_null=True)
    payload = serializers.DictField()
    created_at = serializers.DateTimeField()
    attempted_at = serializers.DateTimeField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(allow_null=True)


class WebhookSerializer(serializers.Serializer[Any]):
    """A webhook; `disabled_reason` where the product switched it off."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.ChoiceField(choices=OFFERED))
    description = serializers.CharField()
    is_enabled = serializers.BooleanField()
    disabled_reason = serializers.CharField()
    failing_since = serializers.DateTimeField(allow_null=True)
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    pending = serializers.IntegerField(help_text="Deliveries that wait for their next attempt.")
    last = DeliverySerializer(allow_null=True)


class MadeWebhookSerializer(WebhookSerializer):
    """A new webhook with its secret, which is told only here."""

    secret = serializers.CharField()
