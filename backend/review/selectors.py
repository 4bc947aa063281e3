"""Reads the queue of review: others' submitted readings that a reviewer may see, and what became of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Case as CaseExpression
from django.db.models import CharField, Count, DateTimeField, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from backend.accounts.models import User
from backend.projects.arms import ReaderArms
from backend.projects.models import Arm, Assignment, Case, Project, Split
from backend.readings.models import Lesion, ReaderKind, Reading, ReadingRevision, ReadingState
from backend.readings.room_selectors import cases_path
from backend.readings.selectors import edited_by, judged_cases, readings_visible_to, superseded
from backend.review.models import Review, ReviewDecision, ReviewOutcome

WAITING, REVIEWED, SENT_BACK = "waiting", "reviewed", "sent_back"
STATES: Final = (WAITING, REVIEWED, SENT_BACK)
PAGE: Final = 50
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def readings_of_persons(*, project: Project, user: User) -> QuerySet[Reading]:
    """Other persons' readings in cases that are used for something, whether or not they may be reviewed by now."""
    others = Reading.objects.filter(case__project=project, reader__kind=ReaderKind.PERSON).exclude(reader__user=user)
    return others.exclude(case__split=Split.EMBARGOED).select_related("case__series", "reader__user")


def is_reviewable(reading: Reading, user: User, *, role: str) -> bool:
    """Whether `user` may review one of `readings_of_persons` now: it is submitted, and shown to him as to its judge."""
    submitted = readings_visible_to(user, reading.case, role=role).filter(pk=reading.pk, state=ReadingState.SUBMITTED)
    return submitted.exists()


def review_page(*, project: Project, user: User, role: str, state: str, reader: str, cursor: str) -> dict[str, Any]:
    """One page of the queue in this state, the counts of every state, and whose readings there are."""
    queues = _queues(project, user, judged_cases(project, user, role=role))
    found = queues[state].filter(reader__user__username=reader) if reader else queues[state]
    rows, following = _page(found, state, cursor)
    return {"results": _rows(rows, project, user), "next": following, **_counted(queues)}


def case_reviews(*, project: Project, user: User, role: str, case_id: UUID) -> dict[str, Any]:
    """Every reading of one case that the user may review or that was sent back, on one page, with the counts of the case."""
    of_case = {
        name: queue.filter(case=case_id)
        for name, queue in _queues(project, user, judged_cases(project, user, role=role).filter(pk=case_id)).items()
    }
    rows = [row for queue in of_case.values() for row in queue.order_by("submitted_at", "pk")]
    return {"results": _rows(rows, project, user), "next": None, **_counted(of_case)}


def review_row(reading: Reading, *, project: Project, user: User) -> dict[str, Any]:
    """One row; `reading` with case, series, reader and the reader's user selected."""
    return _rows([reading], project, user)[0]


def _queues(project: Project, user: User, cases: QuerySet[Case]) -> dict[str, QuerySet[Reading]]:
    """The readings of each state in the `cases` that are judged; one that was sent back is also told to whoever sent it.

    A reviewer's edit is settled by its submission: whoever wants to may decide on it, but it waits for nobody.
    """
    others, judged = readings_of_persons(project=project, user=user), cases.values("pk")
    seen = Q(case__in=judged) | Q(pk__in=edited_by(user).filter(case__project=project).values("revises"))
    submitted = others.filter(seen, state=ReadingState.SUBMITTED)
    returned = Review.objects.filter(reading=OuterRef("pk"), decision=ReviewDecision.SENT_BACK)
    mine = Exists(returned.filter(reviewer=user))
    drafts = others.exclude(sent_back_comment="").filter(Q(case__in=judged) | Q(mine), state=ReadingState.DRAFT)
    counts = Exists(_counting())
    return {
        WAITING: submitted.filter(~counts, revises=None).annotate(at=F("submitted_at")),
        REVIEWED: submitted.filter(counts).annotate(at=_newest(_counting())),
        SENT_BACK: drafts.filter(Exists(returned)).annotate(at=_newest(returned)),
    }


def _counting() -> QuerySet[Review]:
    """Reviews of the outer query's reading that count: of its present revision, an edit once it is submitted."""
    edited = Q(
        decision=ReviewDecision.EDITED,
        replacement__state=ReadingState.SUBMITTED,
        replacement__revises=OuterRef("pk"),
        replacement__revises_revision=OuterRef("revision"),
    )
    of_present = Review.objects.filter(reading=OuterRef("pk"), revision=OuterRef("revision"))
    return of_present.filter(Q(decision=ReviewDecision.AGREED) | edited)


def review_outcome() -> CaseExpression:
    """Of submitted readings: what became of them in review, a `ReviewOutcome`; never whose decision it was."""
    agreed = Review.objects.filter(reading=OuterRef("pk"), revision=OuterRef("revision"), decision=ReviewDecision.AGREED)
    return CaseExpression(
        When(Q(revises__isnull=False) | Q(superseded()), then=Value(ReviewOutcome.EDITED)),
        When(Exists(agreed), then=Value(ReviewOutcome.AGREED)),
        default=Value(ReviewOutcome.NONE),
        output_field=CharField(),
    )


def _newest(reviews: QuerySet[Review]) -> Subquery:
    """When the newest of them was decided, an edit when it was submitted."""
    decided = reviews.annotate(at=Coalesce("replacement__submitted_at", "decided_at")).order_by("-at")
    return Subquery(decided.values("at")[:1], output_field=DateTimeField())


def _page(found: QuerySet[Reading], state: str, cursor: str) -> tuple[list[Reading], str | None]:
    """A page and the cursor of the next: the time and key of its last row, so that nothing is skipped when rows go."""
    oldest_first = state == WAITING
    if cursor:
        microseconds, key = cursor.split(".")
        at, after = _EPOCH + timedelta(microseconds=int(microseconds)), UUID(hex=key)
        further = Q(at__gt=at) if oldest_first else Q(at__lt=at)
        found = found.filter(further | Q(at=at, pk__gt=after))
    rows = list(found.order_by("at" if oldest_first else "-at", "pk")[: PAGE + 1])
    if len(rows) <= PAGE:
        return rows, None
    last = rows[PAGE - 1]
    at = last.at  # type: ignore[attr-defined]  # annotated by `_queues`
    return rows[:PAGE], f"{(at - _EPOCH) // timedelta(microseconds=1)}.{last.pk.hex}"


def _counted(queues: Mapping[str, QuerySet[Reading]]) -> dict[str, Any]:
    """How many readings are in each state, and whose they are, by name."""
    counts, readers = dict.fromkeys(queues, 0), set()
    for name, queue in queues.items():
        by_reader = queue.order_by().values_list("reader__user").annotate(n=Count("pk"))
        for reader, number in by_reader:
            counts[name] += number
            readers.add(reader)
    people = [_person(user) for user in User.objects.filter(pk__in=readers)]
    return {"counts": counts, "readers": sorted(people, key=lambda one: one["name"].casefold())}


def _rows(readings: Sequence[Reading], project: Project, user: User) -> list[dict[str, Any]]:
    """The rows of these readings in a fixed number of queries."""
    ids = [reading.pk for reading in readings]
    reviews: dict[UUID, list[Review]] = defaultdict(list)
    for review in Review.objects.filter(reading__in=ids).select_related("reviewer", "replacement").order_by("-decided_at"):
        reviews[review.reading_id].append(review)
    counted = Lesion.objects.filter(reading__in=ids).values_list("reading_id").annotate(n=Count("pk")).order_by()
    n_lesions = dict(counted)
    replaced = set(Reading.objects.filter(superseded(), pk__in=ids).values_list("pk", flat=True))
    arms, returned, prefix = _arms(readings, project), _as_sent_back(readings), cases_path(project.slug)
    rows = []
    for reading in readings:
        known, arm = _shown(reading, reviews[reading.pk], user), arms[reading.pk]
        submitted, then = reading.state == ReadingState.SUBMITTED, returned.get(reading.pk)
        begun = known is not None and known.decision == ReviewDecision.EDITED and known.reviewer_id == user.pk
        rows.append({
            "reading": str(reading.pk),
            "revision": reading.revision if submitted or known is None else known.revision,
            "case": {
                "id": str(reading.case_id),
                "name": reading.case.name,
                "number": reading.case.number,
                "modality": reading.case.series.modality,
                "thumbnail": f"{prefix}{reading.case_id}/thumbnail/",
            },
            "reader": _person(_user(reading)),
            "verdict": reading.verdict if then is None else then["verdict"],
            "n_lesions": n_lesions.get(reading.pk, 0) if then is None else len(then["lesions"]),
            "submitted_at": reading.submitted_at.isoformat() if reading.submitted_at else None,
            "arm": str(arm),
            "may_send_back": submitted and arm == Arm.ASSISTED and reading.pk not in replaced and not begun,
            "review": _review(known, user) if known is not None else None,
        })  # fmt: skip
    return rows


def _arms(readings: Sequence[Reading], project: Project) -> dict[UUID, str]:
    """In which arm each was read."""
    people = {reading.pk: _user(reading) for reading in readings}
    rows = Assignment.objects.filter(case__in=[reading.case_id for reading in readings], user__in=set(people.values()))
    kept = {(case, reader): arm for case, reader, arm in rows.values_list("case_id", "user_id", "arm")}
    found: dict[UUID, str] = {}
    for reading in readings:
        user, case = people[reading.pk], reading.case
        drawn = ReaderArms(project, user).draw(split=case.split, draw=case.draw)
        found[reading.pk] = kept.get((case.pk, user.pk), drawn.arm)
    return found


def _user(reading: Reading) -> User:
    user = reading.reader.user
    assert user is not None, "a person's reading"
    return user


def _as_sent_back(readings: Sequence[Reading]) -> dict[UUID, dict[str, Any]]:
    """What drafts said when they were sent back: what their readers do with them since is not told."""
    drafts = [reading.pk for reading in readings if reading.state == ReadingState.DRAFT]
    if not drafts:
        return {}
    reviews = Review.objects.filter(reading__in=drafts, decision=ReviewDecision.SENT_BACK)
    newest = dict(reviews.order_by().values_list("reading_id").annotate(newest=Max("revision")))
    # Sending back made the next revision, with the content of the one that was reviewed.
    wanted = Q()
    for reading_id, revision in newest.items():
        wanted |= Q(reading=reading_id, number=revision + 1)
    rows = ReadingRevision.objects.filter(wanted).values_list("reading_id", "content") if newest else []
    return dict(rows)


def _shown(reading: Reading, reviews: Sequence[Review], user: User) -> Review | None:
    """The review that the row tells: one that counts before an edit that is begun, a submitted edit before all."""
    if reading.state == ReadingState.DRAFT:
        return next((one for one in reviews if one.decision == ReviewDecision.SENT_BACK), None)
    present = [one for one in reviews if one.revision == reading.revision and _stands(one)]
    order = {
        one.pk: (not _counts(one), one.decision != ReviewDecision.EDITED, one.reviewer_id != user.pk) for one in present
    }
    return min(present, key=lambda one: order[one.pk], default=None)


def _stands(review: Review) -> bool:
    """An edit whose draft was begun anew from another revision is none of this one."""
    edit = review.replacement
    if review.decision != ReviewDecision.EDITED:
        return True
    return edit is not None and (edit.revises_id, edit.revises_revision) == (review.reading_id, review.revision)


def _counts(review: Review) -> bool:
    return review.replacement is None or review.replacement.state == ReadingState.SUBMITTED


def _review(review: Review, user: User) -> dict[str, Any]:
    edit = review.replacement
    decided_at = edit.submitted_at if edit is not None and edit.submitted_at else review.decided_at
    return {
        "decision": review.decision,
        "comment": review.comment,
        "reviewer": _person(review.reviewer),
        "decided_at": decided_at.isoformat(),
        "is_mine": review.reviewer_id == user.pk,
        "replacement": None if edit is None else {"reading": str(edit.pk), "case": str(edit.case_id), "state": edit.state},
    }


def _person(user: User) -> dict[str, str]:
    return {"username": user.get_username(), "name": user.shown_name}
