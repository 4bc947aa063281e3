"""One training on several GPUs (or processes): each draws batches of its own, gradients are averaged, rank 0 writes.

    torchrun --nproc-per-node=2 -m workers.cnn.distributed FOLDER

FOLDER holds `training.npz` (`write_folder`); rank 0 leaves a line of JSON a step in `progress.jsonl`, a checkpoint in
`checkpoint`, from which the next run goes on, and `weights.safetensors`, with its digest on standard output. Every process
starts from the same weights and steps by the same averaged gradients, so their weights stay the same. With n processes a
step sees n batches. Processes talk by NCCL on GPUs and by gloo on processors.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import distributed

from workers.cnn.checkpoint import decode_checkpoint, encode_checkpoint, encode_weights, network_of
from workers.cnn.data import Samples
from workers.cnn.model import NetConfig, UNet, Weights
from workers.cnn.patches import Volumes
from workers.cnn.train import Recipe, Training

CHECKPOINT_STEPS: Final = 50


def average_over_processes(network: UNet) -> None:
    """Gradients, and running statistics of BatchNorm, become the mean over all processes; in one message."""
    parts = [one.grad for one in network.parameters() if one.grad is not None]
    parts += [one for one in network.buffers() if one.dtype.is_floating_point]
    flat = torch.cat([one.reshape(-1) for one in parts])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for part, mean in zip(parts, torch.split(flat, [one.numel() for one in parts]), strict=True):
        part.copy_(mean.view_as(part))


def write_folder(
    folder: Path, samples: Samples | Volumes, *, net: NetConfig, recipe: Recipe, start: Weights | None = None
) -> None:
    """What the processes need, as one file without pickles."""
    about = {"net": net.as_dict(), "recipe": recipe.as_dict(), "patch": list(getattr(samples, "patch", ()))}
    arrays: dict[str, Any] = {name: getattr(samples, name) for name in ("content", "type_known", "findings")}
    if isinstance(samples, Volumes):
        about["depths"] = [len(one) for one in samples.images]
        arrays |= {"images": np.concatenate(samples.images), "targets": np.concatenate(samples.targets)}
    else:
        arrays |= {"images": samples.images, "targets": samples.targets}
    arrays |= {f"start.{name}": value.numpy() for name, value in (start or {}).items()}
    np.savez(folder / "training.npz", about=np.array(json.dumps(about)), **arrays)


def read_folder(folder: Path) -> tuple[Samples | Volumes, NetConfig, Recipe, Weights | None]:
    """The inverse of `write_folder`."""
    with np.load(folder / "training.npz", allow_pickle=False) as found:
        arrays = dict(found)
    about: Mapping[str, Any] = json.loads(str(arrays.pop("about")))
    start = {name[6:]: torch.from_numpy(value) for name, value in arrays.items() if name.startswith("start.")}
    given = {name: value for name, value in arrays.items() if not name.startswith("start.")}
    samples: Samples | Volumes = Samples(**given) if not about["patch"] else _volumes(given, about)
    return samples, NetConfig.from_dict(about["net"]), Recipe(**about["recipe"]), start or None


def _volumes(given: dict[str, Any], about: Mapping[str, Any]) -> Volumes:
    ends = np.cumsum(about["depths"])[:-1]
    images, targets = (np.split(given.pop(name), ends) for name in ("images", "targets"))
    return Volumes(images, targets, **given, patch=tuple(about["patch"]))


def train_together(folder: Path) -> str:
    """This process's part of the training; the SHA-256 of its weights, the same in every process."""
    rank, on_gpu = distributed.get_rank(), torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    samples, net, recipe, start = read_folder(folder)
    training = Training(
        samples,
        net=net,
        recipe=recipe,
        start=network_of(start, config=net) if start else None,
        rank=rank,
        share=average_over_processes,
    )
    _resume(training, folder)
    with (folder / "progress.jsonl").open("a" if rank == 0 else "r") as lines:
        for progress in training.run():
            if rank == 0:
                lines.write(json.dumps(dataclasses.asdict(progress)) + "\n")
                lines.flush()
            if progress.step % CHECKPOINT_STEPS == 0:
                _keep(training, folder)
    data, digest = encode_weights(training.weights(), config=net)
    if rank == 0:
        _write(folder / "weights.safetensors", data)
    return digest


def _resume(training: Training, folder: Path) -> None:
    """Go on from the checkpoint: rank 0's, with the random state that this process had."""
    kept = folder / "checkpoint"
    if kept.exists():
        state = decode_checkpoint(kept.read_bytes())
        training.restore({**state, "generator": state["generators"][distributed.get_rank()]})


def _keep(training: Training, folder: Path) -> None:
    state = training.state()
    generators = [torch.empty_like(state["generator"]) for _ in range(distributed.get_world_size())]
    if distributed.get_backend() == "nccl":
        gathered: list[Any] = [None] * len(generators)
        distributed.all_gather_object(gathered, state["generator"])
        generators = gathered
    else:
        distributed.all_gather(generators, state["generator"])
    if distributed.get_rank() == 0:
        _write(folder / "checkpoint", encode_checkpoint({**state, "generators": generators}))


def _write(place: Path, data: bytes) -> None:
    """Whole or not at all."""
    beside = place.with_suffix(".part")
    beside.write_bytes(data)
    os.replace(beside, place)


def main(arguments: list[str]) -> int:
    """The command line, as `torchrun` starts it in every process."""
    folder = Path(arguments[0])
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        if distributed.get_rank() == 0:
            (folder / "progress.jsonl").touch()
        distributed.barrier()
        digest = train_together(folder)
        sys.stdout.write(f"rank {distributed.get_rank()} weights {digest}\n")
    finally:
        distributed.destroy_process_group()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
