"""A general-purpose network of the type of Segment Anything, as two ONNX files that the operator brings; none comes with us.

Kirillov et al. 2023 (Segment Anything), in the shapes in which SAM and MobileSAM are exported. The encoder takes an image
1 × 3 × 1024 × 1024 (its longer side 1024, less `MEAN`, by `DEVIATION`, 0 at the right and below) and gives an embedding
1 × 256 × 64 × 64. The decoder takes `image_embeddings`, `point_coords` [1, N, 2] in pixels of the encoder's image,
`point_labels` [1, N], `mask_input`, `has_mask_input` and `orig_im_size`, and gives `masks` [1, M, rows, columns],
lesion where above 0, and `iou_predictions` [1, M].

It knows nothing of a project: neither its labels nor its finding types. Places are SCOORD, as in `prompts`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch.nn import functional

from workers.cnn.prompts import Floats, Outline, Prompt, cropped, touched

SIDE: Final = 1024
MASK_SIDE: Final = 256
EMBEDDING: Final = (1, 256, 64, 64)
MEAN: Final = (123.675, 116.28, 103.53)
DEVIATION: Final = (58.395, 57.12, 57.375)
BESIDE, ON_LESION, CORNER, OTHER_CORNER, PADDING = 0.0, 1.0, 2.0, 3.0, -1.0
"""Labels of points; where there is no box, a point of padding stands for it."""
DECODER_INPUTS: Final = (
    "image_embeddings",
    "point_coords",
    "point_labels",
    "mask_input",
    "has_mask_input",
    "orig_im_size",
)


class SamRefused(RuntimeError):
    """The files are not there, or are not an encoder and a decoder of this type; the message names the file."""


class Sam:
    """Encoder and decoder, loaded once; `sha256` says which files they are."""

    def __init__(self, encoder: Path, decoder: Path, *, threads: int = 1) -> None:
        self._encoder, encoder_digest = _loaded(encoder, threads)
        self._decoder, decoder_digest = _loaded(decoder, threads)
        self.sha256 = {"encoder": encoder_digest, "decoder": decoder_digest}
        inputs = self._encoder.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4:
            taken = ", ".join(f"{one.name} {one.shape}" for one in inputs)
            raise SamRefused(f"{encoder.name}: takes {taken}, not one image 1 x 3 x {SIDE} x {SIDE}")
        missing = set(DECODER_INPUTS) - {one.name for one in self._decoder.get_inputs()}
        if missing:
            raise SamRefused(f"{decoder.name}: is no decoder of this type, it lacks {', '.join(sorted(missing))}")
        if not {"masks", "iou_predictions"} <= {one.name for one in self._decoder.get_outputs()}:
            raise SamRefused(f"{decoder.name}: gives no masks with iou_predictions")

    def embed(self, image: NDArray[np.uint8]) -> Floats:
        """The embedding of an 8-bit image [rows, columns]: it costs much more than a click, and serves all of them."""
        said = self._run(self._encoder, None, {self._encoder.get_inputs()[0].name: encoder_image(image)})[0]
        if said.shape != EMBEDDING or not np.isfinite(said).all():
            raise SamRefused(
                f"the encoder gives {list(said.shape)}, or values that are no numbers, not an embedding of 256 maps"
            )
        return np.asarray(said, dtype=np.float32)

    def outline(self, embedding: Floats, prompt: Prompt, *, rows: int, columns: int) -> Outline | None:
        """What is pointed at in the image of so many rows and columns; None where it sees nothing there."""
        places, labels = decoder_points(prompt, SIDE / max(rows, columns))
        given = {
            "image_embeddings": embedding,
            "point_coords": places[None],
            "point_labels": labels[None],
            "mask_input": np.zeros((1, 1, MASK_SIDE, MASK_SIDE), np.float32),
            "has_mask_input": np.zeros(1, np.float32),
            "orig_im_size": np.array([rows, columns], np.float32),
        }
        masks, scores = self._run(self._decoder, ["masks", "iou_predictions"], given)
        if masks.shape[0] != 1 or masks.shape[2:] != (rows, columns) or scores.shape != masks.shape[:2]:
            raise SamRefused(f"the decoder gives masks {list(masks.shape)} for an image of {rows} x {columns}")
        best = masks[0, int(scores[0].argmax())] > 0
        return cropped(touched(best, prompt.on_lesion(1.0)))

    def _run(self, session: Any, outputs: list[str] | None, given: dict[str, Any]) -> list[NDArray[Any]]:
        try:
            return list(session.run(outputs, given))
        except Exception as error:  # onnxruntime's own exceptions have no common ancestor
            raise SamRefused(f"the network of the operator fails: {error}") from error


def encoder_image(image: NDArray[np.uint8]) -> Floats:
    """Grey as three equal colours, its longer side `SIDE`, normalised, at the top left of a black square."""
    rows, columns = image.shape
    size = [max(1, round(extent * SIDE / max(rows, columns))) for extent in (rows, columns)]
    grey = torch.from_numpy(np.ascontiguousarray(image)).float()[None, None]
    seen = functional.interpolate(grey, size=size, mode="bilinear", antialias=True, align_corners=False)[0, 0].numpy()
    laid = np.zeros((1, 3, SIDE, SIDE), np.float32)
    for channel, (mean, deviation) in enumerate(zip(MEAN, DEVIATION, strict=True)):
        laid[0, channel, : size[0], : size[1]] = (seen - mean) / deviation
    return laid


def decoder_points(prompt: Prompt, scale: float) -> tuple[Floats, Floats]:
    """Places [N, 2] in the encoder's pixels and their labels [N]; a stroke is three clicks, which is all it knows."""
    clicks = prompt.as_clicks()
    said = [(place, ON_LESION) for place in clicks.positive] + [(place, BESIDE) for place in clicks.negative]
    if clicks.box is not None:
        said += [(clicks.box[:2], CORNER), (clicks.box[2:], OTHER_CORNER)]
    places = [[column * scale, row * scale] for (column, row), _ in said]
    labels = [label for _, label in said]
    if clicks.box is None:
        places.append([0.0, 0.0])
        labels.append(PADDING)
    return np.array(places, dtype=np.float32), np.array(labels, dtype=np.float32)


def _loaded(path: Path, threads: int) -> tuple[Any, str]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SamRefused(f"{path}: cannot be read ({error.strerror})") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    try:
        # By its path, for weights may lie in files beside it.
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions have no common ancestor
        raise SamRefused(f"{path.name}: is no ONNX file that can be run: {error}") from error
    return session, hashlib.sha256(data).hexdigest()
