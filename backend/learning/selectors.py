"""Reads what a round needs: labels to train on, truth to measure against, cases still to be read."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Final
from uuid import UUID

from django.db.models import F, Prefetch, Q, QuerySet

from backend.accounts.models import User
from backend.learning.models import AcquisitionScore, Round, Snapshot, SnapshotItem, TrainingPolicy, UnreadItem
from backend.learning.states import ENDED
from backend.projects.models import Assignment, Case, Project, Split
from backend.projects.reading_order import open_cases_in_order
from backend.readings.models import Lesion, Reader, ReaderKind, Reading, ReadingState, Verdict
from backend.readings.past_readings import reading_at
from backend.readings.selectors import superseded
from backend.registry.models import ModelVersion

TEACHERS = (ReaderKind.PERSON, ReaderKind.IMPORTED, ReaderKind.CONSENSUS)
AHEAD: Final = 20
"""So many of a reader's next cases are read by a new version before it serves."""
MOST_UNREAD: Final = 1000
"""A student learns from so many unread images at most: they lie in memory beside the labels."""
IDS_A_QUERY: Final = 500
"""A database takes only so many values in one statement."""
ACTIVE: Final = timedelta(hours=12)
_TRUTH_ORDER = {ReaderKind.CONSENSUS: 0, ReaderKind.PERSON: 1, ReaderKind.IMPORTED: 2}


def policy_of(project: Project) -> TrainingPolicy:
    """The project's training policy, with its defaults where nobody has set one (not yet stored)."""
    found = TrainingPolicy.objects.filter(project=project).first()
    return found or TrainingPolicy(project=project)


def labels(project: Project, split: str) -> QuerySet[Reading]:
    """Submitted readings, by persons, imported readers and consensus, that say something about a case of the split.

    A reading whose place a reviewer's edit has taken is none, the edit is.
    """
    return Reading.objects.filter(
        ~superseded(), case__project=project, case__split=split, reader__kind__in=TEACHERS, state=ReadingState.SUBMITTED
    ).exclude(verdict__in=(Verdict.NOT_READABLE, Verdict.DEFERRED))


def teaches_something(readings: QuerySet[Reading]) -> bool:
    """Whether any of the readings has a lesion or a finding: from "no lesion" alone nothing can be learned."""
    if readings.filter(lesions__isnull=False).exists():
        return True
    return any("present" in values.values() for values in readings.values_list("image_findings", flat=True) if values)


def new_labels(project: Project) -> int:
    """How many labels have come since the last round took its snapshot."""
    rows = labels(project, Split.POOL)
    last = Round.objects.filter(project=project).first()
    if last is None:
        return rows.count()
    if last.snapshot_id is None:
        return rows.filter(submitted_at__gt=last.created_at).count()
    return new_since(last.snapshot_id, project)


def new_since(snapshot_id: int, project: Project) -> int:
    """How many labels are not in the snapshot."""
    known = SnapshotItem.objects.filter(snapshot=snapshot_id).values("reading")
    return labels(project, Split.POOL).exclude(pk__in=known).count()


def truth(project: Project, split: str) -> list[Reading]:
    """One reading per case of the split, by case number: the consensus, else the newest person's, else an imported one."""
    return sorted(truth_among(with_marks(labels(project, split))).values(), key=lambda row: row.case.number)


def truth_among(readings: QuerySet[Reading]) -> dict[UUID, Reading]:
    """Of labels, with their readers, the one that counts of each case."""
    best: dict[UUID, Reading] = {}
    for row in readings.order_by("submitted_at", "pk"):
        kept = best.get(row.case_id)
        if kept is None or _TRUTH_ORDER[ReaderKind(row.reader.kind)] <= _TRUTH_ORDER[ReaderKind(kept.reader.kind)]:
            best[row.case_id] = row
    return best


def labels_by_arm(project: Project) -> tuple[list[Reading], list[Reading]]:
    """Labelled POOL cases that an acquisition function chose for a batch, and those that were drawn at random.

    Random is also what was read before the first ranking. What was read beyond a batch belongs to neither.
    """
    readings = truth(project, Split.POOL)
    chosen = set(AcquisitionScore.objects.filter(round__project=project, arm="acquired").values_list("case", flat=True))
    random = [row for row in readings if row.case.is_random_arm]
    return [row for row in readings if row.case_id in chosen and not row.case.is_random_arm], random


def arm_sizes(project: Project) -> tuple[int, int]:
    """How many cases `labels_by_arm` has in each, without reading them."""
    cases = Case.objects.filter(pk__in=labels(project, Split.POOL).values("case"))
    chosen = AcquisitionScore.objects.filter(round__project=project, arm="acquired").values("case")
    return cases.filter(pk__in=chosen, is_random_arm=False).count(), cases.filter(is_random_arm=True).count()


def live_round(project: Project) -> Round | None:
    """The round that has not ended; there is at most one."""
    return Round.objects.filter(project=project).exclude(state__in=ENDED).first()


def cases_to_predict(project: Project) -> QuerySet[Case]:
    """Unread POOL cases in the order of the worklist: those that are read next come first."""
    rows = Case.objects.filter(project=project, split=Split.POOL, is_open=True).select_related("series")
    return rows.order_by("-priority", "number")


def draw_unread(round_: Round) -> list[UUID]:
    """POOL cases of one image that are still open and of which there is no reading but models', in a fixed order.

    Of more than `MOST_UNREAD` so many are drawn by the round's seed.
    """
    read = Reading.objects.filter(case__project=round_.project_id, reader__kind__in=TEACHERS).values("case")
    rows = cases_to_predict(round_.project).filter(instance__number_of_frames=1).exclude(pk__in=read)
    pks = sorted(rows.order_by().values_list("pk", flat=True))
    seed = round_.settings["seed"]
    return sorted(sorted(pks, key=lambda pk: hashlib.sha256(f"{seed} {pk}".encode()).digest())[:MOST_UNREAD])


def unread_cases(round_: Round) -> list[Case]:
    """The unread cases that the round learns from, as frozen with its snapshot and still there, in a fixed order."""
    kept = UnreadItem.objects.filter(snapshot=round_.snapshot_id).values("case")
    return list(Case.objects.filter(pk__in=kept).select_related("series").order_by("pk"))


def next_cases(project: Project, *, now: datetime, per_reader: int = AHEAD) -> list[Case]:
    """The unread POOL cases that the active readers meet next, in turns: each one's first, each one's second, …

    Active is who has opened or saved a case in the last `ACTIVE` hours. Cases that a reader is to read blinded stand in
    the count and need no model's reading, as those of other splits.
    """
    recent = Assignment.objects.filter(case__project=project, changed_at__gte=now - ACTIVE)
    readers = User.objects.filter(pk__in=recent.values("user")).order_by("pk")
    lines = [
        [place.case_id for place in open_cases_in_order(project=project, user=user, count=per_reader)] for user in readers
    ]
    wanted = list(dict.fromkeys(pk for turn in zip_longest(*lines) for pk in turn if pk is not None))
    found: dict[UUID, Case] = {}
    for start in range(0, len(wanted), IDS_A_QUERY):
        found |= cases_to_predict(project).in_bulk(wanted[start : start + IDS_A_QUERY])
    return [found[pk] for pk in wanted if pk in found]


def unread_by(version: ModelVersion) -> QuerySet[Case]:
    """Unread POOL cases for which this version has no reading yet."""
    has_reading = Q(readings__reader__model_version=version)
    return cases_to_predict(version.project).exclude(pk__in=Case.objects.filter(has_reading).values("pk"))


def model_reader(version: ModelVersion) -> Reader | None:
    """The reader that this version is, once it has read anything."""
    return Reader.objects.filter(kind=ReaderKind.MODEL, model_version=version).first()


def snapshot_readings(round_: Round, *, only: Collection[UUID] | None = None) -> list[Reading]:
    """The readings of the round's snapshot (or `only` some) in a fixed order, without those that were changed since.

    One whose place a reviewer's edit has taken since is as it was, and stays: a training that goes on after its worker died,
    or that is made again, must learn from the same labels.
    """
    items = SnapshotItem.objects.filter(snapshot=round_.snapshot_id, revision=F("reading__revision"))
    pks = list(items.order_by("case__number", "reading").values_list("reading", flat=True))
    if only is not None:
        pks = [pk for pk in pks if pk in only]
    by_pk: dict[UUID, Reading] = {}
    for start in range(0, len(pks), IDS_A_QUERY):
        by_pk |= {row.pk: row for row in with_marks(Reading.objects.filter(pk__in=pks[start : start + IDS_A_QUERY]))}
    return [by_pk[pk] for pk in pks]


def snapshot_as_it_was(snapshot: Snapshot) -> tuple[list[Reading], list[str]]:
    """The readings of a snapshot in the order of `snapshot_readings`, each as it was then.

    The second list names the cases whose reading was changed since, where what it was then has not been kept.
    """
    items = list(SnapshotItem.objects.filter(snapshot=snapshot).order_by("case__number", "reading"))
    by_pk = {row.pk: row for row in with_marks(Reading.objects.filter(pk__in=[item.reading_id for item in items]))}
    found, lost = [], []
    for item in items:
        past = reading_at(by_pk[item.reading_id], item.revision)
        if past is None:
            lost.append(by_pk[item.reading_id].case.name)
        else:
            found.append(past)
    return found, lost


def round_of(version: ModelVersion) -> Round | None:
    """The round that made a version."""
    rows = Round.objects.filter(model_version=version).select_related("snapshot", "project", "base_version")
    return rows.order_by("number").first()


def with_marks(readings: QuerySet[Reading]) -> QuerySet[Reading]:
    """The readings with all that `workers.datasets` makes arrays of."""
    # In one order for ever: where marks overlap the later one is drawn over the earlier, and weights depend on it.
    lesions = Prefetch("lesions", Lesion.objects.order_by("created_at", "pk"))
    return readings.select_related("case__series__study", "reader").prefetch_related(lesions)
