"""How well what is pointed at is outlined: simulated clicks and boxes on lesions that a network has not learned from."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cnn.test_prompts import disc, picture, samples_of
from workers.cnn.checkpoint import network_of
from workers.cnn.data import Mark, lesion_pixels
from workers.cnn.model import build_network
from workers.cnn.prompt_error import pointed_at
from workers.cnn.prompt_training import PromptTraining
from workers.cnn.prompts import NET
from workers.cnn.train import Recipe


@pytest.fixture
def blank():
    """A network that has learned nothing."""
    return build_network(NET, seed=1)


def test_every_way_to_point_is_told_and_the_same_seed_tells_the_same(blank):
    image, mask = picture(np.random.default_rng(77))
    first, again = (pointed_at(blank, image, mask, np.random.default_rng(5)) for _ in range(2))
    assert list(first) == ["click_1", "click_2", "click_3", "box", "ellipse", "stroke", "stroke_click"]
    assert first == again
    assert all(0 <= value <= 1 for value in first.values())


def test_a_network_that_has_learned_outlines_better_than_one_that_has_not(blank):
    training = PromptTraining(samples_of(24), recipe=Recipe(steps=40, seed=0, batch=8))
    for _ in training.run():
        pass
    learned = network_of(training.weights(), config=NET)
    rng = np.random.default_rng(78)
    unseen = [picture(rng) for _ in range(8)]
    told = [[pointed_at(network, *one, np.random.default_rng(3)) for one in unseen] for network in (learned, blank)]
    means = [np.mean([one["box"] for one in own]) for own in told]
    assert means[0] > means[1] + 0.2, means


def test_the_ellipse_of_a_box_that_is_off_by_a_tenth_is_near_a_disc(blank):
    image, mask = picture(np.random.default_rng(79))
    told = [pointed_at(blank, image, mask, np.random.default_rng(seed))["ellipse"] for seed in range(5)]
    assert len(set(told)) > 1 and all(0.8 < one < 1 for one in told)


def test_an_ellipse_fills_its_box_and_no_more():
    found = lesion_pixels(Mark("box", 1, points=[[10.0, 20.0], [40.0, 50.0]]), 60, 60)
    assert (found == disc(60, 60, 35.0, 25.0, 15.0)).all()
    flat = lesion_pixels(Mark("box", 1, points=[[0.0, 0.0], [80.0, 20.0]]), 40, 100)
    assert flat.sum() == pytest.approx(np.pi * 40 * 10, rel=0.02) and not flat[20:].any() and not flat[:, 80:].any()
