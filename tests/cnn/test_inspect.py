"""What is shown of a network is what it is: its weights, its maps, and where its answers come from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.cnn.conftest import make_samples
from workers.cnn.checkpoint import network_of
from workers.cnn.data import Samples, content_mask, standardise
from workers.cnn.inspect import blocks, look_inside
from workers.cnn.model import NetConfig, UNet, build_network
from workers.cnn.predict import predict
from workers.cnn.saliency import FindingTarget, LesionTarget, grad_cams, sanity, shuffled
from workers.cnn.train import Recipe, Training


def network_input(samples: Samples, index: int) -> torch.Tensor:
    images = torch.from_numpy(samples.images[index : index + 1]).float()[:, None] / 255
    return standardise(images, content_mask(samples.content[index : index + 1], images.shape[-1]))


@pytest.fixture(scope="module")
def learned() -> UNet:
    """A network that finds bright and dark discs."""
    torch.set_num_threads(1)
    training = Training(
        make_samples(48), net=NetConfig(n_types=2, n_findings=3, widths=(8, 8, 16)), recipe=Recipe(steps=160, seed=1)
    )
    for _ in training.run():
        pass
    return network_of(training.weights(), config=training.network.config)


def test_the_first_filters_are_the_weights_and_deeper_ones_the_mean_over_their_inputs(net: NetConfig) -> None:
    network = build_network(net, seed=4).eval()
    seen = look_inside(network, torch.zeros(1, 1, 32, 32))
    first, second = seen.layers[0].filters
    assert (first.module, first.inputs) == ("encoder.0.0", 1)
    assert np.array_equal(first.weights, network.encoder[0][0].weight.detach().numpy()[:, 0])
    assert second.inputs == 8
    assert second.weights == pytest.approx(network.encoder[0][3].weight.detach().mean(dim=1).numpy())
    assert second.norms[3] == pytest.approx(float(network.encoder[0][3].weight[3].norm()))


def test_maps_are_what_the_network_computes_and_it_is_left_as_it_was(net: NetConfig, samples: Samples) -> None:
    network = build_network(net, seed=4).eval()
    before = predict(network, samples.images[:1], samples.content[:1])
    images = network_input(samples, 0)
    seen = look_inside(network, images, content=(32, 32))
    expected = network.encoder[0](images)
    assert seen.layers[0].maps == pytest.approx(expected[0].detach().numpy(), abs=1e-5)
    assert seen.layers[-1].name == "type_head"
    assert seen.layers[-1].maps == pytest.approx(network(images).types[0].detach().numpy(), abs=1e-5)
    assert seen.parameters == sum(weights.numel() for weights in network.parameters())
    assert np.array_equal(predict(network, samples.images[:1], samples.content[:1]).types, before.types)
    assert not any(module._forward_hooks for module in network.modules())


def test_maps_are_ordered_by_how_strong_they_are_where_the_image_is(net: NetConfig) -> None:
    network = build_network(net, seed=4).eval()
    images = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    layer = look_inside(network, images, content=(16, 32)).layers[0]
    assert layer.strengths == pytest.approx(np.abs(layer.maps[:, :16]).mean(axis=(1, 2)))
    assert list(layer.strengths[layer.strongest]) == sorted(layer.strengths, reverse=True)


def test_blocks_come_from_the_module_tree_whatever_its_shape() -> None:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = build_network(NetConfig(n_types=1, n_findings=1, in_channels=3, widths=(4, 4)), seed=0)

    assert [name for name, _ in blocks(Wrapped())] == [
        "net.encoder.0", "net.encoder.1", "net.decoder.0", "net.type_head", "net.finding_head",
    ]  # fmt: skip


@pytest.mark.parametrize("index", [1, 2, 4, 5, 7])
def test_the_saliency_of_a_learned_disc_is_highest_in_the_disc(learned: UNet, index: int) -> None:
    samples = make_samples(9, seed=7)
    disc = samples.targets[index] > 0
    kind = int(samples.targets[index].max())
    images = network_input(samples, index)
    (cams,) = grad_cams(learned, images, [LesionTarget(kind, disc)])
    for name in ("encoder.0", "encoder.1", "decoder.1"):
        cam = torch.from_numpy(cams[name])[None, None]
        whole = torch.nn.functional.interpolate(cam, size=disc.shape, mode="nearest")[0, 0].numpy()
        row, column = np.unravel_index(whole.argmax(), whole.shape)
        rows, columns = np.nonzero(disc)
        step = disc.shape[0] // cams[name].shape[0]
        near = np.hypot(rows - row, columns - column).min()
        assert near <= step, f"{name}: the highest value lies {near:.1f} pixels beside the disc"


def test_a_finding_of_the_whole_image_has_no_saliency_in_the_decoder_on_which_it_does_not_rest(learned: UNet) -> None:
    (cams,) = grad_cams(learned, network_input(make_samples(3), 1), [FindingTarget(0)])
    assert set(cams) == {"encoder.0", "encoder.1", "encoder.2"}
    assert all((cam >= 0).all() for cam in cams.values())


def test_weights_in_random_order_give_another_map_and_the_trained_network_is_not_touched(learned: UNet) -> None:
    samples = make_samples(9, seed=7)
    images, targets = network_input(samples, 1), [LesionTarget(1, samples.targets[1] == 1)]
    before = {name: value.clone() for name, value in learned.state_dict().items()}
    cams = grad_cams(learned, images, targets)
    (check,) = sanity(learned, images, targets, cams)
    known = [value for value in check.all.values() if value is not None]
    assert known and max(known) < 0.9
    again = grad_cams(learned, images, targets)
    assert all(np.array_equal(again[0][name], cam) for name, cam in cams[0].items())
    assert all(torch.equal(before[name], value) for name, value in learned.state_dict().items())


def test_a_shuffled_network_has_the_same_weights_in_another_order(learned: UNet) -> None:
    images = network_input(make_samples(3), 1)
    heads = shuffled(learned, images, part="heads", seed=0)
    assert torch.equal(heads.encoder[0][0].weight, learned.encoder[0][0].weight)
    assert not torch.equal(heads.type_head.weight, learned.type_head.weight)
    assert torch.equal(heads.type_head.weight.flatten().sort().values, learned.type_head.weight.flatten().sort().values)
    everything = shuffled(learned, images, part="all", seed=0)
    assert not torch.equal(everything.encoder[0][0].weight, learned.encoder[0][0].weight)
