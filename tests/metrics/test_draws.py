"""Many draws judged at once say what each draw, written out row by row, says alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.metrics.calibration import slope_of_draws
from backend.metrics.froc import FrocTable
from backend.metrics.intervals import Statistic, value_of
from backend.metrics.matching import Matched
from backend.metrics.ranking import auc_of_draws, average_precision_of_draws
from backend.metrics.reliability import brier_of_draws, calibration_error_of_draws

N = 60
OF_SCORES = [auc_of_draws, average_precision_of_draws, brier_of_draws, calibration_error_of_draws]
OF_TABLES: list[Callable[[FrocTable], Statistic]] = [
    lambda table: table.sensitivity_at(0.5),
    lambda table: table.sensitivity_at(2),
    lambda table: table.sensitivity_above(0.6),
    lambda table: table.false_positives_above(0.6),
    lambda table: table.average_precision(),
]


@pytest.fixture
def counts() -> NDArray[np.int64]:
    """Draws with repeats; in the last one a single row is everything."""
    drawn = np.random.default_rng(1).multinomial(N, [1 / N] * N, size=40)
    drawn[-1] = 0
    drawn[-1, 3] = N
    return drawn


@pytest.fixture
def scored() -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Outcomes, and scores with many ties that go with them."""
    generator = np.random.default_rng(2)
    truth = generator.random(N) < 0.4
    return truth, np.clip(np.round(generator.random(N) * 0.7 + truth * 0.25, 1), 0.05, 0.95)


@pytest.mark.parametrize("of", [*OF_SCORES, slope_of_draws])
def test_scores_of_a_draw_are_judged_as_the_same_scores_written_out(of, counts, scored) -> None:
    truth, scores = scored
    given = (scores, truth) if of is slope_of_draws else (truth, scores)
    found = of(*given)(counts)
    for draw, value in zip(counts, found, strict=True):
        alone = value_of(of(*(np.repeat(one, draw) for one in given)), N)
        assert (value if not np.isnan(value) else None) == (None if alone is None else pytest.approx(alone, abs=1e-9))
    assert np.isnan(found).sum() <= 1, "only the draw of a single row may be undefined"


@pytest.mark.parametrize("of", OF_TABLES)
def test_lesions_of_a_draw_are_judged_as_the_same_cases_written_out(of, counts) -> None:
    generator = np.random.default_rng(3)
    cases = [
        Matched(
            [round(score, 1) if score > 0.3 else None for score in generator.random(generator.integers(0, 4))],
            np.round(generator.random(generator.integers(0, 5)), 1).tolist(),
        )
        for _ in range(N)
    ]
    found = of(FrocTable.of(cases))(counts)
    for draw, value in zip(counts, found, strict=True):
        written_out = [cases[row] for row in np.repeat(np.arange(N), draw)]
        alone = value_of(of(FrocTable.of(written_out)), N)
        assert (value if not np.isnan(value) else None) == (None if alone is None else pytest.approx(alone, abs=1e-9))
