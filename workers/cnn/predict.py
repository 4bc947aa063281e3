"""From images to findings: probabilities, then connected lesions in the image's own pixels.

network = network_of(weights, config=config)
said = predict(network, images, content)
lesions = find_lesions(said.types, letterbox=Letterbox(rows, columns, size))
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from workers.cnn.data import Letterbox, content_mask, standardise, to_channels
from workers.cnn.model import UNet
from workers.cnn.windows import predict_windows

CERTAIN = 0.5
FAINT = 0.1
MIN_AREA = 3
MAX_LESIONS = 50


@dataclass(frozen=True, slots=True)
class Predictions:
    """float32 arrays: `types` [N, 1 + T, S, S] shares of background and each type, `findings` [N, F], `embedding` [N, E]."""

    types: NDArray[np.float32]
    findings: NDArray[np.float32]
    embedding: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PredictedLesion:
    """A connected lesion: `mask` cropped [frames, rows, columns] in the image's pixels, laid at `origin`.

    `type_index` is 1…; `score` the largest lesion probability in it, uncalibrated.
    """

    mask: NDArray[np.bool_]
    origin: tuple[int, int, int]
    type_index: int
    score: float


class BrokenModel(ValueError):
    """The network said something that is no number."""


def predict(
    network: UNet,
    images: NDArray[np.uint8],
    content: NDArray[np.int64],
    *,
    batch: int = 8,
    precision: str = "float32",
    depth: int | None = None,
) -> Predictions:
    """What the network says of images uint8 [N, S, S], 2.5D [N, C, S, S], in its grid; BrokenModel on NaN.

    A 3D network takes the images as the slices of one series, resampled to `depth` slices (None: as they are), and says
    of every slice what it is told, but findings and embedding [1, …] of the series as a whole.
    """
    if network.training:
        network.eval()
    with torch.inference_mode():
        if network.config.patch:
            said = predict_windows(network, images, content, precision=precision, depth=depth)
            types, findings, embedding = (part.cpu().numpy() for part in said)
        else:
            types, findings, embedding = _predict_batches(network, images, content, batch, precision)
    if not (np.isfinite(types).all() and np.isfinite(findings).all() and np.isfinite(embedding).all()):
        raise BrokenModel("The network's output is not finite")
    return Predictions(types, findings, embedding)


def _predict_batches(
    network: UNet, images: NDArray[np.uint8], content: NDArray[np.int64], batch: int, precision: str
) -> tuple[NDArray[np.float32], ...]:
    device = next(network.parameters()).device
    parts: list[tuple[NDArray[np.float32], ...]] = []
    for start in range(0, len(images), batch):
        inside = content_mask(content[start : start + batch], images.shape[-1])
        chunk = standardise(to_channels(images[start : start + batch]), inside).to(device)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            outputs = network(chunk)
        shares = outputs.types.float().softmax(dim=1).cpu()
        shares[:, 0:1] = torch.where(inside > 0, shares[:, 0:1], 1.0)
        shares[:, 1:] *= inside
        findings, embedding = outputs.findings.float().sigmoid().cpu(), outputs.embedding.float().cpu()
        parts.append((shares.numpy(), findings.numpy(), embedding.numpy()))
    return tuple(np.concatenate([part[index] for part in parts]) for index in range(3))


def find_lesions(types: NDArray[np.float32], *, letterbox: Letterbox) -> list[PredictedLesion]:
    """Lesions in frames of one image or series, from shares [frames, 1 + T, S, S]; slices in touch are one lesion.

    What is lesion with `CERTAIN` probability forms lesions of that outline. Elsewhere, what reaches `FAINT` forms
    fainter ones, outlined at half their peak: below the usual display threshold, but needed for FROC and for a
    reader who lowers the threshold.
    """
    lesion = 1 - types[:, 0]
    certain = _components(lesion >= CERTAIN)
    faint_labels = _components(lesion >= FAINT)
    taken = set(np.unique(faint_labels[certain > 0]).tolist())
    found = [_lift(lesion, types, certain == label, where, CERTAIN, letterbox) for label, where in _boxes(certain)]
    for label, where in _boxes(faint_labels):
        if label in taken:
            continue
        own = faint_labels == label
        level = float(lesion[where][own[where]].max()) / 2
        found.append(_lift(lesion, types, own, where, level, letterbox))
    return sorted((one for one in found if one is not None), key=lambda one: -one.score)[:MAX_LESIONS]


Where = tuple[slice, slice, slice]


def _components(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Connected components of [frames, rows, columns], corners included within a slice and straight across slices."""
    structure = np.zeros((3, 3, 3), dtype=bool)
    structure[1] = True
    structure[:, 1, 1] = True
    labels, _ = ndimage.label(mask, structure=structure)
    areas = np.bincount(labels.ravel())
    labels[areas[labels] < MIN_AREA] = 0
    return np.asarray(labels, dtype=np.int32)


def _boxes(labels: NDArray[np.int32]) -> list[tuple[int, Where]]:
    return [(label, where) for label, where in enumerate(ndimage.find_objects(labels), 1) if where is not None]


def _lift(
    lesion: NDArray[np.float32],
    types: NDArray[np.float32],
    own: NDArray[np.bool_],
    where: Where,
    level: float,
    letterbox: Letterbox,
) -> PredictedLesion | None:
    """One component from the network grid to the image's pixels; None where no pixel's centre is inside."""
    inside = own[where]
    score = float(lesion[where][inside].max())
    by_type = [float(types[where[0], index, where[1], where[2]][inside].sum()) for index in range(1, types.shape[1])]
    rows, columns = _native_span(where[1], 0, letterbox), _native_span(where[2], 1, letterbox)
    fine = np.stack([_enlarge(lesion[frame] * _halo(own[frame]), rows, columns, letterbox) for frame in _frames(where[0])])
    mask = fine >= level
    if not mask.any():
        return None
    corners = [(int(hit.min()), int(hit.max()) + 1) for hit in np.nonzero(mask)]
    cut = mask[tuple(slice(low, high) for low, high in corners)]
    origin = (where[0].start + corners[0][0], rows.start + corners[1][0], columns.start + corners[2][0])
    return PredictedLesion(np.ascontiguousarray(cut), origin, int(np.argmax(by_type)) + 1, score)


def _frames(span: slice) -> range:
    return range(span.start, span.stop)


def _halo(own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The component and the ring around it: interpolation needs the ring, other components must not lend to it."""
    return ndimage.binary_dilation(own, structure=np.ones((3, 3), dtype=bool))  # type: ignore[no-any-return]


def _native_span(span: slice, axis: int, letterbox: Letterbox) -> range:
    """Image rows (or columns) whose centres lie in the span of network pixels, one pixel wider on each side."""
    scale, extent = letterbox.scale[axis], (letterbox.rows, letterbox.columns)[axis]
    return range(max(0, int((span.start - 1) / scale)), min(extent, int(np.ceil((span.stop + 1) / scale))))


def _enlarge(plane: NDArray[np.float32], rows: range, columns: range, letterbox: Letterbox) -> NDArray[np.float32]:
    """`plane` of the network grid, interpolated linearly at the centres of the image's pixels `rows` × `columns`."""
    scale = letterbox.scale
    down = (np.asarray(rows) + 0.5) * scale[0] - 0.5
    across = (np.asarray(columns) + 0.5) * scale[1] - 0.5
    grid = np.meshgrid(down, across, indexing="ij")
    return ndimage.map_coordinates(plane, grid, order=1, mode="nearest")  # type: ignore[no-any-return]


def union_mask(lesions: list[PredictedLesion], *, shape: tuple[int, int, int], threshold: float) -> NDArray[np.bool_]:
    """All lesions of at least `threshold` laid into one array [frames, rows, columns]."""
    whole = np.zeros(shape, dtype=bool)
    for lesion in itertools.takewhile(lambda one: one.score >= threshold, sorted(lesions, key=lambda one: -one.score)):
        spans = tuple(slice(start, start + extent) for start, extent in zip(lesion.origin, lesion.mask.shape, strict=True))
        whole[spans] |= lesion.mask
    return whole
