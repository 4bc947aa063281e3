"""A network as ONNX, with all that stands between the grid image and the probabilities inside the graph.

PyTorch's TorchScript exporter is taken, not the newer one: it needs no further package (the newer one needs onnxscript)
and a second instead of half a minute, and the network holds nothing but convolutions. Whether the graph says the same is
not trusted to either of them but checked with onnxruntime, on images.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workers.cnn.data import standardise
from workers.cnn.model import UNet
from workers.cnn.predict import Predictions, predict

OPSET: Final = 17
INPUTS: Final = ("images", "content")
WINDOW_INPUTS: Final = ("windows",)
OUTPUTS: Final = ("types", "findings", "embedding")
TOLERANCE: Final = 1e-4
"""Largest difference of a probability from PyTorch's (float32) that passes; of embeddings, relative to the largest value."""


class ExportRefused(RuntimeError):
    """The exported network does not say what the network says."""


class GridReader(nn.Module):
    """`predict` as one graph: uint8 images in the network grid and what they fill in, probabilities out."""

    def __init__(self, network: UNet, size: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("ramp", torch.arange(size))
        self.ramp: Tensor

    def forward(self, images: Tensor, content: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`images` uint8 [N, S, S] (2.5D: [N, C, S, S]), `content` int64 [N, 2] rows and columns filled; see `Predictions`
        for what comes out."""
        rows = self.ramp[None, :, None] < content[:, 0][:, None, None]
        columns = self.ramp[None, None, :] < content[:, 1][:, None, None]
        inside = (rows & columns)[:, None].float()
        planes = images if self.network.config.in_channels > 1 else images[:, None]
        said = self.network(standardise(planes.float() / 255, inside))
        shares = said.types.softmax(dim=1)
        background = torch.where(inside > 0, shares[:, 0:1], torch.ones_like(inside))
        return torch.cat([background, shares[:, 1:] * inside], dim=1), said.findings.sigmoid(), said.embedding


class WindowReader(nn.Module):
    """One step of `predict_windows`: standardised windows in, probabilities out. Windows are laid and blended outside."""

    def __init__(self, network: UNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`windows` float32 [N, 1, rows, columns], in 3D [N, 1, slices, rows, columns], of the network's patch."""
        said = self.network(windows)
        return said.types.softmax(dim=1), said.findings.sigmoid(), said.embedding


def input_names(network: UNet) -> tuple[str, ...]:
    """What the graph of a network takes: whole images and what they fill, or windows."""
    return WINDOW_INPUTS if network.config.patch else INPUTS


def export_onnx(network: UNet, *, size: int, about: Mapping[str, Any]) -> bytes:
    """The network as a checked ONNX file; `about` becomes the metadata, each value as JSON."""
    net = network.config
    names = input_names(network)
    reader: nn.Module
    example: tuple[Tensor, ...]
    if net.patch:
        reader, example = WindowReader(network).eval(), (torch.zeros(1, 1, *net.patch),)
    else:
        shape = (1, size, size) if net.in_channels == 1 else (1, net.in_channels, size, size)
        content = torch.full((1, 2), size, dtype=torch.int64)
        reader, example = GridReader(network, size).eval(), (torch.zeros(shape, dtype=torch.uint8), content)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # It warns that it is the older exporter, and of sizes that it takes as fixed, which they are.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            reader, example, buffer, dynamo=False,  # type: ignore[arg-type]  # a file object is fine for this exporter
            opset_version=OPSET, input_names=list(names), output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "images"} for name in (*names, *OUTPUTS)},
        )  # fmt: skip
    model = onnx.load_from_string(buffer.getvalue())
    model.producer_name = "overread"
    for name, value in about.items():
        model.metadata_props.add(key=name, value=json.dumps(value, sort_keys=True, ensure_ascii=False))
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def run_onnx(data: bytes, *inputs: NDArray[Any], batch: int = 8) -> Predictions:
    """What the ONNX file says, by onnxruntime on the CPU, of images and content, or of windows."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    parts = [
        session.run(list(OUTPUTS), {name: one[at : at + batch] for name, one in zip(names, inputs, strict=True)})
        for at in range(0, len(inputs[0]), batch)
    ]
    types, findings, embedding = (np.concatenate([part[index] for part in parts]) for index in range(3))
    return Predictions(types, findings, embedding)


def read_windows(network: UNet, windows: NDArray[np.float32]) -> Predictions:
    """What the network itself says of standardised windows, one by one."""
    reader = WindowReader(network).eval()
    with torch.inference_mode():
        parts = [[part.numpy() for part in reader(torch.from_numpy(one[None]))] for one in windows]
    types, findings, embedding = (np.concatenate([part[index] for part in parts]) for index in range(3))
    return Predictions(types, findings, embedding)


def largest_difference(data: bytes, network: UNet, *inputs: NDArray[Any], tolerance: float = TOLERANCE) -> float:
    """How far the ONNX file is from PyTorch on these images (or windows); ExportRefused beyond `tolerance`."""
    expected = read_windows(network, *inputs) if network.config.patch else predict(network, *inputs)
    told = run_onnx(data, *inputs)
    scale = max(1.0, float(np.abs(expected.embedding).max()))
    found = max(
        float(np.abs(told.types - expected.types).max()),
        float(np.abs(told.findings - expected.findings).max()),
        float(np.abs(told.embedding - expected.embedding).max()) / scale,
    )
    if not found <= tolerance:
        raise ExportRefused(f"The ONNX file differs from the network by {found:.2g} on {len(inputs[0])} images")
    return found
