"""Django app configuration of `config`: carries the commands `up` and `demo`, templates and locale."""

from django.apps import AppConfig

from backend.config import checks as checks  # registers the check of the database triggers


class ConfigConfig(AppConfig):
    """Settings, URL root, and the commands that start the product."""

    name = "backend.config"
    label = "config"
