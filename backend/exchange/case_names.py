"""Names of files and pictures, taken apart. Pure functions on text."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

_DOUBLE_SUFFIXES: Final = (".nii.gz", ".seg.nrrd", ".seg.nhdr")


def without_extension(path: str) -> str:
    """A path without its file's extension; `.nii.gz` is one, the last number of a UID is none."""
    for suffix in _DOUBLE_SUFFIXES:
        if path.lower().endswith(suffix):
            return path[: -len(suffix)]
    suffix = PurePosixPath(path).suffix
    return path[: -len(suffix)] if suffix and not suffix[1:].isdigit() else path


def tail_of(path: str) -> str:
    """What follows the last slash."""
    return path.rsplit("/", 1)[-1]
