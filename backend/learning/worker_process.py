"""Commands that run in a process of the workers: the back end itself never loads torch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "random_share": {"type": float, "help": "share of the random arm (default: the project's policy)"},
    "image_size": {"type": int, "help": "default: the project's policy"},
    "steps_scratch": {"type": int, "help": "steps of a training from scratch (default: the project's policy)"},
    "steps_warm": {"type": int, "help": "steps of further rounds (default: the project's policy)"},
}


class WorkerCommand(BaseCommand):
    """Hands its options to `python -m workers NAME`, where the same ones are known."""

    name: ClassVar[str]
    options: ClassVar[Mapping[str, Mapping[str, Any]]]
    overrides: ClassVar[Sequence[str]] = ("image_size", "steps_scratch")

    def add_arguments(self, parser: CommandParser) -> None:
        """The project, the command's own options, those that change the policy, and JSON."""
        parser.add_argument("--project", required=True, help="slug of the project")
        for name, settings in {**self.options, **{name: OPTIONS[name] for name in self.overrides}}.items():
            parser.add_argument(f"--{name.replace('_', '-')}", **settings)
        parser.add_argument("--json", action="store_true", help="JSON objects instead of sentences, one a line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it, and fail when it fails."""
        code = run_worker(self.name, {name: options[name] for name in ("project", *self.options, *self.overrides, "json")})
        if code:
            raise CommandError(f"{self.name} failed (exit code {code}).", returncode=code)


def run_worker(name: str, options: Mapping[str, object]) -> int:
    """`python -m workers NAME --option value …`; None and False are left out, True is a flag. The exit code."""
    command = [sys.executable, "-m", "workers", name]
    for option, value in options.items():
        if value is not None and value is not False:
            command += [f"--{option.replace('_', '-')}"] + ([] if value is True else [str(value)])
    # As the training worker: threads that wait busily for each other cost ten times the work on a busy machine.
    threads = {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 2) - 1))}
    return subprocess.run(command, check=False, env={**threads, **os.environ}).returncode
