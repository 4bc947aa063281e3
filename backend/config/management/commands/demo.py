"""`manage.py demo`: a project of synthetic radiographs and one of a synthetic CT, for a first walk through the product."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from backend.config.demonstration import make_demonstration


class Command(BaseCommand):
    """Make the demonstration projects where they are missing; the first administrator leads them."""

    help = "Make the synthetic demonstration projects (they are made once)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them and say so."""
        make_demonstration(say=self._say)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
