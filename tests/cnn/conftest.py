"""A tiny set of images with bright discs: enough for a network of a few thousand weights to learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from workers.cnn.data import Samples
from workers.cnn.model import NetConfig


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def net() -> NetConfig:
    return NetConfig(n_types=2, n_findings=3, widths=(8, 8, 16))


def make_samples(n: int = 24, size: int = 32, seed: int = 0) -> Samples:
    """Discs of two kinds (bright: type 1, dark: type 2) on grey noise; every third image has none."""
    generator = np.random.default_rng(seed)
    images = generator.normal(120, 10, (n, size, size))
    targets = np.zeros((n, size, size), np.uint8)
    rows, columns = np.ogrid[:size, :size]
    for index in range(n):
        kind = index % 3
        if kind:
            row, column = generator.integers(8, size - 8, 2)
            inside = (rows - row) ** 2 + (columns - column) ** 2 <= 25
            images[index][inside] += 70 if kind == 1 else -70
            targets[index][inside] = kind
    findings = np.array([[t.any(), (t == 1).any(), (t == 2).any()] for t in targets]).astype(np.uint8)
    return Samples(
        images=images.clip(0, 255).astype(np.uint8),
        content=np.full((n, 2), size),
        targets=targets,
        type_known=np.ones((n, 2), bool),
        findings=findings,
    )


@pytest.fixture
def samples() -> Samples:
    return make_samples()
