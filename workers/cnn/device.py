"""On what this machine computes: its GPU where there is one, else its processors."""

from __future__ import annotations

import torch
from torch.utils import deterministic


def compute_device() -> torch.device:
    """The first GPU, or the processors; of several GPUs each process of `torchrun` gets its own."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device())


def be_deterministic(device: torch.device) -> None:
    """Refuse operations that round differently from run to run.

    On processors every one of ours is deterministic, so equal seeds make equal bits. On a GPU cross-entropy and pooling in
    3D have no such version: there a resumed run differs from an uninterrupted one by rounding.
    """
    # As use_deterministic_algorithms, which loads a compiler for 5 s.
    torch.set_deterministic_debug_mode("error" if device.type == "cpu" else "default")
    # Fresh memory would be filled with NaN, to show who reads what nobody wrote: a seventh of a step on a processor, and
    # no operation of ours does.
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # made at run time
