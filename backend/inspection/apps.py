"""Django app configuration of `inspection`."""

from django.apps import AppConfig


class InspectionConfig(AppConfig):
    """Looks inside a model version while it reads one image."""

    name = "backend.inspection"
    label = "inspection"
    default_auto_field = "django.db.models.BigAutoField"
