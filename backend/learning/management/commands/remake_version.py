"""`manage.py remake_version`: a version made again from its lineage, in a process that may load torch."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backend.learning.worker_process import run_worker


class Command(BaseCommand):
    """Hands its options to `python -m workers remake_version`."""

    help = "Train a version again from its stored snapshot and recipe and say whether its weights are bit for bit the same."

    def add_arguments(self, parser: CommandParser) -> None:
        """The same options as `workers/remaking.py`."""
        parser.add_argument("project", help="slug of the project")
        parser.add_argument("number", type=int, help="number of the version")
        parser.add_argument("--chain", action="store_true", help="make the versions again that it started from, too")
        parser.add_argument("--json", action="store_true", help="one JSON object a version")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it, and fail when it fails."""
        told = {"project": options["project"], "version": options["number"]}
        code = run_worker("remake_version", {**told, "chain": options["chain"], "json": options["json"]})
        if code:
            reason = "did not come out identical" if code == 1 else "could not be made again"
            raise CommandError(f"The version {reason} (exit code {code}).", returncode=code)
