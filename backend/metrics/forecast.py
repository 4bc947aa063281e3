"""How many more readings until a learning curve reaches a target: a bounded power law, its interval, or why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MIN_POINTS: Final = 4
DRAWS: Final = 1000
EXPONENTS: Final = np.linspace(0.1, 1.0, 37)
"""Published curves of networks fall within (Hestness et al. 2017: 0.07 … 0.35; Figueroa et al. 2012 up to about 1)."""
FARTHEST: Final = 4.0
"""A curve is not followed farther than to this many times the readings that it has been seen with."""
MOST_LOST: Final = 0.025
"""In more draws than this the target is not reached within that distance: then no interval would be honest."""
LEAST_SPREAD: Final = 0.005
"""However well a law fits: another seed of the same training moves Dice by more."""
PARAMETERS: Final = 3
Z95: Final = 1.96


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What a model of `n` readings reached, with its 95 % interval."""

    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """`answer`: reached, about, cannot_tell. `more`: readings beyond the last point, within `low` … `high` (95 %).

    `reason` (where it cannot tell): few_points, one_size, flat, too_far, too_wide. `asymptote`: what the law says all
    readings of the world would reach; `curve`: [n, value, low, high] of the fitted law, for the chart.
    """

    answer: str
    target: float
    reason: str = ""
    more: int | None = None
    low: int | None = None
    high: int | None = None
    asymptote: float | None = None
    curve: tuple[tuple[int, float, float, float], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "curve": [list(point) for point in self.curve]}


@dataclass(frozen=True, slots=True)
class PowerLaws:
    """value = a − b · n^−c, one law per draw; 0 ≤ a ≤ 1, b ≥ 0, 0.1 ≤ c ≤ 1."""

    a: Array
    b: Array
    c: Array

    def at(self, n: Array) -> Array:
        """Values [draws, len(n)]."""
        return np.asarray(self.a[:, None] - self.b[:, None] * n[None, :] ** -self.c[:, None])

    def readings_for(self, target: float) -> Array:
        """Readings at which each law reaches the target; infinity where it never does."""
        gap = self.a - target
        with np.errstate(divide="ignore", over="ignore"):
            needed = (self.b / np.where(gap > 0, gap, np.nan)) ** (1 / self.c)
        return np.asarray(np.where(gap > 0, needed, np.inf))


def stopping_forecast(points: Sequence[CurvePoint], *, target: float, seed: int = 0) -> Forecast:
    """When the curve would reach `target`, with a 95 % interval by bootstrap, or why that cannot be told.

    The law is fitted with weights 1 / (width of the point's interval)²; learning curves follow power laws (Figueroa et al.
    2012, BMC Med Inform Decis Mak 12:8; Hestness et al. 2017, arXiv 1712.00409). Each draw moves the fitted points as far
    as the measured ones lie off the law, and fits again. All points were measured on the same patients, and what these
    have in common moves all alike: the question is when the value on them reaches the target, not when it would on all
    patients of the world. The law speaks of more of the same: same readers, same choice of cases.
    """
    if not 0 < target < 1:
        raise ValueError(f"a target between 0 and 1 is needed, not {target}")
    values = np.array([[point.n, point.value, point.low, point.high] for point in points], dtype=np.float64).reshape(-1, 4)
    if not np.isfinite(values).all():
        raise ValueError("a point of the learning curve is no number")
    if len(values) and values[values[:, 0].argmax(), 2] >= target:
        return Forecast("reached", target)
    if len(values) < MIN_POINTS:
        return Forecast("cannot_tell", target, "few_points")
    if len(np.unique(values[:, 0])) < MIN_POINTS - 1:
        return Forecast("cannot_tell", target, "one_size")
    return _told(values, target, np.random.default_rng(seed))


def _told(values: Array, target: float, generator: np.random.Generator) -> Forecast:
    n, told = values[:, 0], values[:, 1]
    spread = np.maximum((values[:, 3] - values[:, 2]) / (2 * Z95), LEAST_SPREAD)
    best = fit_power_laws(n, told[None, :], (1 / spread**2)[None, :])
    moved = _moved(told, best.at(n)[0], spread, generator)
    laws = fit_power_laws(n, moved, np.broadcast_to(1 / spread**2, moved.shape))
    last = n.max()
    curve = _shown(best, laws, np.unique(np.round(np.geomspace(n.min(), FARTHEST * last, 24))).astype(np.float64))
    asymptote = round(float(best.a[0]), 4)
    gain = laws.at(np.array([FARTHEST * last]))[:, 0] - laws.at(np.array([last]))[:, 0]
    needed, all_needed = float(best.readings_for(target)[0]), laws.readings_for(target)
    reason = _reason(gain, needed, all_needed, last)
    if reason:
        return Forecast("cannot_tell", target, reason, asymptote=asymptote, curve=curve)
    bounds = np.maximum(np.quantile(np.minimum(all_needed, FARTHEST * last), [0.025, 0.975]) - last, 0)
    more = max(needed - last, 0.0)
    if bounds[1] - bounds[0] > FARTHEST * max(more, last):
        return Forecast("cannot_tell", target, "too_wide", asymptote=asymptote, curve=curve)
    return Forecast(
        "about", target, "", int(np.ceil(more)), int(np.floor(bounds[0])), int(np.ceil(bounds[1])), asymptote, curve
    )  # fmt: skip


def _shown(best: PowerLaws, laws: PowerLaws, at: Array) -> tuple[tuple[int, float, float, float], ...]:
    """The law for the chart: readings, value and the 95 % interval of the law."""
    low, high = np.quantile(laws.at(at), [0.025, 0.975], axis=0)
    rows = zip(at, best.at(at)[0], low, high, strict=True)
    return tuple((int(n), round(float(v), 4), round(float(lo), 4), round(float(hi), 4)) for n, v, lo, hi in rows)


def _reason(gain: Array, needed: float, all_needed: Array, last: float) -> str:
    """Why nothing can be told: the curve may be flat, or the target lies too far away or out of reach."""
    if np.quantile(gain, MOST_LOST) <= 1e-3:
        return "flat"
    beyond = all_needed > FARTHEST * last
    return "too_far" if needed > FARTHEST * last or beyond.mean() > MOST_LOST else ""


def _moved(told: Array, law: Array, spread: Array, generator: np.random.Generator) -> Array:
    """Values [DRAWS, points] around the law, as far off it as the measured ones are; of few points that is itself unsure."""
    freedom = max(len(told) - PARAMETERS, 1)
    off = float((((told - law) / spread) ** 2).sum())
    scale = np.sqrt(off / generator.chisquare(freedom, size=(DRAWS, 1)))
    least = LEAST_SPREAD / float(np.median(spread))
    return np.asarray(law + generator.normal(size=(DRAWS, len(told))) * spread * np.maximum(scale, least))


def fit_power_laws(n: Array, values: Array, weights: Array) -> PowerLaws:
    """Least squares of `values` [draws, points] weighted by `weights`, over a grid of exponents; bounds by clipping.

    For a fixed exponent the law is linear in a and b, so the bounded optimum lies inside or on an edge.
    """
    errors, fits = [], []
    for exponent in EXPONENTS:
        a, b = _bounded_line(-(n**-exponent), values, weights)
        residual = values - (a[:, None] - b[:, None] * n**-exponent)
        errors.append((weights * residual**2).sum(axis=1))
        fits.append((a, b))
    which = np.argmin(np.array(errors), axis=0)
    rows = np.arange(len(values))
    a, b = (np.array([fit[index] for fit in fits])[which, rows] for index in (0, 1))
    return PowerLaws(a, b, EXPONENTS[which])


def _bounded_line(x: Array, y: Array, weights: Array) -> tuple[Array, Array]:
    """Best a in [0, 1] and b ≥ 0 of y = a + b · x."""
    total = weights.sum(axis=1)
    mean_x, mean_y = (weights * x).sum(axis=1) / total, (weights * y).sum(axis=1) / total
    centred = x - mean_x[:, None]
    power = (weights * centred**2).sum(axis=1)
    b = np.maximum((weights * centred * (y - mean_y[:, None])).sum(axis=1) / np.where(power > 0, power, 1.0), 0.0)
    a = mean_y - b * mean_x
    over = a > 1
    edge = np.maximum((weights * x * (y - 1)).sum(axis=1) / (weights * x**2).sum(axis=1), 0.0)
    return np.clip(np.where(over, 1.0, a), 0.0, 1.0), np.where(over, edge, b)
