"""How many more readings: a law that is known is found again, and where nothing can be told nothing is."""

from __future__ import annotations

import numpy as np
import pytest

from backend.metrics.forecast import CurvePoint, PowerLaws, fit_power_laws, stopping_forecast


def curve(sizes, law, *, half: float = 0.03, noise: float = 0.0, seed: int = 0) -> list[CurvePoint]:
    generator = np.random.default_rng(seed)
    values = [law(n) + generator.normal(0, noise) if noise else law(n) for n in sizes]
    return [CurvePoint(n, value, value - half, value + half) for n, value in zip(sizes, values, strict=True)]


def rising(n: float) -> float:
    return 0.85 - 1.2 * n**-0.5


SIZES = (20, 40, 60, 80, 100, 120, 140)


def test_a_law_without_noise_is_found_again() -> None:
    n = np.array(SIZES, dtype=float)
    found = fit_power_laws(n, rising(n)[None, :], np.ones((1, len(n))))
    assert (found.a[0], found.b[0], found.c[0]) == pytest.approx((0.85, 1.2, 0.5), abs=1e-6)
    assert found.readings_for(0.75)[0] == pytest.approx(144, abs=0.1)
    assert PowerLaws(*(np.array([one]) for one in (0.7, 1.0, 0.5))).readings_for(0.75)[0] == np.inf


def test_bounds_hold_where_the_free_fit_would_leave_them() -> None:
    n = np.array([10.0, 20, 40, 80])
    steep = fit_power_laws(n, np.array([[0.1, 0.5, 0.9, 1.3]]), np.ones((1, 4)))
    falling = fit_power_laws(n, np.array([[0.9, 0.8, 0.7, 0.6]]), np.ones((1, 4)))
    assert 0 <= steep.a[0] <= 1 and steep.b[0] >= 0 and falling.b[0] == 0 and falling.a[0] == pytest.approx(0.75)


def test_the_target_of_a_clean_curve_is_about_as_far_as_the_law_says() -> None:
    told = stopping_forecast(curve(SIZES, rising, half=0.01), target=0.77)
    assert told.answer == "about" and told.more is not None and told.low is not None and told.high is not None
    assert told.more == pytest.approx((1.2 / 0.08) ** 2 - 140, abs=2)
    assert 0 <= told.low < told.more < told.high
    assert told.asymptote == pytest.approx(0.85, abs=0.01)
    assert [point[0] for point in told.curve] == sorted(point[0] for point in told.curve)
    assert all(low <= high for _, _, low, high in told.curve)
    assert told == stopping_forecast(curve(SIZES, rising, half=0.01), target=0.77), "the same numbers, the same answer"


def test_a_target_that_is_surely_reached_is_told_as_reached() -> None:
    assert stopping_forecast(curve(SIZES, rising), target=0.6).answer == "reached"


@pytest.mark.parametrize(
    ("points", "target", "reason"),
    [
        ([], 0.75, "few_points"),
        (curve((20, 40, 60), rising), 0.75, "few_points"),
        (curve((20, 20, 40, 40, 40), rising), 0.75, "one_size"),
        (curve(SIZES, lambda n: 0.6), 0.75, "flat"),
        (curve(SIZES, lambda n: 0.8 - 0.002 * n), 0.9, "flat"),
        (curve(SIZES, rising, half=0.01), 0.84, "too_far"),
    ],
)
def test_where_it_cannot_be_told_the_reason_is(points, target, reason) -> None:
    told = stopping_forecast(points, target=target)
    assert (told.answer, told.reason, told.more) == ("cannot_tell", reason, None)


def test_wider_intervals_of_the_points_never_make_the_forecast_surer() -> None:
    widths = []
    for half in (0.005, 0.01, 0.02):
        told = stopping_forecast(curve(SIZES, rising, half=half), target=0.76)
        widths.append(np.inf if told.high is None or told.low is None else told.high - told.low)
    assert widths == sorted(widths)


def test_what_is_forecast_from_noisy_curves_holds_what_its_interval_promises() -> None:
    """Of 60 curves that training moves by 0.01, those that get an answer hold the truth in nine of ten at least."""
    truth = (1.2 / (0.85 - 0.77)) ** 2 - 140
    held = []
    for seed in range(60):
        told = stopping_forecast(curve(SIZES, rising, half=0.01 * 1.96, noise=0.01, seed=seed), target=0.77, seed=seed)
        if told.answer == "about" and told.low is not None and told.high is not None:
            held.append(told.low <= truth <= told.high)
    assert not held or np.mean(held) >= 0.9


def test_numbers_that_are_none_raise() -> None:
    with pytest.raises(ValueError, match="no number"):
        stopping_forecast([CurvePoint(1, float("nan"), 0, 1)], target=0.5)
    with pytest.raises(ValueError, match="between 0 and 1"):
        stopping_forecast([], target=1.0)
