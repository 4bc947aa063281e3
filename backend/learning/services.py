"""Writes rounds: start, move on, end. Triggers are pulled from here; saving a reading never calls learning."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from backend.accounts.models import User
from backend.audit.services import record_event
from backend.jobs.models import Job, JobState
from backend.jobs.services import cancel_job, enqueue_job
from backend.learning.models import Round, RoundState, Snapshot, SnapshotItem, Start, Track, TrainingPolicy, UnreadItem
from backend.learning.selectors import labels, live_round, policy_of, teaches_something, unread_by
from backend.learning.states import ENDED, TRANSITIONS
from backend.learning.tracks import Due, due_round, start_of
from backend.projects.case_services import mark_as_taught
from backend.projects.models import Project, Split
from backend.registry.models import ModelState, ModelVersion
from backend.registry.selectors import serving_version
from backend.registry.services import order_predictions
from backend.webhooks.models import WebhookEvent
from backend.webhooks.services import announce

logger = logging.getLogger(__name__)

HISTORY_POINTS: Final = 400
RETRY_AFTER: Final = timedelta(minutes=10)
MOST_WAITS: Final = 6
"""A reading of the POOL that keeps failing is ordered again after at most this many times `RETRY_AFTER`: an hour."""


class RoundRefused(Exception):
    """A round cannot start now; `code` is for programs, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class IllegalTransition(Exception):
    """The round is not in a state from which it may go there (another worker moved it, or it has ended)."""


def start_round(*, project: Project, by: User | None, due: Due | None = None, track: Track | None = None) -> Round:
    """Queue a round on what has been submitted so far; RoundRefused with the reason when there is nothing to do.

    Without `due` somebody asks for it by hand: on the fast `track` where a version serves, unless told otherwise.
    """
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        settle_rounds(project=project)
        _refuse_if_pointless(project)
        policy, base = policy_of(project), serving_version(project)
        asked = due.track if due else track or Track.FAST
        trigger, reason = ("policy", due.reason) if due else ("button", {"code": "by_hand"})
        newest = Round.objects.filter(project=project).aggregate(newest=Max("number"))["newest"] or 0
        made = Round.objects.create(
            project=project,
            number=newest + 1,
            base_version=base,
            trigger=trigger,
            reason=reason,
            started_by=by,
            settings=_settings(policy, number=newest + 1, start=start_of(policy, asked, has_base=base is not None)),
        )
        made.job = enqueue_job(
            task="learning.run_round", queue="train", project_id=project.pk, requested_by=by, arguments={"round": made.pk}
        )
        made.save(update_fields=["job"])
        _record(made, "round.started", by, {"trigger": trigger, "track": made.settings["track"], "reason": reason})
    return made


def _refuse_if_pointless(project: Project) -> None:
    live = live_round(project)
    if live is not None:
        raise RoundRefused("round_running", f"Round {live.number} is still running.")
    readings = labels(project, Split.POOL)
    if not readings.exists():
        raise RoundRefused("no_labels", "No submitted reading of a POOL case yet: there is nothing to learn from.")
    if not teaches_something(readings):
        raise RoundRefused("no_lesions", "No submitted reading has a lesion or a finding yet: nothing to tell apart.")


def _settings(policy: TrainingPolicy, *, number: int, start: Start) -> dict[str, Any]:
    """How this round trains, frozen: a later change of the policy does not reach it."""
    return {
        "track": Track.FAST.value if start == Start.WARM else Track.SLOW.value,
        "start": start.value,
        "steps": policy.steps_warm if start == Start.WARM else policy.steps_scratch,
        "steps_scratch": policy.steps_scratch,
        "dimension": policy.dimension,
        "encoder": policy.encoder,
        "learns_unread": policy.learns_unread,
        "image_size": policy.image_size,
        "acquisition": policy.acquisition,
        "batch_size": policy.batch_size,
        "random_share": policy.random_share,
        "gate_margin": policy.gate_margin,
        "unproven_serves": policy.unproven_serves,
        "seed": policy.seed + number,
    }


def train_from_scratch(*, round_: Round, plan: dict[str, Any]) -> None:
    """The round has no weights to start from: it trains from scratch by this plan, and as long as that takes."""
    if round_.settings["start"] != Start.SCRATCH:
        scratch = {"track": Track.SLOW.value, "start": Start.SCRATCH.value, "steps": round_.settings["steps_scratch"]}
        round_.settings = {**round_.settings, **scratch, "plan": plan}
        round_.save(update_fields=["settings"])


def freeze_unread(*, round_: Round, cases: Sequence[UUID]) -> None:
    """From which unread cases the round learns beside its labels: once told, they stay, whoever reads them meanwhile."""
    assert round_.snapshot is not None
    with transaction.atomic():
        there = mark_as_taught(cases=cases)
        UnreadItem.objects.bulk_create([UnreadItem(snapshot=round_.snapshot, case_id=pk) for pk in there], batch_size=200)
        round_.settings = {**round_.settings, "takes_unread": bool(there)}
        round_.save(update_fields=["settings"])


def tell_unread(*, round_: Round, images: int, second_from: int) -> None:
    """From so many unread images it learns: in the second of two trainings, which begins after step `second_from`."""
    round_.settings = {**round_.settings, "unread": images, "second_from": second_from}
    round_.save(update_fields=["settings"])


def choose_by(*, round_: Round, acquisition: str, because: str) -> None:
    """The round cannot choose as its policy says: it chooses by another function, and says so."""
    round_.settings = {**round_.settings, "acquisition": acquisition}
    Round.objects.filter(pk=round_.pk).update(settings=round_.settings)
    note_on_round(round_=round_, sentence=because)


def freeze_snapshot(*, round_: Round, vocabulary_version: int) -> Snapshot:
    """Freeze the training set of the round; its hash is SHA-256 over the sorted (case, reading, revision) rows."""
    rows = sorted(
        (str(case), str(reading), revision)
        for case, reading, revision in labels(round_.project, Split.POOL).values_list("case_id", "pk", "revision")
    )
    digest = snapshot_hash(rows)
    with transaction.atomic():
        made = Snapshot.objects.create(project=round_.project, hash=digest, vocabulary_version=vocabulary_version)
        SnapshotItem.objects.bulk_create(
            [SnapshotItem(snapshot=made, case_id=c, reading_id=r, revision=n) for c, r, n in rows], batch_size=200
        )
        round_.snapshot = made
        round_.save(update_fields=["snapshot"])
        advance_round(round_=round_, to=RoundState.TRAINING)
    return made


def snapshot_hash(rows: Iterable[tuple[str, str, int]]) -> str:
    """SHA-256 over the sorted (case, reading, revision) rows of a snapshot."""
    return hashlib.sha256("\n".join(f"{c} {r} {n}" for c, r, n in sorted(rows)).encode()).hexdigest()


def advance_round(*, round_: Round, to: RoundState, **values: Any) -> None:
    """Move a round along the table of `states`; IllegalTransition when somebody else has moved it."""
    before = RoundState(round_.state)
    if to not in TRANSITIONS[before]:
        raise IllegalTransition(f"round {round_.number} cannot go from {before} to {to}")
    if to in ENDED:
        values["finished_at"] = timezone.now()
    with transaction.atomic():
        if not Round.objects.filter(pk=round_.pk, state=before).update(state=to, **values):
            raise IllegalTransition(f"round {round_.number} is no longer {before}")
        if to in ENDED:
            told: dict[str, str | int | None] = {"round": round_.number, "state": to.value}
            announce(project_id=round_.project_id, event=WebhookEvent.ROUND_FINISHED, data=told)
    for name, value in {"state": to, **values}.items():
        setattr(round_, name, value)


def end_round(*, round_: Round, to: RoundState, message: str = "") -> None:
    """Fail or cancel a round, whatever it was doing; nothing happens to one that has ended."""
    with transaction.atomic():
        fresh = Round.objects.select_for_update().get(pk=round_.pk)
        if fresh.state in ENDED:
            return
        advance_round(round_=fresh, to=to, message=_joined(fresh.message, message))
        _record(fresh, f"round.{to}", None, {"message": message})


def note_on_round(*, round_: Round, sentence: str) -> None:
    """Add a sentence to what the round says about itself, once."""
    if sentence not in round_.message:
        round_.message = _joined(round_.message, sentence)
        Round.objects.filter(pk=round_.pk).update(message=round_.message)


def _joined(before: str, sentence: str) -> str:
    return f"{before} {sentence}".strip()


def write_history(*, round_: Round, points: list[list[float]]) -> None:
    """Keep the loss curve [[step, loss], …], thinned by halves when it grows long."""
    while len(points) > HISTORY_POINTS:
        points[:] = points[1::2]
    Round.objects.filter(pk=round_.pk).update(history=points)


def cancel_round(*, round_: Round, by: User) -> Round:
    """Stop a round: one that waits ends at once, one that runs when its worker next looks (within seconds)."""
    if round_.state in ENDED or round_.job is None:
        return round_
    job = cancel_job(job=round_.job, by=by)
    _record(round_, "round.cancel_asked", by, {})
    if job.state == JobState.CANCELLED:
        end_round(round_=round_, to=RoundState.CANCELLED, message="Cancelled.")
    round_.refresh_from_db()
    return round_


def settle_rounds(*, project: Project) -> None:
    """End rounds whose job has ended without a word (given up after too many lost workers, or cancelled in the queue)."""
    for round_ in Round.objects.filter(project=project).exclude(state__in=ENDED).select_related("job"):
        if round_.job is None or round_.job.state == JobState.FAILED:
            error = round_.job.error if round_.job else "Its job is gone."
            end_round(round_=round_, to=RoundState.FAILED, message=error)
        elif round_.job.state == JobState.CANCELLED:
            end_round(round_=round_, to=RoundState.CANCELLED, message="Cancelled.")


def start_due_rounds() -> list[Round]:
    """Called by the beat every few seconds: start what the policies ask for."""
    started = []
    for policy in TrainingPolicy.objects.filter(enabled=True).select_related("project"):
        due = due_round(policy)
        if due is None:
            continue
        try:
            started.append(start_round(project=policy.project, by=None, due=due))
        except RoundRefused as refused:
            logger.info("no round in %s: %s", policy.project.slug, refused)
    return started


def tend_models() -> None:
    """Called by the beat: settle rounds that died, order findings for new cases."""
    for project in Project.objects.filter(rounds__isnull=False).distinct():
        settle_rounds(project=project)
    for version in ModelVersion.objects.filter(state=ModelState.SERVES).select_related("project"):
        order_missing_predictions(version=version)


def order_missing_predictions(*, version: ModelVersion) -> Job | None:
    """Have the serving version read cases that came after it last read; a round in progress will see to it itself.

    Cases that it could not read then (undecodable ones) are not tried again, nor those of an order that was cancelled. After
    an order that failed, or was given up because its workers were lost, the next one waits for `RETRY_AFTER`, after the
    second for twice that, at most for `MOST_WAITS` times that.
    """
    if live_round(version.project) is not None:
        return None
    orders = Job.objects.filter(task="learning.predict_pool", project_id=version.project_id, arguments__version=version.pk)
    if orders.filter(state__in=(JobState.QUEUED, JobState.RUNNING)).exists():
        return None
    # Before it last came to serve it may have left cases unread: an order ends early where another version serves, and
    # a round reads with the version that serves. A round that failed while its version was reading has not read all.
    promotion = version.promotions.first()
    serves_since = promotion.created_at if promotion else version.created_at
    orders = orders.filter(created_at__gte=serves_since)
    rounds = Round.objects.filter(project=version.project, state=RoundState.DONE, finished_at__gte=serves_since)
    read_at = [row.created_at for row in (orders.exclude(state=JobState.FAILED).first(), rounds.first()) if row is not None]
    waiting = unread_by(version)
    if read_at:
        waiting = waiting.filter(created_at__gt=max(read_at))
        orders = orders.filter(created_at__gt=max(read_at))
    # What is left of the orders has failed.
    pause = RETRY_AFTER * min(orders.count(), MOST_WAITS)
    if orders.filter(finished_at__gt=timezone.now() - pause).exists():
        return None
    return order_predictions(version=version, by=None) if waiting.exists() else None


def update_policy(*, project: Project, by: User, changes: dict[str, Any]) -> TrainingPolicy:
    """Change how and when the project trains."""
    with transaction.atomic():
        try:
            policy, _ = TrainingPolicy.objects.select_for_update().get_or_create(project=project)
        except IntegrityError:
            policy = TrainingPolicy.objects.select_for_update().get(project=project)
        for name, value in changes.items():
            setattr(policy, name, value)
        policy.save(update_fields=[*changes])
        record_event(
            actor=by,
            verb="policy.update",
            project_id=project.pk,
            object_type="project",
            object_id=project.pk,
            detail=changes,
        )
    return policy


def _record(round_: Round, verb: str, by: User | None, detail: dict[str, Any]) -> None:
    record_event(
        actor=by, verb=verb, project_id=round_.project_id, object_type="round", object_id=round_.pk,
        detail={"number": round_.number, **detail},
    )  # fmt: skip
