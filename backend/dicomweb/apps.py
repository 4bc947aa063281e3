"""Django app configuration of `dicomweb`."""

from django.apps import AppConfig


class DicomwebConfig(AppConfig):
    """QIDO-RS and WADO-RS over a project's cases."""

    name = "backend.dicomweb"
    label = "dicomweb"
    default_auto_field = "django.db.models.BigAutoField"
