"""Django app configuration of `registry`."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """Model versions, their evaluations, promotion and rollback."""

    name = "backend.registry"
    label = "registry"
    default_auto_field = "django.db.models.BigAutoField"
