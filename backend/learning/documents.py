"""Rounds and the Learning page as the API tells them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from backend.accounts.models import User
from backend.jobs.models import JobState
from backend.learning.leading_metric import DICE, FINDINGS_AUC, LEADING_METRICS, project_metric
from backend.learning.models import Round, RoundState, SnapshotItem, TrainingPolicy
from backend.learning.ranking import REASONS, next_batch
from backend.learning.selectors import labels, live_round, new_labels, policy_of
from backend.learning.states import ENDED, STEPS
from backend.learning.tracks import label_growth, last_slow_round
from backend.metrics.forecast import CurvePoint, Forecast, stopping_forecast
from backend.projects.models import Project, Split
from backend.projects.selectors import unread_blinded
from backend.registry.models import ModelVersion
from backend.registry.selectors import serving_version, validation_metrics

POLICY_FIELDS: Final = (
    "enabled",
    "every_n_readings",
    "acquisition",
    "batch_size",
    "random_share",
    "target_dice",
    "dimension",
    "encoder",
    "learns_unread",
    "gate_margin",
    "unproven_serves",
    "generic_outlines",
    "image_size",
    "steps_scratch",
    "steps_warm",
    "slow_growth",
    "slow_start",
    "slow_hour",
    "seed",
)
LOG_LINES: Final = 200
SHOWN_NEXT: Final = 24
SHOWN_ROUNDS: Final = 100

Metrics = list[dict[str, Any]]


def policy_document(policy: TrainingPolicy) -> dict[str, Any]:
    """The training policy."""
    return {name: getattr(policy, name) for name in POLICY_FIELDS} | {"generic_available": bool(settings.SAM_ENCODER)}


def round_document(round_: Round) -> dict[str, Any]:
    """A round with its live progress, as the Learning page polls it."""
    state = _true_state(round_)
    job = round_.job
    progress = dict(job.progress) if job else {}
    details = progress.pop("details", {})
    return {
        "number": round_.number,
        "state": state,
        "trigger": round_.trigger,
        "track": round_.settings["track"],
        "start": round_.settings["start"],
        "reason": _reason(round_),
        "started_by": round_.started_by.get_username() if round_.started_by else None,
        "created_at": round_.created_at,
        "finished_at": round_.finished_at,
        "message": _message(round_, state),
        "n_labels": _n_labels(round_),
        "base_version": round_.base_version.number if round_.base_version else None,
        "model_version": round_.model_version.number if round_.model_version else None,
        "settings": round_.settings,
        "n_unread": round_.settings.get("unread", 0),
        "second_from": round_.settings.get("second_from"),
        "steps": _steps(state, details),
        "progress": progress,
        "loss": round_.history,
        "log": job.log.splitlines()[-LOG_LINES:] if job else [],
        "metrics": _metrics(round_.model_version),
    }


def round_rows(rounds: QuerySet[Round]) -> list[dict[str, Any]]:
    """Rounds in the history; what is long (losses, logs, single cases) is not even fetched."""
    metrics = validation_metrics(ModelVersion.objects.filter(rounds__in=rounds.values("pk")))
    found = rounds.select_related("job", "model_version").defer("history", "job__log", "model_version__config")
    return [_round_row(one, metrics.get(one.model_version_id or 0, [])) for one in found]


def _round_row(round_: Round, metrics: Metrics) -> dict[str, Any]:
    return {
        "number": round_.number,
        "state": _true_state(round_),
        "track": round_.settings["track"],
        "reason": _reason(round_),
        "created_at": round_.created_at,
        "finished_at": round_.finished_at,
        "message": round_.message,
        "n_labels": round_.model_version.n_labels if round_.model_version else None,
        "model_version": round_.model_version.number if round_.model_version else None,
        "model_state": round_.model_version.state if round_.model_version else None,
        "metrics": [one for one in metrics if one["finding_type"] is None],
        "progress": _brief_progress(round_),
    }


def learning_document(project: Project, user: User) -> dict[str, Any]:
    """Everything the Learning page shows to `user`."""
    rounds = Round.objects.filter(project=project)
    live, last = live_round(project), rounds.select_related("job", "model_version", "base_version", "started_by").first()
    serving, slow = serving_version(project), last_slow_round(project)
    policy, curve = policy_of(project), learning_curve(project)
    return {
        "policy": policy_document(policy),
        "new_readings": new_labels(project),
        "growth_percent": label_growth(slow) if slow else None,
        "labels": {
            "training": labels(project, Split.POOL).values("case").distinct().count(),
            "validation": labels(project, Split.VALIDATION).values("case").distinct().count(),
        },
        "live": round_document(live) if live else None,
        "last": round_document(last) if last else None,
        "rounds": round_rows(rounds[:SHOWN_ROUNDS]),
        "metric": curve[-1]["metric"] if curve else project_metric(project),
        "curve": curve,
        "forecast": learning_forecast(curve, policy.target_dice).as_dict(),
        "next": _next(project, user),
        "serving": serving.number if serving else None,
    }


def learning_curve(project: Project) -> list[dict[str, Any]]:
    """Per version the number that leads on VALIDATION against the number of labels, oldest first.

    That is Dice, or the AUC of image findings (`leading_metric`), the same for all; null with its reason if too few. A point
    is of no arm: every version learns from all labels, of cases that were chosen and of those that were drawn.
    """
    versions = ModelVersion.objects.filter(project=project)
    metrics = validation_metrics(versions)
    rows = versions.order_by("number").values_list("pk", "number", "n_labels")
    measured = [(number, n_labels, metrics[pk]) for pk, number, n_labels in rows if pk in metrics]
    metric = _curve_metric([told for _, _, told in reversed(measured)])
    points = []
    for number, n_labels, told in measured:
        for one in _overall(told, metric):
            kept = {name: one[name] for name in ("metric", "value", "low", "high", "n_patients", "note")}
            points.append({"n_labels": n_labels, "version": number, **kept})
    return points


def _curve_metric(newest_first: Sequence[Metrics]) -> str:
    """That of which the newest evaluation knows a value: the sample of a fast round may be too small for either."""
    told = [one for metrics in newest_first for name in LEADING_METRICS for one in _overall(metrics, name)]
    known = [one["metric"] for one in told if one["value"] is not None]
    if known:
        return str(known[0])
    return FINDINGS_AUC if any(one["metric"] == FINDINGS_AUC for one in told) else DICE


def learning_forecast(curve: Sequence[dict[str, Any]], target: float) -> Forecast:
    """When the curve would reach the target; the page asks every few seconds, and the same curve has the same answer."""
    known = [one for one in curve if one["value"] is not None and one["low"] is not None and one["high"] is not None]
    return _forecast(tuple(CurvePoint(one["n_labels"], one["value"], one["low"], one["high"]) for one in known), target)


@lru_cache(maxsize=64)
def _forecast(points: tuple[CurvePoint, ...], target: float) -> Forecast:
    return stopping_forecast(points, target=target)


def _overall(metrics: Metrics, metric: str) -> Metrics:
    return [one for one in metrics if one["metric"] == metric and one["finding_type"] is None]


def _next(project: Project, user: User) -> list[dict[str, Any]]:
    """What the last draw chose and nobody has read yet, without what `user` is to read blinded: a rank and a score tell."""
    ranked = Round.objects.filter(project=project, state=RoundState.DONE).first()
    if ranked is None:
        return []
    rows = list(next_batch(ranked))
    blinded = unread_blinded(project=project, cases=[row.case for row in rows], user=user)
    shown = [row for row in rows if row.case_id not in blinded]
    base = reverse("project-detail", args=[project.slug])
    return [
        {
            "case": str(row.case_id),
            "name": row.case.name,
            "thumbnail": f"{base}cases/{row.case_id}/thumbnail/",
            "arm": row.arm,
            "acquisition": row.acquisition,
            "reason": "random" if row.arm == "random" else REASONS[row.acquisition],
            "score": row.score,
            "version": row.model_version.number,
            "inclusion_probability": row.inclusion_probability,
            "rank": row.rank,
        }
        for row in shown[:SHOWN_NEXT]
    ]


def _true_state(round_: Round) -> str:
    """The state, also where the job has ended and nobody has settled the round yet."""
    if round_.state not in ENDED and round_.job is not None:
        if round_.job.state == JobState.FAILED:
            return RoundState.FAILED
        if round_.job.state == JobState.CANCELLED:
            return RoundState.CANCELLED
    return round_.state


def _message(round_: Round, state: str) -> str:
    unsettled = state != round_.state and round_.job is not None and round_.job.error
    return f"{round_.message} {round_.job.error}".strip() if unsettled and round_.job else round_.message


def _reason(round_: Round) -> dict[str, Any]:
    """Why it was started; what was not kept of rounds before there were two tracks is told by their trigger."""
    blank = {"code": "by_hand" if round_.trigger == "button" else "readings", "n": None, "percent": None, "version": None}
    return {name: round_.reason.get(name, value) for name, value in blank.items()}


def _n_labels(round_: Round) -> int | None:
    if round_.model_version is not None:
        return round_.model_version.n_labels
    if round_.snapshot_id is None:
        return None
    return SnapshotItem.objects.filter(snapshot=round_.snapshot_id).values("case").distinct().count()


def _steps(state: str, details: dict[str, str]) -> list[dict[str, str]]:
    """The six steps of the page; the one in which the round stopped is `failed`."""
    names = [name for name, _ in STEPS]
    reached = [index for index, (_, own) in enumerate(STEPS) if own == state]
    if reached:
        at, here = reached[0], "live"
    elif state == RoundState.DONE:
        at, here = len(names), "live"
    else:  # queued, failed or cancelled: as far as there is something to tell
        told = [index for index, name in enumerate(names) if name in details]
        at, here = (told[-1] if told else 0), ("todo" if state == RoundState.QUEUED else "failed")
    return [
        {
            "name": name,
            "state": "done" if index < at else here if index == at else "todo",
            "detail": details.get(name, ""),
        }
        for index, name in enumerate(names)
    ]


def _metrics(version: ModelVersion | None) -> Metrics:
    if version is None:
        return []
    return validation_metrics(ModelVersion.objects.filter(pk=version.pk)).get(version.pk, [])


def _brief_progress(round_: Round) -> dict[str, Any]:
    if round_.state in ENDED or round_.job is None:
        return {}
    return {name: round_.job.progress[name] for name in ("step", "steps") if name in round_.job.progress}
