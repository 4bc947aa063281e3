"""Which part of the image a chosen answer rests on: Grad-CAM, and what a network that learned nothing would show.

Grad-CAM (Selvaraju et al. 2017): the maps of a layer, each weighted by the mean gradient of the answer over it, added up,
what is negative cut off. For a finding the answer is its logit; for a lesion it is the sum of the logits of its type over
its pixels (Seg-Grad-CAM: Vinogradova, Dibrov and Myers 2020).

A picture that looks right proves nothing. Adebayo et al. (Sanity Checks for Saliency Maps, 2018): a map that stays as it
is when the weights are put in random order shows the image, not what was learned. `sanity` tells how alike they are.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from workers.cnn.inspect import blocks, kept_maps
from workers.cnn.model import TypeHead

DRAWS: Final = 2
"""Random orders that are tried of each kind: half of the work of an inspection is this check."""
CamMaps = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class LesionTarget:
    """A lesion: output `type_index` (1…) over the pixels of `mask` bool [S, S] of the network grid."""

    type_index: int
    mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FindingTarget:
    """A finding of the whole image: its place among the outputs per image."""

    index: int


Target = LesionTarget | FindingTarget


def grad_cams(network: nn.Module, images: Tensor, targets: Sequence[Target]) -> list[CamMaps]:
    """Per target the maps by block, float32 [rows, columns] of the block's size, ≥ 0 and not scaled.

    Blocks on which the answer does not rest (the decoder, for a finding of the whole image) have none.
    """
    network.eval()
    with torch.enable_grad(), kept_maps(network) as kept:
        outputs = network(images)
    # The answer's own map would only show the answer.
    maps = [(name, tensor) for name, tensor in kept if tensor.requires_grad and tensor is not outputs.types]
    return [_of_target(_answer(outputs, target), maps) for target in targets]


def _answer(outputs: Any, target: Target) -> Tensor:
    """The number whose gradient is asked for."""
    if isinstance(target, FindingTarget):
        return outputs.findings[0, target.index]  # type: ignore[no-any-return]
    logits = outputs.types[0, target.type_index]
    while logits.ndim > 2:
        logits = logits[logits.shape[0] // 2]
    return (logits * torch.from_numpy(target.mask)).sum()  # type: ignore[no-any-return]


def _of_target(answer: Tensor, maps: Sequence[tuple[str, Tensor]]) -> CamMaps:
    gradients = torch.autograd.grad(answer, [tensor for _, tensor in maps], retain_graph=True, allow_unused=True)
    found: CamMaps = {}
    for (name, tensor), gradient in zip(maps, gradients, strict=True):
        if gradient is None:
            continue
        space = tuple(range(2, tensor.ndim))
        weights = gradient.float().mean(dim=space, keepdim=True)
        cam = (weights * tensor.detach().float()).sum(dim=1)[0].relu()
        while cam.ndim > 2:
            cam = cam[cam.shape[0] // 2]
        found[name] = cam.numpy()
    return found


@dataclass(frozen=True, slots=True)
class Sanity:
    """Mean rank correlation, per block, with the map of a network whose weights are in random order.

    `heads`: only those of the last step (the outputs); `all`: all of them. None where a map is the same everywhere.
    """

    heads: dict[str, float | None]
    all: dict[str, float | None]


def sanity(
    network: nn.Module, images: Tensor, targets: Sequence[Target], trained: Sequence[CamMaps], *, seed: int = 0
) -> list[Sanity]:
    """How alike the maps of `targets` are to those of `DRAWS` networks that know nothing."""
    found: dict[str, list[dict[str, float | None]]] = {}
    for part in ("heads", "all"):
        drawn = [grad_cams(shuffled(network, images, part=part, seed=seed + draw), images, targets) for draw in range(DRAWS)]
        found[part] = [
            {name: _mean([_alike(cam, one[index].get(name)) for one in drawn]) for name, cam in cams.items()}
            for index, cams in enumerate(trained)
        ]
    return [Sanity(heads, everything) for heads, everything in zip(found["heads"], found["all"], strict=True)]


def shuffled(network: nn.Module, images: Tensor, *, part: str, seed: int) -> nn.Module:
    """A copy with weights in random order: of the `heads` (the network's own last modules), or `all`.

    Where all are shuffled, batch norms take their statistics anew from the image, else nothing would come through.
    """
    copied = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(seed)
    shuffle = [one for name, one in blocks(copied) if _is_head(one)] if part == "heads" else [copied]
    with torch.no_grad():
        for module in shuffle or [blocks(copied)[-1][1]]:
            for weights in module.parameters():
                order = torch.randperm(weights.numel(), generator=generator)
                weights.copy_(weights.flatten()[order].view_as(weights))
        if part == "all":
            _measure_anew(copied, images)
    return copied.eval()


def _is_head(module: nn.Module) -> bool:
    """A single convolution or linear map that stands by itself in the network, or our own head of several types."""
    return isinstance(module, TypeHead) or (not list(module.children()) and bool(list(module.parameters())))


def _measure_anew(network: nn.Module, images: Tensor) -> None:
    norms = [one for one in network.modules() if isinstance(one, _BatchNorm)]
    network.eval()
    for one in norms:
        one.momentum = 1.0
        one.train()
    network(images)
    network.eval()


def _alike(one: NDArray[np.float32], other: NDArray[np.float32] | None) -> float | None:
    if other is None or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(spearmanr(one.ravel(), other.ravel()).statistic)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
