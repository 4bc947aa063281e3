"""What to read next: every function on numbers whose answer is known by hand."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from workers.cnn.acquisition import ACQUISITIONS, CHOOSING, score_cases
from workers.cnn.candidates import Candidates, Column, columns_of

PER_TYPE = (Column.TYPE_ENTROPY, Column.EMBEDDING, Column.LABELLED)


def cases(count: int, *, wanted: int = 4, round_number: int = 5, **columns: Any) -> Candidates:
    values = {Column(name): np.asarray(value, dtype=np.float64) for name, value in columns.items()}
    return Candidates(count, values, round_number=round_number, wanted=wanted)


def any_cases(count: int, seed: int = 0) -> Candidates:
    """Some number in every column."""
    generator = np.random.default_rng(seed)
    shapes = {name: (count, 3) if name in PER_TYPE else (count,) for name in Column}
    return Candidates(count, {name: generator.random(shape) + 0.01 for name, shape in shapes.items()}, wanted=4)


def score(name: str, given: Candidates, seed: int = 0) -> np.ndarray:
    return score_cases(name, given, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("entropy", "entropy"),
        ("bald", "snapshots"),
        ("tta_variance", "views"),
        ("ensemble", "versions"),
        ("likely_positive", "positive"),
        ("label_disagreement", "doubt"),
    ],
)
def test_what_a_function_reads_from_one_column_is_its_order(name, column) -> None:
    assert score(name, cases(3, **{column: [0.2, 0.9, 0.5]})).argsort().tolist() == [0, 2, 1]


def test_foreground_aware_random_draws_cases_with_foreground_three_times_as_often() -> None:
    generator = np.random.default_rng(0)
    given = cases(100, lesion=[0.9] * 50 + [0.1] * 50)
    tops = Counter(int(score_cases("foreground_aware_random", given, generator).argmax()) < 50 for _ in range(4000))
    assert tops[True] / tops[False] == pytest.approx(3, rel=0.12)


def test_cost_aware_prefers_the_cheaper_of_two_that_are_equally_uncertain() -> None:
    found = score("cost_aware", cases(3, entropy=[0.4, 0.4, 0.8], seconds=[10, 40, 40]))
    assert found.tolist() == pytest.approx([0.04, 0.01, 0.02])
    with pytest.raises(ValueError, match="no time"):
        score("cost_aware", cases(1, entropy=[0.4], seconds=[0]))


def test_k_center_takes_what_is_farthest_from_all_that_was_read_and_then_from_what_it_took() -> None:
    points = [[0, 0], [1, 0], [10, 0], [10, 1], [0, 10]]
    found = score("k_center", cases(5, wanted=2, embedding=points, labelled=[[0, 0]]))
    assert set(found.argsort()[::-1][:2].tolist()) == {3, 4}, "the two corners, not both of the near pair"
    assert found.argmin() == 0, "what lies on a read case comes last"


def test_k_center_without_a_read_case_still_covers_the_clusters() -> None:
    points = [[0, 0], [0, 0.1], [5, 5], [5, 5.1], [9, 0], [9, 0.1]]
    for seed in range(5):
        found = score("k_center", cases(6, wanted=1, embedding=points, labelled=np.empty((0, 2))), seed)
        assert {row // 2 for row in found.argsort()[::-1][:3].tolist()} == {0, 1, 2}


def test_k_means_takes_one_case_of_each_cluster_and_of_the_largest_first() -> None:
    points = [[0, 0], [0.2, 0], [0.1, 0], [9, 9], [9.2, 9], [9.1, 9], [9.1, 9.05], [0, 9]]
    order = score("k_means", cases(8, wanted=3, embedding=points)).argsort()[::-1].tolist()
    assert order[0] in (5, 6) and order[1] == 2 and order[2] == 7


def test_clasp_gives_two_thirds_to_the_types_in_turn_and_the_rare_type_its_part() -> None:
    """Thirty cases: the entropy of all is highest in 0…9, type one lives in 10…19, the rare type in 28 and 29 alone."""
    entropy = np.r_[np.linspace(0.9, 0.8, 10), np.full(20, 0.1)]
    types = np.full((30, 2), 1e-9)
    types[10:20, 0] = np.linspace(0.08, 0.07, 10)
    types[28:, 1] = 0.01
    given = cases(30, wanted=2, round_number=50, entropy=entropy, type_entropy=types)
    shares = Counter(
        "all" if row < 10 else "one" if row < 20 else "rare"
        for seed in range(40)
        for row in score("clasp_pe", given, seed).argsort()[::-1][:6].tolist()
    )
    total = sum(shares.values())
    assert shares["all"] / total == pytest.approx(0.5, abs=0.02), "three of six places: 66 % of six are three"
    assert shares["one"] == pytest.approx(shares["rare"], rel=0.35) and shares["rare"] > 0


def test_the_noise_of_clasp_fades_from_round_to_round() -> None:
    entropy = np.linspace(0.2, 0.9, 40)
    top = set(range(36, 40))

    def hits(round_number: int) -> float:
        given = cases(40, wanted=2, round_number=round_number, entropy=entropy, type_entropy=entropy[:, None])
        found = [score("clasp_pe", given, seed).argsort()[::-1][:4].tolist() for seed in range(60)]
        return float(np.mean([len(top & set(rows)) / 4 for rows in found]))

    early, middle, late = hits(1), hits(3), hits(5)
    assert early < middle < late and early < 0.4 and late > 0.9
    assert hits(99) == late, "beta stays at its last value"


@pytest.mark.parametrize("name", [*ACQUISITIONS])
def test_every_function_gives_one_finite_score_a_case_the_same_for_the_same_seed(name) -> None:
    given = any_cases(30)
    first = score(name, given, 3)
    assert first.shape == (30,) and np.isfinite(first).all()
    assert np.array_equal(first, score(name, given, 3))
    alone = score(name, any_cases(1), 3)
    assert alone.shape == (1,) and np.isfinite(alone).all()


@pytest.mark.parametrize("name", [name for name in ACQUISITIONS if name != "random"])
def test_a_broken_model_raises_and_so_does_a_column_that_is_not_there(name) -> None:
    given = any_cases(6)
    for column in ACQUISITIONS[name].needs - {Column.FINDINGS, Column.FRAMES}:
        broken = given[column].copy()
        broken[0] = np.nan
        with pytest.raises(ValueError, match="not finite"):
            score(name, Candidates(6, {**given.columns, column: broken}))
        with pytest.raises(ValueError, match="was not measured"):
            score(name, Candidates(6, {key: value for key, value in given.columns.items() if key != column}))


@pytest.mark.parametrize("name", [*ACQUISITIONS])
def test_a_function_asks_for_nothing_that_it_does_not_say(name) -> None:
    """With the columns it names and no other it works: what it names is all that is measured."""
    given = any_cases(12)
    score(name, Candidates(12, {column: given[column] for column in ACQUISITIONS[name].needs}))


@pytest.mark.parametrize(("name", "column"), [("entropy", "entropy"), ("bald", "snapshots"), ("cost_aware", "entropy")])
def test_a_case_that_is_more_uncertain_never_falls_behind(name, column) -> None:
    given = any_cases(20)
    raised = given[Column(column)].copy()
    raised[7] += 0.5
    before, after = score(name, given), score(name, Candidates(20, {**given.columns, Column(column): raised}))
    assert (before > before[7]).sum() >= (after > after[7]).sum()


def test_cases_that_were_asked_different_things_are_not_put_together() -> None:
    one, other = {Column.ENTROPY: np.array(0.1)}, {Column.LESION: np.array(0.1)}
    assert columns_of([one, one])[Column.ENTROPY].tolist() == [0.1, 0.1] and columns_of([]) == {}
    with pytest.raises(ValueError, match="the same columns"):
        columns_of([one, other])


def test_every_function_but_the_one_on_labels_can_be_chosen() -> None:
    assert set(ACQUISITIONS) - set(CHOOSING) == {"label_disagreement"}
