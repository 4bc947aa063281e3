"""`manage.py compare_arms`: does choosing cases help in this project, in a process that may load torch."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backend.learning.worker_process import run_worker


class Command(BaseCommand):
    """Hands its options to `python -m workers.comparing`."""

    help = (
        "Train on cases that were chosen and on as many drawn at random, over several seeds, and compare on VALIDATION; "
        "nothing is written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The same options as `workers.comparing`."""
        parser.add_argument("--project", required=True, help="slug of the project")
        parser.add_argument("--seeds", type=int, default=5)
        parser.add_argument("--labels", type=int, help="readings of each arm (default: as many as the smaller arm has)")
        parser.add_argument("--image-size", type=int, help="default: the project's policy")
        parser.add_argument("--steps-scratch", type=int, help="steps of each training (default: the project's policy)")
        parser.add_argument("--json", action="store_true", help="JSON objects instead of sentences")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it, and fail when it fails."""
        names = ("project", "seeds", "labels", "image_size", "steps_scratch", "json")
        code = run_worker("workers.comparing", {name: options[name] for name in names})
        if code:
            raise CommandError(f"The comparison failed (exit code {code}).", returncode=code)
