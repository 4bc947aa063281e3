"""Whether choosing helps: helps, does not, cannot tell."""

from __future__ import annotations

import numpy as np
import pytest

from backend.metrics.arms import arms_verdict, arms_verdict_of_draws
from backend.metrics.intervals import Statistic, ratio
from backend.metrics.ranking import auc_of_draws


def arms(gain: float, *, seeds: int = 5, cases: int = 60, of_seed: float = 0.01, of_case: float = 0.1, seed: int = 0):
    """Values of both arms: `gain` in truth, moved by the seed and by the case."""
    generator = np.random.default_rng(seed)
    base = np.clip(generator.normal(0.6, 0.2, cases), 0, 1)
    random = base + generator.normal(0, of_case, (seeds, cases)) + generator.normal(0, of_seed, (seeds, 1))
    chosen = base + gain + generator.normal(0, of_case, (seeds, cases)) + generator.normal(0, of_seed, (seeds, 1))
    return chosen, random, [str(index // 2) for index in range(cases)]


def test_a_clear_gain_helps_and_a_clear_loss_does_not() -> None:
    helps = arms_verdict(*arms(0.1))
    assert helps.answer == "helps" and helps.low is not None and helps.low > 0
    assert (helps.n_seeds, helps.n_patients, helps.n_cases) == (5, 30, 60)
    lost = arms_verdict(*arms(-0.1))
    assert lost.answer == "does_not" and lost.high is not None and lost.high < 0


def test_no_gain_measured_closely_does_not_help_and_measured_loosely_cannot_be_told() -> None:
    assert arms_verdict(*arms(0.0, cases=2000, of_seed=0.001, of_case=0.05)).answer == "does_not"
    loose = arms_verdict(*arms(0.0, of_seed=0.05))
    assert (loose.answer, loose.reason) == ("cannot_tell", "wide")


def test_the_difference_is_the_mean_of_the_paired_differences() -> None:
    chosen, random, groups = arms(0.05)
    told = arms_verdict(chosen, random, groups)
    assert told.difference == pytest.approx(float((chosen - random).mean()))
    assert told.chosen == pytest.approx(float(chosen.mean())) and told.random == pytest.approx(float(random.mean()))


@pytest.mark.parametrize(
    ("given", "reason"),
    [({"seeds": 2}, "few_seeds"), ({"cases": 19}, "few_positives")],
)
def test_too_few_seeds_or_cases_say_so(given, reason) -> None:
    told = arms_verdict(*arms(0.3, **given))
    assert (told.answer, told.reason, told.difference) == ("cannot_tell", reason, None)


def test_many_images_of_few_patients_are_few_patients() -> None:
    chosen, random, _ = arms(0.3)
    assert arms_verdict(chosen, random, ["one", "two"] * 30).reason == "few_patients"


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """400 simulated comparisons of no gain: at most one in twenty, and a little, would be told as help or harm."""
    verdicts = [arms_verdict(*arms(0.0, seed=seed, of_seed=0.02), worth=0.0) for seed in range(400)]
    wrong = np.mean([told.answer != "cannot_tell" for told in verdicts])
    assert wrong <= 0.065


def test_arms_that_do_not_pair_and_values_that_are_none_raise() -> None:
    chosen, random, groups = arms(0.0)
    with pytest.raises(ValueError, match="cannot be paired"):
        arms_verdict(chosen[:4], random, groups)
    with pytest.raises(ValueError, match="no number"):
        arms_verdict(np.where(chosen > 0.5, np.nan, chosen), random, groups)


def ranked(gain: float, *, seeds: int = 5, cases: int = 200) -> tuple[list[Statistic], list[Statistic], list[str]]:
    """The AUC of each seed of both arms, whose scores tell positives by 1, and by `gain` more where cases were chosen."""
    generator = np.random.default_rng(0)
    truth = np.arange(cases) % 2 == 0
    chosen = [auc_of_draws(truth, generator.normal(truth * (1 + gain), 1)) for _ in range(seeds)]
    random = [auc_of_draws(truth, generator.normal(truth * 1.0, 1)) for _ in range(seeds)]
    return chosen, random, [str(index // 2) for index in range(cases)]


def test_arms_are_compared_by_an_auc_as_they_are_by_a_mean() -> None:
    helps = arms_verdict_of_draws(*ranked(1.0))
    assert helps.answer == "helps" and helps.chosen is not None and helps.random is not None
    assert helps.difference == pytest.approx(helps.chosen - helps.random) and helps.chosen > helps.random + 0.1
    assert (helps.n_seeds, helps.n_patients, helps.n_cases) == (5, 100, 200)
    assert arms_verdict_of_draws(*ranked(-1.0)).answer == "does_not"
    assert arms_verdict_of_draws(*ranked(1.0, seeds=2)).reason == "few_seeds"
    chosen, random, groups = arms(0.05)
    own, others = ([mean(values) for values in arm] for arm in (chosen, random))
    one, other = arms_verdict(chosen, random, groups), arms_verdict_of_draws(own, others, groups)
    assert (one.answer, one.reason) == (other.answer, other.reason)
    for name in ("difference", "low", "high", "chosen", "random"):
        assert getattr(one, name) == pytest.approx(getattr(other, name))


def test_of_models_whose_auc_does_not_differ_few_are_told_as_one() -> None:
    truth, groups = np.arange(80) % 2 == 0, [str(index // 2) for index in range(80)]

    def verdict(seed: int) -> str:
        generator = np.random.default_rng(seed)
        base = generator.normal(truth * 1.2, 1)
        scores = base * generator.normal(1, 0.2, (10, 1)) + generator.normal(0, 0.7, (10, 80))
        own, others = ([auc_of_draws(truth, row) for row in arm] for arm in (scores[:5], scores[5:]))
        return arms_verdict_of_draws(own, others, groups, worth=0.0).answer

    assert np.mean([verdict(seed) != "cannot_tell" for seed in range(100)]) <= 0.075


def mean(values: np.ndarray) -> Statistic:
    return lambda counts: ratio(counts @ values, counts.sum(axis=1).astype(float))
