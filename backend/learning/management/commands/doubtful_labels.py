"""`manage.py doubtful_labels`: labelled cases to look at again, in a process that may load torch."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backend.learning.worker_process import run_worker


class Command(BaseCommand):
    """Hands its options to `python -m workers.doubting`."""

    help = "List the labels that networks which have not seen them believe least; nothing is written."

    def add_arguments(self, parser: CommandParser) -> None:
        """The same options as `workers.doubting`."""
        parser.add_argument("--project", required=True, help="slug of the project")
        parser.add_argument("--top", type=int, default=20, help="how many are listed")
        parser.add_argument("--folds", type=int, default=2, help="into how many parts the patients are parted")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--image-size", type=int, help="default: the project's policy")
        parser.add_argument("--steps-scratch", type=int, help="steps of each training (default: the project's policy)")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it, and fail when it fails."""
        names = ("project", "top", "folds", "seed", "image_size", "steps_scratch", "json")
        code = run_worker("workers.doubting", {name: options[name] for name in names})
        if code:
            raise CommandError(f"The labels could not be judged (exit code {code}).", returncode=code)
