"""Turns instances of the archive into cases of a project: numbered, placed in a split for ever, at a random priority."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from django.db import transaction

from backend.archive.models import Instance
from backend.audit.services import record_event
from backend.dicom.near_duplicates import hash_parts, near_pairs, near_parts
from backend.dicom.uids import keyed_digest, keyed_fraction
from backend.projects.models import Assignment, Case, CaseHash, CaseHashPart, Project, Split, Unit
from backend.projects.selectors import in_reading_order
from backend.projects.splits import EMBARGOED, KnownCase, NewCase, Placement, plan_placements

_Item = TypeVar("_Item")
_CHUNK: Final = 100
_MANY: Final = 500
_HASHES_A_QUESTION: Final = 3  # 272 keys each; SQLite takes 999
_SCANNED_A_CASE: Final = 64
"""Where there are at most so many known cases for each new one, reading all their hashes costs less than the index."""


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
    """The cases of these instances, in their order, made where there were none; adding twice changes nothing.

    Unit image: one case per instance (a multi-frame instance is one case); unit series: one case per series. Returns
    the newly made ones. Short transactions; the project's row is locked while numbers are given. What is read grows with
    what is new, not with the project.
    """
    drafts = _drafts(project, candidates)
    if not drafts:
        return []
    known_cases, known = _known(project, [draft.new for draft in drafts])
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
        if (case_id := known_cases[index]) is not None:
            embargo_case(case_id=case_id, reason=reason)
    return made


def mark_as_taught(*, cases: Sequence[UUID]) -> list[UUID]:
    """A network will learn from these unread cases, which stay in the POOL: those that still are there, in this order."""
    there: set[UUID] = set()
    with transaction.atomic():
        for chunk in _chunks(cases):
            rows = Case.objects.filter(pk__in=chunk, split=Split.POOL)
            rows.update(has_taught=True)
            there |= set(rows.values_list("pk", flat=True))
    return [pk for pk in cases if pk in there]


def embargo_case(*, case_id: UUID, reason: str) -> None:
    """Take a case out of use for ever, unless somebody has begun to read it or a network learned from it meanwhile."""
    with transaction.atomic():
        case = Case.objects.select_for_update().get(pk=case_id)
        if case.readings_submitted or case.has_taught or Assignment.objects.filter(case=case).exists():
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
    for chunk in _chunks(ids):
        instances = Instance.objects.filter(pk__in=chunk).select_related("series__study")
        found += instances.only(*fields, "position", "instance_number", "number_of_frames")
    order = {pk: place for place, pk in enumerate(ids)}
    found.sort(key=lambda instance: order[instance.pk])
    if project.unit == Unit.SERIES:
        return _series_drafts(project, found, by_id)
    taken: set[int | None] = set()
    for chunk in _chunks(ids):
        taken |= set(Case.objects.filter(project=project, instance_id__in=chunk).values_list("instance_id", flat=True))
    fresh = [instance for instance in found if instance.pk not in taken]
    return [_draft(project, instance, by_id[instance.pk], instance.sop_instance_uid) for instance in fresh]


def _series_drafts(project: Project, found: Sequence[Instance], by_id: dict[int, CaseCandidate]) -> list[_Draft]:
    """One draft per series that is no case yet; its middle slice, in reading order, stands for it."""
    taken: dict[int, UUID] = {}
    for chunk in _chunks(list({instance.series_id for instance in found})):
        whole = Case.objects.filter(project=project, instance__isnull=True, series_id__in=chunk)
        taken |= dict(whole.values_list("series_id", "pk"))
    candidates: dict[int, CaseCandidate] = {}
    for instance in found:
        candidates.setdefault(instance.series_id, by_id[instance.pk])
    drafts = []
    for series_id, candidate in candidates.items():
        middle = _middle(series_id)
        if series_id in taken:
            _look_again(project, taken[series_id], middle.dhash)
        else:
            drafts.append(_draft(project, middle, candidate, middle.series.series_instance_uid))
    return drafts


def _middle(series_id: int) -> Instance:
    instances = in_reading_order(Instance.objects.filter(series_id=series_id)).select_related("series__study")
    return instances.defer("dicom_json", "frame_ranges")[instances.count() // 2]


def _look_again(project: Project, case_id: UUID, dhash: str) -> None:
    """A series may have got slices since it became a case, and another one in the middle."""
    known = CaseHash.objects.filter(case_id=case_id).values_list("dhash", flat=True).first()
    if (known or "") != dhash:
        with transaction.atomic():
            CaseHash.objects.filter(case_id=case_id).delete()
            _store_hashes(project, [(case_id, dhash)])


def _draft(project: Project, instance: Instance, candidate: CaseCandidate, seed: str) -> _Draft:
    group_key = instance.series.study.patient_key
    if not group_key and candidate.group:
        group_key = keyed_digest(project.archive.key, "group", candidate.group)
    return _Draft(instance, candidate.source_name, NewCase(seed, group_key, instance.dhash))


def _chunks(items: Sequence[_Item], size: int = _MANY) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _known(project: Project, new: Sequence[NewCase]) -> tuple[list[UUID | None], list[KnownCase]]:
    """The project's cases that the new ones resemble, and the splits of the groups that the new ones name."""
    ids: list[UUID | None] = []
    known: list[KnownCase] = []
    near = _near(project, [case.dhash for case in new if case.dhash])
    for chunk in _chunks(list(near)):
        rows = Case.objects.filter(pk__in=chunk).values_list(
            "pk", "name", "group_key", "split", "readings_submitted", "has_taught"
        )
        begun = set(Assignment.objects.filter(case__in=chunk).values_list("case_id", flat=True))
        for pk, name, group_key, split, readings, has_taught in rows:
            ids.append(pk)
            may_be_embargoed = readings == 0 and not has_taught and pk not in begun
            known.append(KnownCase(name, group_key, split, near[pk], may_be_embargoed))
    groups = sorted({case.group_key for case in new if case.group_key})
    for named in _chunks(groups):
        settled = Case.objects.filter(project=project, group_key__in=named)
        for group_key, split in settled.exclude(split=Split.EMBARGOED).values_list("group_key", "split").distinct():
            ids.append(None)
            known.append(KnownCase("", group_key, split, "", may_be_embargoed=False))
    return ids, known


def _near(project: Project, new: Sequence[str]) -> dict[UUID, str]:
    """The cases whose hash is near one of these, with it."""
    if not new:
        return {}
    there: dict[UUID, str] = {}
    made = Project.objects.values_list("next_case_number", flat=True).get(pk=project.pk) - 1
    if made <= len(new) * _SCANNED_A_CASE:
        there = dict(CaseHash.objects.filter(project=project).values_list("case_id", "dhash"))
    else:
        for asked in _chunks(new, _HASHES_A_QUESTION):
            keys = [key for dhash in asked for key in near_parts(dhash)]
            parts = CaseHashPart.objects.filter(project=project, key__in=keys)
            there |= dict(parts.values_list("hash_id", "hash__dhash").distinct())
    ids, hashes = list(there), list(there.values())
    return {ids[index]: hashes[index] for _, index, _ in near_pairs(new, hashes)}


def _store_hashes(project: Project, hashes: Iterable[tuple[UUID, str]]) -> None:
    """Remember what cases look like; one without structure resembles nothing."""
    made = [CaseHash(case_id=case_id, project=project, dhash=dhash) for case_id, dhash in hashes if dhash]
    CaseHash.objects.bulk_create(made)
    CaseHashPart.objects.bulk_create(
        [CaseHashPart(hash=one, project=project, key=key) for one in made for key in hash_parts(one.dhash)]
    )


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
        _store_hashes(project, zip((case.pk for case in cases), (draft.new.dhash for draft, _ in fresh), strict=True))
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
