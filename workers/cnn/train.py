"""The training loop: one object holds everything that moves, so a run can stop at any step and go on elsewhere.

    training = Training(samples, net=NetConfig(n_types=2, n_findings=3), recipe=Recipe(steps=600, seed=1))
    for progress in training.run():
        print(progress.step, progress.loss)
    weights = training.weights()

A run that was restored from `state()` makes the same numbers as one that was never stopped, bit for bit, on the same
machine with the same number of threads.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from workers.cnn.checkpoint import CheckpointCorrupt
from workers.cnn.data import IGNORED, UNKNOWN, Augmentation, Samples, draw_rows, make_batch
from workers.cnn.device import be_deterministic, compute_device
from workers.cnn.model import NetConfig, Outputs, UNet, Weights, build_network, learned_before, set_priors
from workers.cnn.patches import Volumes, make_patches

BATCH: Final = 8
SCRATCH_RATE: Final = 5e-3
WARM_RATE: Final = 3e-3
FAST_RATE: Final = 2e-4
"""For a few steps from weights that serve: a higher rate first spoils what it starts from, and ends before it is mended."""
PROBE_STEPS: Final = 5
HOPELESS: Final = 3.0
"""A processor that needs so many times as long in bfloat16 only emulates it: the probe asks no further."""
RANK_STRIDE: Final = 1_000_003
SNAPSHOT_SHARE: Final = 1 / 3
"""Snapshots of the weights are taken in this last part of the training, where the rate still moves them."""


class TrainingDiverged(RuntimeError):
    """The loss is no number any more: a broken model, which is never repaired silently."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train; `precision` is "float32" or "bfloat16" (see `probe_precision`).

    `learned_rate_share`: of the rate, for weights that were learned elsewhere (`pretrained.py`); as measured in
    docs/benchmarks.md, "An encoder that has learned before".
    """

    steps: int
    seed: int
    batch: int = BATCH
    rate: float = SCRATCH_RATE
    learned_rate_share: float = 0.2
    weight_decay: float = 1e-2
    warm_up_share: float = 0.1
    final_rate_share: float = 0.02
    clip: float = 5.0
    ema_decay: float = 0.99
    balanced_share: float = 0.6
    newest_share: float = 0.0
    finding_weight: float = 0.2
    flip: bool = True
    precision: str = "float32"
    snapshots: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Progress:
    """After a step: its number (1…), the loss of its batch, and the CPU seconds of the run so far."""

    step: int
    loss: float
    core_seconds: float


class Training:
    """Network, its running average (EMA), optimizer and random state of one run."""

    processes = 1
    """How many make each step (`distributed.JointTraining`)."""

    def __init__(
        self,
        samples: Samples | Volumes,
        *,
        net: NetConfig,
        recipe: Recipe,
        start: UNet | None = None,
        rank: int = 0,
        share: Callable[[UNet], None] | None = None,
    ) -> None:
        """`start` is a warm start: a network with the weights of an earlier version (see `model.transfer_weights`).

        Of several processes that train together (`distributed.py`) each draws its own batches by its `rank`, and `share`
        averages the gradients and running statistics of all.
        """
        if not len(samples):
            raise ValueError("there is no labelled image to train on")
        self.device = compute_device()
        be_deterministic(self.device)
        self.samples, self.recipe, self.share = samples, recipe, share
        self.network = start if start is not None else build_network(net, seed=recipe.seed)
        if start is None:
            set_priors(self.network, type_shares=samples.type_shares(), finding_shares=samples.finding_shares())
        self.network.to(self.device)
        self.ema: Weights = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.optimizer = torch.optim.AdamW(_groups(self.network, recipe), lr=recipe.rate, weight_decay=recipe.weight_decay)
        self.generator = torch.Generator().manual_seed(recipe.seed + rank * RANK_STRIDE)
        self.augmentation = Augmentation(flip=recipe.flip)
        self.snapshots: list[Weights] = []
        self.step = 0
        self.core_seconds = 0.0

    def run(self) -> Iterator[Progress]:
        """Train to the last step of the recipe; may be left at any step and called again."""
        self.network.train()
        while self.step < self.recipe.steps:
            yield self.advance()

    def advance(self) -> Progress:
        """One step: draw a batch, descend, update the average."""
        began = time.process_time()
        recipe = self.recipe
        rows = draw_rows(
            self.samples.presence,
            batch=recipe.batch,
            balanced_share=recipe.balanced_share,
            generator=self.generator,
            newest=self.samples.newest,
            newest_share=recipe.newest_share,
            image_of=self.samples.image_of,
        )
        images, targets, findings = self._batch(rows)
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.rate * rate_share(self.step, recipe) * group.get("share", 1.0)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            outputs = self.network(images)
        type_known = torch.from_numpy(self.samples.type_known[rows]).to(self.device)
        weight = recipe.finding_weight
        loss = total_loss(outputs, targets, type_known=type_known, findings=findings, finding_weight=weight)
        value = descend(loss, self.network, self.optimizer, step=self.step + 1, clip=recipe.clip, share=self.share)
        self.step += 1
        update_average(self.ema, self.network, step=self.step, decay=recipe.ema_decay)
        if self.step in snapshot_steps(recipe):
            self.snapshots.append({name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()})
        self.core_seconds += time.process_time() - began
        return Progress(step=self.step, loss=value, core_seconds=self.core_seconds)

    def _batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Images, targets and findings of the rows, where the network is."""
        if isinstance(self.samples, Volumes):
            made = tuple(make_patches(self.samples, rows, augmentation=self.augmentation, generator=self.generator))
        else:
            images, targets = make_batch(self.samples, rows, augmentation=self.augmentation, generator=self.generator)
            made = (images, targets, torch.from_numpy(self.samples.findings[rows]))
        images, targets, findings = (part.to(self.device) for part in made)
        return images, targets, findings

    def weights(self) -> Weights:
        """The averaged weights: what is evaluated, stored and served."""
        return {name: value.detach().cpu().clone() for name, value in self.ema.items()}

    def state(self) -> dict[str, Any]:
        """Everything that moves; the sampler has no state but the generator's."""
        return {
            "step": self.step,
            "core_seconds": self.core_seconds,
            "network": self.network.state_dict(),
            "ema": self.ema,
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "snapshots": self.snapshots,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken; CheckpointCorrupt where that was a teacher and a student."""
        if "network" not in state:
            raise CheckpointCorrupt("the checkpoint is of a teacher and a student")
        self.network.load_state_dict(state["network"])
        for name, value in state["ema"].items():
            self.ema[name].copy_(value)
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.snapshots = list(state.get("snapshots", []))
        self.step, self.core_seconds = int(state["step"]), float(state["core_seconds"])


def _groups(network: UNet, recipe: Recipe) -> list[dict[str, Any]]:
    """The weights by the share of the rate at which they move."""
    learned = learned_before(network)
    slow = {id(one) for one in learned}
    groups: list[dict[str, Any]] = [{"params": [one for one in network.parameters() if id(one) not in slow]}]
    return [*groups, {"params": learned, "share": recipe.learned_rate_share}] if learned else groups


def descend(
    loss: Tensor,
    network: UNet,
    optimizer: torch.optim.Optimizer,
    *,
    step: int,
    clip: float,
    share: Callable[[UNet], None] | None = None,
) -> float:
    """One step down the gradient, clipped at norm `clip`; the loss as a number. TrainingDiverged where it is none."""
    value = float(loss.detach())
    if not math.isfinite(value):
        raise TrainingDiverged(f"Training diverged: the loss at step {step} is {value}")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if share is not None:
        share(network)
    torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
    optimizer.step()
    return value


def update_average(average: Weights, network: UNet, *, step: int, decay: float) -> None:
    """Exponential moving average with warm-up: early steps weigh as a plain mean would."""
    decay = min(decay, (1 + step) / (10 + step))
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                average[name].lerp_(value, 1 - decay)
            else:
                average[name].copy_(value)


def snapshot_steps(recipe: Recipe) -> set[int]:
    """After which steps the weights themselves are kept, not their average: evenly over the last third, the last included.

    They stand for a posterior where one is asked for (BALD). The network has no dropout, and to switch one on at
    prediction that training has never seen would sample nothing that the labels decided (Gal and Ghahramani 2016).
    """
    span = recipe.steps * SNAPSHOT_SHARE
    return {max(1, round(recipe.steps - span * index / recipe.snapshots)) for index in range(recipe.snapshots)}


def rate_share(step: int, recipe: Recipe) -> float:
    """Share of the full learning rate at a step: linear warm-up, then a cosine down to `final_rate_share`."""
    warm_up = max(1, round(recipe.steps * recipe.warm_up_share))
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step - warm_up) / max(1, recipe.steps - warm_up)
    return recipe.final_rate_share + (1 - recipe.final_rate_share) * (1 + math.cos(math.pi * done)) / 2


def total_loss(outputs: Outputs, targets: Tensor, *, type_known: Tensor, findings: Tensor, finding_weight: float) -> Tensor:
    """Cross-entropy of background and types, plus soft Dice of the types, plus the image's findings."""
    logits = merge_unknown_types(outputs.types.float(), type_known)
    loss = pixel_loss(logits, targets) + dice_loss(logits, targets)
    return loss + finding_weight * finding_loss(outputs.findings.float(), findings)


def merge_unknown_types(logits: Tensor, type_known: Tensor) -> Tensor:
    """Where a reading does not know a type, that type counts as background (marginal loss, Shi et al. 2021).

    A reading that was made before a finding type existed says "unknown" for it, not "none": its background is the
    union of background and the types unknown to it, so the network is free to find such a lesion there.
    """
    if bool(type_known.all()):
        return logits
    over_pixels = (..., *(None,) * (logits.ndim - 2))
    unknown = torch.cat([torch.zeros_like(type_known[:, :1]), ~type_known], dim=1)[over_pixels]
    pooled = torch.cat([torch.ones_like(type_known[:, :1]), ~type_known], dim=1)[over_pixels]
    background = torch.logsumexp(logits.masked_fill(~pooled, -torch.inf), dim=1, keepdim=True)
    merged = logits.masked_fill(unknown, -1e4)
    return torch.cat([background, merged[:, 1:]], dim=1)


def pixel_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of the pixels that are not ignored; 0 when all are."""
    total = functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")
    return total / (targets != IGNORED).sum().clamp(min=1)


def dice_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """1 − soft Dice of each lesion type that an image shows, the mean over all such; 0 when there is none.

    Each image for itself: over a batch as one, its largest lesions decide, and small ones hardly count.
    """
    valid = (targets != IGNORED)[:, None]
    shares = logits.softmax(dim=1) * valid
    truth = functional.one_hot(targets.masked_fill(targets == IGNORED, 0), logits.shape[1]).movedim(-1, 1) * valid
    pixels = tuple(range(2, logits.ndim))
    overlap = (shares * truth).sum(dim=pixels)[:, 1:]
    size = (shares + truth).sum(dim=pixels)[:, 1:]
    shown = truth.sum(dim=pixels)[:, 1:] > 0
    if not bool(shown.any()):
        return logits.sum() * 0
    return (1 - (2 * overlap + 1) / (size + 1))[shown].mean()


def finding_loss(logits: Tensor, findings: Tensor) -> Tensor:
    """Mean binary cross-entropy of the known findings; 0 when none is known."""
    known = findings != UNKNOWN
    losses = functional.binary_cross_entropy_with_logits(logits, (findings == 1).float(), reduction="none")
    return (losses * known).sum() / known.sum().clamp(min=1)


def probe_precision(size: int, *, net: NetConfig, batch: int = 8) -> str:
    """ "bfloat16" where this machine trains faster so (GPUs that know it, processors with AMX), else "float32"; 2 seconds.

    A processor that is fast in 2D may be slow in 3D (without AMX, 3D convolutions in bfloat16 take 15 to 30 times as long
    as in float32): a network with `net.dims` 3 is asked about apart, on patches of `net.patch`, which is to be small.

    Measured in CPU time on one thread: on a busy machine threads that wait for each other would decide instead. The two
    take turns, so that a busy moment slows both.
    """
    if compute_device().type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    empty = _empty(size, net, batch)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        trainings = [
            Training(empty, net=net, recipe=Recipe(steps=PROBE_STEPS, seed=0, batch=batch, precision=precision))
            for precision in ("float32", "bfloat16")
        ]
        turns = [[_seconds(training) for training in trainings]]
        while len(turns) < PROBE_STEPS and turns[-1][1] < HOPELESS * turns[-1][0]:
            turns.append([_seconds(training) for training in trainings])
    finally:
        torch.set_num_threads(threads)
    whole, half = (min(turn[index] for turn in turns) for index in (0, 1))
    return "bfloat16" if half < 0.9 * whole else "float32"


def _empty(size: int, net: NetConfig, batch: int) -> Samples | Volumes:
    """A training set of black images."""
    known, findings = np.ones((batch, net.n_types), bool), np.zeros((batch, net.n_findings), np.uint8)
    content = np.full((batch, 2), size)
    if net.patch:
        volumes = [np.zeros((net.patch[0] if net.dims == 3 else 1, size, size), np.uint8)] * batch
        return Volumes(volumes, volumes, content, known, findings, net.patch)
    shape = (batch, size, size)
    images = np.zeros(shape if net.in_channels == 1 else (batch, net.in_channels, size, size), np.uint8)
    return Samples(images, content, np.zeros(shape, np.uint8), known, findings)


def _seconds(training: Training) -> float:
    before = training.core_seconds
    return training.advance().core_seconds - before
