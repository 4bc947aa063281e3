"""The single cases behind a point, a bin or a row of a version's error on VALIDATION, the worst first.

Whoever is to read a case blinded and has not is not told how the model did there: such cases are counted, not listed.
Single cases of HOLDOUT are told to nobody: who learns from them has worn it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.urls import reverse

from backend.accounts.models import User
from backend.projects.models import Case, Project, Split
from backend.projects.selectors import unread_blinded
from backend.registry.calibration import LESION
from backend.registry.models import ModelVersion
from backend.registry.selectors import latest_evaluation

SHOWN: Final = 100
# Probabilities are kept with five decimals, the ends of a bin with all of them.
ROUNDING: Final = 5e-6


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases: of a group (`dimension`, `group`), with a score of `score` in low…high, or `wrong` at `threshold`."""

    threshold: float
    wrong: bool = False
    dimension: str = ""
    group: str = ""
    score: str = ""
    calibrated: bool = False
    low: float = 0.0
    high: float = 1.0

    def holds(self, case: dict[str, Any], errors: dict[str, int]) -> bool:
        """Whether the case is wanted."""
        if self.wrong and not (errors["missed"] or errors["false_positives"]):
            return False
        if self.dimension and self.group not in case["groups"].get(self.dimension, []):
            return False
        return not self.score or any(self.low - ROUNDING <= value <= self.high + ROUNDING for value in self._values(case))

    def _values(self, case: dict[str, Any]) -> list[float]:
        if self.calibrated:
            return list(case["probabilities"].get(self.score, []))
        if self.score == LESION:
            return [*case["found"], *case["false"]] if case["complete"] else []
        return [case["scores"][self.score]] if self.score in case["truth"] else []


def evaluated_cases(*, project: Project, version: ModelVersion, user: User, wanted: CaseFilter) -> dict[str, Any]:
    """The wanted cases of the version's newest evaluation, at most `SHOWN`: most missed first, then the lowest Dice."""
    evaluation = latest_evaluation(version)
    measured = [case for case in evaluation.per_case if "groups" in case] if evaluation else []
    found = [(case, errors) for case in measured if wanted.holds(case, errors := _errors(case, wanted.threshold))]
    rows = Case.objects.filter(project=project, split=Split.VALIDATION, pk__in=[UUID(case["case"]) for case, _ in found])
    known = {str(row.pk): row for row in rows}
    hidden = {str(pk) for pk in unread_blinded(project=project, cases=list(known.values()), user=user)}
    shown = [(case, errors) for case, errors in found if case["case"] in known and case["case"] not in hidden]
    shown.sort(key=lambda pair: (-pair[1]["missed"], _dice(pair[0]), -pair[1]["false_positives"], pair[0]["name"]))
    base = reverse("project-detail", args=[project.slug])
    return {
        "threshold": wanted.threshold,
        "total": len(shown),
        "blinded": len(hidden),
        "cases": [_document(case, errors, known[case["case"]].name, base) for case, errors in shown[:SHOWN]],
    }


def _errors(case: dict[str, Any], threshold: float) -> dict[str, int]:
    return {
        "missed": sum(hit is None or hit < threshold for hit in case["hits"]),
        "false_positives": sum(score >= threshold for score in case["false"]) if case["complete"] else 0,
    }


def _dice(case: dict[str, Any]) -> float:
    return 1.0 if case["dice"] is None else float(case["dice"])


def _document(case: dict[str, Any], errors: dict[str, int], name: str, base: str) -> dict[str, Any]:
    return {
        "id": case["case"],
        "name": name,
        "thumbnail": f"{base}cases/{case['case']}/thumbnail/",
        "dice": case["dice"],
        "hd95": case["hd95"],
        "unit": case["unit"],
        "lesions": len(case["hits"]),
        **errors,
    }
