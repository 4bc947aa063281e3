"""`manage.py grant_reidentification USER --project SLUG [--revoke]`: who may look pseudonyms up."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from backend.projects.services import grant_reidentification


class Command(BaseCommand):
    """Grants the right to a lead, or takes it back. Only whoever runs the server can: no lead grants it to himself."""

    help = (
        "Let USER, a lead of the project, look pseudonyms up in its archive's table of identities; --revoke takes it back."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Who, where, and which way."""
        parser.add_argument("username")
        parser.add_argument("--project", required=True, help="slug of the project")
        parser.add_argument("--revoke", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the right and say so."""
        try:
            membership = grant_reidentification(
                slug=options["project"], username=options["username"], is_granted=not options["revoke"]
            )
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        may = "may" if membership.may_reidentify else "may no longer"
        self.stdout.write(f"{options['username']} {may} look pseudonyms up in {options['project']}.")
