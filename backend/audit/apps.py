"""Django app configuration of `audit`."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Append-only, hash-chained record of who did what."""

    name = "backend.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"
