"""A student that learns from labels and from what its teacher is sure of in images that nobody has read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.cnn.conftest import make_samples
from workers.cnn.checkpoint import decode_checkpoint, encode_checkpoint, network_of
from workers.cnn.data import IGNORED, UNKNOWN, Samples
from workers.cnn.model import NetConfig, build_network
from workers.cnn.predict import predict
from workers.cnn.self_training import SURE, SelfTraining, Unread, mirrored, pseudo_labels, with_unread
from workers.cnn.train import Recipe, Training

BOTH = np.array([True, True])


def unread_of(samples: Samples) -> Unread:
    return Unread(samples.images, samples.content)


def begun(net: NetConfig, recipe: Recipe, *, labels: int = 9, unread: int = 12) -> SelfTraining:
    return SelfTraining(
        make_samples(labels),
        unread_of(make_samples(unread, seed=5)),
        recipe=recipe,
        begin=lambda samples, recipe: Training(samples, net=net, recipe=recipe),
    )


@pytest.fixture(scope="module")
def learned() -> Training:
    torch.set_num_threads(1)
    net = NetConfig(n_types=2, n_findings=3, widths=(8, 8, 16))
    training = Training(make_samples(24), net=net, recipe=Recipe(steps=120, seed=0))
    for _ in training.run():
        pass
    return training


def test_a_mirror_image_is_turned_within_the_part_of_the_grid_that_it_fills() -> None:
    images = np.arange(32, dtype=np.uint8).reshape(2, 4, 4)
    content = np.array([[4, 3], [4, 4]])
    turned = mirrored(images, content)
    assert turned[0, 0].tolist() == [2, 1, 0, 0] and turned[1, 0].tolist() == [19, 18, 17, 16]
    assert np.array_equal(mirrored(turned, content)[:, :, :3], images[:, :, :3])


def test_what_the_teacher_is_not_sure_of_is_ignored_and_the_rest_is_what_it_says(learned) -> None:
    network = network_of(learned.weights(), config=learned.network.config)
    unread = unread_of(make_samples(12, seed=5))
    said = pseudo_labels(network, unread, shown=BOTH, flip=False, precision="float32")
    types = predict(network, unread.images, unread.content).types
    sure = np.maximum(types[:, 0], 1 - types[:, 0]) >= SURE
    assert 0 < sure.mean() < 1
    assert (said[~sure] == IGNORED).all()
    assert (said[sure & (types[:, 0] > 0.5)] == 0).all()
    lesion = sure & (types[:, 0] < 0.5)
    assert np.array_equal(said[lesion], 1 + types[:, 1:].argmax(axis=1)[lesion]) and lesion.any()


def test_where_left_and_right_do_not_matter_an_image_and_its_mirror_image_are_told_the_same(learned) -> None:
    network = network_of(learned.weights(), config=learned.network.config)
    unread = unread_of(make_samples(6, seed=5))
    unread = replace(unread, content=np.tile([32, 20], (6, 1)))
    turned = replace(unread, images=mirrored(unread.images, unread.content))
    said, other = (pseudo_labels(network, one, shown=BOTH, flip=True, precision="float32") for one in (unread, turned))
    assert np.mean(mirrored(other, unread.content)[:, :, :20] == said[:, :, :20]) > 0.999


def test_beyond_the_image_nothing_is_said(learned) -> None:
    network = network_of(learned.weights(), config=learned.network.config)
    unread = replace(unread_of(make_samples(4, seed=5)), content=np.tile([32, 20], (4, 1)))
    for flip in (False, True):
        said = pseudo_labels(network, unread, shown=BOTH, flip=flip, precision="float32")
        assert (said[:, :, 20:] == IGNORED).all() and (said[:, :, :20] != IGNORED).any()


def test_a_type_that_no_label_shows_is_not_said(learned) -> None:
    network = network_of(learned.weights(), config=learned.network.config)
    unread = unread_of(make_samples(12, seed=5))
    both = pseudo_labels(network, unread, shown=BOTH, flip=False, precision="float32")
    one = pseudo_labels(network, unread, shown=np.array([True, False]), flip=False, precision="float32")
    assert (both == 2).any() and not (one == 2).any() and (one[both == 2] == 1).all()


def test_of_an_unread_image_no_finding_is_known_and_no_type_that_no_label_shows() -> None:
    labels = make_samples(6).take([0, 1, 3, 4])
    both = with_unread(labels, unread_of(make_samples(3, seed=5)), np.zeros((3, 32, 32), np.uint8))
    assert len(both) == 7 and both.newest.tolist() == [True] * 4 + [False] * 3
    assert (both.findings[4:] == UNKNOWN).all()
    assert both.type_known[:4].all() and both.type_known[4:].tolist() == [[True, False]] * 3


def test_stopped_in_either_half_it_goes_on_to_the_same_weights(net) -> None:
    recipe = Recipe(steps=8, seed=3)
    whole = begun(net, recipe)
    losses = [progress.loss for progress in whole.run()]
    assert whole.step == 8 and len(losses) == 8
    for at in (2, 4, 6):
        first = begun(net, recipe)
        for progress in first.run():
            if progress.step == at:
                break
        second = begun(net, recipe)
        second.restore(decode_checkpoint(encode_checkpoint(first.state())))
        assert second.step == at
        assert [progress.step for progress in second.run()] == list(range(at + 1, 9))
        made = second.weights()
        assert all(torch.equal(value, made[name]) for name, value in whole.weights().items())


def test_the_student_begins_anew_and_its_core_seconds_count_on(net) -> None:
    training = begun(net, Recipe(steps=6, seed=3, snapshots=2))
    progress = list(training.run())
    assert [one.core_seconds for one in progress] == sorted(one.core_seconds for one in progress)
    assert training.core_seconds == progress[-1].core_seconds and len(training.snapshots) == 2
    labels, unread, half = make_samples(9), unread_of(make_samples(12, seed=5)), Recipe(steps=3, seed=3)
    teacher = Training(labels, net=net, recipe=half)
    assert [one.loss for one in teacher.run()] == [one.loss for one in progress[:3]], "the teacher is a plain training"
    taught = network_of(teacher.weights(), config=net)
    said = pseudo_labels(taught, unread, shown=BOTH, flip=True, precision="float32")
    student = Training(with_unread(labels, unread, said), net=net, recipe=replace(half, newest_share=0.5))
    assert [one.loss for one in student.run()] == [one.loss for one in progress[3:]], "the student begins from nothing"


def test_it_refuses_to_begin_without_unread_images_or_a_step_for_each(net) -> None:
    with pytest.raises(ValueError, match="no unread image"):
        begun(net, Recipe(steps=8, seed=0), unread=0)
    with pytest.raises(ValueError, match="a step each"):
        begun(net, Recipe(steps=1, seed=0))


def test_a_student_finds_in_new_images_what_its_teacher_was_sure_of_in_unread_ones(net) -> None:
    training = begun(net, Recipe(steps=160, seed=0), labels=9, unread=36)
    for _ in training.run():
        pass
    new = make_samples(24, seed=9)
    said = predict(network_of(training.weights(), config=net), new.images, new.content).types
    lesion, true = said[:, 0] < 0.5, new.targets > 0
    assert 2 * (lesion & true).sum() / (lesion.sum() + true.sum()) > 0.6


def test_a_network_that_was_never_trained_is_sure_of_nothing(net) -> None:
    said = pseudo_labels(build_network(net, seed=0), unread_of(make_samples(3)), shown=BOTH, flip=True, precision="float32")
    assert (said == IGNORED).all()
