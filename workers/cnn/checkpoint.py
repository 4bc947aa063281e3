"""Weights and checkpoints as bytes that say themselves whether they are whole.

Weights travel as safetensors: no code can hide in them. A checkpoint also holds optimizer and random state, which
safetensors cannot express; it is read with `weights_only=True`, which admits tensors and plain containers alone.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from safetensors import torch as safetensors

from workers.cnn.device import compute_device
from workers.cnn.model import NetConfig, UNet, Weights, channels_last

_DIGEST = hashlib.sha256().digest_size


class CheckpointCorrupt(ValueError):
    """The bytes are not what was written."""


def encode_weights(weights: Weights, *, config: NetConfig, **about: Any) -> tuple[bytes, str]:
    """Weights with the network's configuration (and whatever else is JSON) in the header; the bytes and their SHA-256."""
    plain = {name: value.contiguous() for name, value in weights.items()}
    data = safetensors.save(plain, metadata={"overread": _text({**about, "config": config.as_dict()})})
    return data, hashlib.sha256(data).hexdigest()


def _text(values: Mapping[str, Any]) -> str:
    """JSON with sorted keys, under one key of the header (safetensors shuffles several): equal weights, equal digests."""
    return json.dumps(values, sort_keys=True)


def decode_weights(data: bytes, *, sha256: str) -> Weights:
    """The weights; CheckpointCorrupt when the digest is another."""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise CheckpointCorrupt("the weights do not have the digest that was recorded")
    return safetensors.load(data)


def encode_snapshots(snapshots: Sequence[Weights]) -> tuple[bytes, str]:
    """Several weights of one network as one file, each name with its number before it; the bytes and their SHA-256."""
    plain = {f"{index}.{name}": value.contiguous() for index, one in enumerate(snapshots) for name, value in one.items()}
    data = safetensors.save(plain)
    return data, hashlib.sha256(data).hexdigest()


def decode_snapshots(data: bytes, *, sha256: str) -> list[Weights]:
    """The inverse of `encode_snapshots`; CheckpointCorrupt when the digest is another."""
    found: dict[int, Weights] = {}
    for name, value in decode_weights(data, sha256=sha256).items():
        index, _, own = name.partition(".")
        found.setdefault(int(index), {})[own] = value
    return [found[index] for index in sorted(found)]


def network_of(weights: Weights, *, config: NetConfig) -> UNet:
    """A network with these weights, ready to predict where this machine computes; CheckpointCorrupt if of another."""
    network = UNet(config)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointCorrupt("the weights are of a network of another shape; train a new version") from error
    return channels_last(network).to(compute_device()).eval()


def encode_checkpoint(state: Mapping[str, Any]) -> bytes:
    """A training's state, led by its own SHA-256: a torn write is seen."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    body = buffer.getvalue()
    return hashlib.sha256(body).digest() + body


def decode_checkpoint(data: bytes) -> dict[str, Any]:
    """The state; CheckpointCorrupt when the bytes are torn."""
    body = data[_DIGEST:]
    if hashlib.sha256(body).digest() != data[:_DIGEST]:
        raise CheckpointCorrupt("the checkpoint is torn")
    state: dict[str, Any] = torch.load(io.BytesIO(body), weights_only=True, map_location="cpu")
    return state
