"""Folders of images with labels beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.archive.conftest import child, picture  # noqa: F401
from tests.dicom.conftest import as_file, make_dicom  # noqa: F401


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """A folder of noise pictures by name; a value of None makes a picture, bytes are written as they are."""

    def make(**files: bytes | None) -> Path:
        base = tmp_path / "given"
        for seed, (name, content) in enumerate(files.items()):
            path = base / name.replace("__", "/")
            path = path.with_name(path.name.replace("_png", ".png").replace("_csv", ".csv"))
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is not None:
                path.write_bytes(content)
                continue
            noise = np.random.default_rng(seed).integers(0, 256, (6, 6), dtype=np.uint8)
            Image.fromarray(noise).resize((48, 40)).save(path)
        return base

    return make


@pytest.fixture
def import_folder(db: None) -> Callable[..., str]:
    """Runs the import command on a path; gives what it printed."""
    from io import StringIO

    from django.core.management import call_command

    def run(path: Path, *options: str, project: str = "breast") -> str:
        out = StringIO()
        call_command("import_images", str(path), "--project", project, *options, stdout=out)
        return out.getvalue()

    return run
