"""Lets a version read one image and keeps what is inside: the document and the arrays of an inspection."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from backend.archive.store import get_object
from backend.geometry.rasterise import paste_mask
from backend.geometry.rle import blob_key, decode_mask
from backend.inspection.models import Inspection
from backend.inspection.selectors import region_of
from backend.inspection.services import store_inspection
from backend.jobs.services import Lease
from backend.learning.vocabulary import ANY_LESION
from backend.readings.models import Lesion, MarkKind
from workers.cnn.data import Letterbox, Mark, content_mask, lesion_pixels, shrink_target, standardise
from workers.cnn.inspect import Inside, Layer, look_inside, plane_of
from workers.cnn.predict import PredictedLesion, find_lesions
from workers.cnn.saliency import CamMaps, FindingTarget, LesionTarget, Sanity, Target, grad_cams, sanity
from workers.datasets import CaseImages, case_images
from workers.networks import LoadedVersion, load_version
from workers.reporting import Reporter

LESIONS: Final = 4
FINDINGS: Final = 4
LAYER_BYTES: Final = 1 << 20
MAPS: Final = (16, 64)
"""Of a block at least and at most so many feature maps are kept, the strongest; between them `LAYER_BYTES` decide."""
COARSEST: Final = 16
"""The saliency that is shown first is of the deepest block whose maps are at least so many values wide."""

Asked = tuple[dict[str, Any], Target]


class Arrays:
    """Arrays laid end to end; each is named by where it begins, its type and shape."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, values: NDArray[Any]) -> dict[str, Any]:
        """Append an array (little-endian, aligned to its values); how to find it again."""
        plain = np.ascontiguousarray(values)
        gap = -self._length % plain.itemsize
        data = plain.astype(plain.dtype.newbyteorder("<")).tobytes()
        where = {"offset": self._length + gap, "type": plain.dtype.name, "shape": list(plain.shape)}
        self._parts += [b"\0" * gap, data]
        self._length += gap + len(data)
        return where

    def add_scaled(self, values: NDArray[np.float32]) -> dict[str, Any]:
        """Append maps [n, rows, columns] as bytes, each from its own lowest to its own highest value."""
        low, high = values.min(axis=(1, 2)), values.max(axis=(1, 2))
        span = np.where(high > low, high - low, 1)[:, None, None]
        scaled = ((values - low[:, None, None]) / span * 255).round().astype(np.uint8)
        return {"array": self.add(scaled), "low": _numbers(low), "high": _numbers(high)}

    def packed(self) -> bytes:
        """All of it, compressed; the same bytes for the same arrays."""
        return gzip.compress(b"".join(self._parts), compresslevel=6, mtime=0)


def inspect_case(lease: Lease) -> None:
    """Look inside a version for one image, or for one lesion that a person marked there."""
    arguments = lease.job.arguments
    inspection = _wanted(arguments["inspection"])
    if inspection is None:  # Version or case are gone, or it was made meanwhile.
        return
    report, loaded = Reporter(lease), load_version(inspection.model_version)
    case = case_images(inspection.case, loaded.plan)
    report.check()
    arrays = Arrays()
    if "lesion" in arguments:
        lesion = Lesion.objects.select_related("instance").filter(pk=arguments["lesion"]).first()
        if lesion is None or region_of(lesion) != inspection.region:
            raise ValueError("The lesion was changed meanwhile")
        asked = [_asked_lesion(lesion, case, loaded, inspection.frame - 1)]
        document: dict[str, Any] = {"targets": _targets(asked, case, loaded, inspection.frame - 1, arrays)}
    else:
        document = _look(case, loaded, inspection, arrays)
    report.check()
    store_inspection(inspection=inspection, document=document, pictures=arrays.packed())


def _wanted(pk: int) -> Inspection | None:
    rows = Inspection.objects.filter(pk=pk, made_at__isnull=True).defer("pictures")
    return rows.select_related("model_version__project", "case__project", "case__series__study").first()


def _look(case: CaseImages, loaded: LoadedVersion, inspection: Inspection, arrays: Arrays) -> dict[str, Any]:
    index = inspection.frame - 1
    images = network_input(case, loaded, index)
    content = case.letterbox.content
    inside = look_inside(loaded.network, images, content=content)
    layers = [_layer(one, arrays) for one in inside.layers]
    asked = _asked_of_model(case, loaded, images, inspection.model_version.display_threshold)
    values = case.images[index][: content[0], : content[1]] / 255
    return {
        "input": {
            "size": loaded.image_size,
            "channels": int(images.shape[1]),
            "content": list(content),
            "image": [case.letterbox.rows, case.letterbox.columns],
            "mean": float(values.mean()),
            "deviation": float(max(values.std(), 1e-3)),
            "array": arrays.add(case.images[index]),
        },
        "parameters": inside.parameters,
        "layers": layers,
        "shown_first": _shown_first(inside),
        "targets": _targets(asked, case, loaded, index, arrays),
    }


def network_input(case: CaseImages, loaded: LoadedVersion, index: int) -> torch.Tensor:
    """One image as the network sees it, standardised [1, C, S, S]; more channels are the slices around it."""
    channels = loaded.network.config.in_channels
    around = np.clip(np.arange(channels) - channels // 2 + index, 0, len(case.images) - 1)
    planes = torch.from_numpy(case.images[around]).float()[:, None] / 255
    inside = content_mask(case.content[around], case.images.shape[-1])
    return standardise(planes, inside).transpose(0, 1).contiguous()


def _layer(layer: Layer, arrays: Arrays) -> dict[str, Any]:
    least, most = MAPS
    kept = layer.strongest[: max(least, min(most, LAYER_BYTES // max(1, layer.maps[0].size)))]
    return {
        "name": layer.name,
        "channels": len(layer.maps),
        "size": list(layer.maps.shape[1:]),
        "sees": list(layer.sees) if layer.sees else None,
        "spans": [[arrays.add(end.astype(np.int16)) for end in axis] for axis in layer.spans] if layer.spans else None,
        "steps": [{"function": step.function, "factor": list(step.factor)} for step in layer.steps],
        "maps": {
            "kept": kept.tolist(),
            "strengths": _numbers(layer.strengths[kept]),
            **arrays.add_scaled(layer.maps[kept]),
        },
        "filters": [
            {"module": one.module, "inputs": one.inputs, "array": arrays.add(one.weights), "norms": _numbers(one.norms)}
            for one in layer.filters
        ],
    }


def _shown_first(inside: Inside) -> str:
    """The block whose saliency is shown at first: deep enough to be about shapes, fine enough to say where."""
    depth = [min(layer.maps.shape[1:]) for layer in inside.layers]
    fine = [extent for extent in depth if extent >= COARSEST]
    wanted = min(fine) if fine else max(depth)
    return inside.layers[depth.index(wanted)].name


def _asked_of_model(case: CaseImages, loaded: LoadedVersion, images: torch.Tensor, threshold: float) -> list[Asked]:
    """The lesions that the version shows on the image, best first, and its answers about the whole image."""
    shares, scores = _answers(loaded, images, case.letterbox)
    found = find_lesions(shares[None], letterbox=case.letterbox)
    shown = [lesion for lesion in found if lesion.score >= threshold][:LESIONS]
    asked: list[Asked] = [
        (
            {"kind": "lesion", "finding_type": loaded.vocabulary.types[one.type_index - 1], "score": round(one.score, 4)},
            LesionTarget(one.type_index, _grid_mask(_whole(one, case.letterbox), case.letterbox)),
        )
        for one in shown
    ]
    for place, name in enumerate(loaded.vocabulary.outputs[:FINDINGS]):
        finding_type = None if name == ANY_LESION else int(name.partition(":")[2])
        about = {"kind": "finding", "finding_type": finding_type, "score": round(float(scores[place]), 4)}
        asked.append((about, FindingTarget(place)))
    return asked


def _answers(loaded: LoadedVersion, images: torch.Tensor, box: Letterbox) -> tuple[NDArray[Any], NDArray[Any]]:
    """Shares of background and types [1 + T, S, S], nothing but background outside the image, and scores per image [F]."""
    with torch.inference_mode():
        outputs = loaded.network(images)
    shares = plane_of(outputs.types.softmax(dim=1)).numpy()
    rows, columns = box.content
    shares[1:, rows:], shares[1:, :, columns:] = 0, 0
    shares[0, rows:], shares[0, :, columns:] = 1, 1
    return shares, outputs.findings[0].sigmoid().numpy()


def _asked_lesion(lesion: Lesion, case: CaseImages, loaded: LoadedVersion, index: int) -> Asked:
    box = case.letterbox
    if lesion.kind == MarkKind.MASK:
        mask = decode_mask(get_object(blob_key(lesion.mask_digest)), list(lesion.mask_shape or ()))
        origin = list(lesion.mask_origin or ())
        plane = paste_mask(mask=mask, origin=origin, frame=index, rows=box.rows, columns=box.columns)
    else:
        plane = lesion_pixels(Mark(lesion.kind, 1, points=lesion.points), box.rows, box.columns)
    place = loaded.vocabulary.type_index(lesion.finding_type_id)
    if place is None or not plane.any():
        raise ValueError("This version does not know the lesion's type, or the lesion is not on this image")
    about = {"kind": "marked", "finding_type": lesion.finding_type_id, "score": None}
    return about, LesionTarget(place, _grid_mask(plane, box))


def _whole(lesion: PredictedLesion, box: Letterbox) -> NDArray[np.bool_]:
    return paste_mask(mask=lesion.mask, origin=list(lesion.origin), frame=0, rows=box.rows, columns=box.columns)


def _grid_mask(plane: NDArray[np.bool_], box: Letterbox) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = shrink_target(plane.astype(np.uint8), size=box.size) == 1
    return mask


def _targets(
    asked: Sequence[Asked], case: CaseImages, loaded: LoadedVersion, index: int, arrays: Arrays
) -> list[dict[str, Any]]:
    """Saliency of each answer, and how much of it a network that learned nothing would show."""
    if not asked:
        return []
    images, targets = network_input(case, loaded, index), [target for _, target in asked]
    cams = grad_cams(loaded.network, images, targets)
    checks = sanity(loaded.network, images, targets, cams)
    return [
        about | _target(target, maps, check, arrays)
        for (about, target), maps, check in zip(asked, cams, checks, strict=True)
    ]


def _target(target: Target, maps: CamMaps, check: Sanity, arrays: Arrays) -> dict[str, Any]:
    return {
        "mask": arrays.add(target.mask.astype(np.uint8)) if isinstance(target, LesionTarget) else None,
        "maps": [
            {
                "layer": name,
                **arrays.add_scaled(cam[None]),
                "heads": _rounded(check.heads.get(name)),
                "all": _rounded(check.all.get(name)),
            }
            for name, cam in maps.items()
        ],
    }


def _numbers(values: NDArray[Any]) -> list[float]:
    return [float(f"{value:.5g}") for value in values]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
