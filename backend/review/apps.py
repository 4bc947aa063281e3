"""Django app configuration of `review`."""

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    """Review."""

    name = "backend.review"
    label = "review"
    default_auto_field = "django.db.models.BigAutoField"
