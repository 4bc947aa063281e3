"""Django app configuration of `exchange`."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    """Import of images and labels, export of readings."""

    name = "backend.exchange"
    label = "exchange"
    default_auto_field = "django.db.models.BigAutoField"
