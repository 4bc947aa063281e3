"""Labels that deserve a second look: a model doubts them that has not seen the patient, or near-duplicates differ.

Told to reviewers and leads alone, and of no case in which others' readings are still kept back from them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any, Final, NamedTuple
from uuid import UUID

import numpy as np
from django.db.models import Exists, OuterRef
from django.urls import reverse
from numpy.typing import NDArray

from backend.accounts.models import User
from backend.dicom.near_duplicates import NEAR_DISTANCE, hash_distance, near_among
from backend.learning.inquiries import newest_answer
from backend.learning.models import InquiryKind
from backend.learning.selectors import TEACHERS, truth_among
from backend.projects.models import Case, Project, Split
from backend.readings.models import Lesion, Reading, ReadingState, Verdict
from backend.readings.selectors import cases_judged_by, judged_cases, superseded

SHOWN: Final = 100
DOUBTED: Final = 0.5
"""A label is listed where the model would rather say something else of some part of it."""
UNKNOWN: Final = -1
"""The distance of two images of which one has no hash."""
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
    doubted = [one for one in answered.answer["labels"] if one["doubt"] >= DOUBTED]
    rows = Reading.objects.filter(
        ~superseded(), pk__in={UUID(one["reading"]) for one in doubted}, state=ReadingState.SUBMITTED
    )
    revised = {(str(row.pk), row.revision): row for row in rows.select_related("case", "reader")}
    same = [(one, row) for one in doubted if (row := revised.get((one["reading"], one["revision"])))]
    judged = cases_judged_by(project, user, role=role, cases=list({row.case_id: row.case for _, row in same}.values()))
    shown = [(one, row) for one, row in same if row.case_id in judged]
    shown.sort(key=lambda pair: (-pair[0]["doubt"], pair[1].case.number))
    base, types = _base(project), _types_of({row.pk for _, row in shown[:SHOWN]})
    n_doubted, n_same, n_shown = (
        len({one["reading"] for one in some}) for some in (doubted, [one for one, _ in same], [one for one, _ in shown])
    )
    return {
        "answered_at": answered.answered_at,
        "n_labels": answered.answer["n_labels"],
        "blinded": n_same - n_shown,
        "changed": n_doubted - n_same,
        "cases": [
            {
                **_labelled(row, row.case, types[row.pk], base),
                **{name: one[name] for name in ("doubt", "labelled", "instead")},
                # Answers from before there were doubts of whole images say of none what it is about.
                "about": one.get("about", "pixels"),
            }
            for one, row in shown[:SHOWN]
        ],
    }


def _pairs(project: Project, user: User, role: str) -> tuple[list[dict[str, Any]], int]:
    """Near-duplicates whose readings differ in verdict or finding type, the most alike first, and how many are kept back."""
    cases = _resembling(_labelled_images(project))
    truth = _truth_of(project, [case.pk for case in cases])
    types = _types_of(row.pk for row in truth.values())
    cases = [case for case in cases if case.pk in truth]
    alike = _alike(cases, [_said(truth[case.pk], types) for case in cases])
    judged = set(judged_cases(project, user, role=role).values_list("pk", flat=True))
    told = np.array([case.pk in judged for case in cases], dtype=bool)
    shown = alike[told[alike[:, :2]].all(axis=1)]
    pictures = np.unique([case.pixel_digest for case in cases], return_inverse=True)[1]
    identical = pictures[shown[:, 0]] == pictures[shown[:, 1]]
    order = np.lexsort((shown[:, 1], shown[:, 0], np.maximum(shown[:, 2], 0), ~identical))[:SHOWN]
    base = _base(project)

    def document(case: _Image) -> dict[str, Any]:
        return _labelled(truth[case.pk], case, types[truth[case.pk].pk], base)

    documents = [
        {
            "identical": bool(same),
            "distance": None if distance == UNKNOWN else distance,
            "cases": [document(cases[one]), document(cases[other])],
        }
        for (one, other, distance), same in zip(shown[order].tolist(), identical[order], strict=True)
    ]
    return documents, len(alike) - len(shown)


class _Image(NamedTuple):
    """A case of one image that has been read; `dhash` is None where it has no structure."""

    pk: UUID
    name: str
    group_key: str
    patient_key: str
    pixel_digest: str
    dhash: str | None


def _labelled_images(project: Project) -> list[_Image]:
    """What can be compared, by number."""
    labelled = Reading.objects.filter(case=OuterRef("pk"), reader__kind__in=TEACHERS, state=ReadingState.SUBMITTED)
    rows = Case.objects.filter(Exists(labelled), project=project, split__in=_READ, instance__isnull=False)
    fields = ("pk", "name", "group_key", "series__study__patient_key", "instance__pixel_digest", "hash__dhash")
    return [_Image(*row) for row in rows.order_by("number").values_list(*fields)]


def _resembling(cases: Sequence[_Image]) -> list[_Image]:
    """Those that are near-duplicates of another one: few, and of no others the labels need be read."""
    hashed, groups = _hashed(cases), _groups(cases)
    found = {index for group in groups if len(group) > 1 for index in group}
    for pairs in near_among([cases[index].dhash or "" for index in hashed]):
        found.update(hashed[np.unique(pairs[:, :2])].tolist())
    return [cases[index] for index in sorted(found)]


def _alike(cases: Sequence[_Image], said: Sequence[Hashable]) -> NDArray[np.int64]:
    """Near-duplicates of which different things are `said`: [pairs, 3] of two cases and their distance.

    All that look almost the same, whichever patients they are of, and all of a group without a patient.
    """
    numbers: dict[Hashable, int] = {}
    word = np.array([numbers.setdefault(one, len(numbers)) for one in said], dtype=np.int64)
    hashed, found = _hashed(cases), []
    for pairs in near_among([cases[index].dhash or "" for index in hashed]):
        pairs[:, :2] = hashed[pairs[:, :2]]
        found.append(pairs[word[pairs[:, 0]] != word[pairs[:, 1]]])
    named = [
        (one, other, distance)
        for group in _groups(cases)
        for one, other in combinations(group, 2)
        if word[one] != word[other] and not 0 <= (distance := _distance(cases[one], cases[other])) <= NEAR_DISTANCE
    ]
    return np.concatenate([*found, np.array(named, dtype=np.int64).reshape(-1, 3)])


def _hashed(cases: Sequence[_Image]) -> NDArray[np.int64]:
    """Which of them have a hash."""
    return np.array([index for index, case in enumerate(cases) if case.dhash], dtype=np.int64)


def _groups(cases: Sequence[_Image]) -> list[list[int]]:
    """Those without a patient by their group, which was made for resemblance."""
    found: dict[str, list[int]] = defaultdict(list)
    for index, case in enumerate(cases):
        if not case.patient_key:
            found[case.group_key].append(index)
    return list(found.values())


def _distance(one: _Image, other: _Image) -> int:
    return hash_distance(one.dhash, other.dhash) if one.dhash and other.dhash else UNKNOWN


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


def _labelled(reading: Reading, case: Case | _Image, types: set[int], base: str) -> dict[str, Any]:
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
