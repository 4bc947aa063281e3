"""Django app configuration of `archive`."""

from django.apps import AppConfig


class ArchiveConfig(AppConfig):
    """Archive, Study, Series, Instance; ingest and frame storage."""

    name = "backend.archive"
    label = "archive"
    default_auto_field = "django.db.models.BigAutoField"
