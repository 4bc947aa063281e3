"""Which instances a project shows: those of its cases and no others; those of embargoed cases to leads alone."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from backend.archive.models import Instance, Series, Study
from backend.projects.models import Case, Project, Role, Split
from backend.projects.selectors import in_reading_order


def shown_cases(project: Project, role: str) -> QuerySet[Case]:
    """The cases whose images a member of that role may fetch."""
    cases = Case.objects.filter(project=project)
    return cases if role == Role.LEAD else cases.exclude(split=Split.EMBARGOED)


def visible_instances(cases: QuerySet[Case]) -> QuerySet[Instance]:
    """Instances that are one of the cases, or belong to a series that is one."""
    own = cases.filter(Q(instance__isnull=True) | Q(instance_id=OuterRef("pk")), series_id=OuterRef("series_id"))
    return Instance.objects.filter(Exists(own))


def visible_series(cases: QuerySet[Case]) -> QuerySet[Series]:
    """Series with at least one of the cases."""
    return Series.objects.filter(Exists(cases.filter(series_id=OuterRef("pk"))))


def visible_studies(cases: QuerySet[Case]) -> QuerySet[Study]:
    """Studies with at least one of the cases."""
    return Study.objects.filter(Exists(cases.filter(series__study_id=OuterRef("pk"))))


def instances_at(
    cases: QuerySet[Case], study: str, series: str | None = None, instance: str | None = None
) -> QuerySet[Instance]:
    """Visible instances of a study, a series or one SOP Instance UID, each series in reading order."""
    found = visible_instances(cases).filter(series__study__study_instance_uid=study)
    if series is not None:
        found = found.filter(series__series_instance_uid=series)
    if instance is not None:
        return found.filter(sop_instance_uid=instance)
    ordered = in_reading_order(found)
    return ordered if series is not None else ordered.order_by("series_id", *ordered.query.order_by)
