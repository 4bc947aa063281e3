"""Turns instances of the archive into cases of a project: numbered, placed in a split for ever, at a random priority."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction

from backend.archive.models import Instance
from backend.audit.services import record_event
from backend.dicom.uids import keyed_digest, keyed_fraction
from backend.projects.models import Assignment, Case, Project, Split, Unit
from backend.projects.selectors import in_reading_order
from backend.projects.splits import EMBARGOED, KnownCase, NewCase, Placement, plan_placements

_CHUNK: Final = 100


@dataclass(frozen=True)
class CaseCandidate:
    """An instance that may become a case or a part of one.

    `group` is the near-duplicate group that a table names for it (empty: none); the patient, where known, goes first.
    """

    instance_id: int
    source_name: str = ""
    group: str = ""


@dataclass(frozen=True)
class _Draft:
    """A case to be written: its instances' representative, and what is known of it."""

    instance: Instance
    source_name: str
    new: NewCase


def add_cases(*, project: Project, candidates: Sequence[CaseCandidate]) -> list[Case]:
    """The cases of these instances, made where there were none; adding twice changes nothing.

    Unit image: one case per instance (a multi-frame instance is one case); unit series: one case per series. Returns
    the newly made ones. Short transactions; the project's row is locked while numbers are given.
    """
    drafts = _drafts(project, candidates)
    if not drafts:
        return []
    known_cases, known = _known(project)
    plan = plan_placements(
        new=[draft.new for draft in drafts],
        known=known,
        split_key=project.split_key,
        validation_share=project.validation_share,
        holdout_share=project.holdout_share,
    )
    made: list[Case] = []
    for start in range(0, len(drafts), _CHUNK):
        end = start + _CHUNK
        made += _write(project, drafts[start:end], plan.placements[start:end])
    for index, reason in plan.embargo_known.items():
        embargo_case(case_id=known_cases[index], reason=reason)
    return made


def embargo_case(*, case_id: UUID, reason: str) -> None:
    """Take a case out of use for ever, unless somebody has begun to read it meanwhile."""
    with transaction.atomic():
        case = Case.objects.select_for_update().get(pk=case_id)
        if case.readings_submitted or Assignment.objects.filter(case=case).exists():
            return
        case.split, case.is_open, case.embargo_reason = Split.EMBARGOED, False, reason
        case.save(update_fields=["split", "is_open", "embargo_reason"])
        record_event(
            actor=None, verb="case.embargoed", project_id=case.project_id, object_type="case", object_id=case.pk
        )  # fmt: skip


def _drafts(project: Project, candidates: Sequence[CaseCandidate]) -> list[_Draft]:
    by_id = {candidate.instance_id: candidate for candidate in candidates}
    fields = ("sop_instance_uid", "dhash", "series__modality", "series__study__patient_key")
    found: list[Instance] = []
    ids = list(by_id)
    for start in range(0, len(ids), 500):
        chunk = Instance.objects.filter(pk__in=ids[start : start + 500]).select_related("series__study")
        found += chunk.only(*fields, "position", "instance_number", "number_of_frames")
    if project.unit == Unit.SERIES:
        return _series_drafts(project, found, by_id)
    taken = set(Case.objects.filter(project=project, instance__isnull=False).values_list("instance_id", flat=True))
    order = {pk: place for place, pk in enumerate(ids)}
    fresh = sorted((instance for instance in found if instance.pk not in taken), key=lambda instance: order[instance.pk])
    return [_draft(project, instance, by_id[instance.pk], instance.sop_instance_uid) for instance in fresh]


def _series_drafts(project: Project, found: Sequence[Instance], by_id: dict[int, CaseCandidate]) -> list[_Draft]:
    """One draft per series that is no case yet; its middle slice, in reading order, stands for it."""
    taken = set(Case.objects.filter(project=project, instance__isnull=True).values_list("series_id", flat=True))
    candidates: dict[int, CaseCandidate] = {}
    for instance in found:
        if instance.series_id not in taken:
            candidates.setdefault(instance.series_id, by_id[instance.pk])
    drafts = []
    for series_id, candidate in candidates.items():
        instances = in_reading_order(Instance.objects.filter(series_id=series_id)).select_related("series__study")
        middle = instances[instances.count() // 2]
        drafts.append(_draft(project, middle, candidate, middle.series.series_instance_uid))
    return drafts


def _draft(project: Project, instance: Instance, candidate: CaseCandidate, seed: str) -> _Draft:
    group_key = instance.series.study.patient_key
    if not group_key and candidate.group:
        group_key = keyed_digest(project.archive.key, "group", candidate.group)
    return _Draft(instance, candidate.source_name, NewCase(seed, group_key, instance.dhash))


def _known(project: Project) -> tuple[list[UUID], list[KnownCase]]:
    """The project's cases with the hash of their image, or of their series' middle slice."""
    rows = Case.objects.filter(project=project).values_list(
        "pk", "name", "group_key", "split", "instance__dhash", "series_id", "readings_submitted"
    )
    begun = set(Assignment.objects.filter(case__project=project).values_list("case_id", flat=True))
    middles = _middle_hashes(series for *_, dhash, series, _ in rows if dhash is None)
    ids, known = [], []
    for pk, name, group_key, split, dhash, series_id, readings in rows:
        ids.append(pk)
        free = readings == 0 and pk not in begun
        known.append(KnownCase(name, group_key, split, middles[series_id] if dhash is None else dhash, free))
    return ids, known


def _middle_hashes(series_ids: Iterable[int]) -> dict[int, str]:
    ids = list(series_ids)
    hashes: dict[int, list[str]] = defaultdict(list)
    for start in range(0, len(ids), 500):
        instances = in_reading_order(Instance.objects.filter(series_id__in=ids[start : start + 500]))
        for series_id, dhash in instances.values_list("series_id", "dhash"):
            hashes[series_id].append(dhash)
    return {series_id: found[len(found) // 2] for series_id, found in hashes.items()}


def _write(project: Project, drafts: Sequence[_Draft], placements: Sequence[Placement]) -> list[Case]:
    """Number and store one chunk; what another import has added meanwhile is left out, its splits are kept."""
    with transaction.atomic():
        locked = Project.objects.select_for_update().get(pk=project.pk)
        settled = dict(
            Case.objects.filter(project=project, group_key__in={placement.group_key for placement in placements})
            .exclude(split=Split.EMBARGOED)
            .values_list("group_key", "split")
        )
        fresh = _not_yet_cases(project, drafts, placements)
        cases = [
            _case(
                locked, draft, placement, settled.get(placement.group_key, placement.split), locked.next_case_number + index
            )
            for index, (draft, placement) in enumerate(fresh)
        ]
        Case.objects.bulk_create(cases)
        locked.next_case_number += len(cases)
        locked.save(update_fields=["next_case_number"])
        project.next_case_number = locked.next_case_number
    return cases


def _not_yet_cases(
    project: Project, drafts: Sequence[_Draft], placements: Sequence[Placement]
) -> list[tuple[_Draft, Placement]]:
    if project.unit == Unit.SERIES:
        ids = [draft.instance.series_id for draft in drafts]
        there = Case.objects.filter(project=project, instance__isnull=True, series_id__in=ids)
        taken = set(there.values_list("series_id", flat=True))
        return [
            (draft, place) for draft, place in zip(drafts, placements, strict=True) if draft.instance.series_id not in taken
        ]
    there = Case.objects.filter(project=project, instance_id__in=[draft.instance.pk for draft in drafts])
    taken_instances = set(there.values_list("instance_id", flat=True))
    return [
        (draft, place) for draft, place in zip(drafts, placements, strict=True) if draft.instance.pk not in taken_instances
    ]


def _case(project: Project, draft: _Draft, placement: Placement, settled: str, number: int) -> Case:
    embargoed = placement.split == EMBARGOED
    modality = "".join(filter(str.isalnum, draft.instance.series.modality)).upper() or project.modality
    return Case(
        project=project,
        series_id=draft.instance.series_id,
        instance_id=draft.instance.pk if project.unit == Unit.IMAGE else None,
        number=number,
        name=f"{modality[:16]}-{number:04d}",
        source_name=draft.source_name[:500],
        split=Split.EMBARGOED if embargoed else settled,
        group_key=placement.group_key,
        embargo_reason=placement.embargo_reason[:200],
        priority=keyed_fraction(project.split_key, "priority", draft.new.seed),
        blind_priority=keyed_fraction(project.split_key, "blind priority", draft.new.seed),
        is_open=not embargoed,
    )
