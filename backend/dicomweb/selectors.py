"""Which instances a project shows: those of its cases and no others; those of embargoed cases to leads alone.

Leads, who may send images, see also what has arrived and is about to become cases: whoever stores can retrieve at once.
Published objects of readings are shown to those who may see the readings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from backend.accounts.compiled_select import database_key
from backend.accounts.models import User
from backend.archive.models import Instance, Series, Study
from backend.exchange.models import ImportItem
from backend.exchange.published_selectors import PublishedInstances, published_instances
from backend.exchange.receiving import arriving_runs
from backend.projects.models import Case, Project, Role, Split
from backend.projects.selectors import in_reading_order


@dataclass(frozen=True)
class Shown:
    """What a member of that role sees of a project."""

    project: Project
    role: str
    user: User

    @cached_property
    def arriving(self) -> list[UUID]:
        """The imports whose images he sees before they are cases."""
        return arriving_runs(self.project.pk) if self.role == Role.LEAD else []

    def cases(self) -> QuerySet[Case]:
        """The cases whose images he may fetch."""
        cases = Case.objects.filter(project=self.project)
        return cases if self.role == Role.LEAD else cases.exclude(split=Split.EMBARGOED)

    def published(self, study: str | None = None) -> PublishedInstances:
        """The objects of readings that he sees, of all or of one study."""
        return published_instances(project=self.project, user=self.user, role=self.role, study=study)

    def images(self) -> Q:
        """Instances that are one of the cases, belong to a series that is one, or have just arrived."""
        own = self.cases().filter(Q(instance__isnull=True) | Q(instance_id=OuterRef("pk")), series_id=OuterRef("series_id"))
        if not self.arriving:
            return Q(Exists(own))
        come = ImportItem.objects.filter(run_id__in=self.arriving, instance_id=OuterRef("pk"))
        return Q(Exists(own)) | Q(Exists(come))

    def parameters(self, *, with_arriving: bool = True) -> dict[str, Any]:
        """What the written conditions name; the arriving runs, too, which are a query of their own."""
        return {
            "project": database_key(self.project.pk),
            "embargoed": Split.EMBARGOED.value,
            "role": str(self.role),
            "lead": Role.LEAD.value,
            **({f"run{index}": database_key(run) for index, run in enumerate(self.arriving)} if with_arriving else {}),
        }

    @property
    def runs_sql(self) -> str:
        """The arriving runs as a list of parameters; empty where there are none."""
        return ", ".join(f"%(run{index})s" for index in range(len(self.arriving)))


def instances_at(shown: Shown, study: str, series: str | None = None, instance: str | None = None) -> QuerySet[Instance]:
    """Visible instances of a study, a series or one SOP Instance UID, each series in reading order."""
    published = shown.published(study)
    visible = shown.images() | Q(pk__in=published.instances) if published else shown.images()
    return _at(shown, visible, study, series, instance)


def images_at(shown: Shown, study: str, series: str | None = None, instance: str | None = None) -> QuerySet[Instance]:
    """Those of `instances_at` that have a picture to show."""
    return _at(shown, shown.images(), study, series, instance)


def _at(shown: Shown, visible: Q, study: str, series: str | None, instance: str | None) -> QuerySet[Instance]:
    place = {"series__study__study_instance_uid": study, "series__study__archive": shown.project.archive}
    found = Instance.objects.filter(visible, **place)
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
    """Where the frames of an instance lie: object key, [offset, length] per frame, transfer syntax.

    `is_published`: of an object of a reading, which may be gone tomorrow.
    """

    instance_id: int
    frames_key: str
    frame_ranges: list[list[int]]
    transfer_syntax_uid: str
    is_published: bool = False


# Written out: a series is fetched frame by frame, and to compile this query anew costs more than to run it.
_INSTANCE_SQL: Final = f"""
SELECT i.id, i.frames_key, i.frame_ranges, i.transfer_syntax_uid
FROM {Instance._meta.db_table} i
JOIN {Series._meta.db_table} s ON s.id = i.series_id
JOIN {Study._meta.db_table} t ON t.id = s.study_id
WHERE i.sop_instance_uid = %(instance)s AND s.series_instance_uid = %(series)s AND t.study_instance_uid = %(study)s
AND t.archive_id = %(archive)s
"""
_FRAMES_SQL: Final = f"""{_INSTANCE_SQL}
AND (EXISTS (
    SELECT 1 FROM {Case._meta.db_table} c
    WHERE c.project_id = %(project)s AND c.series_id = i.series_id AND (c.instance_id IS NULL OR c.instance_id = i.id)
    AND (c.split <> %(embargoed)s OR %(role)s = %(lead)s)
){{arriving}})
"""
_ARRIVING_INSTANCE: Final = (
    f" OR EXISTS (SELECT 1 FROM {ImportItem._meta.db_table} m WHERE m.instance_id = i.id AND m.run_id IN ({{runs}}))"
)


def stored_frames_of(shown: Shown, study: str, series: str, instance: str) -> StoredFramesOf | None:
    """What `instances_at` finds for one instance, as far as serving its frames needs it."""
    named = {"study": study, "series": series, "instance": instance, "archive": database_key(shown.project.archive_id)}
    # Nearly everything that is fetched is a case already: what arrives is asked for only where it is none.
    row = _first(_FRAMES_SQL.format(arriving=""), shown.parameters(with_arriving=False) | named)
    if row is None and shown.arriving:
        arriving = _ARRIVING_INSTANCE.format(runs=shown.runs_sql)
        row = _first(_FRAMES_SQL.format(arriving=arriving), shown.parameters() | named)
    is_published = row is None
    if row is None:
        row = _published_row(shown, study, named)
    if row is None:
        return None
    ranges = json.loads(row[2]) if isinstance(row[2], str) else row[2]
    return StoredFramesOf(row[0], row[1], ranges, row[3], is_published)


def _published_row(shown: Shown, study: str, named: Mapping[str, Any]) -> Sequence[Any] | None:
    """Asked only where no image of that UID is shown: who fetches images pays nothing for what is published."""
    published = shown.published(study)
    row = _first(_INSTANCE_SQL, named) if published else None
    return row if row is not None and row[0] in published.instances else None


def _first(sql: str, parameters: Mapping[str, Any]) -> Sequence[Any] | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: Sequence[Any] | None = cursor.fetchone()
    return found
