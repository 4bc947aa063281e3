"""Checkpoints of a round's trainings in the object store: kept, and gone on from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from backend.archive.store import get_object, put_object
from workers.cnn.checkpoint import CheckpointCorrupt, decode_checkpoint, encode_checkpoint
from workers.reporting import Reporter


class Resumable(Protocol):
    """A training that can stop at any step and go on elsewhere."""

    @property
    def step(self) -> int:
        """Steps made so far."""

    def state(self) -> dict[str, Any]:
        """Everything that moves."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken."""


def keep_checkpoint(training: Resumable, key: str) -> tuple[int, int]:
    """Store where the training is; the step that is kept, and how many bytes that took."""
    state = training.state()
    data = encode_checkpoint(state)
    put_object(key=key, data=data)
    return state["step"], len(data)


def resume_training(training: Resumable, key: str, report: Reporter, *, of: str = "") -> None:
    """Go on from the checkpoint, if there is one that can be read; the log says so, in a line that begins with `of`."""
    try:
        training.restore(decode_checkpoint(get_object(key)))
    except FileNotFoundError:
        return
    except CheckpointCorrupt as error:
        report.log(f"{of}from the beginning: {error}")
        return
    report.log(f"{of}resumed at step {training.step}")
