"""`manage.py dicom_receiver`: takes images by C-STORE, in a process of its own."""

from __future__ import annotations

import argparse
import signal
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from backend.dimse.receiver import Receiver, limit_memory


class Command(BaseCommand):
    """Receive until told to stop."""

    help = "Receive DICOM images (C-STORE, C-ECHO) for the projects whose AE title is called."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Where to listen; the settings say so, too."""
        parser.add_argument("--host", default=settings.DICOM_HOST)
        parser.add_argument("--port", type=int, default=settings.DICOM_PORT, help="0: any free one")

    def handle(self, *args: Any, **options: Any) -> None:
        """Listen, print where, and stop at SIGTERM or Ctrl-C."""
        limit_memory(settings.DICOM_MEMORY_MB)
        try:
            receiver = Receiver(host=options["host"], port=options["port"])
        except OSError as error:
            raise CommandError(f"Cannot listen on {options['host']}:{options['port']}: {error.strerror}") from error

        def stop(number: int, frame: FrameType | None) -> None:
            receiver.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        receiver.start()
        self.stdout.write(f"Receiving DICOM on {options['host']}:{receiver.port}")
        self.stdout.flush()
        receiver.wait()
