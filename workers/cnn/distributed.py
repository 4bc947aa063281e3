"""One training on several GPUs (or processes): each draws batches of its own, gradients are averaged, rank 0 writes.

    training = JointTraining(samples, net=net, recipe=Recipe(steps=600, seed=1), processes=2)
    for progress in training.run():
        print(progress.step, progress.loss)

starts `torchrun`; by hand it is started in a folder that `write_folder` has made:

    torchrun --nproc-per-node=2 -m workers.cnn.distributed FOLDER

FOLDER holds `training.npz`. Rank 0 leaves a line of JSON a step in `progress.jsonl`, now and then `checkpoint`, from
which the next run goes on, and at last `weights.safetensors`; every process tells the digest of its weights on standard
output, and one that fails leaves why in `error.json`. All start from the same weights and step by the same averaged
gradients, so their weights stay the same. With n processes a step sees n batches. They talk by NCCL where each has a GPU of
its own, else by gloo; they find each other by a file in FOLDER and listen on the loopback device alone, for what they say to
each other is neither signed nor secret. torchrun itself listens on every network unless it is started by
`torchrun_command` with `NO_SERVER`, as `JointTraining` does.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

import numpy as np
import torch
from torch import distributed

from workers.cnn.checkpoint import decode_checkpoint, encode_checkpoint, encode_weights, network_of
from workers.cnn.data import Samples
from workers.cnn.model import NetConfig, UNet, Weights
from workers.cnn.patches import Volumes
from workers.cnn.train import Progress, Recipe, Training, TrainingDiverged

CHECKPOINT_STEPS: Final = 50
NO_SERVER: Final = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
REPOSITORY: Final = Path(__file__).resolve().parents[2]
SECONDS_BETWEEN_LOOKS: Final = 0.1
SECONDS_TO_STOP: Final = 20.0


class ProcessesFailed(ConnectionError):
    """The processes ended before their training did; the message says why, as far as they told.

    As one who lost a connection may try again: killed processes go on from their checkpoint.
    """


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder among the temporary files of this machine."""
    with TemporaryDirectory(prefix="training-") as name:
        yield Path(name)


class JointTraining(Training):
    """A training whose steps are made by several processes on this machine; to its caller it is like any other.

    While it runs, `state()` is the last checkpoint of the processes, up to `CHECKPOINT_STEPS` behind `step`.
    """

    def __init__(
        self,
        samples: Samples | Volumes,
        *,
        net: NetConfig,
        recipe: Recipe,
        start: UNet | None = None,
        processes: int,
        make_folder: Callable[[], AbstractContextManager[Path]] = own_folder,
        before_exec: Callable[[], None] | None = None,
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        """The images are written into a folder by `make_folder`; `before_exec` is called in what becomes `torchrun`, and
        `on_wait` once a second in which nothing is told: what it raises ends the training.
        """
        super().__init__(samples, net=net, recipe=recipe, start=start)
        self.processes, self.make_folder, self.before_exec, self.on_wait = processes, make_folder, before_exec, on_wait
        self._warm = None if start is None else {name: value.cpu() for name, value in self.ema.items()}
        self._kept: Mapping[str, Any] | None = None
        self._folder: Path | None = None

    def run(self) -> Iterator[Progress]:
        """Train to the last step; whoever leaves early ends the processes. TrainingDiverged, or ProcessesFailed."""
        if self.step >= self.recipe.steps:
            return
        with self.make_folder() as folder:
            write_folder(folder, self.samples, net=self.network.config, recipe=self.recipe, start=self._warm)
            if self._kept is not None:
                _write(folder / "checkpoint", encode_checkpoint(self._kept))
            self._folder = folder
            try:
                yield from self._told(folder)
            finally:
                self._folder = None

    def _told(self, folder: Path) -> Iterator[Progress]:
        """What the processes tell; the last step once this object holds what they made."""
        last = None
        with (folder / "stderr").open("w+") as errors, _torchrun(folder, self, errors) as process:
            for progress in _progress(folder, process, self.on_wait):
                self.step, self.core_seconds, last = progress.step, progress.core_seconds, progress
                if progress.step < self.recipe.steps:
                    yield progress
            if process.returncode or last is None or last.step < self.recipe.steps:
                raise _failure(folder, process.returncode)
        self.restore(decode_checkpoint((folder / "checkpoint").read_bytes()))
        yield dataclasses.replace(last, core_seconds=self.core_seconds)

    def state(self) -> dict[str, Any]:
        """The last checkpoint; before there is one, the beginning."""
        if self._folder is not None:
            with suppress(FileNotFoundError):
                self._kept = decode_checkpoint((self._folder / "checkpoint").read_bytes())
        if self._kept is not None:
            return dict(self._kept)
        return {**super().state(), "step": 0, "core_seconds": 0.0}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken, with as many processes as then; ValueError with another number."""
        if (ranks := state.get("ranks")) is not None and len(ranks) != self.processes:
            raise ValueError(f"the checkpoint is of a training in {len(ranks)} processes, not in {self.processes}")
        super().restore(state)
        self._kept = state if ranks is not None else None


@contextmanager
def _torchrun(folder: Path, training: JointTraining, errors: IO[str]) -> Iterator[subprocess.Popen[bytes]]:
    """The processes of the training, which share this one's threads; they have ended when the block has."""
    threads = str(max(1, torch.get_num_threads() // training.processes))
    process = subprocess.Popen(
        torchrun_command(folder, training.processes),
        cwd=REPOSITORY,
        env={**os.environ, **NO_SERVER, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        preexec_fn=training.before_exec,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def torchrun_command(folder: Path, processes: int) -> list[str]:
    """`torchrun` for this folder, to be started with `NO_SERVER` in its environment.

    It meets itself in a file; its own way is a server on every network of the machine.
    """
    meeting = ["--rdzv-backend=c10d", f"--rdzv-endpoint={folder / 'rendezvous'}", "--rdzv-conf=store_type=file"]
    command = [sys.executable, "-m", "torch.distributed.run", *meeting, f"--nproc-per-node={processes}"]
    return [*command, "-m", "workers.cnn.distributed", str(folder)]


def _progress(folder: Path, process: subprocess.Popen[bytes], on_wait: Callable[[], None]) -> Iterator[Progress]:
    """The lines of `progress.jsonl` as they come, until the process has ended."""
    place, read, asked = folder / "progress.jsonl", 0, time.monotonic()
    while True:
        ended = process.poll() is not None
        if place.exists():
            with place.open("rb") as lines:
                lines.seek(read)
                whole, newline, _ = lines.read().rpartition(b"\n")
            read += len(whole) + len(newline)
            for line in whole.splitlines():
                yield Progress(**json.loads(line))
        if ended:
            return
        if time.monotonic() - asked > 1:
            on_wait()
            asked = time.monotonic()
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _failure(folder: Path, code: int | None) -> Exception:
    """Why the processes ended: what the first that failed has left, else the last thing said on standard error."""
    try:
        kind, why = json.loads((folder / "error.json").read_text())
    except FileNotFoundError:
        said = (folder / "stderr").read_text(errors="replace").splitlines()
        last = next((line.strip() for line in reversed(said) if any(map(str.isalpha, line))), "they said nothing")
        return ProcessesFailed(f"The training processes ended with code {code}: {last}")
    if kind == TrainingDiverged.__name__:
        return TrainingDiverged(why)
    return ProcessesFailed(f"A training process failed: {kind}: {why}")


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
    of_rows = ("content", "type_known", "findings", "newest", "image_of")
    arrays: dict[str, Any] = {name: getattr(samples, name) for name in of_rows}
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


def train_together(folder: Path, *, parent: int) -> str:
    """This process's part of the training; the SHA-256 of its weights, the same in every process."""
    rank, gpus = distributed.get_rank(), torch.cuda.device_count()
    if gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % gpus)
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
            # A torchrun that is killed cannot end those that it has started.
            if os.getppid() != parent:
                raise ProcessesFailed("torchrun is gone")
            if progress.step % CHECKPOINT_STEPS == 0 or progress.step == recipe.steps:
                _keep(training, folder)
            if rank == 0:
                of_all = progress.core_seconds * distributed.get_world_size()
                lines.write(json.dumps(dataclasses.asdict(dataclasses.replace(progress, core_seconds=of_all))) + "\n")
                lines.flush()
    data, digest = encode_weights(training.weights(), config=net)
    if rank == 0:
        _write(folder / "weights.safetensors", data)
    return digest


def _resume(training: Training, folder: Path) -> None:
    """Go on from the checkpoint: rank 0's, with the random state and the time that were this process's own."""
    kept = folder / "checkpoint"
    if kept.exists():
        state = decode_checkpoint(kept.read_bytes())
        training.restore({**state, **state["ranks"][distributed.get_rank()]})


def _keep(training: Training, folder: Path) -> None:
    """Write the checkpoint: the weights, the same in all, the time of all, and under "ranks" what is each one's own."""
    state = training.state()
    # As bytes: what the processes say to each other is no pickle.
    own = torch.cat([torch.tensor([state["core_seconds"]], dtype=torch.float64).view(torch.uint8), state["generator"]])
    told = [torch.empty_like(own).to(training.device) for _ in range(distributed.get_world_size())]
    distributed.all_gather(told, own.to(training.device))
    if distributed.get_rank() == 0:
        parts = [part.cpu() for part in told]
        seconds = [float(part[:8].clone().view(torch.float64)) for part in parts]
        ranks = [{"generator": part[8:].clone(), "core_seconds": one} for part, one in zip(parts, seconds, strict=True)]
        _write(folder / "checkpoint", encode_checkpoint({**state, "core_seconds": sum(seconds), "ranks": ranks}))


def _write(place: Path, data: bytes) -> None:
    """Whole or not at all."""
    beside = place.with_suffix(".part")
    beside.write_bytes(data)
    os.replace(beside, place)


def main(arguments: list[str]) -> int:
    """The command line, as `torchrun` starts it in every process."""
    folder, parent, rank, size = Path(arguments[0]), os.getppid(), int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if sys.platform == "linux":
        os.environ["GLOO_SOCKET_IFNAME"] = os.environ["NCCL_SOCKET_IFNAME"] = "lo"
    meeting = f"file://{(folder / f'processes-{parent}').resolve()}"
    distributed.init_process_group(
        "nccl" if torch.cuda.device_count() >= size else "gloo", init_method=meeting, rank=rank, world_size=size
    )
    try:
        if rank == 0:
            (folder / "progress.jsonl").touch()
        distributed.barrier()
        digest = train_together(folder, parent=parent)
        sys.stdout.write(f"rank {rank} weights {digest}\n")
    except Exception as error:
        own = folder / f"error-{rank}.json"
        own.write_text(json.dumps([type(error).__name__, str(error)]))
        # The first one's: the others fail by its end.
        with suppress(FileExistsError):
            os.link(own, folder / "error.json")
        raise
    finally:
        distributed.destroy_process_group()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
