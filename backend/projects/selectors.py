"""Reads projects, their vocabulary, members and cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Count, F, Q, QuerySet

from backend.archive.models import Instance
from backend.dicom.near_duplicates import joined_groups
from backend.projects.arms import ReaderArms
from backend.projects.attributes import attribute_document
from backend.projects.models import (
    Arm,
    Assignment,
    AssignmentState,
    Case,
    CaseHash,
    FindingType,
    Membership,
    Project,
    Split,
)

_CHUNK: Final = 500


def memberships_of(user: AbstractBaseUser | AnonymousUser) -> QuerySet[Membership]:
    """The user's memberships with project and archive, by the project's name."""
    return (
        Membership.objects.filter(user_id=user.pk or 0)
        .select_related("project", "project__archive")
        .order_by("project__name", "project__slug")
    )


def case_counts(project_ids: Iterable[UUID]) -> dict[UUID, dict[str, int]]:
    """Per project: cases, open and submitted ones; EMBARGOED cases count nowhere."""
    rows = (
        Case.objects.filter(project_id__in=list(project_ids))
        .exclude(split=Split.EMBARGOED)
        .values("project_id")
        .annotate(cases=Count("pk"), open=Count("pk", filter=Q(is_open=True)))
        .order_by()
    )
    return {
        row["project_id"]: {"cases": row["cases"], "open": row["open"], "submitted": row["cases"] - row["open"]}
        for row in rows
    }


def finding_types_of(project_ids: Iterable[UUID]) -> dict[UUID, list[FindingType]]:
    """Per project its vocabulary in order, retired types included (old readings still name them)."""
    found: dict[UUID, list[FindingType]] = defaultdict(list)
    for finding_type in FindingType.objects.filter(project_id__in=list(project_ids)):
        found[finding_type.project_id].append(finding_type)
    return found


def members_of(project: Project) -> QuerySet[Membership]:
    """The project's members by name."""
    return Membership.objects.filter(project=project).select_related("user").order_by("user__username")


def case_instances(case: Case) -> QuerySet[Instance]:
    """The case's instances in reading order: its one image, or the series along the slice normal.

    This order is the series grid of a mask: frame 0 of a mask's array is the first frame of the first instance.
    """
    if case.instance_id is not None:
        return Instance.objects.filter(pk=case.instance_id)
    return in_reading_order(Instance.objects.filter(series_id=case.series_id))


def instances_of_cases(cases: Sequence[Case]) -> dict[UUID, list[Instance]]:
    """`case_instances` of each case by its id, all with two queries."""
    single = Instance.objects.in_bulk([case.instance_id for case in cases if case.instance_id is not None])
    of_series: dict[int, list[Instance]] = {}
    whole = [case.series_id for case in cases if case.instance_id is None]
    for row in in_reading_order(Instance.objects.filter(series_id__in=whole)) if whole else ():
        of_series.setdefault(row.series_id, []).append(row)
    return {
        case.pk: [single[case.instance_id]] if case.instance_id is not None else of_series.get(case.series_id, [])
        for case in cases
    }


def joined_groups_of(cases: Sequence[Case]) -> list[str]:
    """The group of each case, where two groups of which images look almost the same are one: an image that came under two
    patients is read once.
    """
    hashes: dict[UUID, str] = {}
    for start in range(0, len(cases), _CHUNK):
        rows = CaseHash.objects.filter(case__in=[case.pk for case in cases[start : start + _CHUNK]])
        hashes |= dict(rows.values_list("case_id", "dhash"))
    return joined_groups([case.group_key for case in cases], [hashes.get(case.pk, "") for case in cases])


def unread_blinded(*, project: Project, cases: Sequence[Case], user: AbstractBaseUser) -> set[UUID]:
    """Those of the cases that `user` reads blinded and has not submitted: nothing may tell him of the model there."""
    mine = Assignment.objects.filter(user_id=user.pk, case__in=cases)
    begun = {row.case_id: row for row in mine}
    arms = ReaderArms(project, user)
    blinded = set()
    for case in cases:
        assignment = begun.get(case.pk)
        arm = assignment.arm if assignment else arms.draw(split=case.split, draw=case.draw).arm
        if arm == Arm.BLINDED and not (assignment and assignment.state == AssignmentState.SUBMITTED):
            blinded.add(case.pk)
    return blinded


def in_reading_order(instances: QuerySet[Instance]) -> QuerySet[Instance]:
    """Instances of one series along the slice normal, without positions by their number."""
    return instances.order_by(F("position").asc(nulls_last=True), "instance_number", "sop_instance_uid")


def finding_type_document(finding_type: FindingType) -> dict[str, Any]:
    """A finding type as the API tells it."""
    return {
        "id": finding_type.pk,
        "scope": finding_type.scope,
        "name": finding_type.name,
        "colour": finding_type.colour,
        "key": finding_type.key,
        "allowed_marks": finding_type.allowed_marks,
        "code_scheme": finding_type.code_scheme,
        "code_value": finding_type.code_value,
        "code_meaning": finding_type.code_meaning,
        "attributes": [attribute_document(attribute) for attribute in finding_type.attributes],
        "position": finding_type.position,
        "since_version": finding_type.since_version,
        "retired_in_version": finding_type.retired_in_version,
    }


def project_documents(memberships: Iterable[Membership]) -> list[dict[str, Any]]:
    """Projects as the API tells them to these members, in a fixed number of queries."""
    rows = list(memberships)
    ids = [row.project_id for row in rows]
    counts, vocabularies = case_counts(ids), finding_types_of(ids)
    none = {"cases": 0, "open": 0, "submitted": 0}
    return [_project_document(row, counts.get(row.project_id, none), vocabularies.get(row.project_id, [])) for row in rows]


def _project_document(membership: Membership, counts: dict[str, int], vocabulary: list[FindingType]) -> dict[str, Any]:
    project = membership.project
    return {
        "id": str(project.pk),
        "slug": project.slug,
        "name": project.name,
        "question": project.question,
        "modality": project.modality,
        "unit": project.unit,
        "synthetic": project.synthetic,
        "archive": {
            "slug": project.archive.slug,
            "name": project.archive.name,
            "deid_profile": project.archive.deid_profile,
            "deid_options": project.archive.deid_options,
            "keeps_identities": project.archive.keeps_identities,
        },
        "vocabulary_version": project.vocabulary_version,
        "validation_share": project.validation_share,
        "holdout_share": project.holdout_share,
        "blinded_share": project.blinded_share,
        "readings_wanted": project.readings_wanted,
        "laterality_matters": project.laterality_matters,
        "first_look": project.first_look,
        "accept_all": project.accept_all,
        "display_threshold": project.display_threshold,
        "false_positives_allowed": project.false_positives_allowed,
        "role": membership.role,
        "may_reidentify": membership.may_reidentify and project.archive.keeps_identities,
        "finding_types": [finding_type_document(finding_type) for finding_type in vocabulary],
        "counts": counts,
    }
