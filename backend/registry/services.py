"""Writes model versions: made, evaluated, promoted, released. One version of a project serves at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from backend.accounts.models import User
from backend.audit.services import record_event
from backend.jobs.models import Job
from backend.jobs.services import enqueue_job
from backend.projects.models import Project, Split
from backend.registry.models import CardText, Evaluation, ModelState, ModelVersion, Promotion
from backend.registry.selectors import card_text, serving_version
from backend.webhooks.models import WebhookEvent
from backend.webhooks.services import announce

CARD_FIELDS: Final = ("intended_use", "not_for", "remarks")


class NotReleased(Exception):
    """HOLDOUT may be looked at only for a version that the lead has released."""


def create_model_version(
    *, project: Project, number: int, parent: ModelVersion | None, weights_key: str, weights_sha256: str,
    config: dict[str, Any], finding_type_ids: dict[str, Any], snapshot_hash: str, n_labels: int, seed: int,
    code_version: str, steps: int, core_seconds: float,
) -> ModelVersion:  # fmt: skip
    """Write down a trained version; it is a candidate until the gate or a person decides."""
    version = ModelVersion.objects.create(
        project=project,
        number=number,
        parent=parent,
        weights_key=weights_key,
        weights_sha256=weights_sha256,
        config=config,
        finding_type_ids=finding_type_ids,
        snapshot_hash=snapshot_hash,
        n_labels=n_labels,
        seed=seed,
        code_version=code_version,
        steps=steps,
        core_seconds=core_seconds,
        calibration={"method": "none", "note": "uncalibrated"},
        display_threshold=project.display_threshold,
    )
    _record(version, "model.created", None, {"n_labels": n_labels, "weights_sha256": weights_sha256})
    return version


def set_display_threshold(*, version: ModelVersion, threshold: float) -> None:
    """From which score on the findings of a version that has not served yet are shown."""
    with transaction.atomic():
        version.display_threshold = threshold
        version.save(update_fields=["display_threshold"])
        _record(version, "model.threshold_set", None, {"display_threshold": threshold})


def record_evaluation(
    *, version: ModelVersion, split: str, metrics: Sequence[dict[str, Any]], curves: dict[str, Any],
    per_case: Sequence[dict[str, Any]], n_patients: int, requested_by: User | None = None,
    subgroups: Sequence[dict[str, Any]] = (), calibration: dict[str, Any] | None = None,
) -> Evaluation:  # fmt: skip
    """Keep the numbers of a version on VALIDATION or HOLDOUT; on HOLDOUT each row is a look, and is audited.

    `calibration` is what VALIDATION now says of the version's scores. The scores themselves stay as they are stored.
    """
    if calibration is not None and split != Split.VALIDATION:
        raise ValueError("scores are calibrated on VALIDATION alone")
    if split == Split.HOLDOUT and version.released_at is None:
        raise NotReleased(f"version {version.number} is not released")
    with transaction.atomic():
        evaluation = Evaluation.objects.create(
            model_version=version,
            split=split,
            metrics=list(metrics),
            curves=curves,
            subgroups=list(subgroups),
            per_case=list(per_case),
            n_cases=len(per_case),
            n_patients=n_patients,
            requested_by=requested_by,
        )
        _record(version, "model.evaluated", requested_by, {"split": split, "n_cases": len(per_case)})
        if calibration is not None:
            version.calibration = calibration
            version.save(update_fields=["calibration"])
            _record(version, "model.calibrated", None, {"method": calibration["method"], "note": calibration["note"]})
    return evaluation


def promote_version(
    *, version: ModelVersion, by: User | None, gate: dict[str, Any] | None = None, reason: str = ""
) -> ModelVersion:
    """Let a version serve; the one that served is kept. A person's promotion also orders its findings on the POOL.

    A person says why; what an earlier version has read already comes back into use as it is. ValueError without a reason.
    """
    if by is not None and not reason.strip():
        raise ValueError("a person who promotes a version says why")
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=version.project_id)
        before = serving_version(version.project)
        if before is not None and before.pk == version.pk:
            return before
        ModelVersion.objects.filter(project=version.project_id, state=ModelState.SERVES).update(state=ModelState.KEPT)
        version.state = ModelState.SERVES
        version.gate = gate if gate is not None else version.gate
        version.save(update_fields=["state", "gate"])
        Promotion.objects.create(model_version=version, instead_of=before, by=by, reason=reason.strip())
        why = {"reason": reason.strip()} if by is not None else {}
        _record(version, "model.promoted", by, {"instead_of": before.number if before else None, **why})
        announce(
            project_id=version.project_id,
            event=WebhookEvent.MODEL_PROMOTED,
            data={"version": version.number, "instead_of": before.number if before else None},
        )
        if by is not None:
            order_predictions(version=version, by=by)
    return version


def settle_gate(*, version: ModelVersion, against: ModelVersion | None, gate: dict[str, Any]) -> bool:
    """What the gate decided of a version, compared with `against`, takes place; False where that no longer serves.

    Between the comparison and now people may have decided: where another version has come to serve, nothing happens, and
    the version must be compared with that. One that a person let serve meanwhile goes on serving, whatever the gate says.
    """
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=version.project_id)
        serving = serving_version(version.project)
        if serving and serving.pk == version.pk:
            version.state, version.gate = ModelState.SERVES, gate
            version.save(update_fields=["gate"])
        elif (serving and serving.pk) != (against and against.pk):
            return False
        elif gate["decision"] == "serves":
            promote_version(version=version, by=None, gate=gate)
        else:
            hold_version(version=version, gate=gate)
    return True


def hold_version(*, version: ModelVersion, gate: dict[str, Any]) -> None:
    """The gate found the version worse than the one that serves: it waits for a person."""
    with transaction.atomic():
        version.state = ModelState.WAITS
        version.gate = gate
        version.save(update_fields=["state", "gate"])
        _record(version, "model.held", None, {"gate": gate.get("text", "")})


def release_version(*, version: ModelVersion, by: User) -> ModelVersion:
    """The lead stands for this version: from now on it may be evaluated on HOLDOUT."""
    if version.released_at is not None:
        return version
    with transaction.atomic():
        version.released_at, version.released_by = timezone.now(), by
        version.save(update_fields=["released_at", "released_by"])
        _record(version, "model.released", by, {})
    return version


def order_holdout_evaluation(*, version: ModelVersion, by: User) -> Job:
    """Have a released version evaluated on HOLDOUT; the look is counted when it has happened."""
    if version.released_at is None:
        raise NotReleased(f"Version {version.number} is not released. Release it first: HOLDOUT is looked at only then.")
    with transaction.atomic():
        _record(version, "model.holdout_ordered", by, {})
        return enqueue_job(
            task="learning.evaluate_holdout",
            queue="infer",
            project_id=version.project_id,
            requested_by=by,
            arguments={"version": version.pk},
        )


def order_onnx_export(*, version: ModelVersion, by: User) -> Job:
    """Have the version written as ONNX and checked."""
    with transaction.atomic():
        _record(version, "model.export_ordered", by, {})
        return enqueue_job(
            task="learning.export_onnx",
            queue="infer",
            project_id=version.project_id,
            requested_by=by,
            arguments={"version": version.pk},
        )


def record_onnx_export(*, version: ModelVersion, by: User | None, told: dict[str, Any]) -> None:
    """A version was exported and found to say what the network says; `told`: {key, sidecar_key, sha256, difference, …}."""
    with transaction.atomic():
        version.onnx = {**told, "created_at": timezone.now().isoformat()}
        version.save(update_fields=["onnx"])
        _record(version, "model.exported", by, {"sha256": told["sha256"], "difference": told["difference"]})


def note_onnx_download(*, version: ModelVersion, by: User) -> None:
    """Somebody took the ONNX file out of the house."""
    _record(version, "model.export_downloaded", by, {"sha256": version.onnx["sha256"]})


def write_card_text(*, project: Project, by: User, words: dict[str, str]) -> CardText:
    """What the lead says on the model card from now on; what was said before stays on record."""
    with transaction.atomic():
        before = card_text(project)
        kept = {name: getattr(before, name) if before else "" for name in CARD_FIELDS}
        written = CardText.objects.create(project=project, by=by, **{**kept, **words})
        record_event(
            actor=by, verb="model.card_text", project_id=project.pk, object_type="project", object_id=project.pk,
            detail=words,
        )  # fmt: skip
    return written


def order_predictions(*, version: ModelVersion, by: User | None) -> Job:
    """Have the version read every unread POOL case that it has not read."""
    return enqueue_job(
        task="learning.predict_pool",
        queue="infer",
        project_id=version.project_id,
        requested_by=by,
        arguments={"version": version.pk},
    )


def _record(version: ModelVersion, verb: str, by: User | None, detail: dict[str, Any]) -> None:
    record_event(
        actor=by, verb=verb, project_id=version.project_id, object_type="model_version", object_id=version.pk,
        detail={"number": version.number, **detail},
    )  # fmt: skip
