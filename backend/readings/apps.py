"""Django app configuration of `readings`."""

from django.apps import AppConfig


class ReadingsConfig(AppConfig):
    """Reader, Reading, Lesion, decisions and revisions."""

    name = "backend.readings"
    label = "readings"
    default_auto_field = "django.db.models.BigAutoField"
