"""`manage.py export_onnx`: a version as ONNX with its sidecar, by a process that may load torch."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backend.learning.worker_process import run_worker


class Command(BaseCommand):
    """Hands its options to `python -m workers export_onnx`."""

    help = "Write a model version as ONNX and a JSON file that says how to use it; refused if onnxruntime says otherwise."

    def add_arguments(self, parser: CommandParser) -> None:
        """The same options as `workers/exporting.py`."""
        parser.add_argument("project", help="slug of the project")
        parser.add_argument("number", type=int, help="number of the version")
        parser.add_argument("--out", default=".", help="folder for the two files")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it, and fail when it fails."""
        told = {"project": options["project"], "version": options["number"], "out": options["out"]}
        code = run_worker("export_onnx", told)
        if code:
            raise CommandError(f"The version was not exported (exit code {code}).", returncode=code)
