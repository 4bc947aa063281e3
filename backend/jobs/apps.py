"""Django app configuration of `jobs`."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """The durable record of every slow thing; the broker is only its doorbell."""

    name = "backend.jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"
