"""Whether choosing cases helps: models of chosen cases against models of as many random ones, over several seeds."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from backend.metrics.intervals import (
    MIN_PATIENTS,
    MIN_POSITIVE,
    RESAMPLES,
    Counts,
    Statistic,
    Values,
    drawn_values,
    value_of,
)

MIN_SEEDS: Final = 3
WORTH: Final = 0.02
"""A difference in Dice, or in an AUC, that is smaller is not worth having: seeds alone move it by as much."""


@dataclass(frozen=True, slots=True)
class ArmsVerdict:
    """`answer`: helps, does_not, cannot_tell. The difference is chosen minus random, with its 95 % interval.

    `reason` (where it cannot tell): few_labels, few_seeds, few_positives, few_findings, few_patients, wide. `chosen`,
    `random`: the mean of each.
    """

    answer: str
    reason: str = ""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    chosen: float | None = None
    random: float | None = None
    n_seeds: int = 0
    n_patients: int = 0
    n_cases: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def arms_verdict(
    chosen: NDArray[np.float64],
    random: NDArray[np.float64],
    groups: Sequence[Hashable],
    *,
    worth: float = WORTH,
    seed: int = 0,
) -> ArmsVerdict:
    """The verdict from values [seeds, cases] of both arms on the same cases, paired by seed and case.

    Two things are uncertain: which seed (labels drawn, weights begun with) and which patients. Their variances add: that
    of the seeds' mean difference, and that of the difference under a bootstrap of patients; the interval is Student's
    with the seeds' degrees of freedom, which is wide for few seeds, and should be. It helps where the interval lies
    above 0, does not where it lies below `worth`, and otherwise nothing can be told.
    """
    if chosen.shape != random.shape or chosen.ndim != 2 or chosen.shape[1] != len(groups):
        raise ValueError(f"arms of {chosen.shape} and {random.shape} for {len(groups)} cases cannot be paired")
    if not (np.isfinite(chosen).all() and np.isfinite(random).all()):
        raise ValueError("a measured value is no number")
    seeds, cases = chosen.shape
    counted = {"n_seeds": seeds, "n_patients": len(set(groups)), "n_cases": cases}
    reason = _too_few(seeds, cases, counted["n_patients"])
    if reason:
        return ArmsVerdict("cannot_tell", reason, **counted)
    difference = chosen - random
    by_seed = difference.mean(axis=1)
    of_patients = _patient_variance(difference.mean(axis=0), groups, seed)
    return _judged(by_seed, of_patients, float(chosen.mean()), float(random.mean()), worth, counted)


def arms_verdict_of_draws(
    chosen: Sequence[Statistic],
    random: Sequence[Statistic],
    groups: Sequence[Hashable],
    *,
    worth: float = WORTH,
    seed: int = 0,
) -> ArmsVerdict:
    """The verdict from what is no mean over cases, such as an AUC: a statistic of the same cases for each seed.

    The variance of the patients is that of the seeds' mean difference over the draws in which it is defined.
    """
    if len(chosen) != len(random):
        raise ValueError(f"arms of {len(chosen)} and {len(random)} seeds cannot be paired")
    seeds, cases = len(chosen), len(groups)
    counted = {"n_seeds": seeds, "n_patients": len(set(groups)), "n_cases": cases}
    reason = _too_few(seeds, cases, counted["n_patients"])
    if reason:
        return ArmsVerdict("cannot_tell", reason, **counted)

    def difference(counts: Counts) -> Values:
        pairs = zip(chosen, random, strict=True)
        return np.asarray(np.mean([one(counts) - other(counts) for one, other in pairs], axis=0))

    found = [[value_of(statistic, cases) for statistic in arm] for arm in (chosen, random)]
    values = np.array(found, dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError("a measured value is no number")
    drawn = drawn_values(difference, groups=groups, seed=seed)
    if drawn.size < RESAMPLES / 2:
        return ArmsVerdict("cannot_tell", "few_patients", **counted)
    own, other = values.mean(axis=1)
    return _judged(values[0] - values[1], float(drawn.var(ddof=1)), float(own), float(other), worth, counted)


def _judged(
    by_seed: NDArray[np.float64],
    of_patients: float,
    chosen: float,
    random: float,
    worth: float,
    counted: dict[str, int],
) -> ArmsVerdict:
    """The verdict from the difference of each seed and the variance that the patients add."""
    seeds = len(by_seed)
    variance = by_seed.var(ddof=1) / seeds + of_patients
    half = float(stats.t.ppf(0.975, seeds - 1) * np.sqrt(variance))
    value = float(by_seed.mean())
    answer = "helps" if value - half > 0 else "does_not" if value + half < worth else "cannot_tell"
    reason = "wide" if answer == "cannot_tell" else ""
    return ArmsVerdict(answer, reason, value, value - half, value + half, chosen, random, **counted)


def _too_few(seeds: int, cases: int, patients: int) -> str:
    if seeds < MIN_SEEDS:
        return "few_seeds"
    if cases < MIN_POSITIVE:
        return "few_positives"
    return "few_patients" if patients < MIN_PATIENTS else ""


def _patient_variance(values: NDArray[np.float64], groups: Sequence[Hashable], seed: int) -> float:
    """Variance of the mean when whole patients are drawn with replacement."""
    order = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    at = np.array([order[group] for group in groups])
    sums, counts = np.bincount(at, weights=values), np.bincount(at).astype(np.float64)
    picks = np.random.default_rng(seed).integers(len(order), size=(RESAMPLES, len(order)))
    return float((sums[picks].sum(axis=1) / counts[picks].sum(axis=1)).var(ddof=1))
