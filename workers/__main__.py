"""`python -m workers NAME --project SLUG …`: a command that loads torch, in a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.config.settings")
django.setup()

from workers import comparing, doubting, exporting, remaking, simulate  # noqa: E402

COMMANDS: Final[dict[str, Callable[[list[str]], int]]] = {
    "compare_arms": comparing.main,
    "doubtful_labels": doubting.main,
    "export_onnx": exporting.main,
    "remake_version": remaking.main,
    "simulate": simulate.main,
}

if __name__ == "__main__":
    sys.exit(COMMANDS[sys.argv[1]](sys.argv[2:]))
