"""Users and their bearer tokens."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person who signs in, or the account that owns a program's token. `room`: how he likes the reading room."""

    language = models.CharField(max_length=10, default="en")
    key_bindings = models.JSONField(default=dict)
    room = models.JSONField(default=dict)
    tour_seen = models.BooleanField(default=False)
    may_create_projects = models.BooleanField(default=False)
    must_change_password = models.BooleanField(default=False)

    @property
    def shown_name(self) -> str:
        """What others read of him: his full name, else the name he signs in with."""
        return self.get_full_name() or self.get_username()


class ApiToken(models.Model):
    """A bearer token: only its SHA-256 is stored; scopes narrow what its owner may do."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
