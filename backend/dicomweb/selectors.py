"""Which instances a project shows: those of its cases and no others."""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from backend.archive.models import Instance, Series, Study
from backend.projects.models import Case, Project


def visible_instances(project: Project) -> QuerySet[Instance]:
    """Instances that are a case of the project, or belong to a series that is one."""
    cases = Case.objects.filter(
        Q(instance__isnull=True) | Q(instance_id=OuterRef("pk")), project=project, series_id=OuterRef("series_id")
    )
    return Instance.objects.filter(Exists(cases))


def visible_series(project: Project) -> QuerySet[Series]:
    """Series with at least one case of the project."""
    return Series.objects.filter(Exists(Case.objects.filter(project=project, series_id=OuterRef("pk"))))


def visible_studies(project: Project) -> QuerySet[Study]:
    """Studies with at least one case of the project."""
    return Study.objects.filter(Exists(Case.objects.filter(project=project, series__study_id=OuterRef("pk"))))


def instances_at(project: Project, study: str, series: str | None = None, instance: str | None = None) -> QuerySet[Instance]:
    """Visible instances of a study, a series or one SOP Instance UID, in reading order (along the slice normal)."""
    found = visible_instances(project).filter(series__study__study_instance_uid=study)
    if series is not None:
        found = found.filter(series__series_instance_uid=series)
    if instance is not None:
        return found.filter(sop_instance_uid=instance)
    return found.order_by("series_id", F("position").asc(nulls_last=True), "instance_number", "sop_instance_uid")
