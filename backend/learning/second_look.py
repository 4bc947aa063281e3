"""Labels that deserve a second look: a model doubts them that has not seen the patient, or near-duplicates differ.

Told to reviewers and leads alone, and of no case in which others' readings are still kept back from them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any, Final
from uuid import UUID

from django.db.models import Count
from django.urls import reverse

from backend.accounts.models import User
from backend.dicom.near_duplicates import NEAR_DISTANCE, hash_distance
from backend.learning.inquiries import newest_answer
from backend.learning.models import InquiryKind
from backend.learning.selectors import TEACHERS, truth_among
from backend.projects.models import Case, Project, Split
from backend.readings.models import Lesion, Reading, ReadingState, Verdict
from backend.readings.selectors import cases_judged_by, superseded

SHOWN: Final = 100
DOUBTED: Final = 0.5
"""A label is listed where the model would rather say something else of some part of it."""
_READ: Final = (Split.POOL, Split.VALIDATION, Split.HOLDOUT)
_CHUNK: Final = 500


def second_look(*, project: Project, user: User, role: str) -> dict[str, Any]:
    """Everything that the page shows to `user`."""
    pairs, blinded = _pairs(project, user, role)
    return {"doubts": _doubts(project, user, role), "pairs": pairs, "blinded_pairs": blinded}


def _doubts(project: Project, user: User, role: str) -> dict[str, Any] | None:
    """The last answer, without labels that have changed since it was given; None before the first."""
    answered = newest_answer(project, InquiryKind.LABELS)
    if answered is None or answered.answer is None:
        return None
    doubted = {UUID(one["reading"]): one for one in answered.answer["labels"] if one["doubt"] >= DOUBTED}
    rows = Reading.objects.filter(~superseded(), pk__in=list(doubted), state=ReadingState.SUBMITTED)
    rows = rows.select_related("case", "reader")
    same = [row for row in rows if row.revision == doubted[row.pk]["revision"]]
    judged = cases_judged_by(project, user, role=role, cases=[row.case for row in same])
    shown = [row for row in same if row.case_id in judged]
    shown.sort(key=lambda row: (-doubted[row.pk]["doubt"], row.case.number))
    base, types = _base(project), _types_of(row.pk for row in shown[:SHOWN])
    return {
        "answered_at": answered.answered_at,
        "n_labels": answered.answer["n_labels"],
        "blinded": len(same) - len(shown),
        "changed": len(doubted) - len(same),
        "cases": [
            {
                **_labelled(row, row.case, types[row.pk], base),
                **{name: doubted[row.pk][name] for name in ("doubt", "labelled", "instead")},
            }
            for row in shown[:SHOWN]
        ],
    }


def _pairs(project: Project, user: User, role: str) -> tuple[list[dict[str, Any]], int]:
    """Near-duplicates whose readings differ in verdict or finding type, the most alike first, and how many are kept back."""
    cases = _grouped_cases(project)
    truth = _truth_of(project, list(cases))
    types = _types_of(row.pk for row in truth.values())
    groups: dict[str, list[Case]] = defaultdict(list)
    for pk in truth:
        groups[cases[pk].group_key].append(cases[pk])
    found = [
        (one, other)
        for group in groups.values()
        for one, other in combinations(sorted(group, key=lambda case: case.number), 2)
        if _said(truth[one.pk], types) != _said(truth[other.pk], types) and _alike(one, other)
    ]
    judged = cases_judged_by(project, user, role=role, cases=[case for pair in found for case in pair])
    shown = [pair for pair in found if all(case.pk in judged for case in pair)]
    shown.sort(key=lambda pair: (not _identical(*pair), _distance(*pair) or 0, pair[0].number))
    base = _base(project)
    documents = [
        {
            "identical": _identical(*pair),
            "distance": _distance(*pair),
            "cases": [_labelled(truth[case.pk], case, types[truth[case.pk].pk], base) for case in pair],
        }
        for pair in shown[:SHOWN]
    ]
    return documents, len(found) - len(shown)


def _grouped_cases(project: Project) -> dict[UUID, Case]:
    """Images that share their group (patient, or near-duplicates) with another one."""
    cases = Case.objects.filter(project=project, split__in=_READ, instance__isnull=False, readings__isnull=False)
    several = cases.values("group_key").annotate(n=Count("pk", distinct=True)).filter(n__gt=1).order_by()
    rows = cases.filter(group_key__in=several.values("group_key")).distinct()
    return {case.pk: case for case in rows.select_related("instance", "series__study")}


def _truth_of(project: Project, ids: Sequence[UUID]) -> dict[UUID, Reading]:
    """The label that counts of each case."""
    found: dict[UUID, Reading] = {}
    for start in range(0, len(ids), _CHUNK):
        rows = Reading.objects.filter(
            ~superseded(), case__in=ids[start : start + _CHUNK], reader__kind__in=TEACHERS, state=ReadingState.SUBMITTED
        )
        found |= truth_among(rows.exclude(verdict__in=(Verdict.NOT_READABLE, Verdict.DEFERRED)).select_related("reader"))
    return found


def _types_of(readings: Iterable[UUID]) -> dict[UUID, set[int]]:
    """The finding types of each reading's lesions."""
    ids, found = list(readings), defaultdict[UUID, set[int]](set)
    for start in range(0, len(ids), _CHUNK):
        rows = Lesion.objects.filter(reading__in=ids[start : start + _CHUNK]).values_list("reading_id", "finding_type_id")
        for reading, finding_type in rows.distinct():
            found[reading].add(finding_type)
    return found


def _said(reading: Reading, types: dict[UUID, set[int]]) -> tuple[str, frozenset[int]]:
    return reading.verdict, frozenset((*types[reading.pk], *_present(reading)))


def _present(reading: Reading) -> Iterator[int]:
    return (int(pk) for pk, value in reading.image_findings.items() if value == "present")


def _alike(one: Case, other: Case) -> bool:
    """A group without a patient was made for resemblance; of one patient only what looks the same is a near-duplicate."""
    if not one.series.study.patient_key and not other.series.study.patient_key:
        return True
    distance = _distance(one, other)
    return distance is not None and distance <= NEAR_DISTANCE


def _distance(one: Case, other: Case) -> int | None:
    assert one.instance and other.instance
    hashes = one.instance.dhash, other.instance.dhash
    return hash_distance(*hashes) if all(hashes) else None


def _identical(one: Case, other: Case) -> bool:
    assert one.instance and other.instance
    return one.instance.pixel_digest == other.instance.pixel_digest


def _labelled(reading: Reading, case: Case, types: set[int], base: str) -> dict[str, Any]:
    return {
        "case": str(case.pk),
        "name": case.name,
        "thumbnail": f"{base}cases/{case.pk}/thumbnail/",
        "reader": reading.reader.name,
        "verdict": reading.verdict,
        "finding_types": sorted({*types, *_present(reading)}),
    }


def _base(project: Project) -> str:
    return reverse("project-detail", args=[project.slug])
