"""The numbers we show, against scikit-learn, MONAI and counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.metrics import compute_dice, compute_fp_tp_probs, compute_froc_curve_data
from sklearn.metrics import average_precision_score, roc_auc_score

from backend.metrics.froc import FrocTable, froc_curve
from backend.metrics.intervals import cluster_interval, estimate, paired_difference, rule_of_three, value_of
from backend.metrics.matching import Matched, match_lesions
from backend.metrics.overlap import Region, dice, intersection_over_union, region_dice
from backend.metrics.ranking import auc, average_precision


def disc(row: int, column: int, radius: int, frame: int = 0) -> Region:
    rows, columns = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return Region((rows**2 + columns**2 <= radius**2)[None], (frame, row - radius, column - radius))


def test_auc_and_average_precision_agree_with_scikit_learn_with_and_without_ties() -> None:
    generator = np.random.default_rng(0)
    for levels in (5, 1000):
        truth = generator.random(300) < 0.3
        scores = np.round(generator.random(300) * levels + truth * levels / 4)
        assert auc(truth, scores) == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
        assert average_precision(truth, scores) == pytest.approx(average_precision_score(truth, scores), abs=1e-12)


def test_auc_and_average_precision_of_one_outcome_alone_are_not_told() -> None:
    assert auc(np.ones(5, dtype=bool), np.arange(5.0)) is None
    assert average_precision(np.ones(5, dtype=bool), np.arange(5.0)) is None
    assert average_precision(np.zeros(5, dtype=bool), np.arange(5.0)) is None


@pytest.mark.parametrize("seed", range(3))
def test_dice_agrees_with_monai(seed: int) -> None:
    generator = np.random.default_rng(seed)
    truth, predicted = generator.random((5, 24, 24)) < 0.3, generator.random((5, 24, 24)) < 0.4
    theirs = compute_dice(torch.from_numpy(predicted[:, None]), torch.from_numpy(truth[:, None]))
    assert [dice(*pair) for pair in zip(truth, predicted, strict=True)] == pytest.approx(theirs[:, 0].tolist(), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_hits_and_the_froc_curve_agree_with_monai(seed: int) -> None:
    """Their detections are points: here predictions of one pixel, which find a lesion when they lie in it."""
    generator = np.random.default_rng(seed)
    false, true, n_lesions, cases = [], [], 0, []
    for _ in range(12):
        places = [(16, 16), (16, 48), (48, 16)][: generator.integers(1, 4)]
        lesions = [disc(*place, radius=int(generator.integers(5, 12))) for place in places]
        labels = np.zeros((64, 64), dtype=np.int64)
        for number, lesion in enumerate(lesions, 1):
            labels[lesion.spans[1:]][lesion.mask[0]] = number
        points, scores = generator.integers(0, 64, (25, 2)), np.round(generator.random(25), 2) + 0.01
        wrong, found, n = compute_fp_tp_probs(scores, points[:, 0], points[:, 1], labels)
        false, true, n_lesions = [*false, *wrong], [*true, *found], n_lesions + n
        predicted = [Region(np.ones((1, 1, 1), bool), (0, int(row), int(column))) for row, column in points]
        cases.append(match_lesions(lesions, predicted, scores.tolist()))
        assert sorted(cases[-1].false_scores) == sorted(wrong)
        assert [score or 0.0 for score in cases[-1].hit_scores] == pytest.approx(found.tolist(), abs=1e-6)
    per_image, sensitivity = compute_froc_curve_data(
        np.round(false, 2), np.round(np.array(true, dtype=np.float64), 2), n_lesions, len(cases)
    )
    ours = [(rate, share) for rate, share, _ in froc_curve(cases)]
    assert 0.0 in true, "a missed lesion: else theirs leaves the laxest threshold out"
    # Theirs goes from lax to strict, and ends where nothing is shown.
    assert ours == [pytest.approx(pair) for pair in list(zip(per_image, sensitivity, strict=True))[::-1][1:]]


def test_dice_of_two_empty_masks_is_nothing_and_half_overlap_is_counted() -> None:
    empty = np.zeros((4, 4), dtype=bool)
    half, full = empty.copy(), empty.copy()
    half[:2], full[:] = True, True
    assert dice(empty, empty) is None
    assert dice(half, full) == pytest.approx(2 * 8 / 24)
    assert dice(empty, full) == 0


def test_dice_of_regions_equals_dice_of_whole_arrays() -> None:
    truth, predicted = [disc(20, 20, 6), disc(40, 15, 4)], [disc(22, 21, 5), disc(50, 50, 3)]
    arrays = []
    for regions in (truth, predicted):
        whole = np.zeros((1, 64, 64), dtype=bool)
        for region in regions:
            whole[region.spans] |= region.mask
        arrays.append(whole)
    assert region_dice(truth, predicted) == pytest.approx(dice(*arrays))
    assert region_dice(truth, []) == 0
    assert region_dice([], []) is None


def test_regions_that_do_not_touch_share_nothing() -> None:
    assert intersection_over_union(disc(10, 10, 3), disc(40, 40, 3)) == 0
    assert intersection_over_union(disc(10, 10, 3), disc(10, 10, 3, frame=1)) == 0
    assert intersection_over_union(disc(10, 10, 3), disc(10, 10, 3)) == 1


def test_a_small_prediction_in_a_large_lesion_hits_by_its_centre_and_one_beside_it_does_not() -> None:
    lesion = disc(30, 30, 12)
    matched = match_lesions([lesion], [disc(30, 34, 1), disc(30, 55, 4)], [0.9, 0.8])
    assert matched.hit_scores == [0.9]
    assert matched.false_scores == [0.8]


def test_two_predictions_on_one_lesion_count_once() -> None:
    matched = match_lesions([disc(30, 30, 12)], [disc(28, 30, 6), disc(33, 30, 5)], [0.6, 0.7])
    assert matched.hit_scores == [0.7]
    assert matched.false_scores == []


def test_sensitivity_at_a_rate_of_false_positives_is_what_counting_gives() -> None:
    cases = [
        Matched([0.9, None], [0.8]),
        Matched([0.5], [0.7, 0.3]),
        Matched([], [0.6]),
        Matched([0.2], []),
    ]
    table = FrocTable.of(cases)
    assert value_of(table.sensitivity_at(0.125), 4) == pytest.approx(1 / 4)
    assert value_of(table.sensitivity_at(0.5), 4) == pytest.approx(1 / 4)
    assert value_of(table.sensitivity_at(0.75), 4) == pytest.approx(2 / 4)
    assert value_of(table.sensitivity_at(8), 4) == pytest.approx(3 / 4)
    assert value_of(table.sensitivity_above(0.5), 4) == pytest.approx(2 / 4)
    assert value_of(table.false_positives_above(0.65), 4) == pytest.approx(2 / 4)
    twice_the_first = np.array([[2, 1, 1, 1]])
    assert table.sensitivity_above(0.4)(twice_the_first) == pytest.approx([3 / 6])
    assert table.sensitivity_at(0.8)(twice_the_first) == pytest.approx([3 / 6])
    curve = froc_curve(cases)
    assert curve[0] == (0.0, 0.25, 0.9)
    assert curve[-1] == (1.0, 0.75, 0.2)


def test_sensitivity_without_a_lesion_is_not_told() -> None:
    assert value_of(FrocTable.of([Matched([], [0.4])]).sensitivity_at(1), 1) is None
    assert froc_curve([Matched([], [0.4])]) == []


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    covered = 0
    for trial in range(200):
        values = generator.normal(0.6, 0.2, 60)
        low, high = cluster_interval(lambda counts, v=values: counts @ v / 60, groups=range(60), seed=trial, resamples=300)
        assert low is not None and high is not None
        covered += low <= 0.6 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_images_of_one_patient_do_not_pretend_to_be_more_patients() -> None:
    values = np.random.default_rng(2).normal(0.6, 0.2, 30)
    repeated = np.repeat(values, 5)
    single = cluster_interval(lambda counts: counts @ values / 30, groups=range(30))
    clustered = cluster_interval(lambda counts: counts @ repeated / 150, groups=[row // 5 for row in range(150)])
    assert clustered == pytest.approx(single)


def test_the_paired_difference_of_equals_is_zero_and_of_a_clear_winner_is_above_zero() -> None:
    values = np.random.default_rng(3).normal(0.5, 0.3, 40)
    statistic = lambda counts: counts @ values / 40  # noqa: E731
    better = lambda counts: counts @ values / 40 + 0.1  # noqa: E731
    assert paired_difference(statistic, statistic, groups=range(40)) == (0, 0, 0)
    found = paired_difference(better, statistic, groups=range(40))
    assert found is not None
    assert found == pytest.approx((0.1, 0.1, 0.1))


def test_fewer_than_20_positives_give_no_number_but_the_reason() -> None:
    told = estimate("dice", lambda counts: np.full(len(counts), 0.5), groups=["a"] * 12 + ["b"] * 7, n_positive=19)
    assert (told.value, told.low, told.high) == (None, None, None)
    assert told.note == "too few: 19 positive, at least 20 needed"
    assert told.n_patients == 2


def test_fewer_than_10_patients_give_no_number_however_many_images_they_have() -> None:
    groups = ["a"] * 15 + ["b"] * 15
    told = estimate("dice", lambda counts: counts.mean(axis=1), groups=groups, n_positive=30)
    assert (told.value, told.note) == (None, "too few: 2 patients, at least 10 needed")
    assert (
        paired_difference(lambda counts: counts.mean(axis=1), lambda counts: np.full(len(counts), 0.5), groups=groups)
        is None
    )
    assert estimate("dice", lambda counts: np.full(len(counts), 0.5), groups=["a"] * 30, n_positive=30).note.startswith(
        "too few: 1 patient,"
    )


def test_a_perfect_rate_is_bounded_by_the_rule_of_three() -> None:
    told = estimate("sensitivity", lambda counts: np.ones(len(counts)), groups=range(30), n_positive=30, rate=True)
    assert (told.value, told.low, told.high) == (1.0, pytest.approx(0.9), 1.0)
    assert rule_of_three(100) == pytest.approx(0.03)
    assert rule_of_three(2) == 1


def test_nothing_missed_of_few_patients_promises_no_more_than_so_many_patients_can() -> None:
    """Ten patients with six lesions each: what holds of one finding of a patient probably holds of the others."""
    groups = [row // 6 for row in range(60)]
    found = estimate("sensitivity", lambda counts: np.ones(len(counts)), groups=groups, n_positive=60, rate=True)
    assert (found.low, found.high) == (pytest.approx(0.7), 1.0)
    false = estimate("false_positives", lambda counts: np.zeros(len(counts)), groups=groups, n_positive=60, count=True)
    assert (false.low, false.high) == (0.0, pytest.approx(0.3))


def test_positives_are_not_ranked_against_a_handful_of_negatives() -> None:
    ranked = lambda counts: np.full(len(counts), 0.9)  # noqa: E731
    few = estimate("auc", ranked, groups=range(40), n_positive=39, n_negative=1)
    assert (few.value, few.note) == (None, "too few: 1 negative, at least 20 needed")
    assert estimate("auc", ranked, groups=range(40), n_positive=20, n_negative=20).value == pytest.approx(0.9)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(4).random(50)
    first = cluster_interval(lambda counts: counts @ values / 50, groups=range(50), seed=7)
    assert first == cluster_interval(lambda counts: counts @ values / 50, groups=range(50), seed=7)
    assert first != cluster_interval(lambda counts: counts @ values / 50, groups=range(50), seed=8)
