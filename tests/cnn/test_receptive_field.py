"""What a value sees by arithmetic is what its gradient reaches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.cnn.inspect import kept_maps, look_inside
from workers.cnn.model import NetConfig, build_network
from workers.cnn.receptive_field import trace_fields


def made_positive(network: nn.Module) -> nn.Module:
    """No weight below zero: then no ReLU closes and no two ways cancel, so the gradient reaches all that is seen."""
    with torch.no_grad():
        for weights in network.parameters():
            weights.abs_().add_(0.01)
    return network.eval()


def reached(network: nn.Module, block: str, at: tuple[int, int], size: int, *, draws: int = 32) -> np.ndarray:
    """Pixels with a gradient from one value of a block's maps, in any of many random images (max pooling picks one way)."""
    images = torch.rand((draws, 1, size, size), generator=torch.Generator().manual_seed(3)).requires_grad_()
    with kept_maps(network) as kept:
        network(images)
    (gradient,) = torch.autograd.grad(dict(kept)[block][:, :, at[0], at[1]].sum(), images)
    return (gradient != 0).any(dim=0)[0].numpy()


def test_each_block_of_the_network_sees_exactly_what_its_gradient_reaches_in_the_middle_and_at_the_borders() -> None:
    size = 96
    network = made_positive(build_network(NetConfig(n_types=1, n_findings=1, widths=(2, 3, 4, 4)), seed=0))
    seen = look_inside(network, torch.rand(1, 1, size, size))
    assert len(seen.layers) == 8
    for layer in seen.layers:
        assert layer.spans is not None
        rows, columns = layer.maps.shape[1:]
        for at in ((rows // 2, columns // 2), (rows // 2 + 1, 0), (rows - 1, columns // 3)):
            pixels = reached(network, layer.name, at, size)
            for axis, place in enumerate(at):
                hit = np.flatnonzero(pixels.any(axis=1 - axis))
                low, high = layer.spans[axis]
                assert (hit[0], hit[-1]) == (low[place], high[place]), (layer.name, at, axis)


def test_the_encoder_sees_as_far_as_the_published_arithmetic_says_even_beyond_a_small_image() -> None:
    """Araujo et al. 2019, equation 2: 1 + the sum of (kernel - 1) × the product of the strides before."""
    seen = look_inside(build_network(NetConfig(n_types=1, n_findings=1), seed=0).eval(), torch.zeros(1, 1, 32, 32))
    expected, jump, size = [], 1, 1
    for level in range(5):
        if level:
            size, jump = size + jump, jump * 2
        size += 4 * jump
        expected.append(size)
    assert [layer.sees for layer in seen.layers[:5]] == [(size, size) for size in expected]
    assert expected == [5, 14, 32, 68, 140]


def test_pooling_is_told_with_the_block_that_follows_it() -> None:
    seen = look_inside(
        build_network(NetConfig(n_types=1, n_findings=1, widths=(2, 3, 4)), seed=0).eval(), torch.zeros(1, 1, 16, 16)
    )
    told = [[(step.function, step.factor) for step in layer.steps] for layer in seen.layers]
    pool, grow = ("max_pool2d", (2.0, 2.0)), ("interpolate", (0.5, 0.5))
    assert told == [[], [pool], [pool], [grow], [grow], []]


class Branches(nn.Module):
    """Two ways of different reach that meet, as no list of layers could tell."""

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Conv2d(1, 2, 1)
        self.far = nn.Sequential(
            nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(2, 2, 3, padding=2, dilation=2)
        )
        self.up = nn.ConvTranspose2d(2, 2, 2, stride=2)
        self.last = nn.Conv2d(4, 1, (5, 1), padding=(2, 0))

    def forward(self, images: Tensor) -> Tensor:
        return self.last(torch.cat([self.near(images), self.up(self.far(images))], dim=1))


def test_ways_of_different_reach_that_meet_are_followed() -> None:
    network = made_positive(Branches())
    seen = look_inside(network, torch.rand(1, 1, 40, 40))
    last = seen.layers[-1]
    assert last.name == "last" and last.spans is not None
    for at in ((20, 20), (0, 39), (11, 3)):
        pixels = reached(network, "last", at, 40, draws=2)
        for axis, place in enumerate(at):
            hit = np.flatnonzero(pixels.any(axis=1 - axis))
            assert (hit[0], hit[-1]) == (last.spans[axis][0][place], last.spans[axis][1][place])


@pytest.mark.parametrize(
    "step",
    [
        lambda x: functional.avg_pool2d(x, 3, stride=2, padding=1),
        lambda x: functional.max_pool2d(x, kernel_size=2),
        lambda x: functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False),
        lambda x: functional.interpolate(x, size=(9, 21), mode="nearest"),
        lambda x: functional.adaptive_avg_pool2d(x, (5, 7)),
        lambda x: functional.pad(x, (3, 1, 0, 2)),
    ],
)
def test_a_function_sees_what_its_gradient_reaches(step: Callable[[Tensor], Tensor]) -> None:
    class One(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, images: Tensor) -> Tensor:
            self.result = step(self.first(images))
            return self.result

    network = made_positive(One())
    images = torch.rand((24, 1, 18, 14), generator=torch.Generator().manual_seed(1)).requires_grad_()
    field = trace_fields(network, images.detach()).field_of(network.result)
    assert field is not None
    result = network(images)
    spans = field.spans(result.shape[2:])
    for place in range(0, min(result.shape[2:]), 2):
        (gradient,) = torch.autograd.grad(result[:, 0, place, place].sum(), images, retain_graph=True)
        pixels = (gradient != 0).any(dim=0)[0].numpy()
        if not pixels.any():
            continue  # A value of the padding alone.
        for axis in (0, 1):
            hit = np.flatnonzero(pixels.any(axis=1 - axis))
            assert spans[axis][0][place] <= hit[0] and hit[-1] <= spans[axis][1][place]
            assert hit[-1] - hit[0] >= spans[axis][1][place] - spans[axis][0][place] - 1


def test_what_cannot_be_followed_is_unknown_not_guessed() -> None:
    class Turned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.before = nn.Conv2d(1, 2, 3, padding=1)
            self.after = nn.Conv2d(2, 2, 3, padding=1)

        def forward(self, images: Tensor) -> Tensor:
            return self.after(torch.flip(self.before(images), dims=(3,)))

    seen = look_inside(Turned().eval(), torch.zeros(1, 1, 12, 12))
    assert [layer.sees for layer in seen.layers] == [(3, 3), None]
    assert seen.layers[1].spans is None and seen.layers[1].maps.shape == (2, 12, 12)


def test_a_network_in_three_dimensions_is_shown_by_its_middle_plane() -> None:
    network = nn.Sequential(
        nn.Conv3d(1, 4, 3, padding=1), nn.MaxPool3d((1, 2, 2)), nn.Conv3d(4, 5, (1, 3, 3), padding=(0, 1, 1))
    )
    seen = look_inside(network.eval(), torch.rand(1, 1, 7, 16, 20))
    assert [layer.maps.shape for layer in seen.layers] == [(4, 16, 20), (4, 8, 10), (5, 8, 10)]
    assert [layer.sees for layer in seen.layers] == [(3, 3), (4, 4), (8, 8)]
    assert seen.layers[0].filters[0].weights.shape == (4, 3, 3)
