"""The network: a small U-Net with three outputs, lesion type per pixel, findings per image, and an embedding.

One class for images (2D), for a slice with its neighbours as channels (2.5D) and for volumes (3D): what differs is in
`NetConfig`, which `plan.py` chooses. In 2D and 2.5D its encoder may be one that has learned to see from photographs
(`pretrained.py`). BatchNorm rather than InstanceNorm where the batch is large enough: with batches of 8
it trains as well and infers almost twice as fast on a CPU.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.cnn import pretrained

Weights = dict[str, Tensor]
Axes = tuple[int, ...]
ALWAYS = ("in_channels", "widths")
KIND_WIDTH: Final = 32
"""Maps from which the type of a lesion is told, where there are several types."""
KIND_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class NetConfig:
    """Shape of the network. `n_types`: lesion types without background; `n_findings`: outputs per image.

    `in_channels`: 1, or a slice and its neighbours (2.5D). `dims`: 3 where it convolves across slices. `strides`, one per
    level but the first, and `kernels`, one per level, are per axis (slices first): empty, all axes are halved and kernels
    are 3 wide. `norm`: "batch" or "instance". `patch`: the extent of the patches that it was trained on and reads by sliding
    window, per axis; empty where it takes the whole grid at once. `encoder`: "" for one of its own, else
    the name of one with learned weights: `widths` are the decoder's then, but for the last, which is that encoder's.
    """

    n_types: int
    n_findings: int
    in_channels: int = 1
    widths: tuple[int, ...] = (16, 32, 64, 128, 128)
    dims: int = 2
    strides: tuple[Axes, ...] = ()
    kernels: tuple[Axes, ...] = ()
    norm: str = "batch"
    patch: Axes = ()
    encoder: str = ""

    @property
    def skips(self) -> tuple[int, ...]:
        """Channels of the encoder's maps, per level; the last are the bottleneck's."""
        return (self.widths[0], *pretrained.WIDTHS) if self.encoder else self.widths

    @property
    def level_strides(self) -> tuple[Axes, ...]:
        """By how much each level but the first is smaller than the one above, per axis."""
        return self.strides or ((2,) * self.dims,) * (len(self.widths) - 1)

    @property
    def level_kernels(self) -> tuple[Axes, ...]:
        """How wide each level's convolutions are, per axis."""
        return self.kernels or ((3,) * self.dims,) * len(self.widths)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `NetConfig.from_dict` reads it back. What a plain 2D network leaves at its default is left out."""
        defaults = {one.name: one.default for one in fields(self) if one.default is not MISSING and one.name not in ALWAYS}
        return {name: _plain(value) for name, value in asdict(self).items() if defaults.get(name, MISSING) != value}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NetConfig:
        """The inverse of `as_dict`."""
        return cls(**{name: _tuples(value) for name, value in values.items()})


def _plain(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list | tuple) else value


class Outputs(NamedTuple):
    """Logits `types` [N, 1 + n_types, H, W] (3D: [N, 1 + n_types, D, H, W]), background first, `findings` [N, n_findings];
    `embedding` [N, widths[-1]]."""

    types: Tensor
    findings: Tensor
    embedding: Tensor


class Encoder(nn.ModuleList):
    """Two convolutions a level, each level on the maps of the one above, made smaller by the largest of its neighbours."""

    def __init__(self, config: NetConfig) -> None:
        befores = (config.in_channels, *config.widths)
        super().__init__(
            _block(before, after, kernel, config)
            for before, after, kernel in zip(befores, config.widths, config.level_kernels, strict=False)
        )
        self.strides = config.level_strides

    def forward(self, images: Tensor) -> list[Tensor]:
        """The maps of all levels, the largest first."""
        first, *others = self
        maps = [first(images)]
        for block, stride in zip(others, self.strides, strict=True):
            maps.append(block(_shrink(maps[-1], stride)))
        return maps


class PretrainedEncoder(nn.ModuleList):
    """Two convolutions on the image itself, so that outlines are as fine as it is; below, what photographs have taught."""

    def __init__(self, config: NetConfig) -> None:
        if config.encoder != pretrained.NAME or config.dims != 2 or config.widths[-1] != pretrained.WIDTHS[-1]:
            raise ValueError(
                f"there is no encoder {config.encoder!r} of {config.dims} dimensions and widths {config.widths}"
            )
        first = _block(config.in_channels, config.widths[0], config.level_kernels[0], config)
        super().__init__([first, *pretrained.levels(config.in_channels)])

    @property
    def learned(self) -> list[nn.Module]:
        """The levels that have learned before."""
        _, *levels = self
        return levels

    def forward(self, images: Tensor) -> list[Tensor]:
        """The maps of all levels, the largest first; each level makes those of the one above smaller by itself."""
        maps, x = [self[0](images)], images
        for level in self.learned:
            x = level(x)
            maps.append(x)
        return maps


class UNet(nn.Module):
    """An encoder whose levels are each smaller than the one above, and a decoder of `widths` with skip connections."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        widths, skips, kernels = config.widths, config.skips, config.level_kernels
        self.encoder = PretrainedEncoder(config) if config.encoder else Encoder(config)
        self.decoder = nn.ModuleList(
            [
                _block(deep + skip, width, kernel, config)
                for deep, skip, width, kernel in zip(
                    (skips[-1], *widths[-2:0:-1]), skips[-2::-1], widths[-2::-1], kernels[-2::-1], strict=True
                )
            ]
        )
        self.type_head: nn.Module = (
            TypeHead(config) if config.n_types > 1 else _CONVOLUTIONS[config.dims](widths[0], 1 + config.n_types, 1)
        )
        self.finding_head = nn.Linear(widths[-1], config.n_findings)

    @property
    def stride(self) -> int:
        """Rows and columns must be multiples of this."""
        return math.prod(stride[-1] for stride in self.config.level_strides)

    @property
    def frame_stride(self) -> int:
        """In 3D, slices must be a multiple of this."""
        return math.prod(stride[0] for stride in self.config.level_strides) if self.config.dims == 3 else 1

    def forward(self, images: Tensor) -> Outputs:
        """`images` [N, in_channels, H, W], in 3D [N, 1, D, H, W], standardised; see `data.standardise`."""
        strides = self.config.level_strides
        skips: list[Tensor] = self.encoder(images)
        x = skips[-1]
        embedding = x.amax(dim=tuple(range(2, x.ndim)))
        levels: list[Tensor] = []
        for block, skip, stride in zip(self.decoder, skips[-2::-1], strides[::-1], strict=True):
            x = block(torch.cat([_enlarge(x, stride), skip], dim=1))
            levels.append(x)
        types = self.type_head(levels) if isinstance(self.type_head, TypeHead) else self.type_head(x)
        return Outputs(types, self.finding_head(embedding), embedding)


class TypeHead(nn.Module):
    """Where lesion is, from the decoder's last maps; and of which of several types, from the maps of all its levels.

    Of what the types teach, only a tenth goes on into the network below: where all of it did, one that had seen few labels
    found less, because it learned by heart which image shows which type (docs/benchmarks.md, "A head for the types").
    """

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.strides = config.level_strides[-2::-1]
        convolution = _CONVOLUTIONS[config.dims]
        self.background = convolution(config.widths[0], 1, 1)
        self.lesion = convolution(config.widths[0], 1, 1)
        self.levels = nn.ModuleList([convolution(width, KIND_WIDTH, 1) for width in config.widths[-2::-1]])
        self.kind = convolution(KIND_WIDTH, config.n_types, 1)

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Logits of background and of each type [N, 1 + T, …] from the decoder's maps, the smallest first."""
        taught = [_held_back(one) for one in levels] if self.training else levels
        mixed = self.levels[0](taught[0])
        for level, one, stride in zip(self.levels[1:], taught[1:], self.strides, strict=True):
            mixed = level(one) + _enlarge(mixed, stride)
        kind = functional.log_softmax(self.kind(functional.relu(mixed)), dim=1)
        return torch.cat([self.background(levels[-1]), self.lesion(levels[-1]) + kind], dim=1)


_CONVOLUTIONS: dict[int, type[nn.Conv2d | nn.Conv3d]] = {2: nn.Conv2d, 3: nn.Conv3d}
_NORMS: dict[tuple[str, int], type[nn.Module]] = {
    ("batch", 2): nn.BatchNorm2d,
    ("batch", 3): nn.BatchNorm3d,
    ("instance", 2): nn.InstanceNorm2d,
    ("instance", 3): nn.InstanceNorm3d,
}


def _block(before: int, after: int, kernel: Axes, config: NetConfig) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (before, after):
        padding = tuple(one // 2 for one in kernel)
        # Running statistics only where the batch is large enough for them; InstanceNorm is the same in training and reading.
        norm = _NORMS[config.norm, config.dims](after, affine=True)
        convolve = _CONVOLUTIONS[config.dims](channels, after, kernel, padding=padding, bias=False)  # type: ignore[arg-type]
        layers += [convolve, norm, nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _held_back(x: Tensor) -> Tensor:
    """The same values, but only `KIND_SHARE` of the gradient comes through."""
    if not x.requires_grad:
        return x
    again = x.view_as(x)
    again.register_hook(lambda gradient: gradient * KIND_SHARE)  # type: ignore[no-untyped-call]
    return again


def _enlarge(x: Tensor, stride: Axes) -> Tensor:
    return functional.interpolate(x, scale_factor=tuple(float(one) for one in stride), mode="nearest")


def _shrink(x: Tensor, stride: Axes) -> Tensor:
    return functional.max_pool2d(x, stride) if len(stride) == 2 else functional.max_pool3d(x, stride)


def build_network(config: NetConfig, *, seed: int, learned: bool = True) -> UNet:
    """A fresh network; the seed decides every weight not learned before, and no other random number is disturbed.

    `learned`: False where even those are drawn, because others take their place or chance is asked for.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = UNet(config)
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        # Heads start near zero, so that what the network says at first is the prior in their biases.
        for head in _outputs(network.type_head):
            nn.init.normal_(head.weight, std=0.01)
        nn.init.normal_(network.finding_head.weight, std=0.01)
    if learned and isinstance(network.encoder, PretrainedEncoder):
        pretrained.load_imagenet(network.encoder.learned)
    return channels_last(network)


def learned_before(network: UNet) -> list[nn.Parameter]:
    """The weights that a fresh network of this shape has from elsewhere."""
    levels = network.encoder.learned if isinstance(network.encoder, PretrainedEncoder) else []
    return [one for level in levels for one in level.parameters()]


def channels_last(network: UNet) -> UNet:
    """The same network with its weights in the memory layout that convolutions on a CPU are fastest with."""
    layout = torch.channels_last if network.config.dims == 2 else torch.channels_last_3d
    network.to(memory_format=layout)  # type: ignore[call-overload]
    return network


def set_priors(network: UNet, *, type_shares: Sequence[float], finding_shares: Sequence[float]) -> None:
    """Bias the heads to the shares of the training set: without it, rare small lesions are first unlearned.

    `type_shares`: share of pixels per output, background first; `finding_shares`: share of images per finding.
    """
    floor = 1e-4
    with torch.no_grad():
        head = network.type_head
        if isinstance(head, TypeHead):
            lesion = sum(max(share, floor) for share in type_shares[1:])
            _bias(head.background)[0], _bias(head.lesion)[0] = math.log(max(type_shares[0], floor)), math.log(lesion)
            for index, share in enumerate(type_shares[1:]):
                _bias(head.kind)[index] = math.log(max(share, floor) / lesion)
        else:
            for index, share in enumerate(type_shares):
                _bias(head)[index] = math.log(max(share, floor))
        for index, share in enumerate(finding_shares):
            kept = min(max(share, 0.02), 0.98)
            network.finding_head.bias[index] = math.log(kept / (1 - kept))


def _outputs(head: nn.Module) -> Sequence[Any]:
    """The maps that speak in a type head, whether it is one or knows several types."""
    return (head.background, head.lesion, head.kind) if isinstance(head, TypeHead) else (head,)


def _bias(module: Any) -> Tensor:
    return module.bias  # type: ignore[no-any-return]


SHRINK: Final = 0.5
PERTURB: Final = 0.1


def shrink_and_perturb(network: UNet, *, seed: int) -> None:
    """Halve every weight and add a tenth of a fresh network's: what was learned is a start, not a rut (Ash and Adams 2020).

    Normalisation begins anew, as its statistics belong to the weights that were; so do the heads' biases (`set_priors`).
    """
    fresh = build_network(network.config, seed=seed, learned=False).state_dict()
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.ndim > 1:
                value.mul_(SHRINK).add_(fresh[name], alpha=PERTURB)
            else:
                value.copy_(fresh[name])


def transfer_weights(
    weights: Weights, *, network: UNet, old_types: Sequence[int], new_types: Sequence[int], old_findings: Sequence[str],
    new_findings: Sequence[str],
) -> None:  # fmt: skip
    """Warm start from an earlier version: the body is copied, the heads by name of output, so a vocabulary may grow.

    `old_types` and `new_types` are ids of lesion types in the order of the outputs (without background);
    the findings likewise. Raises ValueError when the bodies differ.
    """
    own = network.state_dict()
    heads = ("type_head.", "finding_head.")
    body = {name: value for name, value in weights.items() if not name.startswith(heads)}
    for name, value in body.items():
        if name not in own or own[name].shape != value.shape:
            raise ValueError(f"the earlier network has another shape at {name}")
    if "type_head.weight" in weights and len(old_types) > 1:
        raise ValueError("the earlier network tells several types by one map, as before they had a head of their own")
    body |= {name: value for name, value in own.items() if name.startswith(heads)}
    for row, key in enumerate(new_findings):
        if key in old_findings:
            for part in ("weight", "bias"):
                body[f"finding_head.{part}"][row] = weights[f"finding_head.{part}"][list(old_findings).index(key)]
    old, new = _TypeRows(weights, old_types), _TypeRows(body, new_types)
    new.take_from(old)
    network.load_state_dict(body)


@dataclass(frozen=True, slots=True)
class _TypeRows:
    """The rows of a type head's weights by what they stand for, whether it knows one lesion type or several."""

    weights: Weights
    types: Sequence[int]

    def row(self, key: int | str, part: str) -> Tensor | None:
        """Of "background", "lesion" or a type's id, the weights' own memory; None where they have no such row."""
        if f"type_head.{part}" in self.weights:
            names = ["background", *(("lesion",) if self.types else ())]
            return self.weights[f"type_head.{part}"][names.index(str(key))] if key in names else None
        if key in ("background", "lesion"):
            return self.weights[f"type_head.{key}.{part}"][0]
        return self.weights[f"type_head.kind.{part}"][list(self.types).index(int(key))] if key in self.types else None

    def take_from(self, old: _TypeRows) -> None:
        """Each row that both have, and how several types are told from each other where both know several."""
        keys: list[int | str] = ["background", "lesion", *self.types]
        for part in ("weight", "bias"):
            for key in keys:
                source, target = old.row(key, part), self.row(key, part)
                if source is not None and target is not None:
                    target.copy_(source)
        for name in self.weights:
            if name.startswith("type_head.levels.") and name in old.weights:
                self.weights[name] = old.weights[name]
