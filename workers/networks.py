"""Model versions as networks ready to read; the last ones used stay warm in the process."""

from __future__ import annotations

import hashlib
import platform
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import torch
from django.conf import settings
from numpy.typing import NDArray

from backend.archive.scratch import ScratchFolder
from backend.archive.store import get_object
from backend.config.supervisor import end_with_parent
from backend.learning.vocabulary import Vocabulary
from backend.registry.models import ModelState, ModelVersion
from workers import cnn
from workers.cnn.acquisition import ACQUISITIONS
from workers.cnn.candidates import Column
from workers.cnn.checkpoint import decode_snapshots, decode_weights, network_of
from workers.cnn.data import Samples
from workers.cnn.distributed import JointTraining
from workers.cnn.measures import Panel
from workers.cnn.model import NetConfig, UNet, Weights
from workers.cnn.patches import Volumes
from workers.cnn.plan import WIDE_CT, Pair, Plan
from workers.cnn.predict import PredictedLesion, Predictions, find_lesions, predict
from workers.cnn.self_training import SelfTraining, Unread
from workers.cnn.train import Recipe, Training, probe_precision
from workers.datasets import CaseImages


@dataclass(frozen=True, slots=True)
class LoadedVersion:
    """A model version ready to read."""

    network: UNet
    vocabulary: Vocabulary
    plan: Plan
    precision: str

    @property
    def image_size(self) -> int:
        """Rows and columns of the network grid."""
        return self.plan.size

    def inputs(self, loaded: CaseImages) -> NDArray[np.uint8]:
        """A case's frames as the network takes them."""
        return loaded.inputs(self.plan)

    def say(self, loaded: CaseImages) -> Predictions:
        """What the network says of one case."""
        return predict(
            self.network, self.inputs(loaded), loaded.content, precision=self.precision, depth=loaded.depth(self.plan)
        )

    def say_all(self, cases: Sequence[CaseImages]) -> list[Predictions]:
        """What the network says of each case.

        The images of all cases go through the network together, which halves the cost of one image a case; in 3D, series
        by series.
        """
        if not cases:
            return []
        if self.plan.is_volume:
            return [self.say(one) for one in cases]
        images, content = np.concatenate([self.inputs(one) for one in cases]), np.concatenate([one.content for one in cases])
        said = predict(self.network, images, content, precision=self.precision)
        ends = np.cumsum([len(one.images) for one in cases])[:-1]
        parts = (np.split(part, ends) for part in (said.types, said.findings, said.embedding))
        return [Predictions(types, findings, embedding) for types, findings, embedding in zip(*parts, strict=True)]

    def read(self, cases: Sequence[CaseImages]) -> list[tuple[Predictions, list[PredictedLesion]]]:
        """What the network says of each case: its outputs, and the lesions in the case's own pixels."""
        return [(said, lesions_in(one, said)) for one, said in zip(cases, self.say_all(cases), strict=True)]


def lesions_in(loaded: CaseImages, said: Predictions) -> list[PredictedLesion]:
    """The lesions of what a network says of a case, in the case's own pixels."""
    return find_lesions(said.types, letterbox=loaded.letterbox)


KEPT: Final = 2
COMMITTEE: Final = 2
"""Beside the version that reads, so many of the newest versions that are kept are asked for their disagreement."""
INSTEAD: Final = "entropy"
PRECISIONS: Final = ("float32", "bfloat16")
_warm: OrderedDict[str, LoadedVersion] = OrderedDict()


def load_version(version: ModelVersion) -> LoadedVersion:
    """The version's network, from this process's memory where it is still warm."""
    key = version.weights_sha256
    if key not in _warm:
        config = NetConfig.from_dict(version.config["net"])
        _warm[key] = LoadedVersion(
            network=network_of(version_weights(version), config=config),
            vocabulary=Vocabulary.from_dict(version.finding_type_ids),
            plan=version_plan(version),
            precision=machine_precision(config.dims),
        )
        while len(_warm) > KEPT:
            _warm.popitem(last=False)
    _warm.move_to_end(key)
    return _warm[key]


def version_plan(version: ModelVersion) -> Plan:
    """The plan of the version; those that were made before there were plans are 2D."""
    made = version.config.get("plan")
    return Plan.from_dict(made) if made else Plan.plain(version.config["image_size"])


def version_window(version: ModelVersion) -> Pair:
    """Center and width in HU of the window in which the version reads CT."""
    made = version.config.get("plan")
    return Plan.from_dict(made).window if made else WIDE_CT


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
    """The newest versions that are kept and answer the same question: same network, greys, image size and finding types."""
    rows = ModelVersion.objects.filter(project=version.project_id, state=ModelState.KEPT).exclude(pk=version.pk)
    alike = [
        one
        for one in rows.select_related("project").order_by("-number")
        if one.config["net"] == version.config["net"]
        and one.config["image_size"] == version.config["image_size"]
        and version_plan(one).frame_spacing == version_plan(version).frame_spacing
        and version_window(one) == version_window(version)
        and one.finding_type_ids == version.finding_type_ids
    ]
    return alike[:COMMITTEE]


@cache
def machine_precision(dims: int = 2) -> str:
    """What this machine computes fastest in, measured once per processor, version of torch and dimension."""
    place = settings.DATA_DIR / "cache" / f"precision-{dims}d-{_processor()}"
    if place.exists() and (known := place.read_text()) in PRECISIONS:
        return known
    found = _probed(dims)
    with suppress(OSError):  # A full disk costs the next process two seconds.
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(found)
    return found


def _probed(dims: int) -> str:
    if dims == 3:
        small = NetConfig(n_types=1, n_findings=2, widths=(8, 16), dims=3, norm="instance", patch=(4, 16, 16))
        return probe_precision(16, net=small, batch=1)
    return probe_precision(64, net=NetConfig(n_types=2, n_findings=3))


def _processor() -> str:
    """Digits that tell processors and versions of torch apart."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else [platform.processor(), platform.machine()]
    kept = sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))} or set(lines))
    return hashlib.sha256("\n".join([*kept, torch.__version__]).encode()).hexdigest()[:16]


@cache
def code_version() -> str:
    """SHA-256 (12 digits) over the sources of `workers.cnn`: the same digits, the same learner."""
    digest = hashlib.sha256()
    for path in sorted(Path(cnn.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return f"cnn-{digest.hexdigest()[:12]}"


def machine_processes() -> int:
    """How many processes make each step of a training from scratch: as the operator says, else one for each GPU."""
    return int(settings.TRAINING_PROCESSES) or max(1, torch.cuda.device_count())


def begin_training(
    samples: Samples | Volumes,
    *,
    net: NetConfig,
    recipe: Recipe,
    start: UNet | None,
    processes: int,
    unread: Unread | None = None,
    on_wait: Callable[[], None] = lambda: None,
) -> Training | SelfTraining:
    """The training before its first step, in this process or in several; `on_wait` is called while those are silent.

    With `unread` a teacher and a student, each from scratch, of images that are taken whole; ValueError for others.
    """
    if unread is None:
        return _begin(samples, net, recipe, start, processes, on_wait)
    if isinstance(samples, Volumes) or start is not None:
        raise ValueError("a student learns from scratch, from whole images")
    return SelfTraining(
        samples,
        unread,
        recipe=recipe,
        begin=lambda both, half: _begin(both, net, half, None, processes, on_wait),
        on_wait=on_wait,
    )


def _begin(
    samples: Samples | Volumes,
    net: NetConfig,
    recipe: Recipe,
    start: UNet | None,
    processes: int,
    on_wait: Callable[[], None],
) -> Training:
    if processes == 1:
        return Training(samples, net=net, recipe=recipe, start=start)
    return JointTraining(
        samples,
        net=net,
        recipe=recipe,
        start=start,
        processes=processes,
        make_folder=lambda: ScratchFolder("training-"),
        before_exec=end_with_parent,
        on_wait=on_wait,
    )


def training_environment(processes: int = 1) -> dict[str, str | int]:
    """What the numbers of a training depend on besides code, labels and seed: libraries, processor, processes, threads."""
    return {
        "processes": processes,
        "torch": torch.__version__,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
    }
