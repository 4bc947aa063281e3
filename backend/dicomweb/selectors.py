"""Which instances a project shows: those of its cases and no others; those of embargoed cases to leads alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from django.db import connection
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


def series_of(instances: QuerySet[Instance]) -> list[str]:
    """Series Instance UIDs of these instances."""
    return list(instances.order_by().values_list("series__series_instance_uid", flat=True).distinct())


@dataclass(frozen=True, slots=True)
class StoredFramesOf:
    """Where the frames of an instance lie: object key, [offset, length] per frame, transfer syntax."""

    instance_id: int
    frames_key: str
    frame_ranges: list[list[int]]
    transfer_syntax_uid: str


# Written out: a series is fetched frame by frame, and to compile this query anew costs more than to run it.
_FRAMES_SQL: Final = f"""
SELECT i.id, i.frames_key, i.frame_ranges, i.transfer_syntax_uid
FROM {Instance._meta.db_table} i
JOIN {Series._meta.db_table} s ON s.id = i.series_id
JOIN {Study._meta.db_table} t ON t.id = s.study_id
WHERE i.sop_instance_uid = %s AND s.series_instance_uid = %s AND t.study_instance_uid = %s
AND EXISTS (
    SELECT 1 FROM {Case._meta.db_table} c
    WHERE c.project_id = %s AND c.series_id = i.series_id AND (c.instance_id IS NULL OR c.instance_id = i.id)
    AND (c.split <> %s OR %s = %s)
)
"""


def stored_frames_of(project: Project, role: str, study: str, series: str, instance: str) -> StoredFramesOf | None:
    """What `instances_at` finds for one instance, as far as serving its frames needs it."""
    project_id = Case._meta.get_field("project").get_db_prep_value(project.pk, connection)
    embargo = (Split.EMBARGOED.value, role, Role.LEAD.value)
    with connection.cursor() as cursor:
        cursor.execute(_FRAMES_SQL, [instance, series, study, project_id, *embargo])
        row = cursor.fetchone()
    if row is None:
        return None
    ranges = json.loads(row[2]) if isinstance(row[2], str) else row[2]
    return StoredFramesOf(row[0], row[1], ranges, row[3])
