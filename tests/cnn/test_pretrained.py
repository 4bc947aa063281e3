"""A network that begins with what photographs have taught, and goes on from there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from tests.cnn.conftest import make_samples
from workers.cnn import pretrained
from workers.cnn.checkpoint import network_of
from workers.cnn.export import export_onnx, largest_difference
from workers.cnn.inspect import look_inside
from workers.cnn.model import NetConfig, build_network, learned_before, shrink_and_perturb, transfer_weights
from workers.cnn.plan import Plan, with_pretrained
from workers.cnn.predict import predict
from workers.cnn.saliency import FindingTarget, grad_cams
from workers.cnn.train import Recipe, Training


def config(**other: Any) -> NetConfig:
    return replace(with_pretrained(Plan.plain(64)).net(n_types=2, n_findings=3), **other)


def test_every_published_weight_but_those_of_the_last_layers_finds_its_place() -> None:
    levels = pretrained.levels(3)
    pretrained.load_imagenet(levels)
    ours = [
        value for level in levels for name, value in level.state_dict().items() if not name.endswith("num_batches_tracked")
    ]
    theirs = [value for name, value in pretrained._weights().items() if not name.endswith("num_batches_tracked")]
    assert len(ours) == len(theirs)
    assert all(torch.equal(one, other) for one, other in zip(ours[1:], theirs[1:], strict=True))
    assert torch.allclose(ours[0].sum(dim=1), theirs[0].sum(dim=1), atol=1e-6), "the stem sees grey"


def test_each_level_halves_the_image_and_has_the_channels_that_it_says() -> None:
    network = build_network(config(), seed=0)
    maps = network.encoder(torch.zeros(2, 1, 64, 96))
    assert [tuple(one.shape[1:]) for one in maps] == [
        (16, 64, 96), (16, 32, 48), (24, 16, 24), (40, 8, 12), (112, 4, 6), (320, 2, 3),
    ]  # fmt: skip
    assert network.stride == 32 and network(torch.zeros(2, 1, 64, 96)).types.shape == (2, 3, 64, 96)


def test_a_slice_with_neighbours_like_itself_is_seen_as_one_image_is() -> None:
    image = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    one, five = (build_network(config(in_channels=n), seed=0).eval().encoder.learned for n in (1, 5))
    seen, again = image, image.expand(1, 5, 64, 64)
    for level, other in zip(one, five, strict=True):
        seen, again = level(seen), other(again)
    assert torch.allclose(seen, again, atol=1e-4)


def test_weights_that_are_not_those_that_were_published_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pretrained._weights.cache_clear()
    monkeypatch.setattr(pretrained, "SHA256", "0" * 64)
    with pytest.raises(RuntimeError, match=r"efficientnet-lite0.*is not the file"):
        build_network(config(), seed=0)


@pytest.mark.parametrize("wrong", [{"encoder": "resnet"}, {"widths": (16, 32, 48, 64, 128, 256)}, {"dims": 3}])
def test_an_encoder_that_does_not_exist_is_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="there is no encoder"):
        build_network(replace(config(), **wrong), seed=0)  # type: ignore[arg-type]


def test_what_was_learned_before_moves_at_a_fifth_of_the_rate_and_is_there_when_training_goes_on() -> None:
    samples = make_samples(size=64)
    recipe = Recipe(steps=6, seed=3, batch=4)
    whole, halves = (Training(samples, net=config(), recipe=recipe) for _ in range(2))
    assert len(learned_before(whole.network)) == 144
    for _ in whole.run():
        rest, learned = whole.optimizer.param_groups
        assert learned["lr"] == pytest.approx(rest["lr"] / 5) and len(learned["params"]) == 144
    for _ in range(3):
        halves.advance()
    again = Training(samples, net=config(), recipe=recipe)
    again.restore(halves.state())
    for _ in again.run():
        pass
    assert all(torch.equal(value, again.weights()[name]) for name, value in whole.weights().items())


def test_it_learns_the_discs_of_the_tiny_set() -> None:
    training = Training(make_samples(size=64), net=config(), recipe=Recipe(steps=60, seed=0))
    losses = [one.loss for one in training.run()]
    assert np.mean(losses[-10:]) < 0.4 * np.mean(losses[:10])


def test_strided_convolutions_leave_bfloat16_for_a_moment_and_say_the_same() -> None:
    convolution = pretrained.DepthwiseConv2d(8, 5, 2)
    x = torch.randn(1, 8, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = convolution(x.bfloat16())
    assert half.dtype == torch.bfloat16
    assert torch.allclose(half.float(), convolution(x), atol=0.05)


def test_a_version_with_it_can_be_a_start_for_another_vocabulary_and_be_shrunk_without_the_published_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = build_network(config(), seed=1)
    monkeypatch.setattr(pretrained, "load_imagenet", None)
    new = build_network(config(n_types=3), seed=2, learned=False)
    with torch.no_grad():
        old.encoder[3][0].depthwise[0].weight.mul_(2)
    transfer_weights(
        old.state_dict(), network=new, old_types=[1, 2], new_types=[1, 2, 3], old_findings=["a", "b", "c"],
        new_findings=["a", "b", "c"],
    )  # fmt: skip
    kept = old.encoder[3][0].depthwise[0].weight
    assert torch.equal(new.encoder[3][0].depthwise[0].weight, kept)
    chance = build_network(new.config, seed=4, learned=False).encoder[3][0].depthwise[0].weight
    shrink_and_perturb(new, seed=4)
    assert torch.allclose(new.encoder[3][0].depthwise[0].weight, kept / 2 + chance / 10)
    plain = build_network(NetConfig(n_types=2, n_findings=3), seed=0)
    with pytest.raises(ValueError, match="another shape"):
        transfer_weights(
            plain.state_dict(), network=new, old_types=[1, 2], new_types=[1, 2, 3], old_findings=["a"], new_findings=["a"]
        )


def test_slices_with_neighbours_train_and_are_exported_with_it() -> None:
    net, plain = config(in_channels=3), make_samples(n=8, size=64)
    samples = replace(plain, images=np.repeat(plain.images[:, None], 3, axis=1))
    training = Training(samples, net=net, recipe=Recipe(steps=2, seed=0, batch=4))
    assert all(np.isfinite(one.loss) for one in training.run())
    network = network_of(training.weights(), config=net)
    data = export_onnx(network, size=64, about={})
    assert largest_difference(data, network, samples.images[:2], np.full((2, 2), 64)) < 1e-4


def test_large_images_are_read_with_it_patch_by_patch() -> None:
    network = build_network(config(patch=(64, 64)), seed=0)
    said = predict(network, make_samples(n=2, size=128).images, np.full((2, 2), 128))
    assert said.types.shape == (2, 3, 128, 128) and np.allclose(said.types.sum(axis=1), 1, atol=1e-5)


def test_it_can_be_exported_and_looked_into() -> None:
    network = build_network(config(), seed=0).eval()
    data = export_onnx(network, size=64, about={})
    noise = np.random.default_rng(0).integers(0, 256, (3, 64, 64)).astype(np.uint8)
    assert largest_difference(data, network, noise, np.full((3, 2), 64)) < 1e-4
    image = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(2))
    seen = look_inside(network, image)
    assert [one.name for one in seen.layers[:6]] == [f"encoder.{level}" for level in range(6)]
    assert [one.sees for one in seen.layers[:3]] == [(5, 5), (7, 7), (19, 19)]
    assert [(step.function, step.factor) for step in seen.layers[2].steps] == [("conv2d", (2.0, 2.0))]
    stem, depthwise = seen.layers[1].filters[:2]
    assert (stem.inputs, stem.weights.shape) == (1, (32, 3, 3)) and (depthwise.inputs, len(depthwise.weights)) == (1, 32)
    assert set(grad_cams(network, image, [FindingTarget(0)])[0]) == {f"encoder.{level}" for level in range(1, 6)}
