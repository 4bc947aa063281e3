"""The draw of a batch: its probabilities are what they say, and its best are not all alike."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from workers.cnn.batches import draw_batch


def test_a_broken_model_draws_nothing() -> None:
    generator = np.random.default_rng(0)
    with pytest.raises(ValueError, match="not finite"):
        draw_batch(np.array([0.1, np.nan]), ["a", "b"], size=1, random_share=0.3, generator=generator)
    with pytest.raises(ValueError, match="not finite"):
        draw_batch(
            np.arange(3.0), ["a", "b", "c"], size=1, random_share=0, generator=generator, embedding=np.full((3, 2), np.nan)
        )


def test_a_batch_has_one_case_per_patient_and_both_arms() -> None:
    for embedding in (None, np.random.default_rng(1).random((40, 3))):
        drawn = draw_batch(
            np.linspace(0, 1, 40),
            [str(row // 4) for row in range(40)],
            size=8,
            random_share=0.25,
            generator=np.random.default_rng(0),
            embedding=embedding,
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


def test_the_acquired_arm_is_the_best_of_each_cluster_and_not_the_best_of_one() -> None:
    """The ten best are alike; without spreading both places would go to them, with it one goes to the other cluster."""
    scores = np.r_[np.linspace(1.0, 0.9, 8), 0.5, 0.4, np.zeros(20)]
    embedding = np.r_[np.tile([0.0, 0.0], (8, 1)), np.tile([5.0, 5.0], (22, 1))] + np.arange(30)[:, None] * 1e-3
    groups = [str(row) for row in range(30)]
    alike = draw_batch(scores, groups, size=2, random_share=0, generator=np.random.default_rng(0))
    spread = draw_batch(scores, groups, size=2, random_share=0, generator=np.random.default_rng(0), embedding=embedding)
    assert {item.row for item in alike} == {0, 1}
    assert {item.row for item in spread} == {0, 8}, "the best of each cluster among the ten best"


def test_cases_that_are_all_alike_still_fill_the_batch_best_first() -> None:
    drawn = draw_batch(
        np.arange(20.0), [str(row) for row in range(20)], size=4, random_share=0, generator=np.random.default_rng(0),
        embedding=np.ones((20, 3)),
    )  # fmt: skip
    assert {item.row for item in drawn} == {19, 18, 17, 16}


def test_the_same_seed_draws_the_same_batch() -> None:
    generator = np.random.default_rng(5)
    scores, embedding, groups = generator.random(60), generator.random((60, 4)), [str(row // 2) for row in range(60)]

    def rows(seed: int) -> list[int]:
        drawn = draw_batch(
            scores, groups, size=8, random_share=0.3, generator=np.random.default_rng(seed), embedding=embedding
        )
        return [item.row for item in drawn]

    assert rows(1) == rows(1) != rows(2)
