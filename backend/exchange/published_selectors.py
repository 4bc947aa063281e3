"""Which published objects a member is shown: those of the readings that he may see, as they are now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import F, Q

from backend.accounts.compiled_select import CompiledSelect, fields_of
from backend.accounts.models import User
from backend.archive.models import Series, Study
from backend.exchange.export_selection import ExportFilter, exported_readings
from backend.exchange.models import DerivedObject
from backend.projects.models import Case, Project, Role, Split
from backend.readings.models import ReaderKind, ReadingState
from backend.readings.selectors import cases_judged_by, superseded

_TABLE: Final = DerivedObject._meta.db_table
_ANY: Final = CompiledSelect(fields_of(DerivedObject, "id"), f"FROM {_TABLE} WHERE project_id = %s LIMIT 1")
# Where the object a sender brings was made: asked of every object that comes.
_TWIN: Final = CompiledSelect(
    fields_of(DerivedObject, "id"),
    f"FROM {_TABLE} JOIN archive_instance i ON i.id = {_TABLE}.instance_id "
    "WHERE project_id = %s AND i.sop_instance_uid = %s LIMIT 1",
)
# CROSS JOIN: from the study to its cases, never through all cases of the project.
_CASES: Final = CompiledSelect(
    fields_of(Case, "id"),
    f"FROM {Study._meta.db_table} t CROSS JOIN {Series._meta.db_table} s CROSS JOIN {Case._meta.db_table} "
    "WHERE t.archive_id = %s AND t.study_instance_uid = %s AND s.study_id = t.id "
    f"AND {Case._meta.db_table}.series_id = s.id AND {Case._meta.db_table}.project_id = %s",
)

ALREADY_PUBLISHED: Final = "Already here: published from a reading of this project."
PUBLISHED_MODALITIES: Final = ("SEG", "SR", "RTSTRUCT")
CURRENT: Final = Q(revision=F("reading__revision"), reading__state=ReadingState.SUBMITTED)
"""Of derived objects: their reading is still what it was when they were written."""


@dataclass(frozen=True, slots=True)
class PublishedInstances:
    """Instances, and the series that they are all of, by their keys; empty where nothing is shown."""

    instances: frozenset[int] = frozenset()
    series: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.instances)


def published_instances(*, project: Project, user: User, role: str, study: str | None = None) -> PublishedInstances:
    """What `user` is shown of the project, or of the study with that Study Instance UID.

    Readers see the objects of their own readings, reviewers also of those that `readings_visible_to` shows them, leads of
    those that `exported_readings` gives them. Never a model's, never of another revision than the reading's newest,
    nor of one whose place a reviewer's edit has taken.
    """
    if not _ANY.rows([project.pk]):
        return PublishedInstances()
    readings = exported_readings(project=project, by=user, chosen=ExportFilter())
    if study is None:
        found = DerivedObject.objects.filter(project=project)
    else:
        # Their keys first: else a database goes through all that the project has published.
        cases = [pk for (pk,) in _CASES.rows([project.archive_id, study, project.pk])]
        found, readings = DerivedObject.objects.filter(reading__case__in=cases), readings.filter(case__in=cases)
    found = found.filter(CURRENT, ~superseded(of="reading__")).exclude(reading__reader__kind=ReaderKind.MODEL)
    if role == Role.LEAD:
        found = found.filter(reading__in=readings)
    else:
        seen = Q(reading__reader__user=user, reading__reader__kind=ReaderKind.PERSON)
        if role == Role.REVIEWER:
            cases = list(Case.objects.filter(pk__in=found.order_by().values("reading__case")))
            seen |= Q(reading__case__in=cases_judged_by(project, user, role=role, cases=cases))
        found = found.filter(seen).exclude(reading__case__split=Split.EMBARGOED)
    return _keys(found.order_by().values_list("instance_id", "instance__series_id").distinct())


def _keys(rows: Iterable[tuple[int, int]]) -> PublishedInstances:
    known = list(rows)
    return PublishedInstances(frozenset(pk for pk, _ in known), frozenset(series for _, series in known))


def has_published(project: Project) -> bool:
    """Whether anything of the project is published, shown or not."""
    return bool(_ANY.rows([project.pk]))


def is_published_here(project: Project, sop_instance_uid: str) -> bool:
    """Whether an object that somebody brings is one that this project has published; asked by the UID that it came with."""
    return bool(sop_instance_uid) and bool(_TWIN.rows([project.pk, sop_instance_uid]))
