"""Reads foreign models and which cases they have read; what they found leaves by `readings_visible_to` alone."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet

from backend.projects.models import Project
from backend.readings.models import Reading
from backend.registry.models import ForeignModel


def foreign_models_of(project: Project) -> QuerySet[ForeignModel]:
    """The project's foreign models, each with the number of cases that it has read as `n_cases`."""
    found = ForeignModel.objects.filter(project=project).select_related("reader", "registered_by")
    return found.annotate(n_cases=Count("reader__readings"))


def foreign_model_document(model: ForeignModel) -> dict[str, Any]:
    """A foreign model as the API tells it; of `foreign_models_of`."""
    return {
        "id": model.pk,
        "name": model.name,
        "version": model.version,
        "description": model.description,
        "display_threshold": model.display_threshold,
        "is_shown": model.is_shown,
        "reader": model.reader.pk,
        "cases_read": model.n_cases,  # type: ignore[attr-defined]
        "registered_by": model.registered_by.get_username() if model.registered_by else "",
        "created_at": model.created_at,
    }


def predicted_cases(model: ForeignModel) -> QuerySet[Reading, Any]:
    """Which cases the model has read, by number, with the caller's own revision ids: nothing of what was found."""
    rows = Reading.objects.filter(reader=model.reader).order_by("case__number")
    return rows.values("case_id", "case__name", "revision", "revision_id", "submitted_at")
