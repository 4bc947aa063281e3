"""Writes webhooks and their outbox: an event is written down with what caused it and delivered until it is taken.

The row is written in the transaction of the event itself: what is undone is not told, what is told has happened. The
doorbell may be lost, the beat rings again. A delivery may come twice (a worker that died between sending and writing):
its id stays the same, by which a receiver knows it.
"""

from __future__ import annotations

import base64
import json
import logging
import random
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from backend.accounts.models import User
from backend.accounts.sealed_secrets import SecretLost, open_secret, seal_secret
from backend.audit.services import record_event
from backend.projects.models import Project
from backend.webhooks.addresses import resolve
from backend.webhooks.models import Delivery, DeliveryState, Webhook, WebhookEvent
from backend.webhooks.sending import SECRET_PREFIX, Answer, send

logger = logging.getLogger(__name__)

PURPOSE: Final = "webhooks"
TASK: Final = "webhooks.deliver"
PAUSES: Final = (5, 60, 300, 1800, 7200, 18_000, 28_800, 28_800)
"""Seconds before the second and each further attempt: nine in 23.5 hours."""
DISABLED_AFTER: Final = timedelta(days=3)
"""A webhook to which nothing has come through for so long is switched off."""
TAKEN_FOR_LOST: Final = timedelta(seconds=90)
KEPT: Final = timedelta(days=30)
MAX_WEBHOOKS: Final = 20
_BATCH: Final = 20
_WIDTH: Final = 4
_LONGEST_RUN: Final = 20.0


class TooManyWebhooks(Exception):
    """A project has at most `MAX_WEBHOOKS`."""


def create_webhook(
    *, project: Project, by: User, url: str, events: Sequence[str], description: str = ""
) -> tuple[Webhook, str]:
    """Make a webhook; also its secret, which is told only here. AddressRefused where it may not lead there."""
    resolve(url)
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        if project.webhooks.count() >= MAX_WEBHOOKS:
            raise TooManyWebhooks(f"A project has at most {MAX_WEBHOOKS} webhooks.")
        webhook = Webhook.objects.create(
            project=project,
            url=url,
            events=sorted(set(events)),
            description=description,
            sealed_secret=seal_secret(secret, purpose=PURPOSE),
            created_by=by,
        )
        _record(webhook, "webhook.created", by, {"url": url, "events": webhook.events})
    return webhook, secret


def update_webhook(*, webhook: Webhook, by: User, changes: dict[str, Any]) -> Webhook:
    """Change address, events, description, or switch it on or off; AddressRefused as for a new one."""
    if "url" in changes and changes["url"] != webhook.url:
        resolve(changes["url"])
    with transaction.atomic():
        webhook = Webhook.objects.select_for_update().get(pk=webhook.pk)
        for name, value in changes.items():
            setattr(webhook, name, sorted(set(value)) if name == "events" else value)
        if changes.get("is_enabled"):
            webhook.disabled_reason, webhook.failing_since = "", None
        webhook.save()
        _record(webhook, "webhook.changed", by, changes)
    return webhook


def delete_webhook(*, webhook: Webhook, by: User) -> None:
    """Forget it, its secret and its log; the audit trail keeps that it was."""
    with transaction.atomic():
        _record(webhook, "webhook.deleted", by, {"url": webhook.url})
        webhook.delete()


def announce(*, project_id: UUID, event: str, data: dict[str, str | int | None]) -> None:
    """Write `event` into the outbox of every webhook that wants it; call it inside the event's own transaction.

    `data` holds ids and states alone: nothing of a patient, of a reading's content or of what a model found.
    """
    for webhook in Webhook.objects.filter(project=project_id, is_enabled=True):
        if event in webhook.events:
            _enqueue(webhook, event, data)


def send_test(*, webhook: Webhook, by: User) -> Delivery:
    """Deliver an event that says nothing, also to a webhook that is switched off."""
    with transaction.atomic():
        _record(webhook, "webhook.tested", by, {})
        return _enqueue(webhook, WebhookEvent.TEST, {})


def redeliver(*, delivery: Delivery, by: User) -> Delivery:
    """Send it again under the same id, at once, with all attempts before it."""
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().get(pk=delivery.pk)
        delivery.state, delivery.attempts, delivery.next_attempt_at = DeliveryState.PENDING, 0, timezone.now()
        delivery.save(update_fields=["state", "attempts", "next_attempt_at"])
        _record(delivery.webhook, "webhook.redelivered", by, {"delivery": str(delivery.pk), "event": delivery.event})
        transaction.on_commit(_ring)
    return delivery


def _enqueue(webhook: Webhook, event: str, data: dict[str, str | int | None]) -> Delivery:
    now = timezone.now()
    payload = {"type": event, "timestamp": now.isoformat(), "project": webhook.project.slug, "data": data}
    delivery = Delivery.objects.create(webhook=webhook, event=event, payload=payload, next_attempt_at=now)
    transaction.on_commit(_ring)
    return delivery


def _ring() -> None:
    """A broker that is away is no error: the beat rings later."""
    try:
        current_app.send_task(TASK, queue="default", retry=False, expires=60)
    except OperationalError as error:
        logger.warning("webhooks wait for the broker: %s", error)


def deliver_due() -> int:
    """Send what is due, a few at a time, for some seconds; returns how many attempts were made.

    A webhook that does not answer is left for the next run: it must not keep others waiting.
    """
    Delivery.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    started, made, silent = time.monotonic(), 0, set[UUID]()
    while time.monotonic() - started < _LONGEST_RUN:
        claimed = [row for row in _due(silent) if _claim(row)]
        if not claimed:
            break
        with ThreadPoolExecutor(_WIDTH) as threads:
            # The threads touch sockets alone; the database stays with this one.
            answers = list(threads.map(_attempt, claimed))
        for delivery, answer in zip(claimed, answers, strict=True):
            _settle(delivery, answer)
            if answer.status is None:
                silent.add(delivery.webhook_id)
        made += len(claimed)
    return made


def _due(silent: set[UUID]) -> list[Delivery]:
    """What is due now, the oldest first, one of each webhook so that one that hangs is met once."""
    # What waits for a webhook that was switched off is sent when it is switched on again.
    heard = Q(webhook__is_enabled=True) | Q(event=WebhookEvent.TEST)
    due = Delivery.objects.filter(heard, state=DeliveryState.PENDING, next_attempt_at__lte=timezone.now())
    rows = due.exclude(webhook__in=silent).select_related("webhook").order_by("next_attempt_at")
    first: dict[UUID, Delivery] = {}
    for row in rows[: 50 * _BATCH]:
        first.setdefault(row.webhook_id, row)
    return list(first.values())[:_BATCH]


def _claim(delivery: Delivery) -> bool:
    """Whether this process sends it: counted before it is sent, so that an attempt that dies is one, too."""
    until = timezone.now() + TAKEN_FOR_LOST
    mine = Delivery.objects.filter(
        pk=delivery.pk, state=DeliveryState.PENDING, attempts=delivery.attempts, next_attempt_at=delivery.next_attempt_at
    ).update(attempts=F("attempts") + 1, next_attempt_at=until, attempted_at=timezone.now())
    delivery.attempts, delivery.next_attempt_at = delivery.attempts + 1, until
    return bool(mine)


def _attempt(delivery: Delivery) -> Answer:
    webhook = delivery.webhook
    try:
        secret = open_secret(webhook.sealed_secret, purpose=PURPOSE)
    except SecretLost as lost:
        return Answer(None, str(lost), 0.0)
    body = json.dumps(delivery.payload, separators=(",", ":")).encode()
    return send(url=webhook.url, secret=secret, delivery_id=str(delivery.pk), body=body)


def _settle(delivery: Delivery, answer: Answer) -> None:
    """Write down what came of an attempt, of delivery and webhook, unless somebody else has sent it since."""
    now = timezone.now()
    values: dict[str, Any] = {"status": answer.status, "answer": answer.text, "seconds": round(answer.seconds, 3)}
    if answer.is_taken:
        values |= {"state": DeliveryState.DELIVERED, "next_attempt_at": None}
    elif answer.is_gone or delivery.attempts > len(PAUSES):
        values |= {"state": DeliveryState.FAILED, "next_attempt_at": None}
    else:
        values |= {"next_attempt_at": _next_attempt(delivery.attempts, now)}
    with transaction.atomic():
        mine = Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts, state=DeliveryState.PENDING)
        if mine.update(**values):
            _tend(delivery.webhook_id, answer, now)


def _next_attempt(attempts: int, now: datetime) -> datetime:
    return now + timedelta(seconds=PAUSES[attempts - 1] * random.uniform(1, 1.1))


def _tend(webhook_id: UUID, answer: Answer, now: datetime) -> None:
    """Note that the webhook fails, or no longer, and switch it off where it has for long or wants no more."""
    webhook = Webhook.objects.select_for_update().get(pk=webhook_id)
    if answer.is_taken:
        if webhook.failing_since is not None:
            webhook.failing_since = None
            webhook.save(update_fields=["failing_since"])
        return
    webhook.failing_since = webhook.failing_since or now
    reason = ""
    if answer.is_gone:
        reason = "The receiver answered that it is gone (410)."
    elif now - webhook.failing_since > DISABLED_AFTER:
        reason = f"Nothing came through for {DISABLED_AFTER.days} days."
    if reason and webhook.is_enabled:
        webhook.is_enabled, webhook.disabled_reason = False, reason
        _record(webhook, "webhook.disabled", None, {"reason": reason})
    webhook.save(update_fields=["failing_since", "is_enabled", "disabled_reason"])


def _record(webhook: Webhook, verb: str, by: User | None, detail: dict[str, Any]) -> None:
    record_event(
        actor=by, verb=verb, project_id=webhook.project_id, object_type="webhook", object_id=webhook.pk, detail=detail
    )  # fmt: skip
