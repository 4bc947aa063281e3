"""How sure a number is: bootstrap over patients, paired differences, the rule of three, and "too few"."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MIN_POSITIVE: Final = 20
# A 95 % percentile interval of a mean covered the truth in 51 % of 1500 simulated samples of 2 patients, 73 % of 3,
# 82 % of 5, 91 % of 10 and 94 % of 40: below ten patients it would promise what it does not hold.
MIN_PATIENTS: Final = 10
RESAMPLES: Final = 1000

Rows = NDArray[np.int64]
Statistic = Callable[[Rows], float | None]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval; a value that cannot be told is None and `note` says why."""

    metric: str
    finding_type: int | None
    value: float | None
    low: float | None
    high: float | None
    n_patients: int
    n_positive: int
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def estimate(
    metric: str,
    statistic: Statistic,
    *,
    groups: Sequence[Hashable],
    n_positive: int,
    finding_type: int | None = None,
    seed: int = 0,
    min_positive: int = MIN_POSITIVE,
    rate: bool = False,
    count: bool = False,
    undefined: str = "only one outcome occurs",
    note: str = "",
) -> Estimate:
    """The statistic of all rows with its interval, or None and why where too few positives or patients back it.

    `statistic` takes row numbers (with repeats) and gives None where it is undefined. For a `rate` of positives that is
    exactly 0 or 1 no resample differs, so the rule of three bounds it instead; likewise a `count` per positive of 0.
    `undefined` says why the statistic may have no value.
    """
    n_patients = len(set(groups))
    blank = Estimate(metric, finding_type, None, None, None, n_patients, n_positive)
    if n_positive < min_positive:
        return _noted(blank, f"too few: {n_positive} positive, at least {min_positive} needed")
    if n_patients < MIN_PATIENTS:
        return _noted(blank, f"too few: {_counted(n_patients, 'patient')}, at least {MIN_PATIENTS} needed")
    value = statistic(np.arange(len(groups)))
    if value is None:
        return _noted(blank, f"undefined: {undefined}")
    low, high = cluster_interval(statistic, groups=groups, seed=seed)
    if count and value == 0.0:
        low, high = 0.0, 3 / n_positive
    if rate and value in (0.0, 1.0):
        low, high = (0.0, rule_of_three(n_positive)) if value == 0.0 else (1 - rule_of_three(n_positive), 1.0)
    return Estimate(metric, finding_type, value, low, high, n_patients, n_positive, note)


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _noted(blank: Estimate, note: str) -> Estimate:
    return Estimate(
        blank.metric, blank.finding_type, None, None, None, blank.n_patients, blank.n_positive, note
    )  # fmt: skip


def cluster_interval(
    statistic: Statistic, *, groups: Sequence[Hashable], seed: int = 0, resamples: int = RESAMPLES, level: float = 0.95
) -> tuple[float | None, float | None]:
    """Percentile interval of the statistic when whole groups (patients) are drawn with replacement.

    Draws in which the statistic is undefined are left out; (None, None) when fewer than half are defined.
    """
    values = [value for rows in _draws(tuple(groups), seed, resamples) if (value := statistic(rows)) is not None]
    if len(values) < resamples / 2:
        return None, None
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def paired_difference(
    challenger: Statistic, champion: Statistic, *, groups: Sequence[Hashable], seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float, float] | None:
    """Challenger minus champion on the same patients: (difference, low, high).

    None where either is undefined or fewer than `MIN_PATIENTS` patients back it.
    """
    if len(set(groups)) < MIN_PATIENTS:
        return None

    def difference(rows: Rows) -> float | None:
        one, other = challenger(rows), champion(rows)
        return None if one is None or other is None else one - other

    value = difference(np.arange(len(groups)))
    low, high = cluster_interval(difference, groups=groups, seed=seed, resamples=resamples)
    return None if value is None or low is None or high is None else (value, low, high)


def wilson_interval(hits: int, n: int, trials: int | None = None) -> tuple[float, float]:
    """95 % interval of the share `hits / n` (Wilson 1927), which holds for small n, too.

    `trials`: how many of the n are independent; with the number of patients it is wide enough for findings that come
    several to a patient, whatever they share.
    """
    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"{hits} of {n} is no share")
    m, share, z = min(n, trials or n), hits / n, 1.959964
    centre = (share + z * z / (2 * m)) / (1 + z * z / m)
    half = z / (1 + z * z / m) * float(np.sqrt(share * (1 - share) / m + z * z / (4 * m * m)))
    return max(0.0, centre - half), min(1.0, centre + half)


def rule_of_three(n: int) -> float:
    """Upper 95 % bound of a rate when none of `n` trials showed the event: 3 / n (Hanley and Lippman-Hand 1983)."""
    if n < 1:
        raise ValueError("no trial, no bound")
    return min(1.0, 3 / n)


@lru_cache(maxsize=4)
def _draws(groups: tuple[Hashable, ...], seed: int, resamples: int) -> list[Rows]:
    """Row numbers of each resample; the same seed and groups always give the same draws, so differences are paired."""
    rows_of: dict[Hashable, list[int]] = {}
    for row, group in enumerate(groups):
        rows_of.setdefault(group, []).append(row)
    clusters = list(rows_of.values())
    in_order = np.concatenate([np.array(rows, dtype=np.int64) for rows in clusters])
    sizes = np.array([len(rows) for rows in clusters], dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    picks = np.random.default_rng(seed).integers(len(clusters), size=(resamples, len(clusters)))
    return [in_order[_runs(starts[pick], sizes[pick])] for pick in picks]


def _runs(starts: Rows, sizes: Rows) -> Rows:
    """start, start + 1, … of each run, one after the other: what concatenating slices gives, without a loop."""
    ends = np.cumsum(sizes)
    return np.asarray(np.arange(ends[-1], dtype=np.int64) + np.repeat(starts - (ends - sizes), sizes))
