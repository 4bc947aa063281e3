"""An encoder and a decoder with the signature of SAM's ONNX export and no learned weight: what is as bright as the place
that is pointed at, and bright places alone, without discs about the points beside it.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.cnn.sam import DECODER_INPUTS


class Encoder(nn.Module):
    """Brightness in blocks of 16 pixels, 256 times."""

    def forward(self, image: Tensor) -> Tensor:
        return functional.avg_pool2d(image[:, :1], 16).repeat(1, 256, 1, 1)


class Decoder(nn.Module):
    """The better of two masks is the region as bright as the first point; the other one is everything."""

    def forward(
        self, embeddings: Tensor, places: Tensor, labels: Tensor, earlier: Tensor, has_earlier: Tensor, size: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        bright = embeddings[:, 0]
        steps = torch.arange(64) * 16.0 + 8
        apart = (steps[None, None, :] - places[0, :, 0, None, None]) ** 2
        apart = (apart + (steps[None, :, None] - places[0, :, 1, None, None]) ** 2).sqrt()
        here = torch.exp(-apart[0] / 8)
        value = (bright[0] * here).sum() / here.sum()
        like = 1.55 - (bright - value).abs()
        beside = 4 * ((labels[0] == 0).float()[:, None, None] * (apart < 100)).sum(dim=0)
        low = torch.stack([torch.ones_like(like[0]), like[0] - beside])[None]
        low = low + earlier.mean() * has_earlier
        masks = functional.interpolate(low, size=(1024, 1024), mode="bilinear", align_corners=False)
        laid = torch.floor(1024 / size.max() * size + 0.5).to(torch.int64)
        masks = masks[..., : laid[0], : laid[1]]
        rows, columns = size.to(torch.int64)
        masks = functional.interpolate(masks, size=(rows, columns), mode="bilinear", align_corners=False)
        scores = torch.stack([labels.sum() * 0 + 0.2, labels.sum() * 0 + 0.9])[None]
        return masks, scores, low


def export_tiny_sam(folder: Path) -> tuple[Path, Path]:
    """Write both files; their paths."""
    encoder, decoder = folder / "encoder.onnx", folder / "decoder.onnx"
    given = (
        torch.zeros(1, 256, 64, 64), torch.zeros(1, 3, 2), torch.tensor([[1.0, 0.0, -1.0]]), torch.zeros(1, 1, 256, 256),
        torch.zeros(1), torch.tensor([300.0, 400.0]),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Encoder(), (torch.zeros(1, 3, 1024, 1024),), str(encoder), input_names=["images"],
            output_names=["image_embeddings"], opset_version=17, dynamo=False,
        )  # fmt: skip
        torch.onnx.export(
            Decoder(), given, str(decoder), input_names=list(DECODER_INPUTS),
            output_names=["masks", "iou_predictions", "low_res_masks"], opset_version=17, dynamo=False,
            dynamic_axes={"point_coords": {1: "points"}, "point_labels": {1: "points"}},
        )  # fmt: skip
    return encoder, decoder
