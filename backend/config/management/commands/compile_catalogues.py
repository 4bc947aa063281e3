"""`manage.py compile_catalogues`: the translations of the server's own pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from backend.config.catalogues import compile_messages, read_messages


class Command(BaseCommand):
    """Write each `.mo` beside its `.po`."""

    help = "Compile the .po files of backend/config/locale."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Compile all languages."""
        for folder in settings.LOCALE_PATHS:
            for source in Path(folder).rglob("*.po"):
                source.with_suffix(".mo").write_bytes(compile_messages(read_messages(source.read_text())))
                self.stdout.write(str(source.with_suffix(".mo")))
