"""Model versions as networks ready to read; the last ones used stay warm in the process."""

from __future__ import annotations

import hashlib
import platform
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import torch

from backend.archive.store import get_object
from backend.learning.vocabulary import Vocabulary
from backend.registry.models import ModelState, ModelVersion
from workers import cnn
from workers.cnn.acquisition import ACQUISITIONS
from workers.cnn.candidates import Column
from workers.cnn.checkpoint import decode_snapshots, decode_weights, network_of
from workers.cnn.measures import Panel
from workers.cnn.model import NetConfig, UNet, Weights
from workers.cnn.predict import PredictedLesion, Predictions, find_lesions, predict
from workers.cnn.train import probe_precision
from workers.datasets import CaseImages


@dataclass(frozen=True, slots=True)
class LoadedVersion:
    """A model version ready to read."""

    network: UNet
    vocabulary: Vocabulary
    image_size: int
    precision: str

    def read(self, cases: Sequence[CaseImages]) -> list[tuple[Predictions, list[PredictedLesion]]]:
        """What the network says of each case: its outputs, and the lesions in the case's own pixels.

        The images of all cases go through the network together, which halves the cost of one image a case.
        """
        if not cases:
            return []
        images, content = np.concatenate([one.images for one in cases]), np.concatenate([one.content for one in cases])
        said = predict(self.network, images, content, precision=self.precision)
        ends = np.cumsum([len(one.images) for one in cases])[:-1]
        parts = (np.split(part, ends) for part in (said.types, said.findings, said.embedding))
        return [
            (Predictions(types, findings, embedding), find_lesions(types, letterbox=one.letterbox))
            for one, types, findings, embedding in zip(cases, *parts, strict=True)
        ]


KEPT: Final = 2
COMMITTEE: Final = 2
"""Beside the version that reads, so many of the newest versions that are kept are asked for their disagreement."""
INSTEAD: Final = "entropy"
_warm: OrderedDict[str, LoadedVersion] = OrderedDict()


def load_version(version: ModelVersion) -> LoadedVersion:
    """The version's network, from this process's memory where it is still warm."""
    key = version.weights_sha256
    if key not in _warm:
        config = NetConfig.from_dict(version.config["net"])
        _warm[key] = LoadedVersion(
            network=network_of(version_weights(version), config=config),
            vocabulary=Vocabulary.from_dict(version.finding_type_ids),
            image_size=version.config["image_size"],
            precision=machine_precision(),
        )
        while len(_warm) > KEPT:
            _warm.popitem(last=False)
    _warm.move_to_end(key)
    return _warm[key]


def version_weights(version: ModelVersion) -> Weights:
    """The stored weights, checked against their digest."""
    return decode_weights(get_object(version.weights_key), sha256=version.weights_sha256)


def usable_acquisition(version: ModelVersion, name: str) -> tuple[str, str]:
    """The function by which this version can choose, and where it is another than `name` a sentence why."""
    needs = ACQUISITIONS[name].needs
    if Column.SNAPSHOTS in needs and not version.config.get("snapshots"):
        return INSTEAD, f"Version {version.number} kept no weights from its training: chosen by {INSTEAD} instead."
    if Column.VERSIONS in needs and not _committee(version):
        return INSTEAD, f"No other version like version {version.number} is kept: chosen by {INSTEAD} instead."
    return name, ""


def load_panel(version: ModelVersion, needs: frozenset[Column]) -> Panel:
    """Those whose answers the columns need, and no others."""
    loaded = load_version(version)
    snapshots: list[UNet] = []
    if Column.SNAPSHOTS in needs:
        kept = version.config["snapshots"]
        weights = decode_snapshots(get_object(kept["key"]), sha256=kept["sha256"])
        snapshots = [network_of(one, config=loaded.network.config) for one in weights]
    others = _committee(version) if Column.VERSIONS in needs else []
    return Panel(
        loaded.network,
        snapshots=snapshots,
        versions=[load_version(one).network for one in others],
        mirrored=not version.project.laterality_matters,
        precision=loaded.precision,
    )


def _committee(version: ModelVersion) -> list[ModelVersion]:
    """The newest versions that are kept and answer the same question: same network, image size and finding types."""
    rows = ModelVersion.objects.filter(project=version.project_id, state=ModelState.KEPT).exclude(pk=version.pk)
    alike = [
        one
        for one in rows.select_related("project").order_by("-number")
        if one.config["net"] == version.config["net"]
        and one.config["image_size"] == version.config["image_size"]
        and one.finding_type_ids == version.finding_type_ids
    ]
    return alike[:COMMITTEE]


@cache
def machine_precision() -> str:
    """What this machine computes fastest in, measured once per process on a small batch."""
    return probe_precision(64, net=NetConfig(n_types=2, n_findings=3))


@cache
def code_version() -> str:
    """SHA-256 (12 digits) over the sources of `workers.cnn`: the same digits, the same learner."""
    digest = hashlib.sha256()
    for path in sorted(Path(cnn.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return f"cnn-{digest.hexdigest()[:12]}"


def training_environment() -> dict[str, str | int]:
    """What the numbers of a training depend on besides code, labels and seed: libraries, processor, threads."""
    return {
        "torch": torch.__version__,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
    }
