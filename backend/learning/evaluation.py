"""From single cases to the numbers of a version: metrics with intervals, the FROC curve, and the gate.

A case is a dict that is kept in `Evaluation.per_case`, so that two versions can be compared patient by patient later:
{case, group, complete, dice, hits, hit_types, false, scores, truth}. `dice` is None where the truth has no lesion;
`hits` gives for each true lesion the best score that found it, or None; `scores` and `truth` are by output name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.learning.vocabulary import ANY_LESION, Vocabulary
from backend.metrics.froc import RATES, FrocTable, froc_curve
from backend.metrics.intervals import MIN_POSITIVE, Estimate, Rows, Statistic, estimate, paired_difference
from backend.metrics.matching import Matched
from backend.metrics.ranking import auc, average_precision

PerCase = dict[str, Any]

SENSITIVITY: Final = "sensitivity_at_{rate:g}"
GATE_METRICS: Final = ("dice", "auc")


def metrics_of(cases: Sequence[PerCase], *, vocabulary: Vocabulary, threshold: float, seed: int = 0) -> list[dict[str, Any]]:
    """Every number of a version on these cases, each with its 95 % interval by patient bootstrap."""
    found = [_dice(cases, None, seed), *(_dice(cases, pk, seed) for pk in vocabulary.types)]
    found += _lesion_metrics([case for case in cases if case["complete"]], threshold, seed)
    for output in vocabulary.outputs:
        found += _ranking_metrics(cases, output, seed)
    return [one.as_dict() for one in found]


def curves_of(cases: Sequence[PerCase]) -> dict[str, Any]:
    """The FROC curve, thinned to at most 200 points: [[false positives per image, sensitivity, threshold], …]."""
    points = froc_curve([_matched(case) for case in cases if case["complete"]])
    step = max(1, len(points) // 200)
    return {"froc": [[round(value, 5) for value in point] for point in points[::step]]}


def gate_decision(
    challenger: Sequence[PerCase], champion: Sequence[PerCase], *, against: int | None, seed: int = 0
) -> dict[str, Any]:
    """Whether the challenger serves: always the first time, later unless it is surely worse on the same patients.

    Surely worse: the 95 % interval of the paired difference lies below zero for Dice or AUC.
    """
    patients = len({case["group"] for case in challenger})
    told: dict[str, Any] = {"against": against, "n_patients": patients, "metrics": [], "decision": "serves"}
    if against is None:
        return {**told, "text": "The first version serves."}
    if {case["case"] for case in challenger} != {case["case"] for case in champion}:
        raise ValueError("the two versions were not measured on the same cases")
    for name in GATE_METRICS:
        difference = _difference(name, challenger, champion, seed)
        if difference is not None:
            value, low, high = difference
            told["metrics"].append({"metric": name, "difference": value, "low": low, "high": high})
    return {**told, **_verdict(told["metrics"], against, patients)}


def _verdict(differences: list[dict[str, Any]], against: int, patients: int) -> dict[str, str]:
    if not differences:
        counted = "1 patient" if patients == 1 else f"{patients} patients"
        note = f"VALIDATION has too few labelled cases to compare ({counted}): it serves unchecked."
        return {"decision": "serves", "text": note}
    worse = [one["metric"] for one in differences if one["high"] < 0]
    if worse:
        return {"decision": "waits", "text": f"Worse than version {against} on VALIDATION ({', '.join(worse)}): it waits."}
    return {"decision": "serves", "text": f"Not worse than version {against} on VALIDATION ({patients} patients)."}


def _difference(
    name: str, challenger: Sequence[PerCase], champion: Sequence[PerCase], seed: int
) -> tuple[float, float, float] | None:
    rows = sorted(challenger, key=lambda case: str(case["case"]))
    others = {case["case"]: case for case in champion}
    pairs = [(case, others[case["case"]]) for case in rows]
    if name == "dice":
        pairs = [pair for pair in pairs if pair[0]["dice"] is not None]
        positive = len(pairs)
        statistics = [_mean([pair[side]["dice"] for pair in pairs]) for side in (0, 1)]
    else:
        pairs = [pair for pair in pairs if ANY_LESION in pair[0]["truth"]]
        positive = sum(pair[0]["truth"][ANY_LESION] for pair in pairs)
        statistics = [_auc([pair[side] for pair in pairs], ANY_LESION) for side in (0, 1)]
    if positive < MIN_POSITIVE:
        return None
    return paired_difference(*statistics, groups=[pair[0]["group"] for pair in pairs], seed=seed)


def _dice(cases: Sequence[PerCase], finding_type: int | None, seed: int) -> Estimate:
    """Mean Dice per image that bears a lesion (of that type)."""
    rows = [
        case for case in cases if case["dice"] is not None and (finding_type is None or finding_type in case["hit_types"])
    ]
    boxed = sum(case.get("boxed", False) for case in rows)
    note = f"in {boxed} of {len(rows)} images the truth is the ellipse inscribed in a box" if boxed else ""
    return estimate(
        "dice",
        _mean([case["dice"] for case in rows]),
        groups=[case["group"] for case in rows],
        n_positive=len(rows),
        finding_type=finding_type,
        seed=seed,
        note=note,
    )


def _lesion_metrics(cases: Sequence[PerCase], threshold: float, seed: int) -> list[Estimate]:
    """Sensitivity at each rate of false positives and at the display threshold, and false positives there."""
    table = FrocTable.of([_matched(case) for case in cases])
    groups, lesions = [case["group"] for case in cases], int(table.lesions.sum())

    def at(rate: float) -> Statistic:
        return lambda rows: table.sensitivity_at(rate, rows)

    found = [
        estimate(SENSITIVITY.format(rate=rate), at(rate), groups=groups, n_positive=lesions, seed=seed, rate=True)
        for rate in RATES
    ]
    shown = f"at the display threshold {threshold:g}"
    found.append(
        estimate(
            "sensitivity",
            lambda rows: table.sensitivity_above(threshold, rows),
            groups=groups,
            n_positive=lesions,
            seed=seed,
            rate=True,
            note=shown,
        )
    )
    found.append(
        estimate(
            "false_positives_per_image",
            lambda rows: table.false_positives_above(threshold, rows),
            groups=groups,
            n_positive=len(cases),
            seed=seed,
            note=shown,
        )
    )
    return found


def _ranking_metrics(cases: Sequence[PerCase], output: str, seed: int) -> list[Estimate]:
    """AUC and average precision of one output over the cases in which its truth is known."""
    rows = [case for case in cases if output in case["truth"]]
    positive = sum(case["truth"][output] for case in rows)
    finding_type = None if output == ANY_LESION else int(output.split(":")[1])
    groups = [case["group"] for case in rows]
    return [
        estimate(name, statistic, groups=groups, n_positive=positive, finding_type=finding_type, seed=seed)
        for name, statistic in (("auc", _auc(rows, output)), ("average_precision", _precision(rows, output)))
    ]


def _matched(case: PerCase) -> Matched:
    return Matched(case["hits"], case["false"])


def _mean(values: Sequence[float]) -> Statistic:
    array = np.array(values, dtype=np.float64)
    return lambda rows: float(array[rows].mean()) if rows.size else None


def _arrays(cases: Sequence[PerCase], output: str) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    truth = np.array([bool(case["truth"][output]) for case in cases], dtype=bool)
    return truth, np.array([case["scores"][output] for case in cases], dtype=np.float64)


def _auc(cases: Sequence[PerCase], output: str) -> Statistic:
    truth, scores = _arrays(cases, output)
    return lambda rows: auc(truth[rows], scores[rows])


def _precision(cases: Sequence[PerCase], output: str) -> Statistic:
    truth, scores = _arrays(cases, output)

    def statistic(rows: Rows) -> float | None:
        return average_precision(truth[rows], scores[rows])

    return statistic
