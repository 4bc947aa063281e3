"""A decoding child for the archive's tests, and files to feed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.dicom.conftest import as_file, make_dicom  # noqa: F401


@pytest.fixture(scope="session")
def child() -> Iterator[object]:
    """One child for all tests: its start takes longer than they do."""
    from backend.archive.decode_child import DecodeChild

    with DecodeChild() as made:
        yield made


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """A PNG of noise; the same seed gives the same bytes."""

    def make(seed: int = 0, name: str = "") -> Path:
        path = tmp_path / (name or f"{seed}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(seed).integers(0, 256, (6, 6), dtype=np.uint8)
        Image.fromarray(values).resize((48, 40)).save(path)
        return path

    return make
