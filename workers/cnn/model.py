"""The network: a small U-Net with three outputs, lesion type per pixel, findings per image, and an embedding.

BatchNorm rather than InstanceNorm: with batches of 8 it trains as well and infers almost twice as fast on a CPU.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

Weights = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class NetConfig:
    """Shape of the network. `n_types`: lesion types without background; `n_findings`: outputs per image."""

    n_types: int
    n_findings: int
    in_channels: int = 1
    widths: tuple[int, ...] = (16, 32, 64, 128, 128)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `NetConfig.from_dict` reads it back."""
        return {**asdict(self), "widths": list(self.widths)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NetConfig:
        """The inverse of `as_dict`."""
        return cls(**{**values, "widths": tuple(values["widths"])})


class Outputs(NamedTuple):
    """Logits `types` [N, 1 + n_types, H, W], background first, `findings` [N, n_findings]; `embedding` [N, widths[-1]]."""

    types: Tensor
    findings: Tensor
    embedding: Tensor


class UNet(nn.Module):
    """Encoder of `widths`, halving the image at each level, and a decoder of the same widths with skip connections."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        self.encoder = nn.ModuleList(
            [_block(before, after) for before, after in zip((config.in_channels, *widths), widths, strict=False)]
        )
        self.decoder = nn.ModuleList(
            [_block(deep + skip, skip) for deep, skip in zip(widths[:0:-1], widths[-2::-1], strict=True)]
        )
        self.type_head = nn.Conv2d(widths[0], 1 + config.n_types, 1)
        self.finding_head = nn.Linear(widths[-1], config.n_findings)

    @property
    def stride(self) -> int:
        """Rows and columns must be multiples of this."""
        return int(2 ** (len(self.encoder) - 1))

    def forward(self, images: Tensor) -> Outputs:
        """`images` [N, in_channels, H, W], standardised; see `data.standardise`."""
        skips: list[Tensor] = []
        x = images
        for level, block in enumerate(self.encoder):
            x = block(x if level == 0 else functional.max_pool2d(x, 2))
            skips.append(x)
        embedding = x.amax(dim=(2, 3))
        for block, skip in zip(self.decoder, skips[-2::-1], strict=True):
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(torch.cat([x, skip], dim=1))
        return Outputs(self.type_head(x), self.finding_head(embedding), embedding)


def _block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
        nn.Conv2d(after, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def build_network(config: NetConfig, *, seed: int) -> UNet:
    """A fresh network; the seed decides every weight, and no other random number is disturbed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = UNet(config)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        # Heads start near zero, so that what the network says at first is the prior in their biases.
        nn.init.normal_(network.type_head.weight, std=0.01)
        nn.init.normal_(network.finding_head.weight, std=0.01)
    return channels_last(network)


def channels_last(network: UNet) -> UNet:
    """The same network with its weights in the memory layout that convolutions on a CPU are fastest with."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def set_priors(network: UNet, *, type_shares: Sequence[float], finding_shares: Sequence[float]) -> None:
    """Bias the heads to the shares of the training set: without it, rare small lesions are first unlearned.

    `type_shares`: share of pixels per output, background first; `finding_shares`: share of images per finding.
    """
    floor = 1e-4
    with torch.no_grad():
        assert network.type_head.bias is not None
        for index, share in enumerate(type_shares):
            network.type_head.bias[index] = math.log(max(share, floor))
        for index, share in enumerate(finding_shares):
            kept = min(max(share, 0.02), 0.98)
            network.finding_head.bias[index] = math.log(kept / (1 - kept))


SHRINK: Final = 0.5
PERTURB: Final = 0.1


def shrink_and_perturb(network: UNet, *, seed: int) -> None:
    """Halve every weight and add a tenth of a fresh network's: what was learned is a start, not a rut (Ash and Adams 2020).

    Normalisation begins anew, as its statistics belong to the weights that were; so do the heads' biases (`set_priors`).
    """
    fresh = build_network(network.config, seed=seed).state_dict()
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
    body = {name: value for name, value in weights.items() if not name.startswith(("type_head", "finding_head"))}
    for name, value in body.items():
        if name not in own or own[name].shape != value.shape:
            raise ValueError(f"the earlier network has another shape at {name}")
    old_rows = {"background": 0, **{str(key): row for row, key in enumerate(old_types, 1)}}
    new_rows = {"background": 0, **{str(key): row for row, key in enumerate(new_types, 1)}}
    pairs = {
        "type_head": [(old_rows[key], row) for key, row in new_rows.items() if key in old_rows],
        "finding_head": [
            (list(old_findings).index(key), row) for row, key in enumerate(new_findings) if key in old_findings
        ],
    }
    for head, rows in pairs.items():
        for part in ("weight", "bias"):
            target = own[f"{head}.{part}"]
            for old, new in rows:
                target[new] = weights[f"{head}.{part}"][old]
            body[f"{head}.{part}"] = target
    network.load_state_dict(body)
