"""`manage.py simulate`: replay active learning on a labelled project, in a process that may load torch."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backend.learning.ranking import REASONS
from backend.learning.worker_process import run_worker


class Command(BaseCommand):
    """Hands its options to `python -m workers.simulate`: the back end itself never loads torch."""

    help = "Replay the learning loop on a fully labelled project with its readings as oracle; nothing is written."

    def add_arguments(self, parser: CommandParser) -> None:
        """The same options as `workers.simulate`."""
        parser.add_argument("--project", required=True, help="slug of the project")
        parser.add_argument("--acquisition", default="entropy", choices=sorted(REASONS))
        parser.add_argument("--start", type=int, default=16, help="labels of the first round, drawn at random")
        parser.add_argument("--batch", type=int, default=16, help="labels added in each further round")
        parser.add_argument("--rounds", type=int, default=4, help="rounds after the first")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--random-share", type=float, help="share of the random arm (default: the project's policy)")
        parser.add_argument("--image-size", type=int, help="default: the project's policy")
        parser.add_argument("--steps-scratch", type=int, help="steps of the first round (default: the project's policy)")
        parser.add_argument("--steps-warm", type=int, help="steps of further rounds (default: the project's policy)")
        parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it, and fail when it fails."""
        names = ["project", "acquisition", "start", "batch", "rounds", "seed"]
        names += ["random_share", "image_size", "steps_scratch", "steps_warm", "json"]
        code = run_worker("workers.simulate", {name: options[name] for name in names})
        if code:
            raise CommandError(f"The simulation failed (exit code {code}).", returncode=code)
