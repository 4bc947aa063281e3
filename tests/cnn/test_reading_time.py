"""Recorded reading times become the seconds that a case is expected to cost."""

from __future__ import annotations

import numpy as np
import pytest

from workers.cnn.reading_time import expected_seconds


def test_cases_with_more_findings_and_more_slices_cost_more() -> None:
    generator = np.random.default_rng(0)
    findings, frames = generator.integers(0, 6, 80), generator.integers(1, 100, 80)
    known = np.stack([findings, frames, 10 * (1 + findings) * frames**0.3 * np.exp(generator.normal(0, 0.2, 80))], axis=1)
    few, many, long = expected_seconds(known, np.array([0.0, 5, 0]), np.array([10.0, 10, 90]))
    assert few < long and few < many
    assert few == pytest.approx(10 * 10**0.3, rel=0.25)


def test_with_few_recorded_readings_every_case_costs_the_same() -> None:
    known = np.array([[0.0, 1, 30], [2, 1, 50], [5, 1, 200]])
    assert expected_seconds(known, np.array([0.0, 9]), np.ones(2)).tolist() == [50, 50]
    assert expected_seconds(np.empty((0, 3)), np.zeros(2), np.ones(2)).tolist() == [60, 60]


def test_expected_times_stay_within_what_was_recorded_and_nonsense_raises() -> None:
    known = np.stack([np.arange(30.0), np.ones(30), 10 + 2 * np.arange(30.0)], axis=1)
    assert expected_seconds(known, np.array([500.0]), np.array([900.0]))[0] <= 68 + 1e-9
    with pytest.raises(ValueError, match="positive"):
        expected_seconds(np.array([[0, 1, -3.0]]), np.zeros(1), np.ones(1))
