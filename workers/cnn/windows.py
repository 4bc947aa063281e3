"""A network that was trained on patches reads the whole image or series window by window.

Windows overlap by a quarter and are blended by a Gaussian, so that no window's rim is believed much (Isensee et al. 2021).
The windows are MONAI's.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from workers.cnn.data import content_mask, standardise_volume
from workers.cnn.model import Outputs, UNet

OVERLAP: Final = 0.25
WINDOWS_AT_ONCE: Final = 2
Said = tuple[Tensor, Tensor, Tensor]


@cache
def _inferers() -> Any:
    """MONAI's inferers: to load them takes 4 seconds and 150 MB, which workers of plain 2D projects are spared."""
    return importlib.import_module("monai.inferers")


def predict_windows(
    network: UNet, images: NDArray[np.uint8], content: NDArray[np.int64], *, precision: str, depth: int | None
) -> Said:
    """Shares [N, 1 + T, S, S], findings and embedding: [1, …] of a series that is read in 3D, else [N, …] of each image.

    `images` uint8 [N, S, S]; `content` [N, 2], of a series all alike.
    """
    if network.config.dims == 3:
        return _predict_volume(network, images, content[0], precision, depth or len(images))
    said = [_predict_volume(network, images[at : at + 1], content[at], precision, 1) for at in range(len(images))]
    types, findings, embedding = (torch.cat([one[index] for one in said]) for index in range(3))
    return types, findings, embedding


def _predict_volume(
    network: UNet, images: NDArray[np.uint8], content: NDArray[np.int64], precision: str, depth: int
) -> Said:
    device = next(network.parameters()).device
    volume, inside = standardised_volume(images, content, depth)
    findings: list[Tensor] = []
    embedding: list[Tensor] = []

    def read(windows: Tensor) -> Tensor:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            outputs: Outputs = network(windows)
        findings.append(outputs.findings.float().amax(dim=0))
        embedding.append(outputs.embedding.float().amax(dim=0))
        shares: Tensor = outputs.types.float().softmax(dim=1)
        return shares

    whole = volume[None, None] if network.config.dims == 3 else volume[None]
    inferer = _inferers().SlidingWindowInferer(
        roi_size=network.config.patch, sw_batch_size=WINDOWS_AT_ONCE, overlap=OVERLAP, mode="gaussian", sw_device=device,
        device=torch.device("cpu"),
    )  # fmt: skip
    shares: Tensor = inferer(whole, read)
    by_frame = shares[0].movedim(1, 0) if network.config.dims == 3 else shares
    types = resample_frames(by_frame.contiguous(), len(images))
    types[:, 0:1] = torch.where(inside > 0, types[:, 0:1], 1.0)
    types[:, 1:] *= inside
    strongest = torch.stack(findings).amax(dim=0).sigmoid()[None]
    return types, strongest, torch.stack(embedding).amax(dim=0)[None]


def standardised_volume(images: NDArray[np.uint8], content: NDArray[np.int64], depth: int) -> tuple[Tensor, Tensor]:
    """Slices uint8 [N, S, S] as the windows are cut from them, float [depth, S, S], and what they fill [S, S]."""
    frames = resample_frames(torch.from_numpy(images).float() / 255, depth)
    inside = content_mask(content[None], images.shape[-1])[0, 0]
    mean, deviation = standardise_volume(frames, inside)
    return (frames - mean) / deviation * inside, inside


def resample_frames(planes: Tensor, count: int) -> Tensor:
    """Float planes [frames, …] as `count` planes over the same extent, linearly, with what is between averaged.

    The very same planes where there are as many already: labels and lesions then keep their voxels exactly.
    """
    if len(planes) == count:
        return planes
    flat = planes.reshape(1, 1, len(planes), -1)
    sized = functional.interpolate(flat, size=(count, flat.shape[-1]), mode="bilinear", antialias=True, align_corners=False)
    return sized.reshape(count, *planes.shape[1:])
