"""Endpoints of webhooks: make, change, test, forget; the log of deliveries, and sending one again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from backend.accounts.given import given
from backend.projects.project_view import ProjectView
from backend.webhooks.addresses import AddressRefused
from backend.webhooks.models import Delivery, Webhook
from backend.webhooks.selectors import delivery_document, webhook_document, webhooks_of
from backend.webhooks.serializers import (
    DeliverySerializer,
    MadeWebhookSerializer,
    WebhookChangeSerializer,
    WebhookInSerializer,
    WebhookSerializer,
)
from backend.webhooks.services import (
    TooManyWebhooks,
    create_webhook,
    delete_webhook,
    redeliver,
    send_test,
    update_webhook,
)

_PAGE = 100


class WebhookListView(ProjectView):
    """The project's webhooks."""

    operations = {"GET": "webhook.list", "POST": "webhook.create"}

    @extend_schema(operation_id="webhook_list", responses=WebhookSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """The oldest first."""
        return Response([webhook_document(webhook) for webhook in webhooks_of(self.project)])

    @extend_schema(operation_id="webhook_create", request=WebhookInSerializer, responses={201: MadeWebhookSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Make one; its secret is in this answer and nowhere else."""
        values = given(WebhookInSerializer, request.data)
        webhook, secret = _checked(lambda: create_webhook(project=self.project, by=self.user, **values))
        return Response({**webhook_document(webhook), "secret": secret}, status=status.HTTP_201_CREATED)


class WebhookView(ProjectView):
    """One webhook."""

    operations = {"PATCH": "webhook.update", "DELETE": "webhook.delete"}

    @extend_schema(operation_id="webhook_update", request=WebhookChangeSerializer, responses=WebhookSerializer)
    def patch(self, request: Request, slug: str, webhook_id: UUID) -> Response:
        """Change it; switched on again, it forgets that it failed."""
        webhook, changes = _webhook(self, webhook_id), given(WebhookChangeSerializer, request.data)
        changed = _checked(lambda: update_webhook(webhook=webhook, by=self.user, changes=changes))
        return Response(webhook_document(changed))

    @extend_schema(operation_id="webhook_delete", responses={204: None})
    def delete(self, request: Request, slug: str, webhook_id: UUID) -> Response:
        """Forget it and its log."""
        delete_webhook(webhook=_webhook(self, webhook_id), by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookTestView(ProjectView):
    """Trying it out."""

    operations = {"POST": "webhook.test"}

    @extend_schema(operation_id="webhook_test", request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, slug: str, webhook_id: UUID) -> Response:
        """Deliver an event `webhook.test`; the log tells what came of it."""
        delivery = send_test(webhook=_webhook(self, webhook_id), by=self.user)
        return Response(delivery_document(delivery), status=status.HTTP_202_ACCEPTED)


class DeliveryListView(ProjectView):
    """The log."""

    operations = {"GET": "webhook.deliveries"}

    @extend_schema(operation_id="webhook_deliveries", responses=DeliverySerializer(many=True))
    def get(self, request: Request, slug: str, webhook_id: UUID) -> Response:
        """The newest hundred deliveries of the last thirty days."""
        rows = _webhook(self, webhook_id).deliveries.all()[:_PAGE]
        return Response([delivery_document(row) for row in rows])


class RedeliverView(ProjectView):
    """Sending again."""

    operations = {"POST": "webhook.redeliver"}

    @extend_schema(operation_id="webhook_redeliver", request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, slug: str, webhook_id: UUID, delivery_id: UUID) -> Response:
        """Send the delivery once more, under its own id."""
        found = get_object_or_404(Delivery, webhook=_webhook(self, webhook_id), pk=delivery_id)
        return Response(delivery_document(redeliver(delivery=found, by=self.user)), status=status.HTTP_202_ACCEPTED)


def _webhook(view: ProjectView, webhook_id: UUID) -> Webhook:
    return get_object_or_404(webhooks_of(view.project), pk=webhook_id)


def _checked(write: Callable[[], Any]) -> Any:
    try:
        return write()
    except AddressRefused as refused:
        raise ValidationError({"url": [str(refused)]}) from refused
    except TooManyWebhooks as refused:
        raise ValidationError({"detail": str(refused)}) from refused
