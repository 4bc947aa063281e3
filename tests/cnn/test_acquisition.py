"""What to read next: scores, and a draw whose probabilities are what they say."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from workers.cnn.acquisition import ACQUISITIONS, draw_batch


def shares(*lesion: float, size: int = 20) -> np.ndarray:
    """One image per number: a quarter of it has that lesion probability, the rest none."""
    types = np.zeros((len(lesion), 2, size, size), np.float32)
    for index, share in enumerate(lesion):
        types[index, 1, : size // 2, : size // 2] = share
    types[:, 0] = 1 - types[:, 1]
    return types


def test_entropy_prefers_what_is_between_and_ignores_how_large_it_is() -> None:
    scores = ACQUISITIONS["entropy"](shares(0.0, 1.0, 0.1, 0.5), np.random.default_rng(0))
    assert scores[0] == pytest.approx(0, abs=1e-6) and scores[1] == pytest.approx(0, abs=1e-6)
    assert scores[3] == pytest.approx(1) and 0.4 < scores[2] < 0.5
    small = shares(0.5)
    small[:, 1, 4:, :] = 0
    small[:, 0] = 1 - small[:, 1]
    assert ACQUISITIONS["entropy"](small, np.random.default_rng(0)) == pytest.approx(1)


def test_foreground_aware_random_draws_cases_with_foreground_three_times_as_often() -> None:
    generator = np.random.default_rng(0)
    types = shares(*([0.9] * 50 + [0.1] * 50), size=4)
    tops = Counter(int(ACQUISITIONS["foreground_aware_random"](types, generator).argmax()) < 50 for _ in range(4000))
    assert tops[True] / tops[False] == pytest.approx(3, rel=0.12)


@pytest.mark.parametrize("name", ["entropy", "foreground_aware_random"])
def test_a_broken_model_raises(name) -> None:
    types = shares(0.5)
    types[0, 1, 0, 0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        ACQUISITIONS[name](types, np.random.default_rng(0))
    with pytest.raises(ValueError, match="not finite"):
        draw_batch(np.array([0.1, np.nan]), ["a", "b"], size=1, random_share=0.3, generator=np.random.default_rng(0))


def test_a_batch_has_one_case_per_patient_and_both_arms() -> None:
    scores = np.linspace(0, 1, 40)
    drawn = draw_batch(
        scores, [str(row // 4) for row in range(40)], size=8, random_share=0.25, generator=np.random.default_rng(0)
    )
    assert len(drawn) == 8 == len({item.row // 4 for item in drawn})
    assert Counter(item.arm for item in drawn) == {"random": 2, "acquired": 6}
    assert all((item.inclusion_probability is None) == (item.arm == "acquired") for item in drawn)


def test_recorded_inclusion_probabilities_are_the_frequencies_of_the_draw() -> None:
    groups = ["a", "a", "a", "b", "c", "d", "d"]
    generator = np.random.default_rng(0)
    seen: Counter[int] = Counter()
    told: dict[int, float | None] = {}
    for _ in range(6000):
        for item in draw_batch(np.arange(7.0), groups, size=3, random_share=0.5, generator=generator):
            if item.arm == "random":
                seen[item.row] += 1
                told[item.row] = item.inclusion_probability
    for row in range(7):
        assert seen[row] / 6000 == pytest.approx(told[row], abs=0.025)


def test_a_pool_smaller_than_the_batch_is_drawn_whole() -> None:
    drawn = draw_batch(np.zeros(3), ["a", "b", "c"], size=16, random_share=0.3, generator=np.random.default_rng(0))
    assert sorted(item.row for item in drawn) == [0, 1, 2]
    assert draw_batch(np.zeros(0), [], size=16, random_share=0.3, generator=np.random.default_rng(0)) == []


def test_without_a_random_arm_the_highest_scores_are_drawn() -> None:
    drawn = draw_batch(
        np.array([0.1, 0.9, 0.5]), ["a", "b", "c"], size=2, random_share=0, generator=np.random.default_rng(0)
    )
    assert {item.row for item in drawn} == {1, 2}
