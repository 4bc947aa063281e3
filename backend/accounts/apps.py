"""Django app configuration of `accounts`."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, bearer tokens, and the one table of who may do what."""

    name = "backend.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
