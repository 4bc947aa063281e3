"""The app `webhooks`."""

from __future__ import annotations

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Webhooks."""

    name = "backend.webhooks"
    label = "webhooks"
