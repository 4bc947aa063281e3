"""From scores to probabilities, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss

from backend.metrics.calibration import calibration_slope, cross_fitted, expit, fitted_platt, folds_of, logit
from backend.metrics.froc import FrocTable
from backend.metrics.intervals import value_of, wilson_interval
from backend.metrics.matching import Matched, match_lesions
from backend.metrics.reliability import (
    brier_score,
    equal_mass_bins,
    error_of_perfection,
    expected_calibration_error,
    reliability_bins,
)
from tests.metrics.test_metrics import disc


def overconfident(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose logit is twice the true one, plus one; and what happened."""
    generator = np.random.default_rng(seed)
    true = generator.normal(0, 1.2, n)
    return expit(2 * true + 1), generator.random(n) < expit(true)


def test_brier_and_ece_agree_with_scikit_learn() -> None:
    scores, outcomes = overconfident(15 * 40)
    assert brier_score(outcomes, scores) == pytest.approx(brier_score_loss(outcomes, scores), abs=1e-12)
    shares, means = calibration_curve(outcomes, scores, n_bins=15, strategy="quantile")
    assert expected_calibration_error(outcomes, scores) == pytest.approx(np.abs(shares - means).mean(), abs=1e-12)
    drawn = reliability_bins(outcomes, scores, range(600))
    assert [one.share for one in drawn] == pytest.approx(shares.tolist())
    assert [one.mean for one in drawn] == pytest.approx(means.tolist())
    assert {one.n for one in drawn} == {40} and all(one.low < one.share < one.high for one in drawn)


def test_equal_scores_stand_in_one_bin_and_small_samples_in_fewer() -> None:
    scores = np.array([0.2] * 30 + [0.9] * 30)
    assert len(set(equal_mass_bins(scores, 15))) == 2
    outcomes = np.array([False] * 24 + [True] * 6 + [True] * 30)
    assert expected_calibration_error(outcomes, scores) == pytest.approx(0.05)
    assert len(reliability_bins(outcomes[:39], np.linspace(0, 1, 39), range(39))) == 1


def test_findings_of_few_patients_have_the_interval_of_few_patients() -> None:
    outcomes, scores = np.tile([True, False], 20), np.full(40, 0.5)
    (many,) = reliability_bins(outcomes, scores, range(40))
    (few,) = reliability_bins(outcomes, scores, [row % 5 for row in range(40)])
    assert few.n == many.n == 40 and few.n_patients == 5
    assert few.high - few.low > 2 * (many.high - many.low)
    for hits, n in ((20, 40), (0, 10), (10, 10), (3, 17)):
        told = binomtest(hits, n).proportion_ci(method="wilson")
        assert wilson_interval(hits, n) == pytest.approx((told.low, told.high), abs=1e-6)
    with pytest.raises(ValueError, match="no share"):
        wilson_interval(3, 2)


def test_the_slope_and_the_curve_agree_with_scikit_learn() -> None:
    scores, outcomes = overconfident(800)
    told = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit(scores)[:, None], outcomes)
    assert calibration_slope(scores, outcomes) == pytest.approx(told.coef_[0, 0], abs=1e-5)
    curve = fitted_platt(scores, outcomes)
    assert curve is not None  # its targets are smoothed: near the likeliest one, not on it
    assert (curve.slope, curve.intercept) == pytest.approx((told.coef_[0, 0], told.intercept_[0]), abs=0.02)
    assert curve(scores) == pytest.approx(told.predict_proba(logit(scores)[:, None])[:, 1], abs=0.01)


def test_cross_fitting_mends_an_overconfident_score_on_patients_it_has_not_seen() -> None:
    scores, outcomes = overconfident(1500)
    groups = [row // 3 for row in range(1500)]
    mended = cross_fitted(scores, outcomes, groups)
    assert mended is not None
    assert calibration_slope(scores, outcomes) == pytest.approx(0.5, abs=0.08)
    assert calibration_slope(mended, outcomes) == pytest.approx(1, abs=0.1)
    before, after = (expected_calibration_error(outcomes, one) for one in (scores, mended))
    assert before is not None and after is not None and after < before / 2


def test_folds_keep_a_patient_together_are_equal_and_never_change() -> None:
    groups = [f"patient {row // 4}" for row in range(80)]
    folds = folds_of(groups)
    assert all(len(set(folds[row * 4 : row * 4 + 4])) == 1 for row in range(20))
    assert np.bincount(folds).tolist() == [16] * 5
    by_group = dict(zip(groups, folds.tolist(), strict=True))
    assert folds_of(groups[::-1]).tolist() == [by_group[group] for group in groups[::-1]]


def test_where_there_is_no_curve_there_is_none() -> None:
    scores, outcomes = overconfident(100)
    assert fitted_platt(scores, np.ones(100, bool)) is None
    assert fitted_platt(scores, ~outcomes) is None, "a score that falls with the share of positives"
    assert fitted_platt(np.full(100, 0.5), outcomes) is None
    separated = np.linspace(0.01, 0.99, 100)
    assert calibration_slope(separated, separated > 0.5) is None
    assert fitted_platt(separated, separated > 0.5) is not None, "smoothed targets keep it finite"
    assert cross_fitted(scores, np.arange(100) == 0, range(100)) is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        logit(np.array([1.2]))
    with pytest.raises(ValueError, match="between 0 and 1"):
        logit(np.array([np.nan]))


def test_every_prediction_has_its_outcome_the_second_one_on_a_lesion_too() -> None:
    matched = match_lesions([disc(30, 30, 12)], [disc(28, 30, 6), disc(60, 60, 3), disc(33, 30, 5)], [0.6, 0.5, 0.7])
    assert matched.found_scores == [0.6, 0.7]
    assert matched.false_scores == [0.5] and matched.false_rows == [1]


def test_average_precision_of_lesions_is_that_of_scikit_learn_times_the_share_found() -> None:
    generator = np.random.default_rng(5)
    cases = [
        Matched(
            [round(score, 1) if score > 0.2 else None for score in generator.random(3)],
            np.round(generator.random(2) * 0.8, 1).tolist(),
        )
        for _ in range(30)
    ]
    hits = [score for case in cases for score in case.hit_scores if score is not None]
    false = [score for case in cases for score in case.false_scores]
    told = average_precision_score([1] * len(hits) + [0] * len(false), hits + false) * len(hits) / 90
    table = FrocTable.of(cases)
    assert value_of(table.average_precision(), 30) == pytest.approx(told, abs=1e-12)
    assert value_of(FrocTable.of([Matched([], [0.4])]).average_precision(), 1) is None
    assert value_of(FrocTable.of([Matched([None], [])]).average_precision(), 1) == 0


@pytest.mark.parametrize("n", [60, 400])
def test_scores_that_are_exactly_right_pass_their_own_percentile_nineteen_times_of_twenty(n: int) -> None:
    generator = np.random.default_rng(n)
    beyond = told_wrong = 0
    for seed in range(200):
        scores = generator.beta(0.7, 1.2, n)
        right = error_of_perfection(scores, seed, draws=200)
        assert right is not None and 0 < right.mean < right.p95
        outcomes = generator.random(n) < scores
        beyond += (expected_calibration_error(outcomes, scores) or 0) > right.p95
        wrong = generator.random(n) < 0.25 + 0.5 * scores
        told_wrong += (expected_calibration_error(wrong, scores) or 0) > right.p95
    assert 2 <= beyond <= 20
    assert told_wrong > (100 if n < 100 else 190)


def test_the_simulated_error_is_that_of_the_measure_itself() -> None:
    scores = np.random.default_rng(1).beta(2, 3, 137).round(2)
    generator = np.random.default_rng(5)
    told = [expected_calibration_error(generator.random(scores.size) < scores, scores) for _ in range(50)]
    right = error_of_perfection(scores, 5, draws=50)
    assert (
        right is not None
        and right.mean == pytest.approx(np.mean(told))
        and right.p95 == pytest.approx(np.quantile(told, 0.95))
    )
    assert error_of_perfection(np.array([])) is None
