"""Django app configuration of `projects`."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    """Project, FindingType, Membership, Case (split, priority), Assignment (arm, lease), worklist."""

    name = "backend.projects"
    label = "projects"
    default_auto_field = "django.db.models.BigAutoField"
