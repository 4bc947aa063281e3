"""Routes of `webhooks`."""

from __future__ import annotations

from django.urls import URLPattern, path

from backend.webhooks.views import DeliveryListView, RedeliverView, WebhookListView, WebhookTestView, WebhookView

_WEBHOOKS = "projects/<slug:slug>/webhooks/"
_WEBHOOK = f"{_WEBHOOKS}<uuid:webhook_id>/"

urlpatterns: list[URLPattern] = [
    path(_WEBHOOKS, WebhookListView.as_view(), name="webhook-list"),
    path(_WEBHOOK, WebhookView.as_view(), name="webhook"),
    path(f"{_WEBHOOK}test/", WebhookTestView.as_view(), name="webhook-test"),
    path(f"{_WEBHOOK}deliveries/", DeliveryListView.as_view(), name="webhook-deliveries"),
    path(f"{_WEBHOOK}deliveries/<uuid:delivery_id>/redeliver/", RedeliverView.as_view(), name="webhook-redeliver"),
]
