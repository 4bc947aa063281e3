"""Series in 3D, slices with their neighbours, and large images by patches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.cnn.conftest import make_samples
from workers.cnn.checkpoint import decode_checkpoint, encode_checkpoint, network_of
from workers.cnn.data import IGNORED, UNKNOWN, Augmentation, Letterbox, Samples, neighbour_frames
from workers.cnn.model import NetConfig, build_network, transfer_weights
from workers.cnn.patches import Volumes, make_patches, resample_volume
from workers.cnn.predict import find_lesions, predict
from workers.cnn.train import Recipe, Training, probe_precision

SIZE = 32
PATCH = (8, 16, 16)
NET = NetConfig(
    n_types=2, n_findings=3, widths=(8, 16), dims=3, strides=((1, 2, 2),), kernels=((1, 3, 3), (3, 3, 3)),
    norm="instance", patch=PATCH,
)  # fmt: skip
STILL = Augmentation(flip=False, degrees=0, zoom=1, contrast=0, noise=0, blur_share=0)


def make_volumes(n: int = 6, seed: int = 0, frames: tuple[int, ...] = (6, 12, 15)) -> Volumes:
    """Balls of two kinds in series of different depth; every third has none."""
    generator = np.random.default_rng(seed)
    images, targets = [], []
    for index in range(n):
        depth, kind = frames[index % len(frames)], index % 3
        image = generator.normal(120, 8, (depth, SIZE, SIZE))
        target = np.zeros(image.shape, np.uint8)
        if kind:
            centre = [generator.integers(2, depth - 2), *generator.integers(6, SIZE - 6, 2)]
            at = np.indices(image.shape) - np.array(centre)[:, None, None, None]
            ball = (at * np.array([2, 1, 1])[:, None, None, None]) ** 2
            inside = ball.sum(axis=0) <= 20
            image[inside] += 80 if kind == 1 else -80
            target[inside] = kind
        images.append(image.clip(0, 255).astype(np.uint8))
        targets.append(target)
    findings = np.array([[(t > 0).any(), (t == 1).any(), (t == 2).any()] for t in targets]).astype(np.uint8)
    return Volumes(images, targets, np.full((n, 2), SIZE), np.ones((n, 2), bool), findings, PATCH)


def test_a_small_3d_network_learns_balls_and_finds_them_in_series_it_never_saw() -> None:
    training = Training(make_volumes(9), net=NET, recipe=Recipe(steps=140, seed=1, batch=2, rate=5e-3))
    losses = [progress.loss for progress in training.run()]
    assert np.mean(losses[-15:]) < 0.6 * np.mean(losses[:15])
    network = network_of(training.weights(), config=NET)
    unseen = make_volumes(3, seed=7)
    for image, target in list(zip(unseen.images, unseen.targets, strict=True))[1:]:
        said = predict(network, image, np.full((len(image), 2), SIZE)).types
        assert said.shape == (len(image), 3, SIZE, SIZE)
        found = said.argmax(axis=1) > 0
        assert 2 * (found & (target > 0)).sum() / (found.sum() + (target > 0).sum()) > 0.6


def test_a_resumed_3d_run_equals_an_uninterrupted_one_bit_for_bit() -> None:
    recipe = Recipe(steps=6, seed=3, batch=2)
    whole = Training(make_volumes(), net=NET, recipe=recipe)
    expected = [progress.loss for progress in whole.run()]
    first = Training(make_volumes(), net=NET, recipe=recipe)
    losses = [first.advance().loss for _ in range(3)]
    torch.rand(5)
    second = Training(make_volumes(), net=NET, recipe=recipe)
    second.restore(decode_checkpoint(encode_checkpoint(first.state())))
    losses += [progress.loss for progress in second.run()]
    assert losses == expected
    assert all(torch.equal(value, second.weights()[name]) for name, value in whole.weights().items())


def test_a_patch_shows_the_voxels_that_it_was_cut_from_with_their_labels() -> None:
    volumes = make_volumes()
    rows = np.array([1, 2, 4, 1])
    images, targets, findings = make_patches(volumes, rows, augmentation=STILL, generator=torch.Generator().manual_seed(0))
    assert images.shape == (4, 1, *PATCH) and targets.shape == (4, *PATCH)
    seen = 0
    for image, target, told in zip(images[:, 0], targets, findings, strict=True):
        for kind, sign in ((1, 1), (2, -1)):
            lesion = target == kind
            seen += bool(lesion.any())
            if lesion.any():
                assert sign * (image[lesion].mean() - image[target == 0].mean()) > 3
                assert told[0] == 1 and told[kind] == 1
    assert seen >= 3


def test_slices_nobody_read_say_nothing_in_3d_and_a_short_series_is_filled_up_with_nothing() -> None:
    volumes = make_volumes(frames=(6,))
    for target in volumes.targets:
        target[3:] = IGNORED
    volumes = Volumes(volumes.images, volumes.targets, volumes.content, volumes.type_known, volumes.findings, volumes.patch)
    _, targets, findings = make_patches(
        volumes, np.array([0, 3, 0, 3]), augmentation=STILL, generator=torch.Generator().manual_seed(0)
    )
    told = (targets != IGNORED).any(dim=2).any(dim=2)
    assert told.tolist() == [[False, True, True, True, False, False, False, False]] * 4
    assert (findings[:, 0] == UNKNOWN).all(), "what was not read may hold a lesion"


def test_a_3d_network_brings_a_lesion_home_to_the_very_corner_voxel() -> None:
    """The network is told to call what is bright a lesion: whatever is bright is found where it is, at every corner."""
    net = NetConfig(n_types=1, n_findings=2, widths=(8, 8), dims=3, norm="instance", patch=(8, 16, 16))
    network = build_network(net, seed=0)
    with torch.no_grad():
        for layer in network.decoder[0]:
            if isinstance(layer, torch.nn.Conv3d):
                layer.weight.zero_()
        first, second = network.decoder[0][0], network.decoder[0][3]
        first.weight[0, net.widths[1], 1, 1, 1] = 1  # the skip connection's first channel, untouched
        second.weight[0, 0, 1, 1, 1] = 1
        for layer in (network.encoder[0][0], network.encoder[0][3]):
            layer.weight.zero_()
            layer.weight[0, 0, 1, 1, 1] = 1
        network.type_head.weight.zero_()
        network.type_head.weight[1, 0] = 20
        network.type_head.bias[:] = torch.tensor([20.0, 0.0])
    images = np.full((11, SIZE, SIZE), 60, np.uint8)
    images[9:, 29:, 30:] = 200
    said = predict(network, images, np.full((11, 2), SIZE))
    (lesion,) = find_lesions(said.types, letterbox=Letterbox(SIZE, SIZE, SIZE))
    assert lesion.origin == (9, 29, 30) and lesion.mask.shape == (2, 3, 2) and lesion.mask.all()


def test_resampled_slices_keep_every_lesion_and_equal_slices_are_the_same_ones() -> None:
    images = np.random.default_rng(0).integers(0, 255, (20, 8, 8)).astype(np.uint8)
    targets = np.zeros((20, 8, 8), np.uint8)
    targets[7, 2, 2], targets[12:, 5:, 5:], targets[:3] = 1, 2, IGNORED
    same = resample_volume(images, targets, 20)
    assert same[0] is images and same[1] is targets
    fewer, told = resample_volume(images, targets, 8)
    assert fewer.shape == told.shape == (8, 8, 8)
    assert (told == 1).sum() == 1 and (told[5:, 5:, 5:] == 2).all() and (told[0] == IGNORED).all()
    assert fewer.mean() == pytest.approx(images.mean(), abs=2)


def test_a_series_that_is_read_in_fewer_slices_is_told_of_every_slice(net) -> None:
    network = build_network(NET, seed=0)
    images = make_volumes(2).images[1]
    said = predict(network, images, np.full((12, 2), SIZE), depth=7)
    assert said.types.shape == (12, 3, SIZE, SIZE) and said.findings.shape == (1, 3) and said.embedding.shape == (1, 16)
    assert said.types.sum(axis=1) == pytest.approx(1, abs=1e-4)


def test_neighbours_repeat_the_ends_and_do_not_reach_over_missing_slices() -> None:
    assert neighbour_frames(4, count=3).tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]
    assert neighbour_frames(1, count=5).tolist() == [[0] * 5]
    gap = neighbour_frames(6, count=5, positions=[0, 2, 4, 12, 14, 16])
    assert gap[2].tolist() == [0, 1, 2, 2, 2] and gap[3].tolist() == [3, 3, 3, 4, 5]
    assert (neighbour_frames(6, count=5, positions=[0, 2, 4, 6, 8, 10]) == neighbour_frames(6, count=5)).all()


def test_a_network_with_neighbours_learns_what_only_the_neighbours_tell() -> None:
    """A disc is of kind 1 where it goes on in the slice above, of kind 2 where it does not."""
    plain = make_samples(n=24)
    around = np.repeat(plain.images[:, None], 3, axis=1)
    generator = np.random.default_rng(1)
    grey = generator.normal(120, 10, plain.images.shape).clip(0, 255).astype(np.uint8)
    kinds = (plain.targets > 0) * (1 + (np.arange(24) % 2)[:, None, None])
    around[:, 1] = np.where(plain.targets > 0, 200, grey)
    around[:, 0] = np.where(kinds == 1, 200, grey)
    around[:, 2] = grey
    targets = kinds.astype(np.uint8)
    findings = np.array([[t.any(), (t == 1).any(), (t == 2).any()] for t in targets]).astype(np.uint8)
    samples = Samples(around, plain.content, targets, plain.type_known, findings)
    training = Training(
        samples, net=NetConfig(n_types=2, n_findings=3, in_channels=3, widths=(8, 8, 16)), recipe=Recipe(steps=80, seed=0)
    )
    for _ in training.run():
        pass
    network = network_of(training.weights(), config=training.network.config)
    said = predict(network, samples.images, samples.content).types.argmax(axis=1)
    for kind in (1, 2):
        assert (said[targets == kind] == kind).mean() > 0.8


def test_large_images_are_learned_and_read_in_patches() -> None:
    plain = make_samples(n=12, size=48)
    volumes = Volumes(
        list(plain.images[:, None]), list(plain.targets[:, None]), plain.content, plain.type_known, plain.findings, (16, 16)
    )
    net = NetConfig(n_types=2, n_findings=3, widths=(8, 8), patch=(16, 16))
    training = Training(volumes, net=net, recipe=Recipe(steps=60, seed=0, batch=4))
    losses = [progress.loss for progress in training.run()]
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    said = predict(network_of(training.weights(), config=net), plain.images[:3], plain.content[:3])
    assert said.types.shape == (3, 3, 48, 48) and said.findings.shape == (3, 3) and said.embedding.shape == (3, 8)


def test_a_warm_start_in_3d_keeps_the_body_and_refuses_another_shape() -> None:
    old, new = build_network(NET, seed=1), build_network(NET, seed=2)
    kept = {"old_types": [1, 2], "new_types": [1, 2], "old_findings": ["any"], "new_findings": ["any"]}
    transfer_weights(old.state_dict(), network=new, **kept)
    assert torch.equal(new.encoder[0][0].weight, old.encoder[0][0].weight)
    flat = build_network(NetConfig(n_types=2, n_findings=3, widths=(8, 16)), seed=0)
    with pytest.raises(ValueError, match="another shape"):
        transfer_weights(old.state_dict(), network=flat, **kept)


def test_the_shape_of_every_network_survives_json_and_a_plain_one_says_no_more_than_before() -> None:
    assert NetConfig.from_dict(NET.as_dict()) == NET
    plain = NetConfig(n_types=2, n_findings=3)
    assert plain.as_dict() == {"n_types": 2, "n_findings": 3, "in_channels": 1, "widths": [16, 32, 64, 128, 128]}
    assert NetConfig.from_dict(plain.as_dict()) == plain


def test_precision_is_probed_in_3d_as_well() -> None:
    tiny = NetConfig(n_types=1, n_findings=2, widths=(4, 4), dims=3, norm="instance", patch=(4, 8, 8))
    assert probe_precision(8, net=tiny, batch=1) in ("float32", "bfloat16")


def test_a_plain_2d_training_makes_the_numbers_that_were_written_down(samples, net) -> None:
    """To the last bit on the machine that wrote them down; elsewhere other instructions round otherwise."""
    training = Training(make_samples(n=12), net=net, recipe=Recipe(steps=6, seed=3))
    losses = [progress.loss for progress in training.run()]
    written_down = [1.512412, 1.4440459, 1.4026207, 1.3809259, 1.3835293, 1.2319232]
    assert losses == pytest.approx(written_down, rel=1e-3)
