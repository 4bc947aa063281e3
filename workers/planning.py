"""The plan of a project's network: its fingerprint, what the lead has chosen, and what the serving version is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from backend.learning.models import Round, Start, TrainingPolicy
from backend.projects.models import Project
from backend.registry.models import ModelVersion
from workers.cnn.device import compute_device
from workers.cnn.plan import OWN, PRETRAINED, USUAL_SIZE, Plan, kept_plan, make_plan, settled_window
from workers.fingerprint import project_fingerprint
from workers.networks import version_plan


def project_plan(
    project: Project,
    *,
    dimension: str = "auto",
    size: int | None = None,
    encoder: str = PRETRAINED,
    base: ModelVersion | None = None,
) -> Plan:
    """The plan for the images as they are now on this machine; that of `base` where it still fits and the lead agrees."""
    found = project_fingerprint(project)
    if found is None:
        return Plan.plain(size or USUAL_SIZE)
    before = version_plan(base) if base is not None else None
    if before is not None:
        # Its weights fit no other encoder, at whatever size.
        encoder = PRETRAINED if before.encoder else OWN
    made = make_plan(found, device=compute_device().type, dimension=dimension, size=size, encoder=encoder)
    if before is None:
        return made
    # Nor do they know other greys than those that they have learned from.
    made = replace(made, ct_window=before.ct_window)
    return kept_plan(before, made) if size in (None, before.size) else made


def round_plan(round_: Round, *, from_scratch: bool = False) -> Plan:
    """The plan that a round begins with; one that starts warm keeps the plan of what it starts from where it can.

    `from_scratch`: of one that was to start from a version and cannot.
    """
    settings, base = round_.settings, round_.base_version
    is_new = base is None or from_scratch or settings["start"] == Start.SCRATCH
    plan = project_plan(
        round_.project,
        dimension=settings.get("dimension", "auto"),
        size=settings.get("image_size"),
        encoder=settings.get("encoder", OWN),
        base=None if is_new else base,
    )
    if base is None:
        return plan
    return replace(plan, ct_window=settled_window(plan.ct_window, version_plan(base).ct_window))


def policy_plan(project: Project, policy: TrainingPolicy) -> Plan:
    """The plan of the project's images, as the policy has it, for a training from scratch."""
    return project_plan(project, dimension=policy.dimension, size=policy.image_size, encoder=policy.encoder)


def settings_plan(settings: Mapping[str, Any]) -> Plan:
    """The plan that is frozen in a round's settings; rounds that began before there were plans are 2D."""
    made = settings.get("plan")
    return Plan.from_dict(made) if made else Plan.plain(int(settings["image_size"]))
