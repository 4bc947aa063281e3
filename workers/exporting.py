"""A version as ONNX with a sidecar that says how to use it: exported, checked on images, stored, or refused.

`python -m workers export_onnx --project SLUG --version N --out FOLDER`, or `manage.py export_onnx SLUG N --out FOLDER`; the
button on the model page does the same as a job.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch.nn import functional

from backend.accounts.models import User
from backend.archive.store import get_object, put_object
from backend.jobs.services import Lease
from backend.learning.vocabulary import Vocabulary
from backend.projects.models import Case, FindingType, Split
from backend.registry.models import ModelVersion
from backend.registry.services import record_onnx_export
from workers.cnn import predict as predicting
from workers.cnn.checkpoint import network_of
from workers.cnn.export import (
    INPUTS,
    OPSET,
    TOLERANCE,
    WINDOW_INPUTS,
    ExportRefused,
    export_onnx,
    largest_difference,
)
from workers.cnn.model import NetConfig, UNet
from workers.cnn.plan import Plan
from workers.cnn.windows import OVERLAP, standardised_volume
from workers.datasets import LUMA, CaseImages, UnreadableCase, case_images
from workers.networks import version_plan, version_weights
from workers.reporting import Reporter

CHECKED_CASES: Final = 8
CHECKED_FRAMES: Final = 32
FORMAT: Final = "overread-onnx-1"

Inputs = tuple[NDArray[Any], ...]
"""What the graph takes, in the order of its inputs, of the same length each."""


def export_version(version: ModelVersion, *, by: User | None, tell: Callable[[str], None]) -> dict[str, Any]:
    """Export, check and store a version; what is recorded of it. ExportRefused where the file says something else."""
    plan = version_plan(version)
    network = network_of(version_weights(version), config=NetConfig.from_dict(version.config["net"]))
    tell("exporting")
    about = _about(version, plan, network.config)
    data = export_onnx(network, size=plan.size, about={"overread": about})
    tell("checking")
    check = _checked(data, network, version, plan)
    digest = hashlib.sha256(data).hexdigest()
    sidecar = {**about, "onnx_sha256": digest, "check": check}
    text = json.dumps(sidecar, indent=2, ensure_ascii=False, sort_keys=True).encode()
    prefix = f"exports/{version.project_id}/models/{version.number}-{digest}"
    put_object(key=f"{prefix}.onnx", data=data)
    put_object(key=f"{prefix}.json", data=text)
    told = {"key": f"{prefix}.onnx", "sidecar_key": f"{prefix}.json", "sha256": digest, "bytes": len(data), **check}
    record_onnx_export(version=version, by=by, told=told)
    return told


def _checked(data: bytes, network: UNet, version: ModelVersion, plan: Plan) -> dict[str, Any]:
    """On images of the project, as many as can be had, and on noise; on windows of them where it takes windows."""
    real = _project_inputs(version, plan, network.config)
    noise = _noise_windows(network.config) if network.config.patch else _noise(plan.size, network.config)
    inputs = [np.concatenate(pair) for pair in zip(real, noise, strict=True)]
    return {
        "difference": largest_difference(data, network, *inputs),
        "tolerance": TOLERANCE,
        "images": len(real[0]),
        "noise_images": len(noise[0]),
        "precision": "float32",
        "onnxruntime": onnxruntime.__version__,
        "torch": torch.__version__,
    }


def _project_inputs(version: ModelVersion, plan: Plan, net: NetConfig) -> Inputs:
    rows = Case.objects.filter(project=version.project, split__in=(Split.POOL, Split.VALIDATION)).order_by("number")
    found: list[Inputs] = [_nothing(plan.size, net)]
    for case in rows.select_related("series")[:CHECKED_CASES]:
        with suppress(UnreadableCase):
            loaded = case_images(case, plan)
            found.append(_windows_of(loaded, plan, net) if net.patch else _some_images(loaded, plan))
    return tuple(np.concatenate(parts)[:CHECKED_FRAMES] for parts in zip(*found, strict=True))


def _nothing(size: int, net: NetConfig) -> Inputs:
    if net.patch:
        return (np.zeros((0, 1, *net.patch), np.float32),)
    shape = (0, size, size) if net.in_channels == 1 else (0, net.in_channels, size, size)
    return np.zeros(shape, np.uint8), np.zeros((0, 2), np.int64)


def _some_images(loaded: CaseImages, plan: Plan) -> Inputs:
    step = max(1, len(loaded.images) // 4)
    return loaded.inputs(plan)[::step], loaded.content[::step]


def _windows_of(loaded: CaseImages, plan: Plan, net: NetConfig) -> Inputs:
    """The first, the middle and the last window of a case, cut as `predict_windows` does."""
    images = loaded.images if net.dims == 3 else loaded.images[:1]
    volume, _ = standardised_volume(images, loaded.content[0], loaded.depth(plan) if net.dims == 3 else 1)
    whole = volume if net.dims == 3 else volume[0]
    missing = [max(0, patch - extent) for extent, patch in zip(whole.shape, net.patch, strict=True)]
    padded = functional.pad(whole, [side for one in missing[::-1] for side in (0, one)])
    cuts = []
    for share in (0.0, 0.5, 1.0):
        starts = [int((extent - patch) * share) for extent, patch in zip(padded.shape, net.patch, strict=True)]
        cuts.append(padded[tuple(slice(at, at + patch) for at, patch in zip(starts, net.patch, strict=True))].numpy())
    return (np.stack(cuts)[:, None].astype(np.float32),)


def _noise_windows(net: NetConfig) -> Inputs:
    generator = np.random.default_rng(0)
    return (generator.normal(0, 1, (2, 1, *net.patch)).astype(np.float32),)


def _noise(size: int, net: NetConfig) -> Inputs:
    """Noise, black and white, filling the grid wholly, in part, and one pixel of it."""
    generator = np.random.default_rng(0)
    content = np.array([[size, size], [size, size // 2], [size // 3, size], [1, 1], [size, size], [size, size]])
    images = generator.integers(0, 256, (len(content), net.in_channels, size, size)).astype(np.uint8)
    images[4], images[5] = 0, 255
    for image, (rows, columns) in zip(images, content, strict=True):
        image[:, rows:], image[:, :, columns:] = 0, 0
    return images if net.in_channels > 1 else images[:, 0], content.astype(np.int64)


def _about(version: ModelVersion, plan: Plan, net: NetConfig) -> dict[str, Any]:
    """All that somebody needs who has the file alone."""
    vocabulary = Vocabulary.from_dict(version.finding_type_ids)
    extent = list(net.patch) or [plan.size, plan.size]
    rows = {row.pk: row for row in FindingType.objects.filter(pk__in=[*vocabulary.types, *vocabulary.findings])}
    return {
        "format": FORMAT,
        "project": {"slug": version.project.slug, "name": version.project.name, "modality": version.project.modality},
        "version": version.number,
        "weights_sha256": version.weights_sha256,
        "snapshot_sha256": version.snapshot_hash,
        "code_version": version.code_version,
        "opset": OPSET,
        "inputs": _inputs(plan, net),
        "preprocessing": _preprocessing(plan, net),
        "outputs": {
            "types": {
                "type": "float32",
                "shape": ["N", 1 + len(vocabulary.types), *extent],
                "meaning": "share of background (0) and of each lesion type per pixel; outside of the image background",
            },
            "findings": {
                "type": "float32",
                "shape": ["N", len(vocabulary.outputs)],
                "meaning": "score per image, in the order of `finding_outputs`; of a series the highest slice's counts",
            },
            "embedding": {"type": "float32", "shape": ["N", version.config["net"]["widths"][-1]]},
        },
        "lesion_types": [{"channel": 1 + row, **_type(rows, pk)} for row, pk in enumerate(vocabulary.types)],
        "finding_outputs": [
            {"output": name, **(_type(rows, int(name.split(":")[1])) if ":" in name else {"name": "any lesion"})}
            for name in vocabulary.outputs
        ],
        "lesions_from_types": {
            "lesion": "1 - types[:, 0]",
            "certain": predicting.CERTAIN,
            "faint": predicting.FAINT,
            "least_area_pixels": predicting.MIN_AREA,
            "rule": "connected components (corners included) at `certain`; elsewhere at `faint`, outlined at half their "
            "peak; the score of a lesion is its largest lesion probability, its type the one with the largest sum",
        },
        "display_threshold": version.display_threshold,
        "calibration": version.calibration,
        "calibration_rule": "platt: 1 / (1 + exp(-(intercept + slope * logit(score)))); none: scores order, no more",
    }


def _inputs(plan: Plan, net: NetConfig) -> dict[str, Any]:
    if net.patch:
        meaning = "standardised windows" if net.dims == 2 else "standardised windows, slices first"
        return {WINDOW_INPUTS[0]: {"type": "float32", "shape": ["N", 1, *net.patch], "meaning": meaning}}
    shape, meaning = ["N", plan.size, plan.size], "grey images in the network grid"
    if net.in_channels > 1:
        shape, meaning = ["N", net.in_channels, plan.size, plan.size], "a slice in the middle of its neighbours"
    filled = "rows and columns of the grid that each image fills"
    return {
        INPUTS[0]: {"type": "uint8", "shape": shape, "meaning": meaning},
        INPUTS[1]: {"type": "int64", "shape": ["N", 2], "meaning": filled},
    }


def _preprocessing(plan: Plan, net: NetConfig) -> list[str]:
    """In order; what the graph does itself is said to be done."""
    size, (center, width) = plan.size, plan.window
    steps = [
        f"CT: window centre {center:g}, width {width:g} (LINEAR_EXACT) to 0..255; other modalities: "
        "modality LUT and the first VOI window or LUT of the header to 0..255, MONOCHROME1 inverted",
        f"colour to grey: {LUMA[0]:g} R + {LUMA[1]:g} G + {LUMA[2]:g} B",
        f"scale so that the longer side is {size} (bilinear, antialiased, corners not aligned), round to uint8",
        f"lay at the top left of a {size} x {size} grid of zeros (letterbox); `content` = rows and columns filled",
    ]
    if net.in_channels > 1:
        steps.append(
            f"channels: the slice and its neighbours in spatial order, {net.in_channels} in all; beyond the ends, and "
            "beyond a gap half as large again as is usual, the last slice before it is repeated"
        )
    standardised = "divide by 255, subtract the mean and divide by the deviation over the filled part (at least 0.001), "
    standardised += "zero outside"
    if not net.patch:
        return [*steps, f"done by the graph: {standardised}"]
    if net.dims == 3:
        steps.append(_depth_rule(plan))
    whole = "series" if net.dims == 3 else "image"
    return [
        *steps,
        f"over the whole {whole}: {standardised}",
        f"cut windows of {' x '.join(map(str, net.patch))}, each {OVERLAP:g} of its extent over the next, zeros where the "
        f"{whole} is smaller; add what is said of them, weighted by a Gaussian (deviation an eighth of the extent), and "
        "divide by the weights",
        f"findings of the {whole}: the highest of its windows; outside of the filled part all is background",
    ]


def _depth_rule(plan: Plan) -> str:
    if plan.frame_spacing is None:
        return "slices as they are"
    return (
        f"resample slices to {plan.frame_spacing:g} mm apart where they are not (linear, antialiased), at the same extent; "
        "what is said is brought back to every slice the same way"
    )


def _type(rows: dict[int, FindingType], pk: int) -> dict[str, Any]:
    row = rows.get(pk)
    if row is None:
        return {"id": pk, "name": None}
    code = {"scheme": row.code_scheme, "value": row.code_value, "meaning": row.code_meaning} if row.code_value else None
    return {"id": pk, "name": row.name, "code": code}


def run_export(lease: Lease) -> None:
    """The job behind the button."""
    version = ModelVersion.objects.select_related("project").get(pk=lease.job.arguments["version"])
    report = Reporter(lease)
    told = export_version(version, by=lease.job.requested_by, tell=lambda step: report.tell("export", step))
    lease.result.update(sha256=told["sha256"], difference=told["difference"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="export_onnx", description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--version", type=int, required=True)
    parser.add_argument("--out", type=Path, default=Path())
    return parser


def main(arguments: list[str]) -> int:
    """The command line: writes SLUG-vN.onnx and SLUG-vN.json into a folder; 1 with a sentence where it is refused."""
    options = _parser().parse_args(arguments)
    rows = ModelVersion.objects.filter(project__slug=options.project, number=options.version)
    version = rows.select_related("project").first()
    if version is None:
        sys.stderr.write(f"There is no version {options.version} of a project {options.project}.\n")
        return 1
    try:
        told = export_version(version, by=None, tell=lambda step: None)
    except (ExportRefused, FileNotFoundError) as error:
        sys.stderr.write(f"Refused: {error}.\n")
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    for ending, key in (("onnx", told["key"]), ("json", told["sidecar_key"])):
        place = options.out / f"{options.project}-v{options.version}.{ending}"
        place.write_bytes(get_object(key))
        sys.stdout.write(f"{place}\n")
    sys.stdout.write(
        f"On {told['images']} images of the project and {told['noise_images']} of noise it differs from the network by at "
        f"most {told['difference']:.1e} (allowed: {told['tolerance']:g}).\n"
    )
    return 0
