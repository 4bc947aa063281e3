"""Reads model versions and their evaluations."""

from __future__ import annotations

from typing import Any

from django.db.models import Max, QuerySet

from backend.projects.models import Project, Split
from backend.registry.models import CardText, Evaluation, ModelState, ModelVersion, Promotion


def serving_version(project: Project) -> ModelVersion | None:
    """The version whose findings readers are shown."""
    return ModelVersion.objects.filter(project=project, state=ModelState.SERVES).first()


def serving_beside(version: ModelVersion) -> ModelVersion | None:
    """What a version is to be compared with: the one that serves; where it serves itself, the one whose place it took."""
    serving = serving_version(version.project)
    if serving is None or serving.pk != version.pk:
        return serving
    promotion = version.promotions.select_related("instead_of").first()
    return promotion.instead_of if promotion else None


def next_version_number(project: Project) -> int:
    """The number of the next version."""
    newest = ModelVersion.objects.filter(project=project).aggregate(newest=Max("number"))["newest"]
    return (newest or 0) + 1


def latest_evaluation(version: ModelVersion, split: str = Split.VALIDATION) -> Evaluation | None:
    """The newest evaluation of a version on a split."""
    return Evaluation.objects.filter(model_version=version, split=split).first()


def validation_metrics(versions: QuerySet[ModelVersion]) -> dict[int, list[dict[str, Any]]]:
    """By version the metrics of its newest evaluation on VALIDATION, in one query; no key where it was not measured."""
    rows = Evaluation.objects.filter(model_version__in=versions.order_by(), split=Split.VALIDATION)
    return dict(rows.order_by("created_at").values_list("model_version", "metrics"))


def holdout_looks(project: Project) -> int:
    """How often anyone has looked at HOLDOUT in this project: every look wears it out a little."""
    return Evaluation.objects.filter(model_version__project=project, split=Split.HOLDOUT).count()


def version_document(version: ModelVersion) -> dict[str, Any]:
    """A version as the API tells it, with its evaluations, newest first."""
    return {
        "number": version.number,
        "state": version.state,
        "created_at": version.created_at,
        "parent": version.parent.number if version.parent else None,
        "n_labels": version.n_labels,
        "snapshot_hash": version.snapshot_hash,
        "seed": version.seed,
        "code_version": version.code_version,
        "steps": version.steps,
        "core_seconds": version.core_seconds,
        "weights_sha256": version.weights_sha256,
        "config": version.config,
        "clicks": clicks_document(version),
        "gate": version.gate,
        "display_threshold": version.display_threshold,
        "calibration": version.calibration,
        "released_at": version.released_at,
        "onnx": onnx_document(version),
        "promotions": [promotion_document(promotion) for promotion in version.promotions.all()],
        "evaluations": [evaluation_document(evaluation) for evaluation in version.evaluations.all()],
        "holdout_looks": holdout_looks(version.project),
    }


def clicks_document(version: ModelVersion) -> dict[str, Any] | None:
    """Of how many lesions the version learned to answer clicks, and how well it does; None where it does not."""
    kept = version.config.get("prompts")
    if not kept:
        return None
    return {"lesions": kept["lesions"], "core_seconds": kept["core_seconds"], "measured": kept.get("measured", [])}


def onnx_document(version: ModelVersion) -> dict[str, Any] | None:
    """What is known of the version's ONNX file; None where it has not been exported."""
    return {name: value for name, value in version.onnx.items() if not name.endswith("key")} or None


def promotion_document(promotion: Promotion) -> dict[str, Any]:
    """When a version came to serve, instead of which one, by whom (None: the gate), and why."""
    return {
        "created_at": promotion.created_at,
        "by": promotion.by.get_username() if promotion.by else None,
        "reason": promotion.reason,
        "instead_of": promotion.instead_of.number if promotion.instead_of else None,
    }


def card_text(project: Project) -> CardText | None:
    """What the lead last wrote on the model card."""
    return CardText.objects.filter(project=project).select_related("by").first()


def version_row(version: ModelVersion) -> dict[str, Any]:
    """A version as a row of the list: its newest VALIDATION numbers instead of everything."""
    evaluation = next((e for e in version.evaluations.all() if e.split == Split.VALIDATION), None)
    return {
        "number": version.number,
        "state": version.state,
        "created_at": version.created_at,
        "parent": version.parent.number if version.parent else None,
        "n_labels": version.n_labels,
        "released_at": version.released_at,
        "metrics": evaluation.metrics if evaluation else [],
        "n_patients": evaluation.n_patients if evaluation else 0,
    }


def evaluation_document(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as the API tells it; single cases stay inside."""
    return {
        "split": evaluation.split,
        "created_at": evaluation.created_at,
        "n_cases": evaluation.n_cases,
        "n_patients": evaluation.n_patients,
        "metrics": evaluation.metrics,
        "curves": evaluation.curves,
        "subgroups": evaluation.subgroups,
    }
