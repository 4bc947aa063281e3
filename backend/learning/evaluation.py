"""From single cases to the numbers of a version: metrics with intervals, and the FROC curve.

A case is a dict that is kept in `Evaluation.per_case`, so that two versions can be compared patient by patient later:
{case, name, group, complete, boxed, dice, nsd, hd95, unit, hits, hit_types, sizes, found, false, false_types, scores,
truth, traits, places, groups, probabilities}. `dice` and `nsd` are None where the truth has no lesion, `hd95` (in `unit`,
mm or px) also where nothing was shown; `hits` gives for each true lesion the best score that found it, or None, `sizes`
its diameter by unit; `found` and `false` are the scores of all predictions by outcome; `scores` and `truth` are by output
name; `places` {true, shown} say coarsely where the lesions and what was shown lie (`metrics.chance`); `groups` by
dimension (see `subgroups`), `probabilities` by name of score (see `score_sets`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from backend.learning.case_statistics import PerCase, auc_of, matched_of, mean_auc_of, mean_of, precision_of
from backend.learning.leading_metric import FINDINGS_AUC, finding_counts, leading_metric, measured_findings, nearest_counts
from backend.learning.vocabulary import ANY_LESION, Vocabulary
from backend.metrics.froc import RATES, FrocTable, froc_curve
from backend.metrics.intervals import Estimate, estimate

SENSITIVITY: Final = "sensitivity_at_{rate:g}"
# Half octaves from 1/8 to 8: between the seven rates the band is as smooth as it needs to be.
BAND_RATES: Final = tuple(float(2 ** (step / 2)) for step in range(-6, 7))
TOLERANCE: Final = 2.0


def metrics_of(cases: Sequence[PerCase], *, vocabulary: Vocabulary, threshold: float, seed: int = 0) -> list[dict[str, Any]]:
    """Every number of a version on these cases, each with its 95 % interval by patient bootstrap.

    `findings_auc` is among them only where it leads (see `leading_metric`).
    """
    found = [_dice(cases, None, seed), *(_dice(cases, pk, seed) for pk in vocabulary.types)]
    found += [surface_distance_estimate(cases, seed=seed), *_hausdorff(cases, seed)]
    found += _lesion_metrics([case for case in cases if case["complete"]], threshold, seed)
    if leading_metric(cases, vocabulary) == FINDINGS_AUC:
        found.append(_findings_auc(cases, seed))
    for output in vocabulary.outputs:
        found += ranking_estimates(cases, output, seed=seed)
    return [one.as_dict() for one in found]


def curves_of(cases: Sequence[PerCase], seed: int = 0) -> dict[str, Any]:
    """The FROC curve, thinned to at most 200 points: [[false positives per image, sensitivity, threshold], …].

    `froc_band`: [[false positives per image, low, high], …], the 95 % interval of the sensitivity at fixed rates; empty
    where too few lesions or patients back it.
    """
    complete = [case for case in cases if case["complete"]]
    points = froc_curve([matched_of(case) for case in complete])
    step = max(1, len(points) // 200)
    return {"froc": [[round(value, 5) for value in point] for point in points[::step]], "froc_band": _band(complete, seed)}


def _band(cases: Sequence[PerCase], seed: int) -> list[list[float]]:
    bounds = [(rate, one.low, one.high) for rate, one in zip(BAND_RATES, _at_rates(cases, BAND_RATES, seed), strict=True)]
    return [
        [round(rate, 5), round(low, 5), round(high, 5)] for rate, low, high in bounds if low is not None and high is not None
    ]


def _dice(cases: Sequence[PerCase], finding_type: int | None, seed: int) -> Estimate:
    """Mean Dice per image that bears a lesion (of that type)."""
    rows = [
        case for case in cases if case["dice"] is not None and (finding_type is None or finding_type in case["hit_types"])
    ]
    return dice_estimate(rows, finding_type=finding_type, seed=seed)


def dice_estimate(rows: Sequence[PerCase], *, finding_type: int | None, seed: int) -> Estimate:
    """Mean Dice of cases that bear a lesion."""
    boxed = sum(case.get("boxed", False) for case in rows)
    note = f"in {boxed} of {len(rows)} images the truth is the ellipse inscribed in a box" if boxed else ""
    return _mean_estimate("dice", rows, [case["dice"] for case in rows], seed, note=note, finding_type=finding_type)


def surface_distance_estimate(cases: Sequence[PerCase], *, finding_type: int | None = None, seed: int = 0) -> Estimate:
    """Mean normalised surface distance per image that bears a lesion; 0 where nothing was shown."""
    rows = [case for case in cases if case.get("nsd") is not None]
    known = sum(case["unit"] == "mm" for case in rows)
    note = f"within {TOLERANCE:g} mm in {known} images, within {TOLERANCE:g} px in {len(rows) - known}"
    if known in (0, len(rows)):
        note = f"within {TOLERANCE:g} {'mm' if known else 'px'}"
    return _mean_estimate("nsd", rows, [case["nsd"] for case in rows], seed, note=note, finding_type=finding_type)


def _hausdorff(cases: Sequence[PerCase], seed: int) -> list[Estimate]:
    """Mean HD95 by unit over the images in which both are there: millimetres and pixels are never mixed."""
    units = {case["unit"] for case in cases if case.get("nsd") is not None}
    return [hausdorff_estimate(cases, unit, seed=seed) for unit in ("mm", "px") if unit in (units or {"px"})]


def hausdorff_estimate(cases: Sequence[PerCase], unit: str, *, finding_type: int | None = None, seed: int = 0) -> Estimate:
    """Mean HD95 in `unit` (mm or px) of the images that are measured in it, bear a lesion, and in which one was shown."""
    own = [case for case in cases if case.get("nsd") is not None and case["unit"] == unit]
    rows = [case for case in own if case["hd95"] is not None]
    note = f"in {len(own) - len(rows)} of {len(own)} images nothing was shown: they have no distance"
    return _mean_estimate(f"hd95_{unit}", rows, [case["hd95"] for case in rows], seed, note=note, finding_type=finding_type)


def _mean_estimate(
    metric: str,
    rows: Sequence[PerCase],
    values: Sequence[float],
    seed: int,
    *,
    note: str = "",
    finding_type: int | None = None,
) -> Estimate:
    groups = [case["group"] for case in rows]
    return estimate(
        metric, mean_of(values), groups=groups, n_positive=len(rows), finding_type=finding_type, seed=seed, note=note
    )


def _at_rates(cases: Sequence[PerCase], rates: Sequence[float], seed: int) -> list[Estimate]:
    """Sensitivity at each rate of false positives per image."""
    table = FrocTable.of([matched_of(case) for case in cases])
    groups, lesions = [case["group"] for case in cases], int(table.lesions.sum())

    return [
        estimate(
            SENSITIVITY.format(rate=rate),
            table.sensitivity_at(rate),
            groups=groups,
            n_positive=lesions,
            seed=seed,
            rate=True,
        )
        for rate in rates
    ]


def _lesion_metrics(cases: Sequence[PerCase], threshold: float, seed: int) -> list[Estimate]:
    """Sensitivity at each rate of false positives, average precision, and both kinds of error at the display threshold."""
    table = FrocTable.of([matched_of(case) for case in cases])
    precision = estimate(
        "lesion_average_precision",
        table.average_precision(),
        groups=[case["group"] for case in cases],
        n_positive=int(table.lesions.sum()),
        seed=seed,
    )
    return [
        *_at_rates(cases, RATES, seed),
        precision,
        sensitivity_estimate(cases, threshold, seed=seed),
        false_positive_estimate(cases, threshold, seed=seed),
    ]


def sensitivity_estimate(
    cases: Sequence[PerCase], threshold: float, *, finding_type: int | None = None, seed: int = 0
) -> Estimate:
    """Share of the lesions of complete cases that are found at the display threshold."""
    table = FrocTable.of([matched_of(case) for case in cases])
    return estimate(
        "sensitivity",
        table.sensitivity_above(threshold),
        groups=[case["group"] for case in cases],
        n_positive=int(table.lesions.sum()),
        finding_type=finding_type,
        seed=seed,
        rate=True,
        note=f"at the display threshold {threshold:g}",
    )


def false_positive_estimate(
    cases: Sequence[PerCase], threshold: float, *, finding_type: int | None = None, seed: int = 0
) -> Estimate:
    """False positives per image of complete cases at the display threshold."""
    table = FrocTable.of([matched_of(case) for case in cases])
    return estimate(
        "false_positives_per_image",
        table.false_positives_above(threshold),
        groups=[case["group"] for case in cases],
        n_positive=len(cases),
        finding_type=finding_type,
        seed=seed,
        count=True,
        note=f"at the display threshold {threshold:g}",
    )


def ranking_estimates(cases: Sequence[PerCase], output: str, *, seed: int = 0) -> list[Estimate]:
    """AUC and average precision of one output over the cases in which its truth is known."""
    rows = [case for case in cases if output in case["truth"]]
    positive = sum(case["truth"][output] for case in rows)
    finding_type = None if output == ANY_LESION else int(output.split(":")[1])
    groups = [case["group"] for case in rows]
    return [
        estimate(
            name,
            statistic,
            groups=groups,
            n_positive=positive,
            n_negative=len(rows) - positive,
            finding_type=finding_type,
            seed=seed,
        )
        for name, statistic in (("auc", auc_of(rows, output)), ("average_precision", precision_of(rows, output)))
    ]


def _findings_auc(cases: Sequence[PerCase], seed: int) -> Estimate:
    """Mean AUC of the findings of the whole image that can be measured; positives are those of the rarest of them.

    Where none can be, the note tells of the one that comes nearest.
    """
    names = measured_findings(cases)
    if not names:
        best = nearest_counts(cases)
        note = f"too few: {best['present']} cases show a finding, {best['absent']} do not, of {best['patients']} patients"
        return Estimate(FINDINGS_AUC, None, None, None, None, best["patients"], best["present"], note)
    counts = finding_counts(cases)
    rows = [case for case in cases if any(name in case["truth"] for name in names)]
    return estimate(
        FINDINGS_AUC,
        mean_auc_of(rows, names),
        groups=[case["group"] for case in rows],
        n_positive=min(counts[name]["present"] for name in names),
        seed=seed,
        note=f"mean over {len(names)} findings of the whole image" if len(names) > 1 else "",
    )
