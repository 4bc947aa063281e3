"""Maps of uncertain pixels, and what is kept of them for a case."""

from __future__ import annotations

import numpy as np
import pytest

from workers.cnn.uncertainty import (
    best_slices,
    doubted_types,
    label_doubt,
    least_believed,
    mutual_information,
    pass_variance,
    pixel_entropy,
    top_mean,
)


def shares(*lesion: float, size: int = 20) -> np.ndarray:
    """One slice per number: a quarter of it has that lesion share, the rest none."""
    types = np.zeros((len(lesion), 2, size, size), np.float32)
    for index, share in enumerate(lesion):
        types[index, 1, : size // 2, : size // 2] = share
    types[:, 0] = 1 - types[:, 1]
    return types


def test_entropy_is_highest_between_and_ignores_how_large_the_lesion_is() -> None:
    found = [top_mean(plane) for plane in pixel_entropy(shares(0.0, 1.0, 0.1, 0.5))]
    assert found[0] == pytest.approx(0, abs=1e-6) and found[1] == pytest.approx(0, abs=1e-6)
    assert found[3] == pytest.approx(1) and 0.4 < found[2] < 0.5
    small = shares(0.5)
    small[:, 1, 4:, :] = 0
    small[:, 0] = 1 - small[:, 1]
    assert top_mean(pixel_entropy(small)) == pytest.approx(1)


def test_passes_that_agree_share_no_information_however_uncertain_and_two_that_contradict_share_one_bit() -> None:
    unsure = shares(0.5)
    assert mutual_information(np.stack([unsure, unsure])).max() == pytest.approx(0, abs=1e-6)
    contradiction = np.stack([shares(1.0), shares(0.0)])
    assert top_mean(mutual_information(contradiction)) == pytest.approx(1, abs=1e-6)
    assert top_mean(pass_variance(contradiction)) == pytest.approx(0.5), "a quarter for each of the two outputs"
    assert pass_variance(np.stack([unsure, unsure])).max() == 0


def test_a_network_without_lesion_types_is_certain() -> None:
    assert not pixel_entropy(np.ones((2, 1, 4, 4), np.float32)).any()


def test_the_best_slices_come_highest_first_and_the_earlier_of_equals() -> None:
    assert best_slices(np.array([0.1, 0.7, 0.3, 0.7]), 3) == [(1, 0.7), (3, 0.7), (2, 0.3)]


def test_a_label_that_the_model_contradicts_is_doubted_and_one_wrong_corner_is_enough() -> None:
    told = shares(0.99)
    right = (told[:, 1] > 0.5).astype(np.uint8)
    wrong = right.copy()
    wrong[0, 15:, 15:] = 1
    known = np.array([True])
    assert label_doubt(told, right, known) < 0.02
    assert label_doubt(told, wrong, known) > 0.9
    assert label_doubt(told, np.zeros_like(right), known) > 0.9


def test_what_the_doubt_is_about_is_named_a_missing_lesion_a_needless_one_and_one_of_another_type() -> None:
    told = np.concatenate([shares(0.99), np.zeros((1, 1, 20, 20), np.float32)], axis=1)
    first = (told[:, 1] > 0.5).astype(np.uint8)
    known = np.array([True, True])
    assert doubted_types(told, np.zeros_like(first), known) == (0, 1)
    assert doubted_types(told, 2 * first, known) == (2, 1)
    needless = first.copy()
    needless[0, 15:, 15:] = 2
    assert doubted_types(told, needless, known) == (2, 0)
    assert doubted_types(told, np.zeros_like(first), np.array([False, True])) != (0, 1), "of an unknown type nothing is said"


def test_pixels_that_say_nothing_and_types_that_the_label_does_not_know_raise_no_doubt() -> None:
    told = shares(0.99)
    ignoring = np.where(told[:, 1] > 0.5, 255, 0).astype(np.uint8)
    assert label_doubt(told, ignoring, np.array([True])) < 0.01
    assert label_doubt(told, np.zeros((1, 20, 20), np.uint8), np.array([False])) < 0.01
    with pytest.raises(ValueError, match="says nothing"):
        label_doubt(told, np.full((1, 20, 20), 255, np.uint8), np.array([True]))


def test_of_what_is_said_of_the_whole_image_the_least_believed_is_named_with_its_doubt() -> None:
    scores = {"any": 0.9, "finding:1": 0.2, "finding:2": 0.7}
    assert least_believed(scores, {"any": 1, "finding:1": 1, "finding:2": 1}) == ("finding:1", pytest.approx(0.8))
    assert least_believed(scores, {"finding:1": 0, "finding:2": 0}) == ("finding:2", pytest.approx(0.7))
    with pytest.raises(ValueError, match="says nothing"):
        least_believed(scores, {})
