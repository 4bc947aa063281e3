"""Django app configuration of `learning`."""

from django.apps import AppConfig


class LearningConfig(AppConfig):
    """Rounds of training and their states, training policy, acquisition scores."""

    name = "backend.learning"
    label = "learning"
    default_auto_field = "django.db.models.BigAutoField"
