"""The audit trail: a row per opening of a case, per write and per retrieval of images; database triggers refuse changes."""

from __future__ import annotations

from typing import Final

from django.db import models

RETRIEVED: Final = "images.retrieved"
"""The verb of images that left the server, see `backend.audit.retrievals`."""


class Event(models.Model):
    """Who did what to which object, when. Append-only; a sealer chains rows by HMAC every minute.

    `actor_id` is the user's primary key without a foreign key: the record outlives the account.
    """

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=150, blank=True)
    verb = models.CharField(max_length=60, db_index=True)
    project_id = models.UUIDField(null=True, db_index=True)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)
    sealed_hash = models.CharField(max_length=64, null=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["object_id", "actor_id", "at"], name="event_object_actor")]
