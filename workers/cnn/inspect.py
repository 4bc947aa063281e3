"""Looks inside a network while it reads one image: filters, feature maps, pooling, and what each value sees.

    seen = look_inside(network, images)
    seen.layers[1].maps[0]            # the strongest feature map of the second block
    seen.layers[1].spans              # per axis the first and last pixel that each of its values sees

Blocks are taken from the module tree: what a `ModuleList` of the network holds, and its other children. Any network whose
blocks give maps [N, C, …space] can be looked into; of more than two dimensions of space the plane in the middle is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workers.cnn.receptive_field import Ends, FieldTracer, Step

CONVOLUTIONS: Final = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)

_LISTS: Final = (nn.ModuleList, nn.ModuleDict)


@dataclass(frozen=True, slots=True)
class Filters:
    """The learned filters of one convolution.

    `weights` float32 [filters, rows, columns]: the very weights where there is one input (`inputs` 1), else their mean
    over the inputs; `norms` float32 [filters]: the length of each whole filter, over all its inputs.
    """

    module: str
    inputs: int
    weights: NDArray[np.float32]
    norms: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Layer:
    """One block's feature maps: float32 [channels, rows, columns] in the order of the network's channels.

    `strengths` [channels]: mean size of the activation over the image. `sees`: rows and columns of the image that a
    value sees where no border cuts them off; `spans`: for rows and for columns the first and last pixel of the image
    that each value sees. Both are None where that cannot be followed. `steps`: what changed the size since the block before.
    """

    name: str
    maps: NDArray[np.float32]
    strengths: NDArray[np.float32]
    sees: tuple[int, ...] | None
    spans: tuple[Ends, ...] | None
    steps: tuple[Step, ...]
    filters: tuple[Filters, ...]

    @property
    def strongest(self) -> NDArray[np.int64]:
        """Channels, the strongest first."""
        return np.argsort(-self.strengths, kind="stable")


@dataclass(frozen=True, slots=True)
class Inside:
    """The network's blocks in the order in which they ran, and how many weights it has."""

    layers: tuple[Layer, ...]
    parameters: int


def look_inside(network: nn.Module, images: Tensor, *, content: tuple[int, int] | None = None) -> Inside:
    """Run the network on one image [1, C, …space] and keep what its blocks gave.

    `content`: rows and columns that the image fills; what lies outside says nothing about a map's strength.
    """
    tracer = FieldTracer(images)
    marks: list[int] = []
    with torch.no_grad(), kept_maps(network, each=lambda: marks.append(len(tracer.steps))) as kept, tracer:
        network(images)
    grid = tuple(images.shape[-2:])
    layers, before = [], 0
    for (name, tensor), mark in zip(kept, marks, strict=True):
        module = network.get_submodule(name)
        layers.append(_layer(name, module, tensor, tracer, tuple(tracer.steps[before:mark]), _share(content or grid, grid)))
        before = mark
    return Inside(tuple(layers), sum(weights.numel() for weights in network.parameters()))


def blocks(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Name and module of each block: the members of lists and dictionaries, and the other children, in the tree's order."""
    children = list(network.named_children())
    if len(children) == 1 and not isinstance(children[0][1], _LISTS) and list(children[0][1].children()):
        name, only = children[0]  # A wrapper around one network is no block of its own.
        return [(f"{name}.{inner}", module) for inner, module in blocks(only)]
    found = []
    for name, child in children:
        if isinstance(child, _LISTS):
            found += [(f"{name}.{inner}", module) for inner, module in child.named_children()]
        else:
            found.append((name, child))
    return found


@contextmanager
def kept_maps(network: nn.Module, *, each: Any = None) -> Iterator[list[tuple[str, Tensor]]]:
    """While it is open, the feature maps that the blocks give are kept, in the order in which they run."""
    kept: list[tuple[str, Tensor]] = []

    def hook(name: str) -> Any:
        def keep(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim >= 4:
                kept.append((name, output))
                if each is not None:
                    each()

        return keep

    handles = [module.register_forward_hook(hook(name)) for name, module in blocks(network)]
    try:
        yield kept
    finally:
        for handle in handles:
            handle.remove()


def plane_of(tensor: Tensor) -> Tensor:
    """[C, rows, columns] of maps [1, C, …space]: of more dimensions of space the plane in the middle."""
    maps = tensor[0]
    while maps.ndim > 3:
        maps = maps[:, maps.shape[1] // 2]
    return maps


def _share(content: Sequence[int], grid: Sequence[int]) -> tuple[float, float]:
    return content[0] / grid[0], content[1] / grid[1]


def _layer(
    name: str, module: nn.Module, tensor: Tensor, tracer: FieldTracer, steps: tuple[Step, ...], share: tuple[float, float]
) -> Layer:
    maps = plane_of(tensor).float().numpy()
    rows, columns = (max(1, round(extent * part)) for extent, part in zip(maps.shape[1:], share, strict=True))
    known = tracer.field_of(tensor)
    space = tuple(tensor.shape[2:])
    return Layer(
        name=name,
        maps=maps,
        strengths=np.abs(maps[:, :rows, :columns]).mean(axis=(1, 2)),
        sees=known.size(space)[-2:] if known else None,
        spans=tuple(known.spans(space)[-2:]) if known else None,
        steps=steps,
        filters=tuple(_filters(f"{name}.{inner}".rstrip("."), one) for inner, one in _convolutions(module)),
    )


def _convolutions(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    return ((name, one) for name, one in module.named_modules() if isinstance(one, CONVOLUTIONS))


def _filters(name: str, module: Any) -> Filters:
    weights: Tensor = module.weight.detach().float()
    if module.transposed:
        weights = weights.transpose(0, 1)
    norms = weights.flatten(1).norm(dim=1)
    kernels = weights.mean(dim=1)
    while kernels.ndim > 3:
        kernels = kernels.mean(dim=1)
    if kernels.ndim == 2:
        kernels = kernels[:, None]
    return Filters(name, int(weights.shape[1]), kernels.contiguous().numpy(), norms.numpy())
