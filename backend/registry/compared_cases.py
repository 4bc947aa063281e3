"""Two versions case by case on VALIDATION: what got better, what got worse, and whether that is more than chance.

Each version is taken as it was last measured, at its own display threshold. Only cases count that both were measured on
and whose truth was the same both times. Single cases that the caller is still to read blinded are counted, not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.urls import reverse
from numpy.typing import NDArray

from backend.accounts.models import User
from backend.metrics.intervals import MIN_PATIENTS, MIN_POSITIVE, Statistic, paired_difference, ratio, value_of
from backend.metrics.ranking import auc_of_draws
from backend.projects.models import Case, Project, Split
from backend.projects.selectors import unread_blinded
from backend.registry.models import Evaluation, ModelVersion
from backend.registry.selectors import latest_evaluation

COMPARED: Final = ("dice", "sensitivity", "false_positives", "score")
SHOWN: Final = 200
ANY_LESION: Final = "any"

PerCase = dict[str, Any]
Pair = tuple[PerCase, PerCase]
Side = dict[str, float | None]


def comparison_document(
    *, project: Project, version: ModelVersion, other: ModelVersion, user: User, by: str
) -> dict[str, Any]:
    """`version` minus `other`; the cases with the largest change in `by` first, at most `SHOWN`."""
    own, others = latest_evaluation(version), latest_evaluation(other)
    pairs, unshared, changed = _pairs(own, others)
    sides = [(_side(a, version.display_threshold), _side(b, other.display_threshold)) for a, b in pairs]
    rows = Case.objects.filter(project=project, split=Split.VALIDATION, pk__in=[UUID(a["case"]) for a, _ in pairs])
    known = {str(row.pk): row for row in rows}
    hidden = {str(pk) for pk in unread_blinded(project=project, cases=list(known.values()), user=user)}
    base = reverse("project-detail", args=[project.slug])
    cases = [
        {
            "id": a["case"],
            "name": known[a["case"]].name,
            "thumbnail": f"{base}cases/{a['case']}/thumbnail/",
            "lesions": len(a["hits"]),
            "own": one,
            "others": two,
            "change": _change(one, two, by),
        }
        for (a, _), (one, two) in zip(pairs, sides, strict=True)
        if a["case"] in known and a["case"] not in hidden
    ]
    cases.sort(key=lambda case: (-abs(case["change"] or 0.0), case["change"] is None, case["name"]))
    return {
        "number": version.number,
        "other": other.number,
        "by": by,
        "measured_at": own.created_at if own else None,
        "other_measured_at": others.created_at if others else None,
        "n_cases": len(pairs),
        "n_patients": len({a["group"] for a, _ in pairs}),
        "unshared": unshared,
        "changed": changed,
        "blinded": len(hidden),
        "metrics": [_metric(name, pairs, sides, version.seed) for name in (*COMPARED[:3], "auc")],
        "cases": cases[:SHOWN],
    }


def _pairs(own: Evaluation | None, others: Evaluation | None) -> tuple[list[Pair], int, int]:
    """The cases that both were measured on with the same truth; how many only one was, and whose truth has changed."""
    one = {case["case"]: case for case in own.per_case} if own else {}
    two = {case["case"]: case for case in others.per_case} if others else {}
    shared = [(case, two[key]) for key, case in one.items() if key in two]
    same = [pair for pair in shared if _same_truth(*pair)]
    return same, len(one) + len(two) - 2 * len(shared), len(shared) - len(same)


def _same_truth(one: PerCase, two: PerCase) -> bool:
    """Whether the truth was the same both times; outputs of finding types that came later are left out."""
    places = [case["places"]["true"] for case in (one, two) if case.get("places")]
    return _truth(one) == _truth(two) and (len(places) < 2 or places[0] == places[1])


def _truth(case: PerCase) -> tuple[object, ...]:
    sizes = [size["px"] for size in case["sizes"]]
    return case["complete"], sorted(case["hit_types"]), sizes, case["truth"].get(ANY_LESION)


def _side(case: PerCase, threshold: float) -> Side:
    lesions, complete = len(case["hits"]), case["complete"]
    found = sum(hit is not None and hit >= threshold for hit in case["hits"])
    return {
        "dice": case["dice"],
        "sensitivity": found / lesions if lesions and complete else None,
        "false_positives": sum(score >= threshold for score in case["false"]) if complete else None,
        "score": case["scores"].get(ANY_LESION),
    }


def _change(one: Side, two: Side, name: str) -> float | None:
    a, b = one[name], two[name]
    return None if a is None or b is None else a - b


def _metric(name: str, pairs: Sequence[Pair], sides: Sequence[tuple[Side, Side]], seed: int) -> dict[str, Any]:
    """A metric of both, and the paired bootstrap over patients of the difference."""
    if name == "auc":
        rows = [row for row, (a, _) in enumerate(pairs) if ANY_LESION in a["truth"]]
        truth = np.array([bool(pairs[row][0]["truth"][ANY_LESION]) for row in rows], dtype=bool)
        statistics = [
            auc_of_draws(truth, np.array([pairs[row][side]["scores"][ANY_LESION] for row in rows])) for side in (0, 1)
        ]
        positive, negative, changes = int(truth.sum()), int((~truth).sum()), []
    else:
        rows = [row for row, (one, two) in enumerate(sides) if one[name] is not None and two[name] is not None]
        weights = np.array([len(pairs[row][0]["hits"]) if name == "sensitivity" else 1 for row in rows], dtype=np.float64)
        statistics = [
            _mean(np.array([sides[row][side][name] for row in rows], dtype=np.float64), weights) for side in (0, 1)
        ]
        positive, negative = int(weights.sum()), None
        changes = [_change(*sides[row], name) or 0.0 for row in rows]
    groups = [pairs[row][0]["group"] for row in rows]
    found, note = None, _too_few(positive, negative, len(set(groups)))
    if not note:
        found = paired_difference(*statistics, groups=groups, seed=seed)
        note = "" if found else "undefined: only one outcome occurs"
    sign = -1 if name == "false_positives" else 1
    value, low, high = found or (None, None, None)
    return {
        "metric": {"false_positives": "false_positives_per_image"}.get(name, name),
        "own": value_of(statistics[0], len(rows)) if rows else None,
        "others": value_of(statistics[1], len(rows)) if rows else None,
        "difference": value,
        "low": low,
        "high": high,
        "n_cases": len(rows),
        "n_patients": len(set(groups)),
        "better": sum(sign * change > 0 for change in changes),
        "worse": sum(sign * change < 0 for change in changes),
        "note": note,
    }


def _mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> Statistic:
    return lambda counts: ratio(counts @ (values * weights), counts @ weights)


def _too_few(positive: int, negative: int | None, patients: int) -> str:
    """`negative` where positives are ranked against them."""
    if positive < MIN_POSITIVE:
        return f"too few: {positive} positive, at least {MIN_POSITIVE} needed"
    if negative is not None and negative < MIN_POSITIVE:
        return f"too few: {negative} negative, at least {MIN_POSITIVE} needed"
    if patients < MIN_PATIENTS:
        return f"too few: {patients} patient{'s' * (patients != 1)}, at least {MIN_PATIENTS} needed"
    return ""
