"""Writes what tables say of sex, age, view, site and scanner beside the cases whose headers do not say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.db import transaction

from backend.accounts.models import User
from backend.audit.services import record_event
from backend.projects.models import Case, Project

Traits = Mapping[str, str]
_CHUNK: Final = 500


def write_case_traits(*, project: Project, traits: Mapping[UUID, Traits], by: User | None, source: str) -> int:
    """Store the traits of these cases of the project and return how many changed; a trait that is not named stays.

    The audit keeps which traits, and of how many cases; the values it does not.
    """
    ids, changed = list(traits), 0
    for start in range(0, len(ids), _CHUNK):
        with transaction.atomic():
            rows = Case.objects.select_for_update().filter(project=project, pk__in=ids[start : start + _CHUNK])
            fresh = []
            for case in rows:
                after = {**case.traits, **traits[case.pk]}
                if after != case.traits:
                    case.traits = after
                    fresh.append(case)
            Case.objects.bulk_update(fresh, ["traits"])
            changed += len(fresh)
    if ids:
        names = sorted({name for one in traits.values() for name in one})
        record_event(
            actor=by, verb="traits.imported", project_id=project.pk, object_type="project", object_id=project.pk,
            detail={"source": source, "traits": names, "cases": len(ids), "changed": changed},
        )  # fmt: skip
    return changed
