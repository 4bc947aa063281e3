"""`manage.py create_token USER`: a bearer token for a program."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from backend.accounts.models import User
from backend.accounts.services import create_token


class Command(BaseCommand):
    """Print a new bearer token, once."""

    help = "Make a bearer token for USER and print it; only its hash is kept."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Whose token, how narrow, for how long."""
        parser.add_argument("username")
        parser.add_argument("--name", default="command line")
        parser.add_argument(
            "--scope", action="append", dest="scopes", help="repeatable, e.g. reading or case.read; default: all"
        )
        parser.add_argument("--days", type=int, help="expires after so many days; default: never")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it and print it."""
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']}.")
        expires_at = timezone.now() + timedelta(days=options["days"]) if options["days"] else None
        try:
            _, text = create_token(user=user, name=options["name"], scopes=options["scopes"] or ["*"], expires_at=expires_at)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(text)
