"""What narrows the worklist; by finding and score a case matches only with what its row may tell."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from django.db.models import Case as CaseWhen
from django.db.models import Exists, F, FloatField, OuterRef, Q, QuerySet, Subquery, TextField, When
from django.db.models.functions import Cast

from backend.accounts.models import User
from backend.projects.models import Arm, Assignment, BurntInReport, Project
from backend.readings.models import Lesion, ReaderKind, Reading, ReadingState
from backend.readings.selectors import shown_model


@dataclass(frozen=True, slots=True)
class WorklistFilters:
    """The filters of one request; `split`, `arm`, `reader` and `burnt_in` are for leads."""

    finding: int | None = None
    score: float | None = None
    modality: str = ""
    changed_from: date | None = None
    changed_to: date | None = None
    study_from: date | None = None
    study_to: date | None = None
    split: str = ""
    arm: str = ""
    reader: str = ""
    burnt_in: str = ""

    def __bool__(self) -> bool:
        """Whether anything narrows."""
        return any(getattr(self, name) not in (None, "") for name in FILTERS)

    def narrowed(self, cases: QuerySet[Any], project: Project, user: User) -> QuerySet[Any]:
        """Those of `cases`, annotated with `mine`, `row_state` and `row_arm`, that match."""
        plain: dict[str, Any] = {
            "series__modality": self.modality,
            "mine__changed_at__date__gte": self.changed_from,
            "mine__changed_at__date__lte": self.changed_to,
            "series__study__study_date__gte": self.study_from and self.study_from.strftime("%Y%m%d"),
            "series__study__study_date__lte": self.study_to and self.study_to.strftime("%Y%m%d"),
            "split": self.split,
            "row_arm": self.arm,
        }
        cases = cases.filter(**{name: value for name, value in plain.items() if value not in (None, "")})
        if self.study_from or self.study_to:
            cases = cases.exclude(series__study__study_date="")
        if self.reader:
            cases = cases.filter(Exists(Assignment.objects.filter(case=OuterRef("pk"), user__username=self.reader)))
        if self.burnt_in:
            cases = cases.filter(Exists(BurntInReport.objects.filter(case=OuterRef("pk"), closed_at=None)))
        if self.score is not None:
            cases = cases.annotate(least_score=told_top_score(project, user)).filter(least_score__gte=self.score)
        if self.finding is not None:
            cases = cases.filter(_found(project, user, self.finding))
        return cases


FILTERS = tuple(field.name for field in fields(WorklistFilters))
LEADS_FILTERS = frozenset({"split", "arm", "reader", "burnt_in"})


def _told(project: Project, user: User) -> Q:
    """Of the annotated cases those whose row may tell what the model found."""
    told = Q(row_arm=Arm.ASSISTED)
    if project.first_look:
        own = Reading.objects.filter(case=OuterRef("pk"), reader__user=user, reader__kind=ReaderKind.PERSON)
        known = Q(started_from__isnull=False) | Q(revealed_at__isnull=False) | Q(revises__isnull=False)
        told &= Q(Exists(own.filter(known | Q(state=ReadingState.SUBMITTED))))
    return told


def _shown(project: Project) -> QuerySet[Lesion]:
    """Lesions of the shown model that reach its threshold, of the outer query's case."""
    reader = shown_model(project)
    if reader is None:
        return Lesion.objects.none()
    least = Q(score__isnull=True) | Q(score__gte=reader.shown_from)
    return Lesion.objects.filter(least, reading__case=OuterRef("pk"), reading__reader=reader)


def told_top_score(project: Project, user: User) -> CaseWhen:
    """The highest score that the row tells, as an SQL expression; null where it tells none."""
    highest = Subquery(_shown(project).order_by(F("score").desc(nulls_last=True)).values("score")[:1])
    return CaseWhen(When(_told(project, user), then=highest), default=None, output_field=FloatField())


def _found(project: Project, user: User, finding: int) -> Q:
    """The user marked this type, or the row may tell that the model did."""
    own = Reading.objects.filter(case=OuterRef("pk"), reader__user=user, reader__kind=ReaderKind.PERSON)
    mine = Lesion.objects.filter(
        reading__case=OuterRef("pk"), reading__reader__user=user, reading__reader__kind=ReaderKind.PERSON
    ).filter(finding_type_id=finding)
    # A key that is a number would be taken for a place in a list; both databases write the object alike as text.
    text = Cast("image_findings", TextField())
    said = own.annotate(said=text).filter(said__contains=f'"{finding}": "present"')
    told = _told(project, user) & Q(Exists(_shown(project).filter(finding_type_id=finding)))
    return Q(Exists(mine)) | Q(Exists(said)) | told
