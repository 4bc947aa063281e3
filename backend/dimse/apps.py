"""Django app configuration of `dimse`."""

from django.apps import AppConfig


class DimseConfig(AppConfig):
    """Receives by C-STORE; searches, pulls from and sends to remote PACS."""

    name = "backend.dimse"
    label = "dimse"
    default_auto_field = "django.db.models.BigAutoField"
