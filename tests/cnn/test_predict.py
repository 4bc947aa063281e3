"""Probabilities become lesions in the image's own pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from workers.cnn.data import Letterbox
from workers.cnn.model import build_network
from workers.cnn.predict import BrokenModel, find_lesions, predict, union_mask


def shares(size: int, *blobs: tuple[slice, slice, int, float], frames: int = 1) -> np.ndarray:
    types = np.zeros((frames, 3, size, size), np.float32)
    types[:, 0] = 1
    for rows, columns, kind, share in blobs:
        types[:, kind, rows, columns] = share
        types[:, 0, rows, columns] = 1 - share
    return types


def test_at_native_size_a_lesion_covers_exactly_its_pixels() -> None:
    types = shares(32, (slice(0, 5), slice(28, 32), 2, 0.9))
    (lesion,) = find_lesions(types, letterbox=Letterbox(32, 32, 32))
    assert lesion.origin == (0, 0, 28) and lesion.mask.shape == (1, 5, 4) and lesion.mask.all()
    assert lesion.type_index == 2 and lesion.score == pytest.approx(0.9)


def test_a_lesion_lies_at_the_same_share_of_the_image_at_every_size() -> None:
    types = shares(64, (slice(16, 32), slice(8, 24), 1, 0.95))
    (lesion,) = find_lesions(types, letterbox=Letterbox(480, 640, 64))
    rows, columns = np.nonzero(lesion.mask[0])
    assert (rows + 0.5).mean() + lesion.origin[1] == pytest.approx(240, abs=3)
    assert (columns + 0.5).mean() + lesion.origin[2] == pytest.approx(160, abs=3)
    assert lesion.mask.sum() == pytest.approx(160 * 160, rel=0.05)


def test_faint_lesions_are_kept_with_their_score_and_certain_ones_come_first() -> None:
    types = shares(
        32, (slice(2, 6), slice(2, 6), 1, 0.3), (slice(20, 26), slice(20, 26), 2, 0.8), (slice(2, 6), slice(20, 24), 1, 0.05)
    )
    found = find_lesions(types, letterbox=Letterbox(32, 32, 32))
    assert [(round(lesion.score, 2), lesion.type_index) for lesion in found] == [(0.8, 2), (0.3, 1)]
    assert union_mask(found, shape=(1, 32, 32), threshold=0.5).sum() == 36


def test_a_lesion_in_touching_slices_is_one_and_in_others_another() -> None:
    types = shares(32, frames=6)
    for frame in (1, 2, 5):
        types[frame, 1, 10:15, 10:15], types[frame, 0, 10:15, 10:15] = 0.9, 0.1
    found = find_lesions(types, letterbox=Letterbox(32, 32, 32))
    assert sorted((lesion.origin[0], lesion.mask.shape[0]) for lesion in found) == [(1, 2), (5, 1)]


def test_specks_of_a_pixel_or_two_are_no_lesions() -> None:
    assert find_lesions(shares(32, (slice(4, 5), slice(4, 6), 1, 0.9)), letterbox=Letterbox(32, 32, 32)) == []


def test_nothing_is_found_where_the_image_does_not_reach(net) -> None:
    network = build_network(net, seed=0)
    with torch.no_grad():
        network.type_head.lesion.bias[0] = 9.0
    images = np.random.default_rng(0).integers(0, 255, (2, 32, 32)).astype(np.uint8)
    said = predict(network, images, np.array([[32, 20], [16, 32]]))
    assert said.types[0, 0, :, 20:].min() == 1 and said.types[1, 0, 16:].min() == 1
    assert said.types.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert said.embedding.shape == (2, 16)


def test_the_size_of_the_batch_does_not_change_what_is_said(net, samples) -> None:
    network = build_network(net, seed=0)
    one = predict(network, samples.images[:5], samples.content[:5], batch=1)
    all_at_once = predict(network, samples.images[:5], samples.content[:5], batch=5)
    assert np.allclose(one.types, all_at_once.types, atol=1e-5)


def test_a_network_with_nan_weights_raises(net, samples) -> None:
    network = build_network(net, seed=0)
    with torch.no_grad():
        network.type_head.background.bias[0] = float("nan")
    with pytest.raises(BrokenModel):
        predict(network, samples.images, samples.content)
