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


def bright_discs(n: int, *, seed: int) -> Samples:
    """Images with a bright disc or none; one lesion type, and of the whole image whether there is any."""
    drawn = make_samples(3 * n, seed=seed)
    kept = drawn.take([index for index in range(3 * n) if index % 3 != 2])
    return Samples(kept.images, kept.content, kept.targets, kept.type_known[:, :1], kept.findings[:, :2])


@pytest.fixture(scope="module")
def learned() -> UNet:
    """A network that finds bright discs."""
    torch.set_num_threads(1)
    net = NetConfig(n_types=1, n_findings=2, widths=(8, 8, 16))
    training = Training(bright_discs(16, seed=0), net=net, recipe=Recipe(steps=240, seed=1))
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
    assert second.norms[3] == pytest.approx(float(network.encoder[0][3].weight[3].detach().norm()))


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


def farthest_of_peak(cam: np.ndarray, disc: np.ndarray) -> tuple[float, int]:
    """How far the highest value lies from the disc, in pixels, and how many pixels one value of the map is wide."""
    step = disc.shape[0] // cam.shape[0]
    row, column = np.unravel_index(np.kron(cam, np.ones((step, step))).argmax(), disc.shape)
    rows, columns = np.nonzero(disc)
    return float(np.hypot(rows - row, columns - column).min()), step


def test_the_saliency_of_a_learned_disc_is_highest_in_the_disc(learned: UNet) -> None:
    samples = bright_discs(6, seed=7)
    for index in np.flatnonzero(samples.presence[:, 0]):
        disc = samples.targets[index] == 1
        lesion, finding = grad_cams(learned, network_input(samples, index), [LesionTarget(1, disc), FindingTarget(0)])
        for name in ("encoder.0", "encoder.1", "decoder.0", "decoder.1"):
            assert farthest_of_peak(lesion[name], disc)[0] == 0, name
        for name in ("encoder.0", "encoder.1", "encoder.2"):
            assert farthest_of_peak(finding[name], disc)[0] == 0, name
        far, step = farthest_of_peak(lesion["encoder.2"], disc)
        assert far <= step, "at the bottom in the disc or the value beside it"


def test_a_finding_of_the_whole_image_has_no_saliency_in_the_decoder_on_which_it_does_not_rest(learned: UNet) -> None:
    (cams,) = grad_cams(learned, network_input(bright_discs(3, seed=5), 1), [FindingTarget(0)])
    assert set(cams) == {"encoder.0", "encoder.1", "encoder.2"}
    assert all((cam >= 0).all() for cam in cams.values())


def test_weights_in_random_order_give_another_map_and_the_trained_network_is_not_touched(learned: UNet) -> None:
    samples = bright_discs(3, seed=7)
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
    images = network_input(bright_discs(3, seed=5), 1)
    heads = shuffled(learned, images, part="heads", seed=0)
    assert torch.equal(heads.encoder[0][0].weight, learned.encoder[0][0].weight)
    assert not torch.equal(heads.type_head.weight, learned.type_head.weight)
    assert torch.equal(heads.type_head.weight.flatten().sort().values, learned.type_head.weight.flatten().sort().values)
    everything = shuffled(learned, images, part="all", seed=0)
    assert not torch.equal(everything.encoder[0][0].weight, learned.encoder[0][0].weight)
